"""What a metric is to the rest of the package: a pure function and a record about it."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ganmetrics._arguments import described
from ganmetrics.errors import UsageError
from ganmetrics.metrics.needs import Kind, Need
from ganmetrics.registry import unknown

if TYPE_CHECKING:
    from ganmetrics.metrics._uncertainty import Uncertain

Option = int | float | str
# The largest whole number to which a float is exact, as are all below it.
EXACT = 2**53


class Estimate(NamedTuple):
    """A value and its spread over what the metric names, such as splits or subsets.

    ``error`` is the standard error of the value, where it is a mean of independent draws.
    """

    value: float
    std: float | None = None
    error: float | None = None


class Part(NamedTuple):
    """One number of those that a metric gives.

    Attributes
    ----------
    name : str
        The key in results and JSON; the metric's own name where it is the only one.
    title : str
        What tables print.
    higher_is_better : bool
    best : str
        The best value, as printed.
    scale : {"", "share", "positive", "real"}
        The scale on which resampling makes an interval: for shares in 0..1, for logarithms, or for the value as it is;
        empty where resampling makes none.
    """

    name: str
    title: str
    higher_is_better: bool
    best: str
    scale: str = ""


class Given(NamedTuple):
    """What a metric's value was computed from: its sets, ``None`` for a set that it ignores, and its options."""

    real: Any
    fake: Any
    test: Any
    settings: Mapping[str, Option]


