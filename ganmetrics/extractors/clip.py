"""``clip-vitl14-336`` and ``clip-vitb32``: the image side of OpenAI's CLIP; CMMD reads the former, CLIP-FID the latter.

References
----------
Radford et al.: Learning Transferable Visual Models From Natural Language Supervision. ICML 2021, arXiv:2103.00020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganmetrics.extractors._vision_transformer import Variant, record

if TYPE_CHECKING:
    from torch import Tensor

# Mean and deviation of the channels of CLIP's training images, in 0..1.
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
PREFIX = "visual."
# OpenAI's names and timm's, in an order in which no replacement spoils a later one.
NAMES = (
    ("transformer.resblocks.", "blocks."),
    ("conv1.", "patch_embed.proj."),
    ("positional_embedding", "pos_embed"),
    ("class_embedding", "cls_token"),
    ("ln_pre.", "norm_pre."),
    ("ln_post.", "norm."),
    ("ln_1.", "norm1."),
    ("ln_2.", "norm2."),
    ("attn.in_proj_", "attn.qkv."),
    ("attn.out_proj.", "attn.proj."),
    ("mlp.c_fc.", "mlp.fc1."),
    ("mlp.c_proj.", "mlp.fc2."),
)


def layout(state: dict[str, Tensor], side: int) -> dict[str, Tensor]:
    """The image side of OpenAI's layout as timm's; the projection becomes a last layer without bias."""
    found = {_renamed(name): value for name, value in state.items() if name.startswith(PREFIX)}
    for name, shape in (
        ("cls_token", (1, 1, -1)),
        ("pos_embed", (1, -1, found.get("pos_embed", torch.empty(0)).shape[-1])),
    ):
        if name in found:
            found[name] = found[name].reshape(shape)
    if "proj" in found:
        found["head.weight"] = found.pop("proj").T.contiguous()
        found["head.bias"] = torch.zeros(len(found["head.weight"]))
    return found


def _renamed(name: str) -> str:
    name = name[len(PREFIX) :]
    for old, new in NAMES:
        name = name.replace(old, new)
    return name


EXTRACTOR = [
    record(
        Variant(
            name="clip-vitl14-336",
            timm_name="vit_large_patch14_clip_quickgelu_336",
            size=336,
            dim=768,
            outputs=768,
            resize="bicubic",
            mean=MEAN,
            std=STD,
            layout=layout,
        ),
        "CLIP ViT-L/14 at 336 pixels: what CMMD is defined on; pip install 'ganmetrics[vit]'",
    ),
    record(
        Variant(
            name="clip-vitb32",
            timm_name="vit_base_patch32_clip_quickgelu_224",
            size=224,
            dim=512,
            outputs=512,
            resize="cropped-bicubic",
            mean=MEAN,
            std=STD,
            layout=layout,
        ),
        "CLIP ViT-B/32: CLIP-FID as in clean-fid; pip install 'ganmetrics[vit]'",
    ),
]
