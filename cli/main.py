"""The ``ganmetrics`` command: it finds its commands and turns errors into one sentence and an exit code."""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import pkgutil
import shlex
import signal
import sys
import warnings
from importlib import import_module
from itertools import pairwise

import click

from ganmetrics._process import set_allocator
from ganmetrics._wording import in_options, tell_in_options
from ganmetrics.errors import GanMetricsError, ResourceError, is_out_of_memory
from ganmetrics.version import __version__

from .completion_command import VARIABLE
from .grouped_help import Group
from .options import spelled

# The end of the name of each file that holds a command.
SUFFIX = "_command"
SAID: dict[int, str] = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
ENDING = tuple(SAID)
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
SECONDS_TO_LEAVE = 5.0
# An option of glibc's mallopt.
M_ARENA_MAX = -8
# Windows has no timers.
HAS_TIMERS = hasattr(signal, "setitimer")


class Commands(Group):
    """The group of all commands. The file of a command is loaded when the command is asked for or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        files = pkgutil.iter_modules(import_module("ganmetrics.cli").__path__)
        return sorted(file.name.removesuffix(SUFFIX) for file in files if file.name.endswith(SUFFIX))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"ganmetrics.cli.{cmd_name}{SUFFIX}")
        command: click.Command = module.command
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ganmetrics")
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error. It may stand anywhere."
)
def group() -> None:
    """Score generated images by FID, Inception Score, KID and more.

    Each score comes with its 95 % interval and with the signature that reproduces it.

    \b
    ganmetrics demo                            a first result, offline, in a minute
    ganmetrics fid real/ fake/                 one score of two folders
    ganmetrics evaluate real/ fake/ --metrics fid,is,kid --json -
    ganmetrics completion bash >> ~/.bashrc    commands completed by the Tab key
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    if VARIABLE in os.environ:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(group, {}, "ganmetrics", VARIABLE, os.environ[VARIABLE]))
    # Each thread of a pipeline would keep a heap of its own, which is half a gigabyte in all for Inception.
    set_allocator(M_ARENA_MAX, 1)
    given = sys.argv[1:] if arguments is None else arguments
    # click would take --debug only before the name of the command; here it may stand anywhere.
    debug, given = "--debug" in given, [argument for argument in given if argument != "--debug"]
    came: list[int] = []
    for number in ENDING:
        signal.signal(number, lambda number, _: _end(number, came))
    # A console shows characters that it lacks escaped; Python would end with an error after all the work.
    codecs.register_error("escaped", _escaped)
    for stream in (sys.stdout, sys.stderr):
        # A stream that the shell closed is None.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="escaped")
    said: set[str] = set()
    warnings.showwarning = lambda message, *_: _warn(in_options(str(message), spelled(_command_of(given))), said)
    try:
        # In a working folder that was removed libraries end the process.
        try:
            os.getcwd()
        except OSError as error:
            what = f"the working folder cannot be used: {error.strerror}"
            hint = "Change to a folder that exists (cd ~), and try again"
            raise ResourceError(what, hint=hint, code="E-WRITE") from error
        with group.make_context("ganmetrics", given[:], obj=shlex.join(["ganmetrics", *given])) as context:
            group.invoke(context)
        # A stream that the shell closed is None.
        if sys.stdout is not None:
            sys.stdout.flush()
        code = 0
    except click.exceptions.Exit as ending:
        code = ending.exit_code
    except BaseException as error:
        # The error may be that of a worker which the same signal ended.
        if came:
            code = _fail(f"{SAID[came[0]]}; every file is whole or as it was", 128 + came[0])
        elif debug and not isinstance(error, (click.ClickException, click.Abort, BrokenPipeError)):
            raise
        else:
            code = _told(error, given)
    finally:
        if HAS_TIMERS:
            signal.setitimer(signal.ITIMER_REAL, 0)
        # While Python clears up, nobody would catch an exception.
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
    sys.exit(code)


