"""Messages name the parameters of Python, between backticks; a command puts its own options in their place.

``Use `workers=0` `` is told by the command as ``Use `--workers 0` ``, and `` `kid(subset_size=500)` `` as
`` `--set kid.subset_size=500` ``. This is the one place that decides how an option is spelled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ganmetrics.errors import GanMetricsError

# `name`, `name=value`, `gm.function(…, name=value)` or `metric(name=value)`
PHRASE = re.compile(r"`(?:(?P<call>[a-z][\w.]*)\((?:[^`=]*, )?)?(?P<name>[a-z]\w*)(?:=(?P<value>[^`]+?))?(?(call)\))`")
OF_METRICS = "metric(option)"  # what the option that sets those of metrics is called in a table


class Option(NamedTuple):
    """How a command spells a parameter."""

    spelling: str
    takes_value: bool = True


def in_options(text: str, options: Mapping[str, Option]) -> str:
    """A message with a command's options in place of parameters; a parameter that the command lacks stays as it is.

    Parameters
    ----------
    text : str
    options : mapping
        From the name of a parameter to its option. What a value alone stands for has the key ``name=value``.
    """
    return PHRASE.sub(lambda found: _phrase(found, options), text)


def tell_in_options(error: GanMetricsError, options: Mapping[str, Option]) -> None:
    """Put a command's options in place of the parameters that an error names."""
    error.what, error.hint = in_options(error.what, options), in_options(error.hint, options)
    place = error.where.removeprefix("Reading.")
    error.where = options[place].spelling if place in options else error.where


def _phrase(found: re.Match[str], options: Mapping[str, Option]) -> str:
    call, name, value = found["call"] or "", found["name"], (found["value"] or "").strip("'\"")
    if call and not call.startswith("gm."):
        name, value = OF_METRICS, f"{call}.{name}={value}"
    option = options.get(f"{name}={value}") or options.get(name)
    if option is None:
        return found[0]
    value = ":".join(value.strip("()").split(", "))  # how options write pairs
    return f"`{option.spelling} {value}`" if value and option.takes_value else f"`{option.spelling}`"
