"""torch-fidelity's classes of generative models, for code that imports them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import deepcopy
from typing import Any

from torch import nn

from ganmetrics.compat._fidelity_inputs import NOISES
from ganmetrics.compat._peer_errors import ArgumentValueError


class GenerativeModelBase(ABC, nn.Module):
    """A model that draws images from noise."""

    @property
    @abstractmethod
    def z_size(self) -> int:
        """How many numbers of noise make an image."""

    @property
    @abstractmethod
    def z_type(self) -> str:
        """The noise: ``normal``, ``unit`` (on the unit sphere) or ``uniform_0_1``."""

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """The classes of a conditional model; 0 of one that takes noise alone."""


class GenerativeModelModuleWrapper(GenerativeModelBase):
    """A module from noise [N, z_size] to uint8 images [N, 3, H, W].

    Parameters
    ----------
    module : Module
    z_size : int
    z_type : {"normal", "unit", "uniform_0_1"}
    num_classes : int
    make_copy, make_eval : bool
        Whether its values are copied, and whether it is put into evaluation mode.
    cuda : bool, optional
        Whether it is moved to a GPU, or to the CPU.

    Raises
    ------
    UsageError
        Arguments of another type, or another noise.
    """

    def __init__(
        self,
        module: nn.Module,
        z_size: int,
        z_type: str,
        num_classes: int,
        make_copy: bool = False,
        make_eval: bool = True,
        cuda: bool | None = None,
    ) -> None:
        super().__init__()
        odd = [
            what
            for what, is_right in (
                ("module is no Module", isinstance(module, nn.Module)),
                (f"z_size is {z_size!r}; it must be a positive whole number", type(z_size) is int and z_size > 0),
                (f"z_type is {z_type!r}; it must be one of {', '.join(NOISES)}", z_type in NOISES),
                (f"num_classes is {num_classes!r}; it must be a whole number", type(num_classes) is int),
            )
            if not is_right
        ]
        if odd:
            raise ArgumentValueError(odd[0], where=odd[0].split()[0])
        self.module = deepcopy(module) if make_copy else module
        if make_eval:
            self.module.eval()
        if cuda is not None:
            self.module = self.module.to("cuda" if cuda else "cpu")
        self._z_size, self._z_type, self._num_classes = z_size, z_type, num_classes

    @property
    def z_size(self) -> int:
        """How many numbers of noise make an image."""
        return self._z_size

    @property
    def z_type(self) -> str:
        """The noise."""
        return self._z_type

    @property
    def num_classes(self) -> int:
        """The classes; 0 of a model that takes noise alone."""
        return self._num_classes

    def forward(self, *args: Any) -> Any:
        """The images of noise."""
        return self.module(*args)
