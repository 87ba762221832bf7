import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import synthetic
from benchmarks.plan import CHECKPOINT
from ganmetrics.extractors.inception import Inception

FIRST_WEIGHTS, FIRST_BIASES = [0.18791273, 0.36881024, 0.34130540], [0.0393495, 0.013132298]
FIRST_PIXELS = [[109, 236, 195], [156, 22, 97]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return synthetic.write_weights(tmp_path_factory.mktemp("weights") / "weights.pth")


@pytest.fixture(scope="module")
def extractor(weights):
    return Inception(str(weights))


def batch(seed, shift, count=6, size=48):
    images = [np.asarray(synthetic.image(index, size, seed, shift)) for index in range(count)]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def features(extractor, images, layers=("2048", "logits_unbiased")):
    with torch.no_grad():
        return extractor.forward(extractor.prepare(images), list(layers))


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_weights_have_equal_bytes_under_any_name(weights, tmp_path):
    assert sha256(synthetic.write_weights(tmp_path / "other name.pt")) == sha256(weights)


def test_weights_are_drawn_from_a_frozen_stream(weights):
    state = torch.load(weights, weights_only=True)
    assert state["Conv2d_1a_3x3.conv.weight"].flatten()[:3].tolist() == pytest.approx(FIRST_WEIGHTS, abs=1e-7)
    assert state["fc.bias"][:2].tolist() == pytest.approx(FIRST_BIASES, abs=1e-7)


def test_another_seed_gives_other_weights(weights):
    first, second = torch.load(weights, weights_only=True), synthetic.state_dict(seed=1)
    assert first.keys() == second.keys()
    moving = [name for name in first if not name.endswith("num_batches_tracked")]
    assert not any(torch.equal(first[name], second[name]) for name in moving)


@pytest.mark.slow
def test_torch_fidelity_loads_them_strictly_and_sees_the_same_features(weights, extractor):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = str(weights)
    peer = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=path).eval()
    images = batch(seed=1, shift=0.0, count=2)
    with torch.no_grad():
        theirs = peer(images)[0]
    ours = features(extractor, images)["2048"]
    assert (ours - theirs).norm() < 1e-4 * theirs.norm()


@pytest.mark.slow
def test_pytorch_fid_loads_them_strictly_from_torch_hubs_folder(weights, extractor, tmp_path, monkeypatch):
    from pytorch_fid.inception import InceptionV3

    (tmp_path / CHECKPOINT).parent.mkdir(parents=True)
    (tmp_path / CHECKPOINT).symlink_to(weights)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    peer = InceptionV3([3], resize_input=False, normalize_input=False).eval()
    images = batch(seed=1, shift=0.0, count=2)
    with torch.no_grad():
        theirs = peer(extractor.prepare(images))[0][:, :, 0, 0]
    ours = features(extractor, images)["2048"]
    assert (ours - theirs).norm() < 1e-4 * theirs.norm()


@pytest.mark.slow
def test_features_are_of_order_one_and_differ_between_images_and_folders(extractor):
    real, fake = (features(extractor, batch(seed, shift)) for seed, shift in ((1, 0.0), (2, 1.0)))
    assert 0.1 < real["2048"].mean() < 1 and real["2048"].max() < 8
    within = torch.cdist(real["2048"], real["2048"])[~torch.eye(6, dtype=torch.bool)]
    assert within.min() > 0.2 * real["2048"].norm(dim=1).mean()
    assert (real["2048"].mean(0) - fake["2048"].mean(0)).norm() > 2
    assert torch.softmax(real["logits_unbiased"], dim=1).max() < 0.9


@pytest.mark.parametrize(("format", "suffix"), [("png", ".png"), ("jpeg", ".jpg")])
def test_images_are_reproducible_by_index(tmp_path, format, suffix):
    few = synthetic.write_images(tmp_path / "few", 2, 40, seed=3, format=format)
    many = synthetic.write_images(tmp_path / "many", 4, 40, seed=3, format=format)
    assert [path.name for path in few] == [f"00000{suffix}", f"00001{suffix}"]
    assert [sha256(path) for path in few] == [sha256(path) for path in many[:2]]
    assert len({sha256(path) for path in many}) == 4


def test_sizes_are_taken_in_turn(tmp_path):
    paths = synthetic.write_images(tmp_path, 3, sizes=(32, 50))
    found = []
    for path in paths:
        with Image.open(path) as picture:
            found.append(picture.size)
    assert found == [(32, 32), (50, 50), (32, 32)]


def test_pixels_are_drawn_from_a_frozen_stream():
    picture = synthetic.image(index=1, size=16, seed=5)
    assert picture.mode == "RGB"
    assert np.asarray(picture).reshape(-1, 3)[[0, 100]].tolist() == FIRST_PIXELS


def test_shift_moves_the_distribution():
    means = [batch(seed=1, shift=shift, count=20).float().mean(dim=(0, 2, 3)) for shift in (0.0, 1.0)]
    red, _, blue = (means[1] - means[0]).tolist()
    assert red > 10 and blue < -10
