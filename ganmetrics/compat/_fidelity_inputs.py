"""Inputs of torch-fidelity: folders, names of data sets, data sets and generative models, opened as sources."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ganmetrics.compat._peer_errors import ArgumentValueError
from ganmetrics.compat._peer_files import peer_folder, torch_fidelitys_rule
from ganmetrics.data import Source, open_source
from ganmetrics.data.torchvision_set import load_dataset
from ganmetrics.errors import UsageError
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from ganmetrics.compat._sides import Side
    from ganmetrics.data import Reading

    AnyPath = str | os.PathLike[str]

# torch-fidelity's names of data sets: torchvision's class and split.
DATA_SETS = {
    "cifar10-train": ("CIFAR10", "train"),
    "cifar10-val": ("CIFAR10", "test"),
    "cifar100-train": ("CIFAR100", "train"),
    "cifar100-val": ("CIFAR100", "test"),
    "stl10-train": ("STL10", "train"),
    "stl10-test": ("STL10", "test"),
    "stl10-unlabeled": ("STL10", "unlabeled"),
}
_REGISTERED: dict[str, Callable[[Any, bool], Any]] = {}
NOISES = ("normal", "unit", "uniform_0_1")


@dataclass(frozen=True)
class Opening:
    """How inputs are opened: sub-folders, suffixes, the folder of data sets, the seed of models, the reading."""

    is_deep: bool
    suffixes: str
    data_root: AnyPath | None
    seed: int
    reading: Reading

    def images(self, value: Any, num_samples: int | None) -> Side:
        """Return the images or statistics that an input stands for, checked as far as is cheap and not yet read."""
        if isinstance(value, str) and value in registered():
            folder = None if self.data_root is None else os.fspath(self.data_root)
            return open_source(registered()[value](folder, True), reading=self._whole, name=value)
        if isinstance(value, str) and value in DATA_SETS:
            folder = None if self.data_root is None else os.fspath(self.data_root)
            dataset = load_dataset(*DATA_SETS[value], folder=folder, where=value)
            return open_source(dataset, reading=self._whole, name=value)
        # torch-fidelity's generative models are known by these attributes.
        if all(hasattr(value, name) for name in ("z_size", "z_type", "num_classes")):
            return generated(value, num_samples, self.seed)
        if isinstance(value, (str, os.PathLike)) and os.fspath(value).endswith((".onnx", ".pth")):
            hint = "Load it and pass torch_fidelity.GenerativeModelModuleWrapper in Python, or save its images"
            raise UsageError("a generator in a file is not supported", where=os.fspath(value), hint=hint)
        if isinstance(value, (str, os.PathLike)) and os.path.isdir(value):
            rule = torch_fidelitys_rule(self.suffixes, is_deep=self.is_deep)
            return peer_folder(value, rule, self.reading)
        if isinstance(value, (str, os.PathLike)) and os.path.isfile(value):
            # Imported here: the command's help does without torch.
            from ganmetrics.compat._sides import opened

            return opened(value, self._whole, torch_fidelitys_rule(self.suffixes, is_deep=self.is_deep))
        return open_source(value, reading=self._whole)

    @property
    def _whole(self) -> Reading:
        """The reading of inputs that are no folder, whose images are not cut."""
        return replace(self.reading, prepare=None)


def register_dataset(name: str, fn_create: Callable[[Any, bool], Any]) -> None:
    """Make a data set an input under a name, as ``torch_fidelity.register_dataset`` does.

    Parameters
    ----------
    name : str
    fn_create : callable
        From the folder of data sets and whether they may be downloaded to a ``torch.utils.data.Dataset``.

    Raises
    ------
    UsageError
        A name that is taken or could be a path, or no callable.
    """
    if not isinstance(name, str) or name.strip() != name or not name or os.sep in name or name in DATA_SETS:
        raise ArgumentValueError(f"{name!r} cannot name a data set", where="name", code="E-NAME")
    if name in registered():
        raise ArgumentValueError(f"a data set {name!r} is registered already", where="name", code="E-EXISTS")
    if not callable(fn_create):
        raise ArgumentValueError("fn_create is no function of a folder and a bool", where="fn_create")
    _REGISTERED[name] = fn_create


def registered() -> dict[str, Callable[[Any, bool], Any]]:
    """Return the data sets that were registered here, and those that torch_fidelity knows where it is imported."""
    theirs = getattr(sys.modules.get("torch_fidelity.registry"), "DATASETS_REGISTRY", {})
    return {**{name: make for name, make in theirs.items() if name not in DATA_SETS}, **_REGISTERED}


def generated(model: Any, num_samples: int | None, seed: int) -> Source:
    """Return the samples of one of torch-fidelity's generative models, its noise from ``RandomState(seed)``.

    Raises
    ------
    UsageError
        A conditional model, another kind of noise, no number of samples.
    """
    import numpy as np
    import torch

    if model.num_classes:
        raise UsageError("a conditional model is not supported", where="num_classes", hint="Save its images")
    if model.z_type not in NOISES:
        raise unknown("z_type", str(model.z_type), list(NOISES))
    if not num_samples:
        raise UsageError("a model needs its number of samples", where="input1_model_num_samples")
    # NumPy's stream, as torch-fidelity draws its noise.
    stream = np.random.RandomState(seed)
    place = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))

    def images(count: int) -> Any:
        draw = stream.randn if model.z_type == "normal" else stream.rand
        noise = torch.from_numpy(draw(count, model.z_size)).float()
        if model.z_type == "unit":
            # Noise on the unit sphere.
            noise = torch.nn.functional.normalize(noise)
        return model(noise.to(place))

    return open_source(images, num_images=num_samples, name="model")
