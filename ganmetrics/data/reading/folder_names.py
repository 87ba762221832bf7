"""What the names of sub-folders say: the classes of the images in them, or the pieces that one set was cut into."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

from ganmetrics.data.places.paths import shortened

SPLIT = re.compile(r"(train(ing)?|test(ing)?|val(id|idation)?|dev|eval)([-_ ]?([a-z]|\d+))?")
PIECE = re.compile(
    "(archive|batch|block|bucket|checkpoint|chunk|ckpt|cuda|device|dir|disk|epoch|fold|folder|gen|generated|gpu|host"
    "|images?|imgs?|iter|iteration|job|kimg|machine|node|out|output|part|piece|proc|process|rank|replica|round|run"
    "|samples?|section|seed|segment|set|shard|slice|split|step|subset|tar|task|thread|trial|version|volume|worker)"
    r"[-_ .]?([a-z]|\d.*)"
)
CLASS_WORD = re.compile(
    "age|c|cat|category|char|character|class|cls|cluster|digit|grade|id|identity|kind|label|letter|mode|n|number|obj"
    "|object|patient|person|sign|species|stage|style|subject|symbol|synset|type|user"
)
KIND_OF_PICTURES = re.compile(
    "reals?|fakes?|generated|samples|reference|original|images|masks|labels|annotations|depth|input|output|target|source"
)
# Chunks of images are numbered with so many digits at least, and hardly a set has 10,000 classes.
CHUNK_DIGITS = 5
PADDED_DIGITS = 3
# Sub-folders by the first characters of a hash.
HASH_DIGITS = 4
MANY_HASHES = 16

Parts = list[list[str]]


def why_no_classes(folders: list[str], parts: Parts) -> str:
    """What sub-folders are, if it is no classes; empty for classes.

    Parameters
    ----------
    folders : list of str
        Their names, of which there are at least two.
    parts : list of list of str
        The relative name of each image, cut at its slashes.
    """
    lowered = [folder.lower() for folder in folders]
    if all(map(SPLIT.fullmatch, lowered)):
        return "splits of a data set, not classes"
    if all(map(PIECE.fullmatch, lowered)):
        return "numbered parts, not classes"
    if _are_chunks(folders, parts):
        return "numbered chunks, not classes"
    if _are_first_characters(parts):
        return "the first characters of the names of their files, not classes"
    if _are_hashes(lowered) and len(folders) >= MANY_HASHES:
        return "taken for the first digits of hashes, not for classes"
    stems = _stems(lowered)
    words = set(re.findall("[^\\W\\d_]+", " ".join(stems)))
    is_of_words = any(stem[0].isdigit() for stem in stems) and bool(words)
    if len(stems) > 1 or stems == {"0"} or is_of_words or any(map(CLASS_WORD.fullmatch, words)):
        return ""
    what = "whose names differ by their numbers alone" if words else "of which each has a range or a date"
    return f"taken for pieces of one set, {what}, not for classes"


def doubt(folders: list[str], parts: Parts) -> str:
    """What speaks against sub-folders that are taken for classes; empty where nothing does."""
    lowered = [folder.lower() for folder in folders]
    if all(map(KIND_OF_PICTURES.fullmatch, lowered)):
        return "these are names of kinds of pictures"
    pieces = [folder for folder in folders if PIECE.fullmatch(folder.lower())]
    if pieces:
        return f"{shortened(pieces[0])} is named like a piece of a set"
    if _are_hashes(lowered):
        return "such names are also the first digits of hashes"
    if not _are_numbers(folders):
        return ""
    if _runs_on(parts):
        return "file numbers run on from one to the next as in numbered chunks"
    if min(map(len, folders)) >= CHUNK_DIGITS:
        return "such names are mostly those of numbered chunks"
    are_padded = len({len(folder) for folder in folders}) == 1 and any(folder.startswith("0") for folder in folders)
    return "such numbers are also those of chunks" if are_padded and len(folders[0]) >= PADDED_DIGITS else ""


def span(folders: list[str]) -> str:
    """The names in words, without those between the first and the last of many."""
    listed = [shortened(folder) for folder in sorted(folders, key=lambda name: (len(name), name))]
    return ", ".join(listed) if len(listed) <= 3 else f"{listed[0]} to {listed[-1]}"


def _stems(lowered: list[str]) -> set[str]:
    """The names with 0 in place of each number."""
    return {re.sub(r"\d+", "0", folder) for folder in lowered}


def _are_numbers(folders: Iterable[str]) -> bool:
    return all(folder.isascii() and folder.isdigit() for folder in folders)


def _are_hashes(lowered: list[str]) -> bool:
    """Whether all names are hexadecimal numbers of one length, and differ in letters as well as in digits."""
    whole = "".join(lowered)
    are_hexadecimal = len({len(folder) for folder in lowered}) == 1 and re.fullmatch("[0-9a-f]+", whole) is not None
    return are_hexadecimal and not whole.isalpha() and len(_stems(lowered)) > 1


def _are_first_characters(parts: Parts) -> bool:
    """Whether each file's name begins with those of its folders, which are short: of two levels, or of a hash."""
    for *folders, name in parts:
        is_short = max(map(len, folders)) <= (HASH_DIGITS if len(folders) == 1 else 2)
        if not is_short or not name.lower().startswith("".join(folders).lower()):
            return False
        is_hash = re.fullmatch("[0-9a-f]{8,}", posixpath.splitext(name)[0].lower()) is not None
        if len(folders) == 1 and (not is_hash or name.isdigit()):
            return False
    return True


def _are_chunks(folders: list[str], parts: Parts) -> bool:
    """Whether numbers stand for chunks: long ones that run on or hold equally many, or the first of each chunk's."""
    if not _are_numbers(folders):
        return False
    lengths = {len(folder) for folder in folders}
    if len(lengths) == 1 and min(lengths) >= CHUNK_DIGITS:
        return _runs_on(parts) or _are_equal(folders, parts)
    firsts = sorted(map(int, folders))
    steps = {after - before for before, after in pairwise(firsts)}
    if len(steps) != 1 or min(steps) < 2 or not _runs_on(parts):
        return False
    step = steps.pop()
    return all(int(part[0]) <= _number(part[-1]) < int(part[0]) + step for part in parts)


def _number(name: str) -> int:
    """The last number in a file's name, -1 where there is none."""
    found = re.findall(r"\d+", posixpath.splitext(name)[0])
    return int(found[-1]) if found else -1


def _runs_on(parts: Parts) -> bool:
    """Whether the last number in the files' names rises from sub-folder to sub-folder and never starts again."""
    numbers = defaultdict(list)
    for part in parts:
        number = _number(part[-1])
        if number < 0:
            return False
        numbers[int(part[0])].append(number)
    spans = [(min(numbers[folder]), max(numbers[folder])) for folder in sorted(numbers)]
    return len(spans) > 1 and all(before[1] < after[0] for before, after in pairwise(spans))


def _are_equal(folders: list[str], parts: Parts) -> bool:
    """Whether the numbers have equal steps, and all sub-folders but the last as many images, the last no more."""
    counts = Counter(part[0] for part in parts)
    *first, last = [counts[folder] for folder in folders]
    steps = {int(after) - int(before) for before, after in pairwise(folders)}
    return len(steps) == 1 and len(set(first)) == 1 and last <= first[0]
