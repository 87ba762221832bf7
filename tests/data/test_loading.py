"""The decode pipeline: processes change nothing but the time, and leave nothing behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from ganmetrics.data import Reading, open_source
from ganmetrics.data.reading.decode import Decoded, decode
from ganmetrics.data.reading.loading import chosen_workers
from ganmetrics.errors import InputError, ResourceError


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """150 small PNG files of two sizes."""
    from PIL import Image

    root = tmp_path_factory.mktemp("many")
    for number in range(150):
        side = 8 if number % 7 else 9
        pixels = np.random.default_rng(number).integers(0, 256, (side, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{number:03}.png")
    return root


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("workers", [None, 1, 2])
def test_workers_change_nothing(many, workers, kit):
    before = multiprocessing.active_children()
    alone, helped = (open_source(many, reading=Reading(workers=number)) for number in (0, workers))
    expected, images = kit["all_images"](alone), kit["all_images"](helped)
    assert len(images) == 150
    assert all(torch.equal(one, two) for one, two in zip(expected, images, strict=True))
    assert alone.notes == helped.notes
    assert not any(image.is_shared() for image in images)  # no handle of shared memory is kept
    assert set(multiprocessing.active_children()) <= set(before)


def test_workers_read_a_zip_each_with_its_own_handle(many, tmp_path, kit):
    import zipfile

    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for path in many.iterdir():
            archive.write(path, path.name)
    expected = kit["all_images"](open_source(many))
    for workers in (0, 2):
        source = open_source(tmp_path / "many.zip", reading=Reading(workers=workers))
        images = kit["all_images"](source)
        assert all(torch.equal(one, two) for one, two in zip(expected, images, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_files_are_listed_alike(many, tmp_path, workers):
    import shutil

    shutil.copytree(many, tmp_path / "copy")
    for number in (3, 149):
        (tmp_path / "copy" / f"{number:03}.png").write_bytes(b"")
    source = open_source(tmp_path / "copy", reading=Reading(workers=workers))
    with pytest.raises(InputError) as caught:
        list(source.batches())
    assert caught.value.what == (
        "2 of 150 images cannot be read: 003.png is empty (0 bytes); 149.png is empty (0 bytes)"
    )


@pytest.mark.usefixtures("unchanged")
def test_stopping_early_ends_the_workers(many):
    batches = open_source(many, reading=Reading(workers=2)).batches()
    next(batches)
    assert multiprocessing.active_children()
    batches.close()
    assert multiprocessing.active_children() == []


@pytest.mark.timeout(60)
def test_87_a_killed_worker_is_a_resource_error(many, monkeypatch):
    import ganmetrics.data.reading.item_source as item_source

    def dies(*_):
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(5)
        return Decoded(np.zeros((1, 1, 3), np.uint8))

    monkeypatch.setattr(item_source, "decode", dies)
    if multiprocessing.get_start_method() != "fork":
        pytest.skip("only a forked worker has the patched function")
    with pytest.raises(ResourceError) as caught:
        list(open_source(many, reading=Reading(workers=1)).batches())
    assert caught.value.exit_code == 6
    assert "`workers=0`" in caught.value.hint


def test_workers_are_chosen_by_the_number_of_images():
    assert chosen_workers(Reading(), 63) == 0
    assert 1 <= chosen_workers(Reading(), 64) <= 4
    assert chosen_workers(Reading(workers=7), 1) == 7


def test_few_images_are_decoded_once(tmp_path, monkeypatch, kit):
    """Without worker processes nothing needs to be known of their size."""
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(kit["encoded"](kit["noise"](4, 4, 3)))
    decoded = []
    name = "ganmetrics.data.reading.item_source.decode"
    monkeypatch.setattr(name, lambda *given: decoded.append(1) or decode(*given))
    assert len(kit["all_images"](open_source(tmp_path))) == 2
    assert len(decoded) == 2


def test_large_images_come_in_small_batches(tmp_path, monkeypatch, kit):
    for number in range(6):
        (tmp_path / f"{number}.png").write_bytes(kit["encoded"](kit["noise"](10, 10, 3)))
    monkeypatch.setattr("ganmetrics.data.reading.loading.TASK_BYTES", 600)
    assert [len(batch) for batch in open_source(tmp_path).batches()] == [2, 2, 2]
    monkeypatch.setattr("ganmetrics.data.reading.loading.TASK_BYTES", 10)
    assert [len(batch) for batch in open_source(tmp_path).batches()] == [1] * 6


def test_items_can_be_sent_to_a_worker_that_is_not_forked(many, tmp_path):
    import pickle
    import shutil

    archive = shutil.make_archive(str(tmp_path / "many"), "zip", many)
    names = (many, archive)
    for items in [open_source(name)._items for name in names]:
        expected = items.load(1)
        again = pickle.loads(pickle.dumps(items)).load(1)
        assert np.array_equal(expected.pixels, again.pixels)
    items.close()


LATE = """
import multiprocessing, os, signal, sys, time
from ganmetrics.data.reading.loading import _detach

def late(parent, note):
    while os.getppid() == parent:
        time.sleep(0.01)
    with open(note, "w") as file:
        file.write(str(os.getpid()))
    _detach(0)
    os.rename(note, note + ".lives")

multiprocessing.get_context("fork").Process(target=late, args=(os.getpid(), sys.argv[1])).start()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_whose_command_died_before_it_began_ends(tmp_path):
    note = tmp_path / "note"
    subprocess.run([sys.executable, "-c", LATE, str(note)], check=False, cwd=tmp_path)
    until = time.monotonic() + 30
    while time.monotonic() < until and not (note.exists() and note.read_text() and is_gone(int(note.read_text()))):
        assert not note.with_name("note.lives").exists()
        time.sleep(0.02)
    assert is_gone(int(note.read_text()))


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