def _told(error: BaseException, given: list[str]) -> int:
    """Say on stderr what ended a command, and return its exit code."""
    # The reader of the pipe, such as head, has seen enough; that is no error.
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return 0
    if isinstance(error, click.Abort):
        return 128 + signal.SIGINT
    if isinstance(error, click.ClickException):
        error.show()
        if "extra argument" in error.message and _hold_images(given):
            click.echo("A pattern of image files goes in quotes: 'out/*.png'", err=True)
        return error.exit_code
    if isinstance(error, GanMetricsError):
        return _report(error, given)
    if isinstance(error, Exception):
        return _unexpected(error, given)
    raise error


def _hold_images(given: list[str]) -> bool:
    """Whether a shell may have replaced a pattern of image files by the names of the files."""
    from ganmetrics.data.places.paths import why_ignored

    return any(os.path.isfile(argument) and not why_ignored(argument) for argument in given)


def _warn(text: str, said: set[str]) -> None:
    # A warning about both sets is said once.
    if text not in said:
        said.add(text)
        click.echo(f"warning: {text}", err=True)


def _unexpected(error: Exception, given: list[str]) -> int:
    # A full disk behind stdout reaches us as an OSError of any write.
    if isinstance(error, OSError) and error.errno in UNWRITABLE:
        _silence_stdout()
        return _report(ResourceError(f"cannot write the output: {error.strerror}", code="E-WRITE"), given)
    if is_out_of_memory(error):
        options = spelled(_command_of(given))
        what = f"the memory that this process may take is not enough ({(str(error).splitlines() or [''])[0]})"
        least = {"batch_size": "a smaller", "workers": "a smaller", "max_memory": "a smaller", "threads": "fewer"}
        # Only options that the command has are named.
        named = [f"{word} {options[name].spelling}" for name, word in least.items() if name in options]
        hint = f"Free some{', or pass ' if named else ''}{' or '.join(named)}"
        return _report(ResourceError(what, hint=hint, code="E-MEMORY"), given)
    what = f"internal error: {type(error).__name__}: {error}"
    return _fail(f"{what}\nThis is a bug; please report it with the output of the same command and --debug.", 1)


def _report(error: GanMetricsError, given: list[str]) -> int:
    if error.is_told:
        return error.exit_code
    tell_in_options(error, spelled(_command_of(given)))
    if any(argument.startswith("--json") for argument in given) or _asks_for_json(given):
        click.echo(json.dumps({"error": error.to_dict()}, ensure_ascii=False), err=True)
        return error.exit_code
    return _fail(f"error[{error.code}]: {error}", error.exit_code)


def _asks_for_json(given: list[str]) -> bool:
    """Whether arguments hold ``--format json`` in either spelling."""
    return "--format=json" in given or ("--format", "json") in pairwise(given)


def _command_of(given: list[str]) -> click.Command:
    """Return the command that arguments name, as far as they name one."""
    found: click.Command = group
    for argument in given:
        if isinstance(found, click.Group):
            found = found.get_command(click.Context(found), argument) or found
    return found


def _fail(text: str, code: int) -> int:
    click.echo(text, err=True)
    return code


def _end(number: int, came: list[int]) -> None:
    """End the program, wherever it is, with a signal's exit code: 130 for Ctrl-C and 143 for termination.

    Python ignores an exception that is raised while a finalizer happens to run, so it is raised again after a while
    unless ``main`` has seen it.
    """
    came.append(number)
    # Python would print that an exception was ignored.
    sys.unraisablehook = lambda _: None
    if HAS_TIMERS:
        # PyTorch's handler would report the workers that now end.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, lambda *_: _end(number, came))
        signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_LEAVE)
    raise SystemExit(128 + number)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    # as JSON writes it, so that JSON stays JSON
    # Only this tells the type checker.
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def _silence_stdout() -> None:
    """Keep the interpreter from complaining about a closed pipe while it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
