"""The base of all results: text, tables, JSON, HTML, figures and saving, each written once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import os

    import pandas as pd

    from ganmetrics._table import Table


class Renderer(Protocol):
    """What draws reports: the package ``reporting``."""

    def fragment(self, report: Any) -> str: ...

    def plot(self, report: Any) -> Any: ...

    def save(self, report: Any, path: str | os.PathLike[str], *, command: str = "", force: bool = False) -> None: ...

    def write_card(
        self, scores: Any, folder: str | os.PathLike[str], facts: Mapping[str, str], *, force: bool
    ) -> list[Any]: ...

    def bibtex(self, names: Any) -> str: ...


class Report:
    """A result that prints as text, shows itself in a notebook, and is saved as JSON or as an HTML page."""

    # The renderer stands above the results that it draws, so the package's ``__init__`` hands it down to them.
    renderer: Callable[[], Renderer]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data; ``docs/json.md`` describes it."""
        raise NotImplementedError

    def by_set(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the scores by the name of their set and by their own name; nothing for a result without scores."""
        return {}

    def table(self) -> Table:
        """Return the result as a table of cells, from which every format is written."""
        raise NotImplementedError

    def to_markdown(self) -> str:
        """Return the result as a Markdown table, with the best values in bold and the signatures below."""
        return self.table().markdown()

    def to_latex(self) -> str:
        """Return the result as a LaTeX table for the package ``booktabs``, with the signatures below."""
        return self.table().latex()

    def to_csv(self) -> str:
        """Return the result as comma-separated values: a row for each set, with ends of intervals and signatures."""
        return self.table().csv()

    def to_pandas(self) -> pd.DataFrame:
        """Return the result as a data frame: a row for each set, with ends of intervals and signatures.

        Raises
        ------
        UsageError
            The package ``pandas`` is not installed.
        """
        return self.table().pandas()

    def to_bibtex(self) -> str:
        """Return BibTeX entries of the papers behind the scores, and of this package."""
        return Report.renderer().bibtex([name for scores in self.by_set().values() for name in scores])

    def to_json(self) -> str:
        """Return ``to_dict`` as JSON text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the result as JSON. The file is written whole or not at all.

        Parameters
        ----------
        path : path
        force : bool
            Overwrite a file that exists.

        Raises
        ------
        UsageError
            The file exists and ``force`` is false.
        ResourceError
            The folder is missing or the disk is full.
        """
        # Imported here, since importing the package must cost milliseconds.
        from ganmetrics._files import save_json

        save_json(self.to_json(), path, force=force)

    def save_html(self, path: str | os.PathLike[str], *, command: str = "", force: bool = False) -> None:
        """Write an HTML report: one file that loads nothing else. The file is written whole or not at all.

        Parameters
        ----------
        path : path
        command : str
            The command that made the result; the report shows it.
        force : bool
            Overwrite a file that exists.

        Raises
        ------
        UsageError
            The file exists and ``force`` is false.
        ResourceError
            The folder is missing or the disk is full.
        """
        Report.renderer().save(self, path, command=command, force=force)

    def plot(self) -> Any:
        """Draw all figures of the result as one matplotlib ``Figure``."""
        return Report.renderer().plot(self)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return Report.renderer().fragment(self)
