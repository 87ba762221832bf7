"""What the commands of this room share: arguments that are refused in one sentence, warnings as lines, exit codes."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import NoReturn

from ganmetrics._wording import Option, in_options, tell_in_options
from ganmetrics.errors import GanMetricsError, UsageError

INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """A parser whose errors are those of ganmetrics."""

    @property
    def spelled(self) -> dict[str, Option]:
        """How it spells the parameters that messages name."""
        actions = [each for each in self._actions if each.option_strings]
        return {each.dest: Option(each.option_strings[-1], each.nargs != 0) for each in actions}

    def error(self, message: str) -> NoReturn:
        """Refuse the command line (UsageError)."""
        raise UsageError(message, hint=f"See {self.prog} --help")


def run(parser: Parser, work: Callable[[argparse.Namespace], str], arguments: Sequence[str] | None) -> NoReturn:
    """Write what ``work`` makes of the arguments to stdout and leave with exit code 0, or with an error's sentence."""
    # Warnings become lines of stderr without file names.
    warnings.showwarning = lambda message, *_: _say(f"warning: {in_options(str(message), parser.spelled)}")
    try:
        sys.stdout.write(f"{work(parser.parse_args(arguments))}\n")
        sys.stdout.flush()
        code = 0
    except GanMetricsError as error:
        tell_in_options(error, parser.spelled)
        _say(f"error[{error.code}]: {error}")
        code = error.exit_code
    except KeyboardInterrupt:
        _say("interrupted; nothing was written")
        code = INTERRUPTED
    sys.exit(code)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
