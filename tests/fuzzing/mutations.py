"""Bytes made from sound ones by small changes, of which many keep the container whole and reach what reads its content.

Formats are told by their first bytes, and a changed member is packed again with the right length and checksum.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import NamedTuple

import numpy as np
import torch
from fuzzing.trees import STRANGE_FLOATS, changed, changed_json

NUMBERS = (0, 1, 2, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
TOKENS = (
    b"", b"\0", b"-1", b"0", b"1", b"9" * 30, b"9" * 5000, b"NaN", b"1e999", b"../", b"/", b"\\", b"\n", b"\r", b'"',
    b",", b"{", b"[" * 3000, b"\xff", b"\xed\xa0\x80", b"\xc3\xa9", b"\x1b[2J", b"'|O'", b"'<U9'", b"True", b"=", b"(",
)  # fmt: skip
BLOCK = 512  # of a tar archive
MOST_CHANGES = 4


class Format(NamedTuple):
    """A kind of container: how it is told, and one change that keeps it whole."""

    is_of: Callable[[bytes], bool]
    changed: Callable[[bytes, Random], bytes]


def mutated(data: bytes, rng: Random) -> bytes:
    """The bytes after one to four changes, the same for the same state of ``rng``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where they are errors, one that PyTorch gives once would change the outcome
        for _ in range(rng.randint(1, MOST_CHANGES)):
            data = _once(data, rng)
    return data


def _once(data: bytes, rng: Random) -> bytes:
    form = next((form for form in FORMATS if form.is_of(data)), None)
    if form is not None and rng.random() < 0.8:
        try:
            return form.changed(data, rng)
        except Exception:  # an earlier change broke the container, so only its bytes can still change
            pass
    return rng.choice(RAW)(data, rng)


# bytes of any kind


def _flipped(data: bytes, rng: Random) -> bytes:
    changed_bytes = bytearray(data or b"\0")
    changed_bytes[rng.randrange(len(changed_bytes))] ^= 1 << rng.randrange(8)
    return bytes(changed_bytes)


def _number(data: bytes, rng: Random) -> bytes:
    width = rng.choice([1, 2, 4, 8])
    number = (rng.choice(NUMBERS) & (1 << 8 * width) - 1).to_bytes(width, rng.choice(["little", "big"]))
    place = rng.randrange(len(data) + 1)
    return data[:place] + number + data[place + width :]


def _cut(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _left_out(data: bytes, rng: Random) -> bytes:
    first = rng.randrange(len(data) + 1)
    return data[:first] + data[first + rng.choice([1, 2, 16, 200]) :]


def _repeated(data: bytes, rng: Random) -> bytes:
    first, place = rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)
    return data[:place] + data[first : first + rng.choice([1, 16, 200, 10_000])] + data[place:]


