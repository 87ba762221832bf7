"""The catalogue of bad inputs: what a user may hand over, and what the command and the library say to it.

Each line of the tables is one such thing: the number of its kind, what it is, how it is made, the exit code and words
of the sentence; at code 0, words of the warning or of the result. The command and the library must say the same,
the command with its options where the library names parameters.
"""

from __future__ import annotations

import ast
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from bad_archives import (
    Evil,
    changed_statistics,
    cut,
    encrypted,
    file,
    header,
    link_member,
    npy,
    npz,
    overlapping,
    raw_npz,
    safetensors,
    statistics,
    zipped,
    zipped_with,
)
from bad_files import (
    AVIF,
    BLANK,
    FLOATS,
    HEIC,
    INTEGERS,
    JPEG,
    JUNK,
    KEYED,
    OTHERS,
    P3,
    PNG,
    SIXTEEN_BIT,
    TRANSPARENT,
    TRANSPARENT_GREY,
    TRUNCATED_JPEG,
    TRUNCATED_PNG,
    Maker,
    animated,
    beside,
    called,
    class_folders,
    encoded,
    flipped,
    good,
    good_beside_empty,
    holding,
    huge_png,
    linked,
    misspelt,
    noise,
    one_image,
    picture,
    pipe,
    pipes,
    turned,
    with_folder,
    with_old_samples,
)
from commands import Done, Run

import ganmetrics as gm

ROOT = Path(__file__).parent.parent
CLASSES = {2: gm.UsageError, 3: gm.InputError, 4: gm.StatisticsError, 5: gm.WeightsError, 6: gm.ResourceError}
D = 192  # dimensions of the extractor pixels
UNEVEN = np.random.default_rng(0).random((D, D))
ALIKE = {f"{index}.png": PNG for index in range(4)}
SQUARES = {f"{index}.png": noise(8, 8) for index in range(4)}
CASES = {"0.PNG": PNG, "1.Png": PNG, "2.png": PNG}
LFS = b"version https://git-lfs.github.com/spec/v1\n"


SPELLED = {  # what the library's messages name, and what the command says in its place
    "value_range=(-1, 1)": "--value-range -1:1",
    "`alpha`": "`--alpha`",
    "`levels`": "`--levels`",
    '`exif="transpose"`': "`--exif-transpose`",
    "`max_pixels=200000000`": "`--max-pixels 200000000`",
    '`gm.load_statistics(path, assume="torch-fidelity")`': "`--assume-recipe torch-fidelity`",
    '`gm.load_statistics(path, assume="pytorch-fid")`': "`--assume-recipe pytorch-fid`",
    **{f'`alpha="{colour}"`': f"`--alpha {colour}`" for colour in ("white", "black", "drop")},
    '`frames="first"`': "`--frames first`",
    '`on_error="skip"`': "`--on-error skip`",
}


class Row(NamedTuple):
    """One thing that is wrong or odd."""

    number: int
    case: str
    make: Maker
    code: int
    words: str
    options: str = ""
    side: str = "fake"


