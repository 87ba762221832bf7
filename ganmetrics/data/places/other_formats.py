"""Files that may hold images in forms that are not read: what to do about each."""

from __future__ import annotations

from collections import Counter

from ganmetrics.data.places.paths import (
    ARRAY_SUFFIXES,
    HDF5_SUFFIXES,
    PARQUET,
    PICKLES,
    UNREAD_SUFFIXES,
    VIDEO_SUFFIXES,
)

ARRAY = "np.savez(path, images), uint8 [N, H, W, 3]"
# EDM2's files hold moments for several networks.
STATISTICS = (
    "python -c \"import pickle, numpy; r = pickle.load(open('ref.pkl', 'rb')); r = r.get('fid', r); "
    "numpy.savez('ref.npz', mu=r['mu'], sigma=r['sigma'])\""
)
ADVICE: tuple[tuple[frozenset[str], str], ...] = (
    (
        VIDEO_SUFFIXES,
        "Score the frames of videos by a pattern in quotes, as in 'FOLDER/*.mp4'",
    ),
    (
        frozenset((".mdb", ".lmdb")),
        "Name the folder that holds the data.mdb of an LMDB",
    ),
    (
        frozenset((".tfrecord", ".tfrecords")),
        "Convert TFRecords to a zip by dataset_tool.py of stylegan2-ada-pytorch, or to image files",
    ),
    (
        frozenset((PARQUET,)),
        "Name the files by a pattern in quotes, as in 'FOLDER/*.parquet', or the data set as huggingface:FOLDER:SPLIT",
    ),
    (
        frozenset((".arrow",)),
        "Name the folder of a Hugging Face data set as huggingface:FOLDER:SPLIT, as in huggingface:data/cats:train",
    ),
    (HDF5_SUFFIXES, "Name one file, and behind a colon its data set where it has several, as in images.h5:real"),
    (frozenset((".mat",)), f"Load the images and save them by {ARRAY}"),
    (
        PICKLES,
        f"If they are images, load them yourself and save them by {ARRAY}; if a generator, load it and pass it to "
        f"gm.evaluate in Python; if statistics, convert them once: {STATISTICS}",
    ),
    (frozenset((".safetensors", ".onnx")), "Weights are no images: load the generator and pass it to gm.evaluate"),
    (frozenset((".svg", ".dcm", ".nii")), "Convert them to PNG"),
    (frozenset((".gz",)), "Unpack them; MNIST and its kin are named torchvision:MNIST:test"),
    (frozenset((".tar",)), "Name the archives by a pattern in quotes, as in 'FOLDER/*.tar'"),
    (ARRAY_SUFFIXES, f"Stack the arrays into one file by {ARRAY}, and name that file"),
    (frozenset((".zip",)), "Name one archive, or unpack them into one folder"),
    (frozenset(("no suffix",)), "Files without a suffix are not looked at: if they are images, name them .png or .jpg"),
)


def advice(found: Counter[str]) -> str:
    """What to do about a place that holds other files than images, by their suffixes; empty where nobody knows."""
    pictures = [suffix for suffix in found if suffix in UNREAD_SUFFIXES]
    if pictures:
        return f"{' and '.join(pictures)} files are not read; convert them to PNG"
    known = {suffix: number for suffix, number in found.items() if _of(suffix)}
    return _of(max(known, key=known.__getitem__)) if known else ""


def _of(suffix: str) -> str:
    # TensorFlow numbers the parts of a set behind the suffix: train.tfrecord-00000-of-00010.
    return next((text for suffixes, text in ADVICE if suffix in suffixes or suffix.partition("-")[0] in suffixes), "")
