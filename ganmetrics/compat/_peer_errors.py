"""Errors that other packages' callers catch: each is one of ours and one of the types that the package raises."""

from __future__ import annotations

from ganmetrics.errors import InputError, UsageError


class ArgumentValueError(UsageError, ValueError):
    """An argument that cannot be meant, where torchmetrics raises ValueError."""


class ArgumentTypeError(UsageError, TypeError):
    """An argument of another type, where torchmetrics raises TypeError."""


class ImageValueError(InputError, ValueError):
    """Images or numbers of images that cannot be scored, where torchmetrics raises ValueError."""


class TooFewError(InputError, RuntimeError):
    """Too few images, where torchmetrics raises RuntimeError."""


class MissingPathError(InputError, RuntimeError):
    """A path that is not there, where pytorch-fid raises RuntimeError."""