# fmt: off
FOLDERS = [
    Row(1, "a folder that is missing", lambda at: at / "none" / "x", 3, "The nearest existing folder is '"),
    Row(1, "a mistyped name", misspelt, 3, "Did you mean '"),
    Row(2, "an empty folder", lambda at: at, 3, "no images in the folder"),
    Row(2, "a folder of other files", holding(OTHERS), 3, "found 4 files, of which .txt 2"),
    Row(2, "a folder of one archive", holding({"samples.npz": b"x"}), 3, "samples.npz'?"),
    Row(3, "one image", one_image, 3, "Name the folder that holds the images"),
    Row(4, "the real folder again", lambda at: at.with_name("good"), 0, "real and fake are the same place"),
    Row(4, "the same with a slash", lambda at: f"{at.with_name('good')}/", 0, "real and fake are the same place"),
    Row(4, "a copy of the real folder", good, 0, "real and fake hold exactly the same images"),
    Row(5, "class folders", class_folders, 0, '"depths": {"1": 6}'),
    Row(5, "images beside a folder", with_old_samples, 0, "3 images lie in the folder itself and 3 in its sub-folders"),
    Row(6, "a link in a circle", linked("loop"), 0, "fake:#3:"),
    Row(7, "a link to nothing", linked("x.png", "nowhere"), 3, "1 of 4 images cannot be read: x.png is a link to a"),
    Row(9, "upper-case suffixes", holding(CASES), 0, "fake:#3:"),
    Row(10, "a desktop's leavings", lambda at: holding(JUNK)(good(at)), 0, '{"Thumbs.db": 1, "__MACOSX": 1, "desktop'),
    Row(11, "other files", lambda at: holding(OTHERS)(good(at)), 0, '{".npy": 1, ".txt": 2, "no suffix": 1}'),
    Row(12, "a folder called x.png", with_folder("x.png"), 0, "fake:#3:"),
    Row(13, "brackets and stars in a name", called("run[1] *?"), 0, "fake:#3:"),
    Row(14, "a folder called .zip", called("foo.zip"), 0, "fake:#3:"),
    Row(14, "a folder called .npy", called("foo.npy"), 0, "fake:#3:"),
    Row(14, ".zip inside the path", called("foo.zip.d"), 0, "fake:#3:"),
    Row(15, "emoji, newline, loose accent", called("\N{SNOWMAN}\U0001f600\ne\u0301"), 0, "fake:#3:"),
    Row(15, "escapes of a terminal", beside("\x1b[31m.png", b""), 3, "\\x1b[31m.png is empty"),
    Row(16, "bytes that are no UTF-8", called(os.fsdecode(b"caf\xe9")), 0, "fake:#3:"),
    Row(16, "the same in a message", beside(os.fsdecode(b"caf\xe9.png"), b""), 3, "caf\\udce9.png is empty"),
    Row(17, "a name that is too long", lambda at: at / ("n" * 300), 3, "the path cannot be opened: File name too long"),
    Row(17, "a path that is too deep", lambda at: f"{at}{'/deep' * 2000}", 3, "the path cannot be opened: File name"),
    Row(17, "a name of 60 kB in an archive", zipped_with(f"{'n' * 60_000}.png"), 3, "nnn… (60004 characters) is empty"),
    Row(17, "a null byte", lambda at: f"{at}/a\0b", 3, "there is no such file or folder"),
    Row(21, "pipe, socket, device", pipes, 0, '"pipe, socket or device": 3'),
    Row(21, "a pipe as the set", pipe("x"), 3, "the path is a pipe, socket or device"),
    Row(21, "a pipe called .npz", pipe("x.npz"), 3, "the path is a pipe, socket or device"),
    Row(21, "a pipe called .zip", pipe("x.zip"), 3, "the path is a pipe, socket or device"),
]
IMAGES = [
    Row(22, "no bytes", beside("x.png", b""), 3, "1 of 4 images cannot be read: x.png is empty (0 bytes)"),
    Row(23, "text", beside("x.png", b"hello"), 3, "x.png is not an image; expected PNG, JPEG"),
    Row(23, "a web page", beside("x.png", b"<!DOCTYPE html>"), 3, "x.png holds HTML"),
    Row(24, "a truncated PNG", beside("x.png", TRUNCATED_PNG), 3, "x.png is truncated or damaged"),
    Row(24, "a truncated JPEG", beside("x.jpg", TRUNCATED_JPEG), 3, "bytes not processed)"),
    Row(25, "a flipped bit in a PNG", beside("x.png", flipped(PNG, 60)), 3, "x.png is truncated or damaged"),
    # JPEG holds no checksum: what it decodes to cannot be told from a picture
    Row(26, "a flipped bit in a JPEG", beside("x.jpg", flipped(JPEG, -300)), 0, "fake:#4:"),
    Row(27, "a JPEG called .png", beside("x.png", JPEG), 0, "1 of 4 images have a file name that does not fit"),
    Row(28, "one pixel", beside("x.png", noise(1, 1)), 0, "fake: some images are a single pixel high or wide"),
    Row(29, "mixed sizes", beside("x.png", noise(9, 5)), 0, "fake: the images have 2 different sizes"),
    Row(30, "another size than the reals", holding(SQUARES), 0, "mostly 7x6 and fake ones 8x8 pixels; the resize"),
    Row(31, "100 megapixels", beside("x.png", huge_png(10_000)), 3, "x.png has more than 64000000 pixels"),
    Row(31, "past the decoder's own limit", beside("x.png", huge_png(60_000)), 3, "x.png has more than 64000000"),
    Row(32, "16-bit grey", beside("x.png", SIXTEEN_BIT), 0, "1 of 4 images have 16 bits a channel, reduced to 8"),
    Row(33, "floats", beside("x.tif", FLOATS), 3, "x.tif is a float image without a fixed range; convert it"),
    Row(33, "32-bit integers", beside("x.tif", INTEGERS), 3, "x.tif is a 32-bit or signed integer image"),
    Row(34, "transparent RGBA", beside("x.png", TRANSPARENT), 3, "42 of 42 pixels are transparent"),
    Row(34, "transparent grey", beside("x.png", TRANSPARENT_GREY), 3, "x.png has an alpha channel"),
    Row(34, "a transparent palette", beside("x.png", KEYED), 3, "1 of 4 pixels are transparent"),
    Row(34, "painted on white", beside("x.png", KEYED), 0, "treated as `alpha` says", "--alpha white"),
    Row(35, "CMYK", beside("x.jpg", encoded(picture(mode="CMYK"), "JPEG")), 0, "CMYK colours, converted without"),
    Row(36, "an animated GIF", beside("x.gif", animated("GIF")), 3, "x.gif has several frames or pages"),
    Row(36, "an animated WebP", beside("x.webp", animated("WEBP")), 3, "x.webp has several frames"),
    Row(36, "an animated PNG", beside("x.png", animated("PNG")), 3, "x.png has several frames"),
    Row(36, "a TIFF of two pages", beside("x.tif", animated("TIFF")), 3, "x.tif has several frames"),
    Row(36, "the first frame", beside("x.gif", animated("GIF")), 0, "the first was taken", "--frames first"),
    Row(37, "HEIC called .png", beside("x.png", HEIC), 3, "x.png is an HEIC image, which is not read; convert"),
    Row(37, "HEIC beside PNG", beside("x.heic", HEIC), 0, "kinds that are not read were left out: .heic 1"),
    Row(37, "nothing but HEIC", holding({"x.heic": HEIC}), 3, ".heic files are not read; convert them to PNG"),
    Row(38, "AVIF", beside("x.png", AVIF), 3, "x.png is an AVIF image, which is not read"),
    Row(38, "PostScript", beside("x.png", encoded(picture(), "EPS")), 3, "x.png holds PostScript, which is not read"),
    Row(38, "PDF", beside("x.png", encoded(picture(), "PDF")), 3, "x.png holds PDF"),
    Row(38, "Photoshop", beside("x.png", b"8BPS\0\1" + bytes(40)), 3, "x.png holds Photoshop (PSD)"),
    Row(38, "FITS", beside("x.png", b"SIMPLE  =                    T" + bytes(50)), 3, "x.png holds FITS"),
    Row(38, "JPEG 2000", beside("x.png", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20)), 3, "x.png holds JPEG 2000"),
    Row(39, "an EXIF orientation", beside("x.png", turned(6)), 0, "orientation, which was ignored (`exif="),
    Row(39, "the same, applied", beside("x.png", turned(6)), 0, "orientation, which was applied", "--exif-transpose"),
    Row(40, "another colour profile", beside("x.png", P3), 0, "1 of 4 images have a colour profile, which was"),
    Row(41, "one image four times", holding(ALIKE), 0, "fake: all 4 images are identical"),
    Row(41, "blank images", holding(BLANK), 0, "fake: 4 of 4 images have one colour all over"),
    Row(42, "one image in a folder", lambda at: good(at, 1), 3, "1 image found where at least 2 are needed"),
    Row(42, "one image in an array", npy(np.zeros((1, 6, 7, 3), np.uint8)), 3, "1 image found where at least 2"),
    Row(43, "fewer images than dimensions", good, 0, "the covariance is singular and FID is mostly bias"),
    Row(48, "images of Python objects", npz(arr_0=np.array([Evil()], object)), 3, "Python objects, which may run code"),
    Row(49, "images of 192 TiB", raw_npz(arr_0=header((1 << 40, 8, 8, 3), "|u1")), 3, "the header claims 211106232"),
    # Blank images may well shrink a thousand times and are read in small pieces; only a false claim is refused.
    Row(51, "a claim with nothing behind it", raw_npz(arr_0=header((9, 64, 64, 3), "|u1")), 3, "the file holds 0"),
    Row(68, "floats in a file", npy(np.zeros((4, 6, 7, 3), np.float32)), 3, "dtype float32; expected uint8 images"),
    Row(68, "one channel in a file", npy(np.zeros((4, 6, 7, 1), np.uint8)), 3, "np.repeat(images, 3, axis=-1)"),
    Row(71, "no images in a file", npy(np.zeros((0, 6, 7, 3), np.uint8)), 3, "the images are empty"),
]
STATISTICS = [
    Row(44, "statistics without sigma", npz(mu=np.zeros(D)), 4, "the file holds 'mu'; expected 'mu' and 'sigma'"),
    Row(44, "our own without sigma", statistics(sigma=None), 4, "the file holds no 'sigma'"),
    # Without mu and sigma nothing tells what the file was meant to be: code 3, and the sentence names both.
    Row(44, "other arrays", npz(a=np.zeros(3), b=np.zeros(3)), 3, "its arrays are a, b ("),
    Row(45, "mu of another size", statistics(mu=np.zeros(D - 1)), 4, "mu has 191 dimensions and sigma the shape [192"),
    Row(46, "NaN", statistics(mu=np.full(D, np.nan)), 4, "'mu' holds NaN or infinity"),
    Row(46, "infinity", statistics(sigma=np.full((D, D), np.inf)), 4, "'sigma' holds NaN or infinity"),
    Row(47, "a random sigma", statistics(sigma=UNEVEN), 4, "the covariance is not symmetric"),
    Row(47, "a negative sigma", statistics(sigma=-1000 * np.eye(D)), 4, "the covariance is not positive semidefinite"),
    Row(48, "Python objects", statistics(mu=np.array([Evil()] * D, object)), 4, "'mu' contains Python objects"),
    Row(49, "a header of 7 TiB", raw_npz(mu=header((1 << 40,)), sigma=header((D, D))), 4, "'mu' has the shape [109951"),
    # Where images are accepted too, a file that does not open may be either: bad data. For `stats` see below.
    Row(50, "truncated statistics", cut(statistics(), 100), 3, "the .npz file cannot be opened"),
    Row(50, "a renamed pickle", file("x.npz", pickle.dumps(Evil())), 3, "the .npz file cannot be opened"),
    Row(52, "half precision", statistics(mu=np.zeros(D, np.float16)), 0, "mu came in less than float64"),
    Row(52, "numbers that were changed", changed_statistics(), 4, "the file was changed after it was written"),
    Row(53, "another extractor", statistics(), 4, "made/x.npz and ", "--extractor digits"),
    Row(53, "another resize", statistics({"recipe": {"resize": "lanczos"}}), 4, "resize: lanczos / area"),
    Row(53, "other weights", statistics({"recipe": {"network": "pixels-9"}}), 4, "network: pixels-9 / pixels-8x8"),
    Row(54, "of how many is unknown", statistics({"count": 0}), 0, "do not say of how many images they are"),
]
ARCHIVES = [  # a board rejects them with code 7; to a plain command they are bad data
    Row(56, "a name that leads out", zipped_with("../x.png", PNG), 3, "the name '../x.png' leads out of the archive"),
    Row(56, "an absolute name", zipped_with("/x.png", PNG), 3, "the name '/x.png' leads out of the archive"),
    Row(56, "a drive", zipped_with("C:\\x.png", PNG), 3, "leads out of the archive"),
    Row(57, "a bomb", zipped_with("x.png", bytes(5 << 20)), 3, "times its size; the most is 200 times"),
    Row(57, "overlapping members", overlapping, 3, "its members overlap"),
    Row(58, "an archive in an archive", zipped_with("x.zip", b"PK"), 0, '"ignored": {".zip": 1}'),
    Row(58, "nothing else", zipped([("in.zip", b"PK")]), 3, "found 1 file, of which .zip 1"),
    Row(59, "an encrypted member", encrypted, 3, "'x.png' is encrypted"),
    Row(60, "a name twice", zipped_with("0.png", PNG), 3, "the name '0.png' stands in it 2 times"),
    Row(61, "a symbolic link", zipped_with(link_member("x.png"), b"/etc/passwd"), 3, "'x.png' is a symbolic link"),
    Row(62, "from a desktop", zipped_with("__MACOSX/._0.png"), 0, '"ignored": {"__MACOSX": 1}'),
    Row(63, "tar.gz", file("x.tar.gz", b"x"), 2, "cannot be read; archives of images are .zip"),
    Row(63, "7z", file("x.7z", b"x"), 2, "cannot be read; archives of images are .zip"),
    Row(63, "rar", file("x.rar", b"x"), 2, "cannot be read; archives of images are .zip"),
    Row(63, "a tar that is none", file("x.tar", b"x"), 3, "the archive cannot be read"),
]
WEIGHTS = [
    # The reader takes the last of two; the file's hash stands in the signature, and the layout is checked.
    Row(55, "one tensor twice", safetensors(("a", 0, 16), ("a", 0, 16)), 5, "not the FID Inception's layout"),
    Row(55, "overlapping tensors", safetensors(("a", 0, 16), ("b", 8, 24)), 5, "is truncated or damaged"),
    Row(55, "no header", file("w.safetensors", b"\xff" * 100), 5, "is truncated or damaged"),
    Row(64, "truncated", file("w.pth", b"PK\x03\x04" + bytes(60)), 5, "is truncated or damaged"),
    Row(66, "a web page", file("w.pth", b"<!DOCTYPE html>"), 5, "is a web page, not weights"),
    Row(66, "a pointer of Git LFS", file("w.pth", LFS), 5, "is a Git LFS pointer, not weights"),
    Row(67, "a pickle that runs code", file("w.pth", pickle.dumps(Evil())), 5, "weights"),
]
# fmt: on
ROWS = [
    *FOLDERS,
    *IMAGES,
    *(row._replace(side="real") for row in STATISTICS),
    *ARCHIVES,
    *(row._replace(side="weights") for row in WEIGHTS),
]


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good folder, beside two empty ones."""
    monkeypatch.chdir(tmp_path)
    return good_beside_empty(tmp_path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("row", ROWS, ids=[f"{row.number} {row.case}" for row in ROWS])
def test_the_command_and_the_library_say_the_same(row: Row, run: Run, real: Path, tmp_path: Path) -> None:
    made = str(row.make(tmp_path / "made"))
    sides = [made, str(real)] if row.side == "real" else [str(real), made if row.side == "fake" else str(real)]
    options = ["--weights", made] if row.side == "weights" else ["--extractor", "pixels", *row.options.split()]
    check = _check_refused if row.code else _check_scored
    check(row, lambda *more: run("fid", *options, "-q", *more, "--", *sides), lambda: _evaluated(row, sides, made))
    assert not _parts(tmp_path)
    assert not Path("marker").exists(), "code ran"


def _evaluated(row: Row, sides: list[str], made: str) -> gm.Result:
    if row.side == "weights":
        return gm.evaluate(*sides, metrics=["fid"], weights=made)
    option, _, value = row.options.partition(" ")
    choices = {"--alpha": {"alpha": value}, "--frames": {"frames": value}, "--exif-transpose": {"exif": "transpose"}}
    extractor = value if option == "--extractor" else "pixels"
    return gm.evaluate(*sides, metrics=["fid"], extractor=extractor, reading=gm.Reading(**choices.get(option, {})))


def _check_refused(row: Row, command: Callable[..., Done], library: Callable[[], gm.Result]) -> None:
    with pytest.raises(gm.GanMetricsError) as caught:
        library()
    error = caught.value
    assert (type(error), error.exit_code) == (CLASSES[row.code], row.code)
    assert row.words in str(error)
    assert str(error).isprintable()
    done = command()
    assert (done.returncode, done.stdout) == (row.code, "")
    assert done.stderr.endswith(f"error[{error.code}]: {in_options(str(error))}\n")
    assert "Traceback" not in done.stderr
    done = command("--json", "out/result.json")
    assert (done.returncode, done.stdout) == (row.code, "")
    told = {name: in_options(text) for name, text in error.to_dict().items()}
    assert json.loads(done.stderr.splitlines()[-1]) == {"error": told}
    assert not list(Path("out").iterdir()), "nothing is left half-written"


def in_options(text: str) -> str:
    """A message of the library as the command words it."""
    for parameter, option in SPELLED.items():
        text = text.replace(parameter, option)
    return text


def _check_scored(row: Row, command: Callable[..., Done], library: Callable[[], gm.Result]) -> None:
    result = library()
    done = command("--json", "out/result.json")
    assert (done.returncode, done.stdout) == (0, f"{result}\n")
    assert done.stderr == "".join(f"warning: {in_options(warning)}\n" for warning in result.warnings)
    written = json.loads(Path("out/result.json").read_text())
    assert written == json.loads(result.to_json())
    assert row.words in f"{result}{result.warnings}{json.dumps(written['fake'], sort_keys=True)}"
    assert [path.name for path in Path("out").iterdir()] == ["result.json"]


def _parts(tmp_path: Path) -> list[Path]:
    """Unfinished files, in the test's folder or in its cache."""
    return [path for place in tmp_path.parent.glob(f"{tmp_path.name}*") for path in place.rglob("*.part")]