def _token(data: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + rng.choice(TOKENS) + data[place + rng.choice([0, 0, 1, 4]) :]


RAW = (_flipped, _number, _cut, _left_out, _repeated, _token)


# zip archives: npz files, archives of images, PyTorch's files


def _is_zip(data: bytes) -> bool:
    return data.startswith(b"PK\x03\x04")


def _changed_zip(data: bytes, rng: Random) -> bytes:
    if rng.random() < 0.3:
        return _changed_record(data, rng)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if rng.random() < 0.5 and any(info.filename.endswith("data.pkl") for info in infos):
            return _changed_states(data, rng)
        members = [(info, archive.read(info)) for info in infos]
    place = rng.randrange(len(members))
    info, content = members[place]
    kind = rng.random()
    if kind < 0.7:
        members[place] = (info, _once(content, rng))
    elif kind < 0.8:
        info.filename = _once(info.filename.encode(), rng).decode("utf-8", "replace")
    elif kind < 0.9:
        members.insert(rng.randrange(len(members) + 1), (info, content))
    else:
        del members[place]
    return _packed(members, rng)


def _packed(members: list[tuple[zipfile.ZipInfo, bytes]], rng: Random) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for info, content in members:
            method = info.compress_type if rng.random() < 0.9 else rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
            archive.writestr(zipfile.ZipInfo(info.filename), content, method)  # of no time
    return stream.getvalue()


def _changed_record(data: bytes, rng: Random) -> bytes:
    """One field of a local header, a directory entry or the end record changed."""
    starts = [at for magic in (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06") for at in _all_places(data, magic)]
    at = rng.choice(starts) + 4 + rng.randrange(26)
    return data[:at] + _number(data[at : at + 2], rng)[:2] + data[at + 2 :]


def _all_places(data: bytes, magic: bytes) -> list[int]:
    found, at = [], data.find(magic)
    while at >= 0:
        found.append(at)
        at = data.find(magic, at + 1)
    return found


def _changed_states(data: bytes, rng: Random) -> bytes:
    stream = io.BytesIO()
    torch.save(changed(torch.load(io.BytesIO(data), weights_only=True), rng), stream)
    return stream.getvalue()


# arrays


def _is_array(data: bytes) -> bool:
    return data.startswith(b"\x93NUMPY")


def _changed_array(data: bytes, rng: Random) -> bytes:
    head, header, content = _array_parts(data)
    if rng.random() < 0.5:
        header = _once(header, rng)
    elif b"<U" in header and rng.random() < 0.9:
        text = changed_json(content.decode("utf-32-le").encode(), rng).decode()
        header, content = f"{{'descr': '<U{len(text)}', 'fortran_order': False, 'shape': ()}}\n".encode(), text.encode(
            "utf-32-le", "surrogatepass"
        )  # fmt: skip
    elif b"<f8" in header:
        values = np.frombuffer(content, np.float64).copy()
        values[rng.randrange(len(values))] = rng.choice(STRANGE_FLOATS)
        content = values.tobytes()
    else:
        content = rng.choice(RAW)(content, rng)
    return head[:6] + b"\x01\0" + struct.pack("<H", len(header) & 0xFFFF) + header + content


def _array_parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Magic and version, header text, content."""
    start = 10 if data[6] == 1 else 12
    end = start + int.from_bytes(data[8:start], "little")
    return data[:8], data[start:end], data[end:]


# images


def _is_png(data: bytes) -> bool:
    return data.startswith(b"\x89PNG\r\n\x1a\n")


def _changed_png(data: bytes, rng: Random) -> bytes:
    chunks, at = [], 8
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    place = rng.randrange(len(chunks))
    name, content = chunks[place]
    kind = rng.random()
    if kind < 0.6:
        chunks[place] = (name, rng.choice(RAW)(content, rng))
    elif kind < 0.7:
        chunks[place] = (rng.choice([b"acTL", b"tRNS", b"PLTE", b"iCCP", b"eXIf", b"fcTL", b"fdAT", b"zTXt"]), content)
    elif kind < 0.9:
        chunks.insert(rng.randrange(len(chunks) + 1), chunks[place])
    else:
        del chunks[place]
    return data[:8] + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


# tar archives


def _is_tar(data: bytes) -> bool:
    return data[257:262] == b"ustar"


def _changed_tar(data: bytes, rng: Random) -> bytes:
    blocks = [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]
    heads = [place for place, block in enumerate(blocks) if _is_tar(block)]
    place = rng.choice(heads)
    kind = rng.random()
    if kind < 0.6:
        blocks[place] = _changed_head(blocks[place], rng)
    elif kind < 0.8:
        blocks[place + 1] = rng.choice(RAW)(blocks[place + 1], rng)[:BLOCK].ljust(BLOCK, b"\0")
    elif kind < 0.9:
        blocks.insert(rng.choice(heads), blocks[place])
    else:
        del blocks[place]
    return b"".join(blocks)


def _changed_head(head: bytes, rng: Random) -> bytes:
    first, width = rng.choice([(0, 100), (100, 8), (124, 12), (156, 1), (157, 100), (257, 8), (345, 155)])
    kinds = (b"x", b"g", b"L", b"K", b"S", b"1", b"2", b"3", b"5", b"\0")
    tokens = (b"../x.png", b"x.png", b"x.json", b"77777777777", b"\x80" + b"\xff" * 11, b"-1", b"", b"\xff")
    field = rng.choice(kinds if width == 1 else tokens)[:width].ljust(width, b"\0")
    head = head[:first] + field + head[first + width :]
    total = sum(head[:148]) + 8 * 32 + sum(head[156:])
    return head[:148] + b"%06o\0 " % total + head[156:]


# data in plain text, weights, cached features


def _is_json(data: bytes) -> bool:
    return data[:1] in (b"{", b"[") and b"\n{" not in data


def _is_json_lines(data: bytes) -> bool:
    return data.startswith(b"{") and b"\n{" in data


def _changed_json_lines(data: bytes, rng: Random) -> bytes:
    lines = data.split(b"\n")
    place = rng.randrange(len(lines) - 1)
    lines[place] = changed_json(lines[place], rng) if rng.random() < 0.8 else rng.choice(RAW)(lines[place], rng)
    return b"\n".join(lines)


def _is_safetensors(data: bytes) -> bool:
    return data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8


def _changed_safetensors(data: bytes, rng: Random) -> bytes:
    end = 8 + int.from_bytes(data[:8], "little")
    header = changed_json(data[8:end], rng) if rng.random() < 0.8 else rng.choice(RAW)(data[8:end], rng)
    return struct.pack("<Q", len(header)) + header + data[end:]


def _is_entry(data: bytes) -> bool:
    return data[32:38] == b"\x93NUMPY" or _is_zip(data[32:])


def _changed_entry(data: bytes, rng: Random) -> bytes:
    content = _once(data[32:], rng)
    return hashlib.sha256(content).digest() + content


FORMATS: tuple[Format, ...] = (
    Format(_is_zip, _changed_zip),
    Format(_is_array, _changed_array),
    Format(_is_png, _changed_png),
    Format(_is_tar, _changed_tar),
    Format(_is_entry, _changed_entry),
    Format(_is_safetensors, _changed_safetensors),
    Format(_is_json_lines, _changed_json_lines),
    Format(_is_json, changed_json),
)
