"""What the commands of this room share: arguments that are refused in one sentence, warnings as lines, exit codes."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from typing import NoReturn

from ganmetrics.errors import GanMetricsError, UsageError

INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """A parser whose errors are those of ganmetrics."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line (UsageError)."""
        raise UsageError(message, hint=f"See {self.prog} --help")


def run(work: Callable[[], str]) -> NoReturn:
    """Write what ``work`` returns to stdout and leave with exit code 0, or with an error's sentence and its code."""
    warnings.showwarning = lambda message, *_: _say(f"warning: {message}")
    try:
        sys.stdout.write(f"{work()}\n")
        sys.stdout.flush()
        code = 0
    except GanMetricsError as error:
        _say(f"error[{error.code}]: {error}")
        code = error.exit_code
    except KeyboardInterrupt:
        _say("interrupted; nothing was written")
        code = INTERRUPTED
    sys.exit(code)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