@dataclasses.dataclass(frozen=True, eq=False)
class Metric:
    """One metric.

    Attributes
    ----------
    name : str
        What users type.
    function : callable
        Takes what it reads of each set, set by set, (real, fake), (fake) or (real, fake, test), and its options as
        keywords. Gives a float or an ``Estimate``, or a named tuple of them with the names of ``parts``.
    parts : tuple of Part
        The numbers that it gives.
    reads : tuple of Need
        What it needs of each set, in the order of the function's arguments (``ganmetrics.metrics.needs``).
    paper : str
    cost : str
        Beyond the one pass over each set.
    needs_real, needs_test : bool
        Whether it compares with real images, and with real ones that the generator was not trained on.
    spread : str
        What the standard deviation is taken over, empty where there is none.
    minimum : str
        The option that says how many images each set needs at least; 2 where it is empty.
    options : mapping
        Its options where they differ from the function's defaults.
    silent : tuple of str
        Options that its text leaves out while they have their defaults.
    losses : callable, optional
        How much lower the only part's value is without each of the fakes, float64 [N]: takes the real set's moments,
        or ``None``, what ``losses_reads`` names of the fakes, and the settings.
    losses_reads : tuple of Need
        What ``losses`` needs of the fakes.
    uncertainty : callable, optional
        How uncertain the parts are, by a method of the metric's own: takes what ``function`` gave and a ``Given``, and
        gives an ``Uncertain`` for each part that has an interval.
    uncertainty_reads : tuple of Need
        What ``uncertainty`` needs of each set beyond what ``reads`` names.
    resampling : {"", "bootstrap", "parts"}
        ``"parts"``: intervals come from the values of disjoint parts of the sets, as the spread of the value falls
        with the root of the number of images. ``"bootstrap"``: replicates with replacement may stand in for
        ``uncertainty`` where users ask for them. Empty: neither would cover.
    depends_on_count : bool
        Whether the value depends on the number of fakes, so that sets of different sizes do not compare.
    """

    name: str
    function: Callable[..., Any]
    parts: tuple[Part, ...]
    reads: tuple[Need, ...]
    paper: str
    cost: str = "little"
    needs_real: bool = True
    needs_test: bool = False
    spread: str = ""
    minimum: str = ""
    options: Mapping[str, Option] = dataclasses.field(default_factory=dict)
    silent: tuple[str, ...] = ()
    losses: Callable[..., Any] | None = None
    losses_reads: tuple[Need, ...] = ()
    uncertainty: Callable[[Any, Given], Mapping[str, Uncertain] | None] | None = None
    uncertainty_reads: tuple[Need, ...] = ()
    resampling: str = ""
    depends_on_count: bool = True

    @property
    def defaults(self) -> dict[str, Option]:
        """The keyword-only options of the function, each with its default."""
        parameters = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def settings(self) -> dict[str, Option]:
        """Every option, each with the value in force."""
        return {**self.defaults, **self.options}

    @property
    def needs_network(self) -> bool:
        """Whether it reads anything of a network, and not of the images alone."""
        return any(need.layer.is_of_network for need in self.reads)

    @property
    def reads_rows(self) -> bool:
        """Whether it reads rows of a network's layer, of which a long stream keeps a sample."""
        return any(need.kind is Kind.ROWS and need.layer.is_of_network for need in self.reads)

    @property
    def extractor(self) -> str:
        """The extractors that it goes with, in words."""
        words = [need.layer.extractors for need in self.reads if need.layer.is_of_network] or ["none"]
        return next((word for word in words if word != "any"), "any")

    @property
    def compares(self) -> str:
        """The sets that it needs, in words."""
        return " ".join(["real"] * self.needs_real + ["fake"] + ["test"] * self.needs_test)

    @property
    def facts(self) -> dict[str, Any]:
        """The record as plain data, for listings in JSON."""
        parts = [part._asdict() for part in self.parts]
        names = ("name", "extractor", "cost", "needs_real", "needs_test", "spread", "paper")
        plain = {name: getattr(self, name) for name in names}
        return {**plain, "reads": [need.name for need in self.reads], "parts": parts, "options": self.settings}

    @property
    def least_count(self) -> int:
        """The fewest images that each set must have."""
        return max(2, int(self.settings.get(self.minimum, 2)))

    def configured(self, options: Mapping[str, Option]) -> Metric:
        """Return a copy with some options changed; names and types are checked (UsageError)."""
        taken = dict(options)
        for name, value in options.items():
            if name not in self.defaults:
                raise unknown(f"option of {self.name}", name, list(self.defaults))
            expected = type(self.defaults[name])
            # A whole number stands for a float only where the float is exact.
            if expected is float and type(value) is int and abs(value) <= EXACT:
                taken[name] = float(value)
            elif type(value) is not expected:
                what = f"{self.name}.{name} is {value!r}; it must be of type {expected.__name__}"
                raise UsageError(what, where=f"{self.name}.{name}")
            if name != "seed" and expected is int and int(value) < 1:
                raise UsageError(f"{self.name}.{name} is {value}; it must be at least 1", where=f"{self.name}.{name}")
            if name == "seed" and not 0 <= int(value) < 2**32:
                raise UsageError(f"the seed {value} is not in 0..{2**32 - 1}", where=f"{self.name}.seed")
        return dataclasses.replace(self, options={**self.options, **taken})

    def seeded(self, seed: int) -> Metric:
        """Return a copy that draws from a seed, where the metric draws at all and no seed was set."""
        return self.configured({"seed": seed}) if "seed" in self.defaults and "seed" not in self.options else self

    def needs_set(self, role: str) -> bool:
        """Whether it reads a set in that role: ``real``, ``test``, or any other for the fakes."""
        return {"real": self.needs_real, "test": self.needs_test}.get(role, True)

    def sides(self, real: Any, fake: Any, test: Any = None) -> list[Any]:
        """Return the sets that it needs, in the order of its function's arguments."""
        return [real] * self.needs_real + [fake] + [test] * self.needs_test

    def computed(self, real: Any, fake: Any, test: Any = None) -> Any:
        """Call the function for sets that hold what ``reads`` names; sets that it does not need are ignored."""
        sides = self.sides(real, fake, test)
        return self.function(*(need.of(side) for side in sides for need in self.reads), **self.settings)

    def estimates_of(self, computed: Any) -> dict[str, Estimate]:
        """Return each part's value out of what the function gave."""
        # A named tuple has one field for each part; anything else is the only part.
        is_alone = isinstance(computed, Estimate) or not hasattr(computed, "_asdict")
        values = {self.parts[0].name: computed} if is_alone else computed._asdict()
        return {p.name: v if isinstance(v := values[p.name], Estimate) else Estimate(float(v)) for p in self.parts}

    def estimates(self, real: Any, fake: Any, test: Any = None) -> dict[str, Estimate]:
        """Score sets that hold what ``reads`` names; return each part's value."""
        return self.estimates_of(self.computed(real, fake, test))

    def __str__(self) -> str:
        said = {n: v for n, v in self.settings.items() if n not in self.silent or v != self.defaults[n]}
        options = ",".join(f"{name}={value}" for name, value in said.items())
        return f"{self.name}({options})" if options else self.name


def parse_call(text: str) -> tuple[str, dict[str, Option]]:
    """Read a text such as ``"kid(subset_size=500)"`` as a name and options; a bare name has no options (UsageError)."""
    match = re.fullmatch(r"\s*([\w-]+)\s*(?:\((.*)\))?\s*", text) if isinstance(text, str) else None
    if not match:
        raise UsageError(
            f"cannot read the metric {described(text)}",
            where="metrics",
            hint="Write it as 'kid' or 'kid(subset_size=500)'",
        )
    pairs = [part.partition("=") for part in (match[2] or "").split(",") if part.strip()]
    options = {name.strip(): parse_option(value.strip()) for name, _, value in pairs}
    if len(options) < len(pairs):
        raise UsageError(f"an option is set twice in {text!r}", where="metrics")
    return match[1], options


def parse_option(text: str) -> Option:
    """Read a text as a number where it is one, else keep the text."""
    for number in (int, float):
        with suppress(ValueError):
            return number(text)
    return text
