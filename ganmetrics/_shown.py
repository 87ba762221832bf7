"""How results show themselves in a notebook: by ``reporting``, which stands above them and is loaded by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os


class Shown:
    """Something that a report can be made of."""

    def _repr_html_(self) -> str:
        text: str = _reporting().fragment(self)
        return text

    def plot(self) -> Any:
        """The figures that can be drawn of it, as one matplotlib ``Figure``."""
        return _reporting().plot(self)

    def save_html(self, path: str | os.PathLike[str], *, command: str = "", force: bool = False) -> None:
        """Write a report, one file that needs no network, whole or not at all.

        Parameters
        ----------
        path : path
        command : str
            What made it, to be shown.
        force : bool
            Overwrite a file that exists.

        Raises
        ------
        UsageError
            The file exists and ``force`` is false.
        ResourceError
            The folder is missing or the disk is full.
        """
        _reporting().save(self, path, command=command, force=force)


def _reporting() -> Any:
    return import_module("ganmetrics.reporting")  # by name, as the registry loads what stands in a folder
