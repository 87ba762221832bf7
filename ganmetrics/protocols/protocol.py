"""What a protocol is: the choices with which a package computes its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Protocol:
    """How one package computes FID and related scores.

    Attributes
    ----------
    name : str
        What users type.
    resize : str
        How images reach Inception's 299 pixels, by the name that signatures write.
    proven : str
        The package and version that it was compared with, or how it is known otherwise.
    why : str
        In which way its numbers differ from the default's.
    source : str
        Where the package is published.
    options : mapping of str to mapping
        The options of metrics where they differ from the metric's own.
    differs : mapping of str to str
        What the package does otherwise and no option says, by the name of a metric.
    reference_keys : frozenset of str
        The arrays by which the package's own files of statistics are known; empty where others write the same.
    """

    name: str
    resize: str
    proven: str
    why: str
    source: str
    options: Mapping[str, Mapping[str, int | float | str]] = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)
    reference_keys: frozenset[str] = frozenset()
