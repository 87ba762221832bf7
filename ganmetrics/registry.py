"""One registry for every folder of plug-in files: metrics, extractors, generators."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Generic, TypeVar

from ganmetrics.errors import UsageError

Record = TypeVar("Record")


def unknown(kind: str, name: object, known: list[str]) -> UsageError:
    """The error for a name that is none of the known ones, with the nearest of them."""
    if not isinstance(name, str):
        what = f"a {kind} is named by a text; found one of type {type(name).__name__}"
        return UsageError(what, hint=f"Known: {', '.join(known)}", code="E-UNKNOWN")
    swapped = [each for each in known if sorted(each) == sorted(name)]
    near = swapped or difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    return UsageError(f"unknown {kind} {name!r}", hint=f"{meant}Known: {', '.join(known)}", code="E-UNKNOWN")


class Registry(Generic[Record]):
    """The records that the modules of one package define, found by reading its folder on first use.

    Parameters
    ----------
    package : str
        The package whose modules are searched.
    attribute : str
        The name of the record in each module, such as ``METRIC``, or of a list of them; modules without it are passed
        over.
    kind : str
        What one record is called in messages.
    """

    def __init__(self, package: str, attribute: str, kind: str) -> None:
        self.package, self.attribute, self.kind = package, attribute, kind
        self._records: dict[str, Record] | None = None

    def records(self) -> dict[str, Record]:
        """Every record by its name, in alphabetical order of the modules."""
        if self._records is None:
            self._records = dict(self._discover())
        return self._records

    def names(self) -> list[str]:
        return list(self.records())

    def __getitem__(self, name: str) -> Record:
        """The record of that name; an unknown one is answered with the nearest known one (UsageError)."""
        if not isinstance(name, str) or name not in self.records():
            raise unknown(self.kind, name, self.names())
        return self.records()[name]

    def _discover(self) -> Iterator[tuple[str, Record]]:
        folder = importlib.import_module(self.package).__path__
        for module in sorted(pkgutil.iter_modules(folder), key=lambda found: found.name):
            found = getattr(importlib.import_module(f"{self.package}.{module.name}"), self.attribute, [])
            for record in found if isinstance(found, list) else [found]:
                yield record.name, record
