"""DINOv2 and CLIP with synthetic weights in the published layouts, beside transformers and torch-fidelity's CLIP."""

from __future__ import annotations

import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import ganmetrics as gm
from ganmetrics.extractors import clip, dinov2, load_extractor, resize
from ganmetrics.extractors._arithmetic import arithmetic
from ganmetrics.extractors.weights import weight_store as weights

pytest.importorskip("timm")
DEPTH, HEADS = 12, 6


def images(height: int, width: int, count: int = 2) -> torch.Tensor:
    rng = np.random.default_rng(height)
    return torch.from_numpy(rng.integers(0, 256, (count, 3, height, width), dtype=np.uint8))


def drawn(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Values that keep activations of order one: weights by fan-in, scales about one."""
    rng = torch.Generator().manual_seed(0)
    found = {}
    for name, shape in shapes.items():
        value = torch.randn(shape, generator=rng)
        is_scale = re.search(r"(norm\d?|ln_\w+)\.weight$|gamma$", name)
        fan_in = value[0].numel() if len(shape) > 1 else 25
        found[name] = 1 + 0.1 * value if is_scale else value / fan_in**0.5
    return found


def dinov2_state(dim: int = 384) -> dict[str, torch.Tensor]:
    """The keys of the authors' small model, positions of 37 x 37 included."""
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, dim),
        "pos_embed": (1, 1 + 37 * 37, dim),
        "mask_token": (1, dim),
        "patch_embed.proj.weight": (dim, 3, 14, 14),
        "patch_embed.proj.bias": (dim,),
        "norm.weight": (dim,),
        "norm.bias": (dim,),
    }
    for i in range(DEPTH):
        for name, shape in {
            "norm1.weight": (dim,),
            "norm1.bias": (dim,),
            "attn.qkv.weight": (3 * dim, dim),
            "attn.qkv.bias": (3 * dim,),
            "attn.proj.weight": (dim, dim),
            "attn.proj.bias": (dim,),
            "ls1.gamma": (dim,),
            "norm2.weight": (dim,),
            "norm2.bias": (dim,),
            "mlp.fc1.weight": (4 * dim, dim),
            "mlp.fc1.bias": (4 * dim,),
            "mlp.fc2.weight": (dim, 4 * dim),
            "mlp.fc2.bias": (dim,),
            "ls2.gamma": (dim,),
        }.items():
            shapes[f"blocks.{i}.{name}"] = shape
    return drawn(shapes)


def clip_state(patch: int = 32, size: int = 224, dim: int = 768, out: int = 512, depth: int = 12) -> dict:
    """The keys of OpenAI's ViT-B/32, with what the text side adds to them."""
    side = size // patch
    shapes: dict[str, tuple[int, ...]] = {
        "visual.class_embedding": (dim,),
        "visual.positional_embedding": (side**2 + 1, dim),
        "visual.proj": (dim, out),
        "visual.conv1.weight": (dim, 3, patch, patch),
        "visual.ln_pre.weight": (dim,),
        "visual.ln_pre.bias": (dim,),
        "visual.ln_post.weight": (dim,),
        "visual.ln_post.bias": (dim,),
        "positional_embedding": (77, 8),
        "text_projection": (8, out),
        "ln_final.weight": (8,),
        "token_embedding.weight": (10, 8),
        "transformer.resblocks.0.ln_1.weight": (8,),
    }
    for i in range(depth):
        for name, shape in {
            "ln_1.weight": (dim,),
            "ln_1.bias": (dim,),
            "attn.in_proj_weight": (3 * dim, dim),
            "attn.in_proj_bias": (3 * dim,),
            "attn.out_proj.weight": (dim, dim),
            "attn.out_proj.bias": (dim,),
            "ln_2.weight": (dim,),
            "ln_2.bias": (dim,),
            "mlp.c_fc.weight": (4 * dim, dim),
            "mlp.c_fc.bias": (4 * dim,),
            "mlp.c_proj.weight": (dim, 4 * dim),
            "mlp.c_proj.bias": (dim,),
        }.items():
            shapes[f"visual.transformer.resblocks.{i}.{name}"] = shape
    return drawn(shapes)


@pytest.fixture(scope="module")
def dinov2_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dinov2") / "dinov2_vits14_pretrain.pth"
    torch.save(dinov2_state(), path)
    return path


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "ViT-B-32.pt"
    torch.save({name: value.half() for name, value in clip_state().items()}, path)  # as OpenAI stores them
    return path


