"""``ganmetrics diagnose REAL FAKE``."""

from __future__ import annotations

import click

from .grouped_help import SCORES, Command
from .options import Settings, diagnosis_options, set_argument
from .output import run
from .output_options import FAILED


@click.command(cls=Command)
@set_argument("real")
@set_argument("fake")
@click.option("--test", metavar="SET", cls=SCORES, help="Real images that the generator was not trained on.")
@click.option("--fail-on", type=click.Choice(["some", "severe"]), cls=SCORES,
              help=f"Exit with {FAILED} on such a verdict, or a worse one.")  # fmt: skip
@diagnosis_options
@click.pass_context
def command(ctx: click.Context, real: str, fake: str, test: str | None, fail_on: str | None) -> None:
    """Find faults of a generator in its images.

    The faults are mode collapse, low diversity, low quality, memorisation and input trouble; each verdict is ok, some,
    severe or cannot tell. `ganmetrics fid --help` says what REAL and FAKE may be. For memorisation REAL must be the
    images that the generator was trained on.

    \b
    ganmetrics diagnose real/ fake/
    ganmetrics diagnose real/ fake/ --html report.html
    ganmetrics diagnose mnist-test digits/ --extractor digits --fail-on severe
    """
    from ganmetrics import diagnose

    found = run(diagnose, [real, fake, test], Settings.of(ctx))
    if fail_on and found.verdict in (fail_on, "severe"):
        ctx.exit(FAILED)
