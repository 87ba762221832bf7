"""Data sets, loaders and functions: every form of item, no change to the caller's random streams."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset
from torch.utils.data.distributed import DistributedSampler

from ganmetrics.data import Reading, open_source
from ganmetrics.errors import InputError, UsageError

ARRAYS = [np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8) for seed in range(10)]


def tensor(array):
    return torch.from_numpy(array.transpose(2, 0, 1).copy())


FORMS = {
    "PIL": Image.fromarray,
    "tensor": tensor,
    "float tensor": lambda array: tensor(array) / 255,
    "array HWC": lambda array: array,
    "array CHW": lambda array: array.transpose(2, 0, 1),
    "pair": lambda array: (tensor(array), 3),
    "PIL pair": lambda array: (Image.fromarray(array), 3),
    "list": lambda array: [tensor(array), torch.tensor(3)],
    "dict image": lambda array: {"label": 1, "image": Image.fromarray(array)},
    "dict images": lambda array: {"images": tensor(array)},
    "dict pixel_values": lambda array: {"pixel_values": tensor(array)},
}


class Listed(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        item = self.items[index]
        if isinstance(item, Exception):
            raise item
        return item


class Streamed(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


class Noisy(Dataset):
    """Random like an augmenting transform: draws from all three global streams."""

    def __len__(self):
        return 100

    def __getitem__(self, index):
        import random

        values = [random.randrange(256), int(np.random.randint(256)), int(torch.randint(256, ()))]
        return torch.tensor(values, dtype=torch.uint8).view(3, 1, 1).expand(3, 2, 2)


def refusal(value, **fields):
    with pytest.raises(InputError) as caught:
        list(open_source(value, **fields).batches())
    return caught.value


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [Listed, Streamed])
def test_every_form_of_item(form, kind, kit):
    source = open_source(kind([FORMS[form](array) for array in ARRAYS]), value_range=(0, 1))
    assert source.count == (10 if kind is Listed else None)
    assert kit["same"](kit["all_images"](source), ARRAYS)
    assert source.notes.sizes == {(4, 5): 10}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "form", [form for form in FORMS if "PIL" not in form and form not in ("dict image", "array HWC")]
)
@pytest.mark.parametrize("batch_size", [None, 1, 4])
def test_every_form_of_batch(form, batch_size, kit):
    loader = DataLoader(Listed([FORMS[form](array) for array in ARRAYS]), batch_size=batch_size)
    source = open_source(loader, value_range=(0, 1))
    assert source.count == (10 if batch_size else None)
    assert kit["same"](kit["all_images"](source), ARRAYS)


def test_a_loader_turns_arrays_into_tensors_whose_layout_is_refused():
    assert ".permute(0, 3, 1, 2)" in refusal(DataLoader(Listed(ARRAYS), 4)).hint


@pytest.mark.parametrize("collate", [list, tuple, lambda items: (items, [0] * len(items)), lambda x: {"image": x}])
def test_lists_of_pil_images_from_a_loader(collate, kit):
    loader = DataLoader(Listed(list(map(Image.fromarray, ARRAYS))), batch_size=4, collate_fn=collate)
    assert kit["same"](kit["all_images"](open_source(loader)), ARRAYS)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_set_read_by_workers(workers, kit):
    dataset = Listed(list(map(Image.fromarray, ARRAYS)))
    source = open_source(dataset, reading=Reading(workers=workers))
    assert kit["same"](kit["all_images"](source), ARRAYS)


@pytest.mark.usefixtures("unchanged")
def test_grey_pil_images_are_converted():
    source = open_source(Listed([Image.new("L", (4, 4), 7)] * 3))
    assert torch.cat(list(source.batches())).unique().tolist() == [7]
    assert source.notes.kinds == {"grey": 3}


BAD_ITEMS = {
    "1 channel": (torch.zeros(1, 8, 8).byte(), "E-SHAPE", "has 1 channel; expected [3, H, W]", "(3, dim=-3)"),
    "HWC": (torch.zeros(8, 8, 3).byte(), "E-SHAPE", "a tensor must be [3, H, W]", ".permute(2, 0, 1)"),
    "float": (torch.zeros(3, 8, 8), "E-RANGE", "need their value_range", "(0, 1)"),
    "int64": (torch.zeros(3, 8, 8).long(), "E-DTYPE", "int64", "uint8"),
    "keys": ({"picture": 1, "label": 2}, "E-SHAPE", "keys picture, label; expected one of image", ""),
    "label first": ((3, torch.zeros(3, 8, 8)), "E-SHAPE", "of type int", ""),
    "string": ("a.png", "E-SHAPE", "of type str", ""),
}


@pytest.mark.parametrize("case", BAD_ITEMS)
@pytest.mark.parametrize("workers", [0, 1])
def test_bad_items_end_the_reading_at_once(case, workers):
    item, code, words, fix = BAD_ITEMS[case]
    error = refusal(Listed([tensor(ARRAYS[0]), item]), reading=Reading(workers=workers))
    assert (error.code, error.where) == (code, "item 1 of data set Listed")
    assert words in error.what
    assert fix in error.hint


def test_items_that_raise_are_listed_or_skipped(kit):
    items = [*map(tensor, ARRAYS), OSError("broken\nfile"), Image.new("RGBA", (4, 4), (0, 0, 0, 9))]
    error = refusal(Listed(items))
    assert error.code == "E-UNREADABLE"
    assert "2 of 12 images cannot be read: item 10 raised OSError: broken; item 11 has an alpha" in error.what
    source = open_source(Listed(items), reading=Reading(on_error="skip"))
    assert len(kit["all_images"](source)) == 10
    assert len(source.notes.skipped) == 2


@pytest.mark.parametrize("value", [Listed([]), Streamed([]), DataLoader(Streamed([]))])
def test_71_empty(value):
    assert refusal(value).code == "E-EMPTY"


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: DataLoader(x, 8), lambda x: DataLoader(x, 8, shuffle=True)])
def test_random_data_sets_follow_the_callers_seed_and_leave_it(wrap):
    source = open_source(wrap(Noisy()))
    first, second = (torch.cat(list(source.batches())) for _ in range(2))
    assert torch.equal(first, second)  # the caller's streams stood at the same place
    torch.manual_seed(torch.initial_seed() + 1)
    third = torch.cat(list(source.batches()))
    assert not torch.equal(first, third)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.usefixtures("unchanged")
def test_random_streams_of_the_consumer_are_its_own():
    batches = iter(open_source(DataLoader(Noisy(), 8, shuffle=True)).batches())
    state = torch.get_rng_state()
    next(batches)
    drawn = torch.rand(3)
    next(batches)
    torch.set_rng_state(state)
    assert torch.equal(drawn, torch.rand(3))
    torch.set_rng_state(state)


def test_a_distributed_sampler_is_warned_of():
    dataset = TensorDataset(torch.stack(list(map(tensor, ARRAYS))))
    sampler = DistributedSampler(dataset, num_replicas=4, rank=1, shuffle=False)
    source = open_source(DataLoader(dataset, 2, sampler=sampler))
    assert source.count == 3
    assert len(source.notes.warnings) == 1
    assert "only this rank's share" in source.notes.warnings[0]
    assert open_source(DataLoader(dataset, 2)).notes.warnings == []


def test_a_dropped_last_batch_is_warned_of(kit):
    source = open_source(DataLoader(TensorDataset(torch.stack(list(map(tensor, ARRAYS)))), 4, drop_last=True))
    assert source.count == len(kit["all_images"](source)) == 8
    assert "2 images are left out" in source.notes.warnings[0]


def test_69_the_index_counts_over_batches():
    images = torch.zeros(10, 3, 4, 4)
    images[7, 0, 0, 0] = float("nan")
    assert "image 7 at channel 0" in refusal(DataLoader(TensorDataset(images), 4), value_range=(0, 1)).what


def made(num):
    made.calls.append(num)
    return torch.full((num, 3, 4, 4), len(made.calls), dtype=torch.uint8)


def test_a_function_is_asked_in_fixed_pieces():
    made.calls = []
    source = open_source(made, num_images=150)
    assert (source.count, source.name) == (150, "function made")
    assert [len(batch) for batch in source.batches()] == [64, 64, 22]
    assert made.calls == [64, 64, 22]
    assert source.notes.sizes == {(4, 4): 150}


def test_a_function_runs_without_gradients_and_may_return_floats_or_arrays(kit):
    weight = torch.ones((), requires_grad=True)
    source = open_source(lambda num: weight * torch.zeros(num, 3, 2, 2), num_images=2, value_range=(-1, 1))
    assert torch.cat(list(source.batches())).unique().tolist() == [128]
    assert len(kit["all_images"](open_source(lambda num: np.zeros((num, 2, 2, 3), np.uint8), num_images=3))) == 3


def test_a_function_needs_a_number():
    with pytest.raises(UsageError, match="num_images must say how many"):
        open_source(made)


@pytest.mark.parametrize("num_images", [0, -1, 1.5, True, "8"])
def test_the_number_is_checked(num_images):
    with pytest.raises(UsageError, match="num_images is"):
        open_source(made, num_images=num_images)


@pytest.mark.parametrize(
    ("function", "code", "words"),
    [
        (lambda num: torch.zeros(num + 1, 3, 4, 4).byte(), "E-SHAPE", "asked for 5 images and returned 6"),
        (lambda num: torch.zeros(0, 3, 4, 4).byte(), "E-EMPTY", "empty"),
        (lambda num: torch.zeros(num, 4, 4, 3).byte(), "E-SHAPE", "[N, H, W, 3]"),
        (lambda num: torch.zeros(num, 3, 4, 4), "E-RANGE", "value_range"),
        (lambda num: None, "E-SHAPE", "returned NoneType"),
    ],
)
def test_what_a_function_returns_is_checked(function, code, words):
    error = refusal(function, num_images=5)
    assert error.code == code
    assert words in error.what
