"""The exceptions of ganmetrics, each with the exit code of the command line.

A message says what was found, where, what was expected and what to do. ``code`` is a short stable name for it
(``E-EMPTY``), so that scripts need not parse sentences.
"""

from __future__ import annotations


class GanMetricsError(Exception):
    """The base class of all errors of ganmetrics.

    Parameters
    ----------
    what : str
        One sentence: what was found and what was expected.
    where : str, optional
        The file, folder, argument or metric concerned.
    hint : str, optional
        What to do about it.
    code : str, optional
        A short stable name such as ``E-EMPTY``; each class has a default.
    """

    exit_code = 1
    default_code = "E-INTERNAL"
    # Whether the error happened on another rank, which reports it.
    is_told = False

    def __init__(self, what: str, *, where: str = "", hint: str = "", code: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        self.code = code or self.default_code
        super().__init__(what, where, hint, self.code)

    def __str__(self) -> str:
        text = f"{self.what} ({self.where})" if self.where else self.what
        return f"{text}. {self.hint}" if self.hint else text

    # An error of a worker process is pickled, which alone would lose keyword arguments.
    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.where, self.hint, self.code)

    def to_dict(self) -> dict[str, str]:
        """Return the error as the object that ``--json`` prints on stderr."""
        return {"code": self.code, "what": self.what, "where": self.where, "hint": self.hint}


class UsageError(GanMetricsError, ValueError):
    """An option or argument that cannot be meant (exit code 2)."""

    exit_code = 2
    default_code = "E-USAGE"


class KeywordError(UsageError, TypeError):
    """A keyword that a function does not take (exit code 2); a ``TypeError`` too, as Python's own refusal is."""


class InputError(GanMetricsError, ValueError):
    """Images that cannot be read or scored (exit code 3)."""

    exit_code = 3
    default_code = "E-INPUT"


class StatisticsError(GanMetricsError, ValueError):
    """Saved statistics that are broken, or made by another recipe (exit code 4)."""

    exit_code = 4
    default_code = "E-STATISTICS"


class WeightsError(GanMetricsError, RuntimeError):
    """Network weights that are missing, damaged or cannot be fetched (exit code 5)."""

    exit_code = 5
    default_code = "E-WEIGHTS"


class ResourceError(GanMetricsError, RuntimeError):
    """Too little disk, memory or GPU memory, or a place that cannot be written (exit code 6)."""

    exit_code = 6
    default_code = "E-RESOURCE"


class RejectedError(GanMetricsError, ValueError):
    """A submission that a leaderboard does not accept, or a board that does not verify (exit code 7)."""

    exit_code = 7
    default_code = "E-REJECTED"


class NumericalError(GanMetricsError, ArithmeticError):
    """A result that mathematics rules out; please report it (exit code 1)."""

    default_code = "E-NUMERICAL"


# What data of another form raise where they are taken apart: no JSON, missing keys, other types, numbers too large.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


class GanMetricsWarning(UserWarning):
    """A score that is valid but easily misread."""


NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cannot allocate memory",
    "start new thread",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, the CPU's or a GPU's, for which PyTorch has no class of its own."""
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in NO_MEMORY)


def _rebuild(kind: type[GanMetricsError], what: str, where: str, hint: str, code: str) -> GanMetricsError:
    return kind(what, where=where, hint=hint, code=code)
