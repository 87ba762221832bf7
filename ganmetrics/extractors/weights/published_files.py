"""The published files of weights that extractors load: where each can be had and how its bytes are known."""

from __future__ import annotations

from dataclasses import dataclass

GITHUB = "https://github.com"
TORCHVISION = "https://download.pytorch.org/models"
DINOV2 = "https://dl.fbaipublicfiles.com/dinov2"
CLIP = "https://openaipublic.azureedge.net/clip/models"


@dataclass(frozen=True)
class WeightFile:
    """One published file of weights: what it is called, where it can be had and how its bytes are known.

    ``filenames`` are the names it goes by on disk, ours first; ``urls`` are its mirrors, in the order to try them.
    """

    name: str
    filenames: tuple[str, ...]
    urls: tuple[str, ...]
    size: int
    sha256: str
    license: str
    used_by: tuple[str, ...]


def _dinov2(letter: str, size: int, sha256: str) -> WeightFile:
    stem = f"dinov2_vit{letter}14"
    return WeightFile(
        name=f"dinov2-vit{letter}14",
        filenames=(f"{stem}_pretrain.pth",),
        urls=(f"{DINOV2}/{stem}/{stem}_pretrain.pth",),
        size=size,
        sha256=sha256,
        license="Apache-2.0",
        used_by=(f"dinov2-vit{letter}14",),
    )


def _clip(name: str, filename: str, size: int, sha256: str) -> WeightFile:
    return WeightFile(
        name=name,
        filenames=(filename,),
        urls=(f"{CLIP}/{sha256}/{filename}",),
        size=size,
        sha256=sha256,
        license="MIT",
        used_by=(name,),
    )


_ALL = (
    WeightFile(
        name="inception-2015-12-05",
        filenames=("pt_inception-2015-12-05-6726825d.pth", "weights-inception-2015-12-05-6726825d.pth"),
        urls=(
            f"{GITHUB}/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
            f"{GITHUB}/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
            "https://huggingface.co/toshas/torch-fidelity/resolve/main/weights-inception-2015-12-05-6726825d.pth",
        ),
        size=95_628_359,
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        license="Apache-2.0",
        used_by=("inception", "inception-exact"),
    ),
    WeightFile(
        name="vgg16",
        filenames=("vgg16-397923af.pth",),
        urls=(f"{TORCHVISION}/vgg16-397923af.pth",),
        size=553_433_881,
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        license="BSD-3-Clause",
        used_by=("vgg16", "lpips"),
    ),
    WeightFile(
        name="lpips-vgg16",
        filenames=("weights-vgg16-lpips.pth",),
        urls=(
            f"{GITHUB}/toshas/torch-fidelity/releases/download/v0.2.0/weights-vgg16-lpips.pth",
            f"{GITHUB}/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/vgg.pth",
        ),
        size=7_289,
        sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
        license="BSD-2-Clause",
        used_by=("lpips",),
    ),
    _dinov2("s", 88_283_115, "b938bf1bc15cd2ec0feacfe3a1bb553fe8ea9ca46a7e1d8d00217f29aef60cd9"),
    _dinov2("b", 346_378_731, "0b8b82f85de91b424aded121c7e1dcc2b7bc6d0adeea651bf73a13307fad8c73"),
    _dinov2("l", 1_217_586_395, "d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428"),
    _clip(
        "clip-vitb32",
        "ViT-B-32.pt",
        353_976_522,
        "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
    ),
    _clip(
        "clip-vitl14-336",
        "ViT-L-14-336px.pt",
        934_088_680,
        "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
    ),
)
WEIGHTS: dict[str, WeightFile] = {file.name: file for file in _ALL}
