"""Small sound files of every kind that is read, and a few hostile ones, from which others are made."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save as safetensors_bytes
from torch import nn

import ganmetrics as gm
from ganmetrics.generators import cards
from ganmetrics.leaderboard.rules import Rules
from ganmetrics.measurement import archive
from ganmetrics.measurement.recipe import Recipe
from ganmetrics.measurement.statistics import Statistics
from ganmetrics.numerics.moments import Moments

SIGNATURE = "fid|pixels:none|none|real:#6:0a1b2c3d|fake:#6:4d5e6f70:skipped=1|float32/float64|gm:0.1.0"
RULES = Rules(
    title="Small", metrics=("fid",), rank_by="fid", extractor="pixels", network="pixels", second_extractor="",
    second_network="", reference="#6:0a1b2c3d", hidden="", num_images=3, width=5, height=4, seed=0,
    quota=((5, "day"),), copies=0.1, duplicates=0.1, has_diagnosis=False, version="0.1.0",
)  # fmt: skip


class _Harmful:
    """Unpickling it would make a folder."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("mkdir /tmp/unpickled",)


def pixels(count: int = 3, seed: int = 0) -> np.ndarray[Any, Any]:
    """Random images, uint8 [count, 4, 5, 3]."""
    return np.random.RandomState(seed).randint(0, 256, (count, 4, 5, 3)).astype(np.uint8)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as target:
        for name, content in members.items():
            target.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def array(values: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def torched(state: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


def statistics() -> list[bytes]:
    """Files of our own, one of another package, and one of Python objects."""
    rows = torch.from_numpy(np.random.RandomState(0).randn(6, 4))
    found = Statistics(
        Recipe("pixels", "pixels", "none"), 6, "ab" * 32, moments=Moments.of(rows), features=rows.float(),
        logits=rows[:, :3].float(), order="cd" * 32,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        archive.save_statistics(found, Path(folder, "own.npz"))
        own = Path(folder, "own.npz").read_bytes()
    plain = {"mu.npy": array(np.zeros(2)), "sigma.npy": array(np.eye(2))}
    harmful = {"mu.npy": arrays()[2], "sigma.npy": array(np.eye(2))}
    return [own, zipped(plain), zipped(_members(own)), zipped(harmful)]


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        return {name: source.read(name) for name in source.namelist()}


@cache
def images() -> list[bytes]:
    """One image in every format that is read, in the modes that need care, some of several frames."""
    rng = np.random.RandomState(0)
    modes = {"RGB": 3, "L": 1, "RGBA": 4, "LA": 2, "CMYK": 4}
    shapes = {mode: (6, 7) if number == 1 else (6, 7, number) for mode, number in modes.items()}
    made = {m: Image.fromarray(rng.randint(0, 256, s).astype(np.uint8), m) for m, s in shapes.items()}
    made["P"], made["1"] = made["RGB"].quantize(4), made["L"].convert("1")
    made["I;16"] = Image.fromarray(rng.randint(0, 65536, (6, 7)).astype(np.uint16))
    wanted = {
        "PNG": ("RGB", "L", "RGBA", "LA", "P", "1", "I;16"), "JPEG": ("RGB", "L", "CMYK"), "WEBP": ("RGB", "RGBA"),
        "BMP": ("RGB", "P", "1"), "PPM": ("RGB", "L", "1", "I;16"), "TIFF": ("RGB", "I;16", "LA", "1"), "GIF": ("P",),
    }  # fmt: skip
    found = [_encoded(made[mode], form) for form, names in wanted.items() for mode in names]
    several = {"save_all": True, "append_images": [made["RGB"].rotate(180)]}
    found += [_encoded(made["RGB"], form, **several) for form in ("PNG", "GIF", "TIFF", "WEBP")]
    found += [_encoded(made["RGB"], "TIFF", compression=method) for method in ("tiff_lzw", "tiff_deflate", "jpeg")]
    exif = Image.Exif()
    exif[0x0112] = 6
    found += [_encoded(made["RGB"], form, exif=exif, icc_profile=b"x" * 200) for form in ("PNG", "JPEG", "WEBP")]
    found += [_encoded(made["RGB"], "JPEG", progressive=True), b"P3\n2 1\n255\n1 2 3 4 5 6\n", b"Pf\n1 1\n-1\n\0\0\0\0"]
    return found


def _encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def pngs() -> dict[str, bytes]:
    return {f"{place}.png": _encoded(Image.fromarray(one), "PNG") for place, one in enumerate(pixels())}


def zips() -> list[bytes]:
    """Archives of images, stored and deflated, with what else lies in such archives."""
    others = {"__MACOSX/._0.png": b"x", "a/": b"", "a/\N{SNOWMAN}.jpg": images()[7], "notes.txt": b"x"}
    return [zipped(pngs()), zipped(pngs(), zipfile.ZIP_DEFLATED), zipped(pngs() | others), zipped({"a.zip": b"x"})]


def tars() -> list[bytes]:
    """Shards with labels, in the three dialects of headers."""
    labels = {"0.cls": b"7", "1.json": b'{"label": "cat"}', "2.cls": b" 3 \n"}
    members = {**pngs(), **labels, f"{'long' * 40}.png": pngs()["0.png"], "a/b.txt": b"x"}
    found = []
    for dialect in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=dialect) as target:
            for name, content in members.items():
                if dialect == tarfile.USTAR_FORMAT and len(name) > 100:
                    continue
                info = tarfile.TarInfo(name)
                info.size = len(content)
                target.addfile(info, io.BytesIO(content))
        found.append(stream.getvalue()[:-9216])  # the padding to 20 blocks only takes time
    return found


def arrays() -> list[bytes]:
    """Arrays of images of either layout, and of Python objects."""
    objects = io.BytesIO()
    np.save(objects, np.array([_Harmful()]), allow_pickle=True)
    return [array(pixels()), array(pixels().transpose(0, 3, 1, 2).copy()), objects.getvalue()]


def array_archives() -> list[bytes]:
    """The same as .npz files."""
    return [
        *(zipped({"arr_0.npy": content}) for content in arrays()),
        zipped({"images.npy": arrays()[0], "names.txt": b"x"}, zipfile.ZIP_DEFLATED),
    ]


def layer() -> nn.Linear:
    """The network whose weights are read."""
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def states() -> list[bytes]:
    """Weights as PyTorch writes them, and pickles that would run code; the corpus has weights from before 1.6."""
    state = layer().state_dict()
    harmful = zipped({"archive/data.pkl": pickle.dumps(_Harmful()), "archive/version": b"3\n"})
    program = zipped({"archive/data.pkl": b"x", "archive/constants.pkl": b"x"})
    return [torched(dict(state)), harmful, pickle.dumps(_Harmful()), program, b"<!DOCTYPE html><html></html>"]


def safetensors() -> list[bytes]:
    state = layer().state_dict()
    return [
        safetensors_bytes(dict(state)),
        safetensors_bytes({n: v.half() for n, v in state.items()}, {"format": "pt"}),
    ]


def entries() -> list[bytes]:
    """Cached features, one of them another kind of file."""
    contents = [array(np.ones((3, 4), np.float32)), array_archives()[0], array(np.zeros((2, 4), np.float32))]
    return [hashlib.sha256(content).digest() + content for content in contents]


def generator_cards() -> list[bytes]:
    names = ("gan-ring", "gan-grid")
    return [(cards.BUNDLED / name / cards.CARD).read_bytes() for name in names]


def results() -> list[bytes]:
    found = gm.evaluate(pixels(8, 1), pixels(8, 2), metrics=["fid"], extractor="pixels")
    plain = found.to_dict()
    return [json.dumps(plain).encode(), json.dumps({**plain, "scores": {}}).encode()]


def boards() -> list[bytes]:
    rules = json.loads(RULES.to_json())
    return [json.dumps({"rules": rules, "store": store}).encode() for store in ("", "sqlite:///store.db")]


def histories() -> list[bytes]:
    """Scores of a training, one record on a line."""
    around = {"level": 0.95, "low": 1.4, "high": 1.7, "method": "m"}
    mark = {"value": 1.5, "interval": around, "title": "FID", "higher_is_better": False, "signature": SIGNATURE}
    records = [{"step": step, "scores": {"fid": mark}, "seconds": 0.5, "findings": {"x": "mild"}} for step in (1, 2)]
    return [b"".join(json.dumps(record).encode() + b"\n" for record in records)]


def runs() -> list[bytes]:
    facts = {"name": "gan-ring", "seed": 0, "data": None, "iterations": 10, "settings": {"width": 8, "mixture": "ring"}}
    return [json.dumps(facts).encode()]


def logs() -> list[bytes]:
    lines = [{"iteration": step, "seconds": 0.1, "loss": 0.5} for step in (0, 50, 100)]
    return [b"".join(json.dumps(line).encode() + b"\n" for line in lines)]


def labels() -> dict[str, list[bytes]]:
    """Files of classes of three images, by suffix."""
    return {
        ".csv": [b"0.png,cat\n1.png,dog\n2.png,1\n", '\ufeff"0.png", é\n1.png,2\n2.png,3\n'.encode()],
        ".json": [
            b'{"labels": [["0.png", 1], ["1.png", 2], ["2.png", 3]]}',
            b'{"0.png": 1, "1.png": "a"}',
            b"[1, 2, 3]",
        ],
        ".txt": [b"cat\ndog\n3\n"],
        ".npy": [array(np.array([1, 2, 3])), array(np.array(["a", "b", "c"])), arrays()[2]],
    }


def arguments() -> list[bytes]:
    """What is typed: metrics, protocols, extractors, signatures, sizes, quotas, patterns of shards."""
    found = (
        "kid(subset_size=500)", "is(splits=10,seed=0)", "fid", "prd(num_clusters=20, runs=10)", "vendi(order=1.5)",
        "clean-fid", "pixels@none", "digits:logits+tf32", "inception:768@clean-bicubic", SIGNATURE, "500MB", "2GiB",
        "5/day,50/total", "64x32", "shard-{000..009}.tar", "{a,b}{0..8..2}.tar", "width=64", "average=0.9",
    )  # fmt: skip
    return [text.encode() for text in found]
