"""What a path is, decided by the file itself, and the sentence for a path that holds no images."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from collections.abc import Collection
from typing import Any
from urllib.parse import unquote

from ganmetrics._files import shown

IMAGE_SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".gif"))
# pictures all the same, so that leaving them out is worth a word
UNREAD_SUFFIXES = frozenset((".heic", ".heif", ".avif", ".jxl", ".jp2", ".j2k", ".tga", ".psd", ".exr", ".hdr", ".dds"))
ARRAY_SUFFIXES = frozenset((".npz", ".npy"))
PARQUET = ".parquet"
VIDEO_SUFFIXES = frozenset((".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"))
HDF5_SUFFIXES = frozenset((".h5", ".hdf5"))
# The file in the folder of an LMDB.
LMDB_FILE = "data.mdb"
# The files that mark a saved data set of Hugging Face: of one split, and of a dictionary of splits.
SAVED = (("state.json", "dataset_info.json"), ("dataset_dict.json",))
# Remote files with these suffixes are read from a copy on this machine.
COPIED = ARRAY_SUFFIXES | {".zip"}
# Files and folders that desktops leave behind.
JUNK = frozenset(("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"))
COMPRESSED_TARS = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
OTHER_ARCHIVES = frozenset((".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"))
# Characters of a name in a message.
MAX_SHOWN = 300
PICKLES = frozenset((".pt", ".pth", ".ckpt", ".pkl", ".pickle"))
MAGIC = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x1f\x8b": "a gzip file",
    b"\xfd7zXZ\x00": "an xz file",
    b"BZh": "a bzip2 file",
}
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
# A scheme has two letters at least: C:// is a drive.
URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
# Wild cards: a{0..9}, {a,b}, *, ?, [ab].
WILD = re.compile(r"\{[^{}]*(?:\.\.|,)[^{}]*\}|[*?\[]")


def place_of(value: Any) -> str:
    """What a value names: ``path``, ``url``, ``torchvision``, ``huggingface``, ``names`` (a file that names images) or
    ``joined`` (several places); empty where it names no place. What exists under such a name is a path.
    """
    if isinstance(value, os.PathLike):
        return "path"
    if not isinstance(value, str):
        return ""
    kind = _kind_of(value)
    if kind in ("path", "url") and "," in value and len(places := places_of(value)) > 1 and all(places):
        # A URL may hold commas.
        kind = "joined" if kind == "path" or all(_kind_of(place) == kind for place in places) else kind
    return kind if kind == "path" or not os.path.exists(value) else "path"


def _kind_of(text: str) -> str:
    words = [word for word in ("torchvision", "huggingface") if text.startswith(f"{word}:")]
    words += ["url"] if URL.match(text) else ["names"] if text[:1] == "@" and text[1:] else []
    return words[0] if words else "path"


def places_of(text: str) -> list[str]:
    """The places that a text names, which commas part that stand outside of braces and brackets."""
    pieces, depth = [""], 0
    for sign in text:
        depth += (sign in "{[") - (sign in "}]")
        if sign == "," and depth <= 0:
            pieces.append("")
        else:
            pieces[-1] += sign
    return [piece.strip() for piece in pieces]


def is_remote(value: Any) -> bool:
    """Whether the value is a URL of anything but tar archives."""
    return place_of(value) == "url" and not is_shards(value)


def is_copied(value: Any) -> bool:
    """Whether the value is the URL of a file that is read from a copy on this machine."""
    is_one_file = place_of(value) == "url" and suffix_of(url_path(value)) in COPIED
    return is_one_file and place_of(local_path(value)) == "url"


def is_shards(value: Any) -> bool:
    """Whether the value is the path or URL of a .tar file, or the pattern of several, which may be compressed."""
    if place_of(value) == "url":
        return suffix_of(url_path(value)) == ".tar"
    if place_of(value) != "path" or os.path.isdir(value):
        return False
    if os.path.isfile(value):
        return suffix_of(value) == ".tar" and first_bytes(value)[:4] not in ZIP_MAGIC
    name = os.fsdecode(value)
    return name.lower().endswith((".tar", *COMPRESSED_TARS)) and WILD.search(name) is not None


def is_pattern(value: Any) -> bool:
    """Whether the value is a pattern of image files; a file or folder of such a name stays one."""
    if place_of(value) != "path" or os.path.exists(value) or is_shards(value):
        return False
    return WILD.search(os.fsdecode(value)) is not None and suffix_of(value) not in {PARQUET, *VIDEO_SUFFIXES}


def is_parquet(value: Any) -> bool:
    """Whether the value is the path of a .parquet file, or a pattern of several."""
    return _is_of(value, {PARQUET})


def is_video(value: Any) -> bool:
    """Whether the value is the path of a video file, or a pattern of several."""
    return _is_of(value, VIDEO_SUFFIXES)


def _is_of(value: Any, suffixes: Collection[str]) -> bool:
    """Whether the value is a file with one of the suffixes, or a pattern of such files."""
    if place_of(value) != "path" or suffix_of(value) not in suffixes or os.path.isdir(value):
        return False
    return os.path.isfile(value) or WILD.search(os.fsdecode(value)) is not None


def hdf5_parts(value: Any) -> tuple[str, str]:
    """The path of an HDF5 file and the name behind its colon; empty for other values."""
    if place_of(value) != "path":
        return "", ""
    text = os.fsdecode(value)
    path, _, key = (text, "", "") if os.path.exists(text) else text.partition(":")
    is_one = suffix_of(path) in HDF5_SUFFIXES and os.path.isfile(path)
    return (path, key) if is_one else ("", "")


def is_lmdb(value: Any) -> bool:
    """Whether the value is the folder of an LMDB."""
    return place_of(value) == "path" and os.path.isfile(os.path.join(value, LMDB_FILE))


def is_saved_dataset(value: Any) -> bool:
    """Whether the value is a folder that ``save_to_disk`` of Hugging Face wrote, of one split or several."""
    return place_of(value) == "path" and any(
        all(os.path.isfile(os.path.join(value, name)) for name in names) for names in SAVED
    )


def is_zip(value: Any) -> bool:
    """Whether the value is the path of a .zip file, or of a file without a telling suffix that starts like one."""
    if not (place_of(value) == "path" and os.path.isfile(value)):
        return False
    suffix = suffix_of(value)
    return suffix == ".zip" or (suffix not in ARRAY_SUFFIXES | PICKLES and first_bytes(value)[:4] in ZIP_MAGIC)


def is_array_file(value: Any) -> bool:
    """Whether the value is the path of an .npy or .npz file."""
    return place_of(value) == "path" and os.path.isfile(value) and suffix_of(value) in ARRAY_SUFFIXES


def why_ignored(name: str) -> str:
    """Why a file is no image by its relative name, for folders, archives and remote places; empty for an image."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    # Junk is named before what is merely hidden; both are passed over, whatever they hold.
    passed_over = [part for part in parts if part.lower() in JUNK]
    passed_over += ["hidden" for part in parts if part.startswith(".")]
    if passed_over:
        return passed_over[0]
    suffix = suffix_of(name)
    return "" if suffix in IMAGE_SUFFIXES else shown(suffix) or "no suffix"