def embedded(extractor: gm.Extractor, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad(), arithmetic():
        return extractor.forward(extractor.prepare(x), ["embedding"])["embedding"]


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


# --- DINOv2 -----------------------------------------------------------------------------------------------------------


def huggingface_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The authors' names as transformers has them, the joint projection cut into three."""
    found = {
        "embeddings.cls_token": state["cls_token"],
        "embeddings.mask_token": state["mask_token"],
        "embeddings.position_embeddings": state["pos_embed"],
        "embeddings.patch_embeddings.projection.weight": state["patch_embed.proj.weight"],
        "embeddings.patch_embeddings.projection.bias": state["patch_embed.proj.bias"],
        "layernorm.weight": state["norm.weight"],
        "layernorm.bias": state["norm.bias"],
    }
    names = {"attn.proj": "attention.o_proj", "ls1.gamma": "layer_scale1.lambda1", "ls2.gamma": "layer_scale2.lambda1"}
    for name, value in state.items():
        if not name.startswith("blocks."):
            continue
        _, block, rest = name.split(".", 2)
        if rest.startswith("attn.qkv."):
            kind = rest.rpartition(".")[2]
            for part, piece in zip("qkv", value.chunk(3), strict=True):
                found[f"encoder.layer.{block}.attention.{part}_proj.{kind}"] = piece
            continue
        for old, new in names.items():
            rest = rest.replace(old, new)
        found[f"encoder.layer.{block}.{rest}"] = value
    return found


@pytest.mark.slow
def test_dinov2_is_transformers(dinov2_file: Path) -> None:
    """On images of the network's size, from positions that are interpolated already."""
    transformers = pytest.importorskip("transformers")
    ours = load_extractor("dinov2-vits14", dinov2_file)
    state = dinov2_state()
    state["pos_embed"] = dinov2.at_side(state["pos_embed"], 16)
    config = transformers.Dinov2Config(
        hidden_size=384, num_hidden_layers=DEPTH, num_attention_heads=HEADS, image_size=224, patch_size=14
    )
    theirs = transformers.Dinov2Model(config).eval()
    theirs.load_state_dict(huggingface_names(state))
    x = images(224, 224)
    mean, std = (torch.tensor(v)[:, None, None] for v in (dinov2.MEAN, dinov2.STD))
    with torch.no_grad():
        expected = theirs((x / 255 - mean) / std).last_hidden_state[:, 0]
    assert relative(embedded(ours, x), expected) < 1e-5


def test_positions_are_interpolated_by_the_authors_factor() -> None:
    """By 16.1 / 37, which differs from an interpolation to 16 positions; of a plane in between, both are planes."""
    positions = torch.randn(1, 1 + 37 * 37, 5, generator=torch.Generator().manual_seed(0))
    found = dinov2.at_side(positions, 16)
    grid = positions[:, 1:].reshape(1, 37, 37, 5).permute(0, 3, 1, 2)
    sized = F.interpolate(grid, size=(16, 16), mode="bicubic").permute(0, 2, 3, 1).flatten(1, 2)
    assert found.shape == (1, 257, 5)
    assert torch.equal(found[:, 0], positions[:, 0])
    assert 0.001 < relative(found[:, 1:], sized) < 0.5
    ramp = torch.arange(37.0)[None, :, None].expand(37, 37, 1).reshape(1, -1, 1)
    ramp = dinov2.at_side(torch.cat([torch.zeros(1, 1, 1), ramp], dim=1), 16)[0, 1:, 0].reshape(16, 16)
    expected = (torch.arange(16) + 0.5) * 37 / 16.1 - 0.5
    assert torch.allclose(ramp[0, 2:-2], expected[2:-2], atol=0.05)
    assert torch.equal(dinov2.at_side(positions[:, : 1 + 256], 16), positions[:, : 1 + 256])


@pytest.mark.slow
def test_fd_on_dinov2_is_named_so(dinov2_file: Path) -> None:
    found = gm.evaluate(images(30, 30, 4), images(31, 31, 5), extractor="dinov2-vits14", weights=dinov2_file, ci="off")
    assert found["fid"].title == "FID(dinov2-vits14)"
    assert str(found["fid"].signature).startswith("fid|dinov2-vits14-custom:")
    assert "|antialiased-bicubic|" in str(found["fid"].signature)


# --- CLIP -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("size", [(224, 224), (60, 300)])
def test_clip_is_torch_fidelitys(clip_file: Path, size: tuple[int, int]) -> None:
    """OpenAI's own network, as torch-fidelity has it, behind the resize of torch-fidelity."""
    from torch_fidelity.feature_extractor_clip import build_model

    ours = load_extractor("clip-vitb32@tf1-bilinear", clip_file)
    theirs = build_model(weights.load_state_dict(clip_file), torch.float32).visual
    x = images(*size)
    with torch.no_grad():
        expected = theirs(ours.prepare(x))
    assert relative(embedded(ours, x), expected) < 1e-5
    mean, std = (255 * torch.tensor(v)[:, None, None] for v in (clip.MEAN, clip.STD))
    assert torch.allclose(ours.prepare(x), (resize.tf1_bilinear(x, 224) - mean) / std, atol=1e-6)


@pytest.mark.slow
def test_a_published_program_is_loaded_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip_file: Path
) -> None:
    """OpenAI's files are TorchScript: one with the table's hash is read, the same bytes under another are not."""
    state = clip_state()

    class Holder(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    holder = Holder()
    for name, value in state.items():
        *path, last = name.split(".")
        parent: torch.nn.Module = holder
        for part in path:
            if not hasattr(parent, part):
                parent.add_module(part, Holder())
            parent = getattr(parent, part)
        parent.register_buffer(last, value.half())
    path = tmp_path / "program.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(holder).save(path)
    with pytest.raises(gm.WeightsError, match="code"):
        load_extractor("clip-vitb32", path)
    table = {**weights.WEIGHTS, "clip-vitb32": replace(weights.WEIGHTS["clip-vitb32"], sha256=weights.digest(path))}
    monkeypatch.setattr(weights, "WEIGHTS", table)
    x = images(224, 224)
    found = load_extractor("clip-vitb32", path)
    assert found.identity == f"clip-vitb32:{weights.digest(path)[:8]}"
    assert relative(embedded(found, x), embedded(load_extractor("clip-vitb32", clip_file), x)) == 0


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_another_networks_file_is_refused(clip_file: Path, dinov2_file: Path) -> None:
    for name, file in (("dinov2-vits14", clip_file), ("clip-vitb32", dinov2_file), ("clip-vitl14-336", clip_file)):
        with pytest.raises(gm.WeightsError, match="another network's weights"):
            load_extractor(name, file)


@pytest.mark.parametrize("name", ["dinov2-vitl14", "clip-vitl14-336"])
def test_without_timm_nothing_is_fetched(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(gm.UsageError, match=r"pip install 'ganmetrics\[vit\]'"):
        load_extractor(name)


@pytest.mark.slow
def test_every_variant_is_its_architecture() -> None:
    """Dimensions as declared, of networks that are never filled."""
    import timm

    from ganmetrics.extractors import EXTRACTORS

    for record in EXTRACTORS.records().values():
        variant = getattr(record.load, "__defaults__", None)
        closure = getattr(record.load, "__closure__", None) or ()
        variants = [cell.cell_contents for cell in closure if hasattr(cell.cell_contents, "timm_name")]
        for variant in variants:
            with torch.device("meta"):
                net = timm.create_model(variant.timm_name, num_classes=variant.outputs, img_size=variant.size)
                assert net(torch.empty(1, 3, variant.size, variant.size)).shape == (1, variant.dim)


# --- resizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(50, 80), (400, 300), (224, 224)])
def test_the_rounded_bicubics_are_pillows(size: tuple[int, int]) -> None:
    x = images(*size, count=1)
    picture = Image.fromarray(x[0].permute(1, 2, 0).numpy())
    squashed = torch.from_numpy(np.array(picture.resize((224, 224), Image.Resampling.BICUBIC))).permute(2, 0, 1)
    assert torch.equal(resize.antialiased_bicubic(x, 224)[0], squashed.float())
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

    cropped = np.array(Compose([Resize(224, InterpolationMode.BICUBIC), CenterCrop(224)])(picture))
    found = resize.cropped_bicubic(x, 224)
    assert found.shape == (1, 3, 224, 224)
    assert torch.equal(found[0], torch.from_numpy(cropped).permute(2, 0, 1).float())


def test_the_plain_bicubic_keeps_its_overshoot() -> None:
    x = images(20, 20)
    found = resize.bicubic(x, 336)
    assert float(found.max()) > 255
    assert torch.allclose(found / 255, F.interpolate(x / 255, size=(336, 336), mode="bicubic"), atol=1e-5)
