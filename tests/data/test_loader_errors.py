"""What goes wrong in a DataLoader is told with its true cause, whatever process it happened in."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import ganmetrics as gm


class Doing(Dataset):  # type: ignore[type-arg]
    """Images of black; item 3 does something else."""

    def __init__(self, odd: Callable[[], torch.Tensor]) -> None:
        self.odd = odd

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.odd() if index == 3 else torch.zeros(3, 8, 8, dtype=torch.uint8)


def of_another_size() -> torch.Tensor:
    return torch.zeros(3, 9, 8, dtype=torch.uint8)


def on_a_gpu() -> torch.Tensor:
    raise RuntimeError("Cannot re-initialize CUDA in forked subprocess")


def without_a_file() -> torch.Tensor:
    raise FileNotFoundError("images/3.png")


def refused() -> torch.Tensor:
    raise gm.InputError("the image is of another camera", hint="Leave it out")


def killed() -> torch.Tensor:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def ended() -> torch.Tensor:
    os._exit(3)


def score(data: object) -> None:
    gm.measure(data, extractor="pixels")


CASES = [
    (of_another_size, gm.InputError, "stack expects each tensor to be equal size", "a loader whose collate_fn returns"),
    (on_a_gpu, gm.InputError, "RuntimeError: Cannot re-initialize CUDA", "multiprocessing_context='spawn'"),
    (without_a_file, gm.InputError, "FileNotFoundError: images/3.png", "an error of the data set"),
    (refused, gm.InputError, "the image is of another camera", ""),
]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(("odd", "kind", "what", "hint"), CASES)
def test_an_error_of_the_callers_loader(
    odd: Callable[[], torch.Tensor], kind: type[gm.GanMetricsError], what: str, hint: str, workers: int
) -> None:
    with pytest.raises(kind) as caught:
        score(DataLoader(Doing(odd), batch_size=4, num_workers=workers))
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert "memory" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not multiprocessing.active_children(), "the error keeps no process alive"


@pytest.mark.parametrize(
    ("odd", "what", "is_of_memory"),
    [
        (killed, "ended by the signal Killed, most often for lack of memory", True),
        (ended, "ended with exit code 3", False),
    ],
)
def test_a_process_of_the_callers_loader_that_dies(
    odd: Callable[[], torch.Tensor], what: str, is_of_memory: bool
) -> None:
    with pytest.raises(gm.ResourceError) as caught:
        score(DataLoader(Doing(odd), batch_size=4, num_workers=1))
    assert what in caught.value.what
    assert ("/dev/shm" in caught.value.hint) is is_of_memory
    assert caught.value.hint.startswith("Make the loader with num_workers=0")


@pytest.mark.parametrize("is_loader", [False, True])
def test_a_data_set_that_cannot_be_sent_to_a_process(is_loader: bool) -> None:
    data = Doing(lambda: of_another_size())
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(data)
    before = torch.multiprocessing.get_start_method()
    torch.multiprocessing.set_start_method("spawn", force=True)
    try:
        with pytest.raises(gm.UsageError, match="the data set cannot be sent to other processes") as caught:
            score(DataLoader(data, num_workers=1) if is_loader else gm.source(data, reading=gm.Reading(workers=1)))
    finally:
        torch.multiprocessing.set_start_method(before, force=True)
    assert caught.value.hint.startswith("Make the loader with num_workers=0" if is_loader else "Use `workers=0`")


def test_a_data_set_that_fails_for_every_item_is_told_to_look_there() -> None:
    class Broken(Doing):
        def __getitem__(self, index: int) -> torch.Tensor:
            raise KeyError("image")

    with pytest.raises(gm.InputError, match="8 of 8 images cannot be read: item 0 raised KeyError: 'image'") as caught:
        score(Broken(of_another_size))
    assert caught.value.hint == "Ask the data set for one of them, as in dataset[0], to see where it fails"
