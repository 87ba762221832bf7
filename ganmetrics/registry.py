"""One registry for every folder of plug-in files: metrics, extractors, generators."""

from __future__ import annotations

import difflib
import os
import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Generic, TypeVar

from ganmetrics.errors import UsageError

Record = TypeVar("Record")


def unknown(kind: str, name: object, known: list[str]) -> UsageError:
    """The error for a name that is none of the known ones, with the nearest of them."""
    if not isinstance(name, str):
        what = f"a {kind} is named by a text; found one of type {type(name).__name__}"
        return UsageError(what, hint=f"Known: {', '.join(known)}", code="E-UNKNOWN")
    near = nearest(name, known)
    meant = f"Did you mean {near!r}? " if near else ""
    return UsageError(f"unknown {kind} {name!r}", hint=f"{meant}Known: {', '.join(known)}", code="E-UNKNOWN")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that a mistyped one is nearest to; empty where none is near."""
    names = list(known)
    swapped = [candidate for candidate in names if sorted(candidate) == sorted(name)]
    near = swapped or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return near[0] if near else ""


class Registry(Generic[Record]):
    """The records that the modules of one package define, each imported when its name is asked for.

    A record stands in the module of its name, with underscores for dashes, as ``inception-exact`` in
    ``inception_exact.py``. Where it stands elsewhere, every module is imported to find it.

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
        self._known: dict[str, Record] = {}

    def records(self) -> dict[str, Record]:
        """Every record by its name, in alphabetical order of the modules."""
        if self._records is None:
            modules = sorted(each.name for each in pkgutil.iter_modules(import_module(self.package).__path__))
            self._records = {record.name: record for module in modules for record in self._of_module(module)}
        return self._records

    def names(self) -> list[str]:
        return list(self.records())

    def get(self, name: object) -> Record | None:
        """The record of that name; ``None`` where there is none."""
        if not isinstance(name, str):
            return None
        # One module costs a millisecond, all extractors or metrics cost a hundred: names are looked for at home first.
        module = name.replace("-", "_")
        if name not in self._known and self._records is None and module.isidentifier():
            folder = import_module(self.package).__path__
            if any(os.path.isfile(os.path.join(place, f"{module}.py")) for place in folder):
                self._known.update((record.name, record) for record in self._of_module(module))
        return self._known[name] if name in self._known else self.records().get(name)

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None

    def __getitem__(self, name: str) -> Record:
        """The record of that name; an unknown one is answered with the nearest known one (UsageError)."""
        record = self.get(name)
        if record is None:
            raise unknown(self.kind, name, self.names())
        return record

    def _of_module(self, module: str) -> list[Any]:
        found = getattr(import_module(f"{self.package}.{module}"), self.attribute, [])
        return found if isinstance(found, list) else [found]
