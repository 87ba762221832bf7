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
# The set that a warning is about, as options name it before a value.
OF_SET = re.compile(r"(?:real|fake|test):(?= )")
# The key of the option that sets options of metrics.
OF_METRICS = "metric(option)"


class Option(NamedTuple):
    """How a command spells a parameter, and whether its value may name a set before a colon."""

    spelling: str
    takes_value: bool = True
    takes_set: bool = False


def in_options(text: str, options: Mapping[str, Option]) -> str:
    """Return a message with a command's options in place of parameters; those that the command lacks stay.

    Parameters
    ----------
    text : str
    options : mapping
        From the name of a parameter to its option. What a value alone stands for has the key ``name=value``.
    """
    about = OF_SET.match(text)
    return PHRASE.sub(lambda found: _phrase(found, options, about[0] if about else ""), text)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a message with other names for parameters, where a function of another package has names of its own.

    Parameters
    ----------
    text : str
    names : mapping
        From the name of our parameter to the name of theirs.
    """

    def phrase(found: re.Match[str]) -> str:
        is_theirs = not found["call"] and found["name"] in names
        return found[0].replace(found["name"], names[found["name"]], 1) if is_theirs else found[0]

    return PHRASE.sub(phrase, text)


def tell_in_options(error: GanMetricsError, options: Mapping[str, Option]) -> None:
    """Put a command's options in place of the parameters that an error names."""
    error.what, error.hint = in_options(error.what, options), in_options(error.hint, options)
    place = error.where.removeprefix("Reading.")
    error.where = options[place].spelling if place in options else error.where


def _phrase(found: re.Match[str], options: Mapping[str, Option], about: str) -> str:
    call, name, value = found["call"] or "", found["name"], (found["value"] or "").strip("'\"")
    if call and not call.startswith("gm."):
        name, value = OF_METRICS, f"{call}.{name}={value}"
    option = options.get(f"{name}={value}") or options.get(name)
    if option is None:
        return found[0]
    # Options write a pair as LOW:HIGH.
    value = ":".join(value.strip("()").split(", "))
    # A shell would replace wild cards.
    if set("*?[") & set(value):
        value = f"'{about * option.takes_set}{value}'"
    return f"`{option.spelling} {value}`" if value and option.takes_value else f"`{option.spelling}`"
