"""Which class each image of a set is of: the one rule for folders, archives, lists of files and ``dataset.json``."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ganmetrics._files import shown
from ganmetrics.data.places.paths import shortened
from ganmetrics.data.reading.folder_names import doubt, span, why_no_classes
from ganmetrics.data.reading.unreadable import LabelError, Unreadable
from ganmetrics.data.source import Classes
from ganmetrics.errors import InputError

if TYPE_CHECKING:
    from ganmetrics.data.reading_choices import Reading

# StyleGAN's dataset tool writes the classes here.
DATASET_JSON = "dataset.json"
MAX_LABEL_BYTES = 256 << 20
OVERRIDE = 'If they are classes, pass `gm.Reading(classes="folders")`'
SEPARATE = "Give each class a sub-folder, or put StyleGAN's dataset.json beside the images"


def classes_of_files(names: Sequence[str], load: Callable[[str], bytes | None], reading: Reading) -> Classes:
    """The classes of image files.

    Parameters
    ----------
    names : sequence of str
        The files' relative names, with slashes, in the order of the images.
    load : callable
        The content of a file of a relative name; ``None`` where there is none. It may raise ``Unreadable``.
    reading : Reading
        Its ``classes`` say where they are found, its ``label_column`` which of several numbers is one.
    """
    rule = reading.classes
    if rule == "none":
        return Classes(None, "Reading.classes is none", "Leave out `classes`")
    if rule == "folders":
        return _by_folders(names, "", is_judged=False)
    root = _shared_folder(names)
    places = [root[: match.end()] for match in re.finditer("/", root)]
    for place in ("", *places):
        told = _by_dataset_json(names, place, load, reading.column)
        if told is not None:
            return told
    return _by_folders(names, root, is_judged=True)


class Pairs(list[tuple[str, Any]]):
    """An object of JSON with every key that it has, also one that stands there twice."""

    def one(self, key: str) -> Any:
        """The value of a key, ``None`` where there is none (LabelError for several)."""
        found = [value for name, value in self if name == key]
        if len(found) > 1:
            raise LabelError(f"the key '{key}' stands {len(found)} times, of which one alone can be meant")
        return found[0] if found else None


def class_text(label: Any) -> str:
    """A class as a printable name (LabelError for anything but a whole number or a text that says something)."""
    value = getattr(label, "item", lambda: label)()
    if not isinstance(value, (int, str)) or isinstance(value, bool) or not str(value).strip():
        found = "empty" if isinstance(value, str) else shown(str(value)[:80])
        raise LabelError(f"a class is {found}; expected whole numbers or names, one for each image")
    return shown(str(value).strip())


def image_name(name: str) -> str:
    """An image's name as labels and sources have it, however its path is spelled."""
    return posixpath.normpath(shown(name.strip()).replace("\\", "/"))


def classes_by_name(rows: Iterable[tuple[str, str]], where: str) -> dict[str, str]:
    """The class of each image's name, of which none may stand with two classes (InputError)."""
    found: dict[str, str] = {}
    for given, label in rows:
        name = image_name(given)
        if found.setdefault(name, label) != label:
            what = f"'{shortened(name)}' is named twice, with the classes {found[name]} and {label}"
            raise InputError(what, where=where, hint="Leave one line for each image", code="E-LABELS")
    return found


def _by_dataset_json(
    names: Sequence[str], place: str, load: Callable[[str], bytes | None], column: str
) -> Classes | None:
    """What ``dataset.json`` in a place says; ``None`` where there is none, or none that speaks of labels."""
    where = place + DATASET_JSON
    try:
        content = load(where)
        found = None if content is None else json.loads(content, object_pairs_hook=Pairs)
        labels = found.one("labels") if isinstance(found, Pairs) else None
        return None if labels is None else _by_rows(labels, names, place, column)
    except Unreadable as error:
        why = f"{where} {error}"
    except InputError as error:
        why = f"in {where} {error.what}"
    except _NotOneClassError:
        from ganmetrics.data.reading.label_columns import CHOOSE

        return Classes(
            None, f"{where} gives several numbers for an image, not one class", f"{CHOOSE}. {OVERRIDE}", True
        )
    except json.JSONDecodeError:
        why = f"{where} is no JSON"
    except (ValueError, TypeError, RecursionError) as error:
        told = f": {error}" if isinstance(error, LabelError) else ""
        why = f"{where} is of another form than StyleGAN's, [[name, class], …] under labels{told}"
    return Classes(None, why, f"Repair or remove it. {OVERRIDE}", True)


class _NotOneClassError(Exception):
    """An image has several numbers in ``dataset.json``: a camera's pose, or several labels."""


def _by_rows(labels: Any, names: Sequence[str], place: str, column: str) -> Classes:
    """The classes of rows of a name and a class, of which every image must have one."""
    rows = [(str(name), label) for name, label in labels]
    if any(isinstance(label, list) for _, label in rows):
        if not column or not all(isinstance(label, list) for _, label in rows):
            raise _NotOneClassError
        # Imported here, since few sets have several labels of an image.
        from ganmetrics.data.reading.label_columns import picked

        values = picked([label for _, label in rows], column, (), "its labels")
        rows = [(name, value) for (name, _), value in zip(rows, values, strict=True)]
    known = classes_by_name(((name, class_text(label)) for name, label in rows), place)
    told = [image_name(name[len(place) :]) for name in names]
    missing = [name for name, each in zip(names, told, strict=True) if each not in known]
    if missing:
        what = f"no class is given for {len(missing)} of {len(names)} images, such as {shortened(missing[0])}"
        raise InputError(what)
    return Classes([known[name] for name in told])


def _shared_folder(names: Sequence[str]) -> str:
    """The deepest folder that holds all images, with a slash behind it; empty where that is the root."""
    shared = posixpath.commonpath([posixpath.dirname(min(names)), posixpath.dirname(max(names))])
    return f"{shared}/" if shared else ""


def _by_folders(names: Sequence[str], root: str, *, is_judged: bool) -> Classes:
    """The first sub-folder of each image below a root, unless its names are judged to be no classes."""
    parts = [name[len(root) :].split("/") for name in names]
    loose = sum(len(part) == 1 for part in parts)
    if loose == len(parts):
        what = f"all images lie in one sub-folder, {shortened(root)}" if root else "no image lies in a sub-folder"
        return Classes(None, what, f"{SEPARATE}. {OVERRIDE}" if root else SEPARATE)
    if loose:
        return Classes(None, f"{loose} of {len(parts)} images lie in no sub-folder", SEPARATE)
    classes = [part[0] for part in parts]
    folders = sorted(set(classes))
    why = why_no_classes(folders, parts) if is_judged else ""
    if why:
        return Classes(None, f"the sub-folders {span(folders)} are {why}", f"{SEPARATE}. {OVERRIDE}", True)
    against = doubt(folders, parts) if is_judged else ""
    if not against:
        return Classes(classes)
    told = f"the sub-folders {span(folders)} are taken for classes, though {against}"
    return Classes(classes, f'{told}. If they are none, pass `gm.Reading(classes="none")`', is_caution=True)
