"""The published files of reference statistics that are known by name: where each lies and by which recipe it was made.

Addresses are those that the projects name themselves: guided-diffusion's evaluations/README.md, edm's README.md, and
the rule in clean-fid's features.py with the table in its README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ganmetrics.errors import UsageError
from ganmetrics.registry import nearest

ADM = "https://openaipublic.blob.core.windows.net/diffusion/jul-2021/ref_batches"
EDM = "https://nvlabs-fi-cdn.nvidia.com/edm/fid-refs"
CLEAN_FID = "https://www.cs.cmu.edu/~clean-fid/stats"
MOMENTS = ("mu", "sigma")
BATCH = ("arr_0", "mu", "sigma", "mu_s", "sigma_s")
# Size and SHA-256 of ADM's file of 256 pixels, as half a dozen repositories that evaluate with it record them.
IMAGENET256 = (2_037_122_530, "b32732719497e42660a9affb4a966068cba0855ac449b82015e34ec376d20758")
# clean-fid's modes, each with the protocol whose features it makes.
MODES = {"clean": "clean-fid", "legacy_tensorflow": "torch-fidelity", "legacy_pytorch": "pytorch-fid"}
ALL, CLEAN = tuple(MODES), ("clean",)


@dataclass(frozen=True)
class PublishedFile:
    """One published file of statistics.

    Attributes
    ----------
    name : str
        What users type, such as ``adm:imagenet256``.
    url : str
    keys : tuple of str
        The arrays that it holds.
    protocol : str
        The recipe by which it was made, and the only protocol under which it scores.
    data : str
        What it is of, in words.
    count : int
        Images that it is of; 0 where its project does not say.
    size : int
        In bytes; 0 where it is not known.
    sha256 : str
        Empty where it is not known: the digest that is seen first is kept then.
    """

    name: str
    url: str
    keys: tuple[str, ...]
    protocol: str
    data: str
    count: int = 0
    size: int = 0
    sha256: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """The folder and the file name under which it is kept."""
        return self.name.partition(":")[0], self.url.rpartition("/")[2]


def _adm() -> Iterator[PublishedFile]:
    for pixels in (64, 128, 256, 512):
        stem = f"VIRTUAL_imagenet{pixels}{'' if pixels == 512 else '_labeled'}"
        url, data = f"{ADM}/imagenet/{pixels}/{stem}.npz", f"ImageNet, {pixels} pixels"
        file = PublishedFile(f"adm:imagenet{pixels}", url, BATCH, "adm", data)
        yield replace(file, size=IMAGENET256[0], sha256=IMAGENET256[1]) if pixels == 256 else file
    for kind in ("bedroom", "cat", "horse"):
        url = f"{ADM}/lsun/{kind}/VIRTUAL_lsun_{kind}256.npz"
        yield PublishedFile(f"adm:lsun-{kind}256", url, BATCH, "adm", f"LSUN {kind}, 256 pixels")


def _edm() -> Iterator[PublishedFile]:
    rows = {
        "cifar10": ("cifar10-32x32", "CIFAR-10"),
        "ffhq64": ("ffhq-64x64", "FFHQ, 64 pixels"),
        "afhqv2-64": ("afhqv2-64x64", "AFHQv2, 64 pixels"),
        "imagenet64": ("imagenet-64x64", "ImageNet, 64 pixels, as EDM's own networks saw it"),
        "imagenet64-baseline": ("imagenet-64x64-baseline", "ImageNet, 64 pixels, as the networks of ADM saw it"),
    }
    for name, (stem, data) in rows.items():
        yield PublishedFile(f"edm:{name}", f"{EDM}/{stem}.npz", MOMENTS, "edm", data)


# Data set, split, resolutions, images, modes, and whether features for KID are published too.
_TABLE = (
    ("cifar10", "train", (32,), 50_000, ALL, False),
    ("cifar10", "test", (32,), 10_000, ALL, False),
    ("ffhq", "trainval", (1024, 256), 50_000, ALL, False),
    ("ffhq", "trainval70k", (1024, 256), 70_000, ALL, False),
    ("lsun_church", "train", (256,), 50_000, ALL, False),
    ("lsun_church", "trainfull", (256,), 126_227, CLEAN, False),
    ("lsun_horse", "train", (256,), 50_000, ALL, False),
    ("lsun_horse", "trainfull", (256,), 2_000_340, CLEAN, False),
    ("lsun_cat", "train", (256,), 50_000, ALL, False),
    ("lsun_cat", "trainfull", (256,), 1_657_264, ALL, False),
    ("afhq_cat", "train", (512,), 5_153, ALL, True),
    ("afhq_dog", "train", (512,), 4_739, ALL, True),
    ("afhq_wild", "train", (512,), 4_738, ALL, True),
    ("brecahad", "train", (512,), 1_944, ALL, True),
    ("metfaces", "train", (1024,), 1_336, ALL, True),
    ("horse2zebra", "test", (256,), 140, ALL, False),
    ("cat2dog", "test", (256,), 500, ALL, False),
)


def _clean_fid() -> Iterator[PublishedFile]:
    for name, split, resolutions, count, modes, has_features in _TABLE:
        for pixels, mode in ((pixels, mode) for pixels in resolutions for mode in modes):
            stem, data = f"{name}_{mode}_{split}_{pixels}", f"{name} {split}, {pixels} pixels, mode {mode}"
            url = f"{CLEAN_FID}/{stem}.npz"
            file = PublishedFile(f"clean-fid:{stem}", url, MOMENTS, MODES[mode], data, count)
            yield file
            if has_features:
                yield replace(file, name=f"{file.name}_kid", url=f"{CLEAN_FID}/{stem}_kid.npz", keys=("feats",))


PUBLISHED = {file.name: file for rows in (_adm(), _edm(), _clean_fid()) for file in rows}
PACKAGES = tuple(dict.fromkeys(name.partition(":")[0] for name in PUBLISHED))


def is_published(value: object) -> bool:
    """Whether a text is, or is meant to be, the name of a published file."""
    return isinstance(value, str) and value.partition(":")[0] in PACKAGES and ":" in value


def known(name: str) -> PublishedFile:
    """The published file of that name (UsageError with the nearest one)."""
    if name not in PUBLISHED:
        package = name.partition(":")[0]
        near = nearest(name, [each for each in PUBLISHED if each.startswith(f"{package}:")] or PUBLISHED)
        meant = f"Did you mean {near!r}? " if near else ""
        hint = f"{meant}`ganmetrics stats list --published` lists them"
        raise UsageError(f"unknown published statistics {name!r}", hint=hint, code="E-UNKNOWN")
    return PUBLISHED[name]