def is_kept(name: str, ignored: Counter[str]) -> bool:
    """Whether a file is an image by its relative name; if not, the reason is counted."""
    reason = why_ignored(name)
    if reason:
        ignored[reason] += 1
    return not reason


def plain_name(name: str) -> str:
    """A relative name in an archive without the ``./`` and ``//`` that some programs write."""
    return posixpath.normpath(name) if name.startswith("./") or "/./" in name or "//" in name else name


def suffix_of(path: Any) -> str:
    """The last suffix in lower case, with its dot."""
    return os.path.splitext(os.fsdecode(path))[1].lower()


def url_path(url: str) -> str:
    """The URL without its query, in which a password may stand."""
    return url.partition("?")[0]


def local_path(url: str) -> str:
    """The path that a file:// or local:// URL stands for, whether percent-encoded or not; other values as they are."""
    scheme, separator, path = url.partition("://")
    if not separator or scheme.lower() not in ("file", "local") or place_of(url) != "url":
        return url
    path = path.removeprefix("localhost") if path.startswith("localhost/") else path
    return path if os.path.exists(path) else unquote(path)


def first_bytes(path: Any) -> bytes:
    """The first 16 bytes of a regular file; nothing if it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return stream.read(16)
    except OSError:
        return b""


def foreign_archive(path: Any) -> str:
    """What the file is if it starts like an archive that is not read; empty otherwise."""
    start = first_bytes(path)
    return next((title for magic, title in MAGIC.items() if start.startswith(magic)), "")


def shortened(name: str) -> str:
    """The name as a message shows it: archives may hold names of 64 kB."""
    return name if len(name) <= MAX_SHOWN else f"{name[:MAX_SHOWN]}… ({len(name)} characters)"