# --- none is forgotten ---------------------------------------------------------------------------------------------

TESTED_ELSEWHERE = {  # of a number of the catalogue: the tests that show it, here where no table has it or beside one
    4: ["leaderboard/test_board.py::test_the_cheater_is_refused_and_only_the_organiser_sees_the_pairs"],
    8: ["leaderboard/test_staging.py::test_folders_are_never_left_by_a_link"],
    18: [
        "data/test_folder.py::test_18_unreadable_file_gives_name_and_mode",
        "data/test_folder.py::test_18_unreadable_sub_folder_is_a_bad_file",
        "data/test_folder.py::test_18_unreadable_root",
    ],
    19: [
        "test_bad_calls.py::test_19_20_files_that_change_during_a_run",
        "data/test_folder.py::test_19_file_that_vanishes",
    ],
    20: [
        "test_bad_calls.py::test_19_20_files_that_change_during_a_run",
        "data/test_folder.py::test_20_file_that_changes",
    ],
    31: ["test_bad_calls.py::test_31_a_small_file_of_a_large_image_fits_a_gibibyte"],
    50: ["test_bad_calls.py::test_50_what_does_not_open_where_only_statistics_are_accepted"],
    51: [
        "evaluation/test_archive.py::test_a_bomb_is_refused_by_its_header",
        "evaluation/test_archive.py::test_a_forged_huge_member_is_refused_by_its_ratio",
    ],
    56: ["leaderboard/test_staging.py::test_threats_are_refused"],
    57: [
        "leaderboard/test_staging.py::test_threats_are_refused",
        "data/test_zip_file.py::test_57_each_cap_at_its_edge",
    ],
    59: ["data/test_zip_file.py::test_59_encrypted"],
    60: ["data/test_zip_file.py::test_hostile_members_are_refused"],
    61: ["leaderboard/test_staging.py::test_threats_are_refused"],
    64: ["extractors/test_weights.py::test_truncated_weights"],
    65: [
        "extractors/test_weights.py::test_damaged_own_file_is_fetched_again",
        "extractors/test_weights.py::test_verify_shows_both_sides",
    ],
    67: ["extractors/test_weights.py::test_malicious_weights_do_not_run"],
    69: [
        "test_bad_calls.py::test_tensors_that_cannot_be_scored",
        "data/test_tensor.py::test_69_the_index_of_nan_and_infinity",
    ],
    70: [
        "test_bad_calls.py::test_tensors_that_cannot_be_scored",
        "extractors/test_extraction.py::test_a_gpu_gives_the_cpus_features",
    ],
    72: ["test_bad_calls.py::test_72_scores_without_fakes"],
    73: ["distributed/test_ranks.py::test_a_lost_rank_ends_in_a_message_within_its_time"],
    74: [
        "test_bad_calls.py::test_74_options_that_cannot_be_meant",
        "test_bad_calls.py::test_74_more_neighbours_than_images",
        "cli/test_commands.py::test_faults_are_one_sentence_and_a_code",
    ],
    75: ["test_bad_calls.py::test_75_a_gpu_where_there_is_none"],
    76: ["test_bad_calls.py::test_76_77_outputs_are_refused_before_any_work"],
    77: [
        "test_bad_calls.py::test_76_77_outputs_are_refused_before_any_work",
        "test_files.py::test_a_folder_that_cannot_be_written",
    ],
    78: ["test_bad_calls.py::test_78_statistics_keep_their_name"],
    79: [
        "test_files.py::test_a_full_disk_leaves_what_was_there",
        "evaluation/test_archive.py::test_a_full_disk_leaves_what_was_there",
        "extractors/test_download.py::test_full_disk_leaves_nothing",
        "faults/test_disk.py::test_79_a_full_disk_keeps_the_old_file",
        "faults/test_disk.py::test_79_a_full_device_behind_stdout",
    ],
    80: [
        "test_files.py::test_a_killed_process_leaves_what_was_there",
        "evaluation/test_feature_cache.py::test_a_killed_run_is_gone_on_with_from_its_last_block",
        "faults/test_kills.py::test_80_a_kill_leaves_the_old_file_or_the_new",
    ],
    81: [
        "evaluation/test_feature_cache.py::test_processes_share_one_cold_cache",
        "faults/test_network.py::test_81_ten_processes_on_one_cold_cache",
    ],
    82: [
        "evaluation/test_feature_cache.py::test_a_cache_that_cannot_be_written_costs_one_warning",
        "extractors/test_weights.py::test_user_without_a_home",
        "faults/test_disk.py::test_82_a_read_only_cache_costs_one_note",
        "faults/test_disk.py::test_82_a_user_without_a_place_to_write",
        "faults/test_disk.py::test_82_a_file_system_without_locks",
    ],
    83: ["evaluation/test_feature_cache.py::test_a_damaged_entry_is_none"],
    84: ["evaluation/test_feature_cache.py::test_content_decides_and_no_name"],
    85: [
        "cli/test_commands.py::test_signals_end_with_their_code_and_leave_nothing",
        "faults/test_interrupts.py::test_85_86_an_interrupted_command",
    ],
    86: [
        "cli/test_commands.py::test_signals_end_with_their_code_and_leave_nothing",
        "faults/test_interrupts.py::test_85_86_an_interrupted_command",
    ],
    87: [
        "data/test_loading.py::test_87_a_killed_worker_is_a_resource_error",
        "faults/test_memory.py::test_87_a_killed_worker_ends_the_command",
    ],
    88: [
        "extractors/test_extraction.py::test_running_out_of_memory_halves_the_batch_and_keeps_the_features",
        "extractors/test_extraction.py::test_not_even_one_image_fits",
    ],
    89: ["faults/test_memory.py::test_89_memory_that_runs_out_is_one_sentence"],
    90: [
        "extractors/test_weights.py::test_offline_says_what_to_do",
        "extractors/test_weights.py::test_no_mirror_says_why_and_what_to_do",
        "faults/test_network.py::test_90_no_network_ends_a_score_before_any_image_is_read",
    ],
    91: [
        "extractors/test_download.py::test_proxy_from_the_environment_is_used",
        "faults/test_network.py::test_91_a_proxy_and_a_certificate_of_ones_own",
    ],
    92: [
        "extractors/test_download.py::test_stalled_server_gives_way_to_the_next_mirror",
        "faults/test_network.py::test_92_to_96_a_server_that_misbehaves",
    ],
    93: [
        "extractors/test_download.py::test_resumes_after_a_cut",
        "extractors/test_download.py::test_killed_download_is_resumed",
        "faults/test_network.py::test_93_a_cut_score_fetches_the_rest_and_then_refuses_wrong_bytes",
    ],
    94: [
        "extractors/test_weights.py::test_ten_processes_make_one_download",
        "faults/test_network.py::test_94_ten_commands_make_one_download",
    ],
    95: [
        "extractors/test_download.py::test_error_status_gives_way_to_the_next_mirror",
        "faults/test_network.py::test_92_to_96_a_server_that_misbehaves",
    ],
    96: [
        "extractors/test_download.py::test_redirect_elsewhere_is_refused",
        "extractors/test_download.py::test_a_redirect_never_leaves_https",
        "faults/test_network.py::test_92_to_96_a_server_that_misbehaves",
    ],
    97: ["faults/test_surroundings.py::test_97_clocks_do_not_matter"],
    98: [
        "test_bad_calls.py::test_16_98_a_terminal_of_ascii_is_told_names_of_any_bytes",
        "test_bad_calls.py::test_98_a_console_that_lacks_a_character_shows_it_escaped",
        "cli/test_commands.py::test_an_ascii_terminal_is_enough",
        "faults/test_surroundings.py::test_98_names_and_signs_that_a_console_does_not_know",
    ],
    99: [
        "cli/test_commands.py::test_a_closed_pipe_ends_quietly",
        "faults/test_surroundings.py::test_99_streams_that_are_closed_at_the_start",
    ],
    100: [
        "data/test_folder.py::test_the_scan_is_lean",
        "faults/test_surroundings.py::test_100_a_hundred_thousand_files_are_found_in_little_memory",
    ],
}


def test_every_number_of_the_catalogue_is_shown() -> None:
    shown = {row.number for row in ROWS} | TESTED_ELSEWHERE.keys()
    assert shown == set(range(1, 101))


def test_the_tests_elsewhere_are_there() -> None:
    named = {node for nodes in TESTED_ELSEWHERE.values() for node in nodes}
    there = set()
    for path in {node.partition("::")[0] for node in named}:
        tree = ast.parse((Path(__file__).parent / path).read_text(encoding="utf-8"))
        there |= {f"{path}::{each.name}" for each in tree.body if isinstance(each, ast.FunctionDef)}
    assert named <= there, named - there
