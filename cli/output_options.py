"""The shared options about output and sets, and how a command keeps those that it takes by ``Settings``."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from .grouped_help import OUTPUT, SCORES, Several

PREFIX = "ganmetrics."
# The exit code of a result that --fail-if or --fail-on names.
FAILED = 8
PRINTED = ("text", "markdown", "latex", "csv", "json")


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    ctx.meta[f"{PREFIX}{parameter.name}"] = value


# An option that each command takes by ``Settings.of`` and not by a parameter of its own.
shared = partial(click.option, expose_value=False, callback=_keep)

format_option = shared("--format", "printed", type=click.Choice(PRINTED), default="text", show_default=True,
                        cls=OUTPUT, help="How the result is printed. latex needs the package booktabs.")  # fmt: skip
json_option = shared("--json", "json_path", cls=OUTPUT, metavar="FILE|-",
                      help="Write JSON to a file. - prints it, as --format json does.")  # fmt: skip
html_option = shared("--html", "html_path", cls=OUTPUT, metavar="FILE",
                      help="Write an HTML report with figures and pictures.")  # fmt: skip
force_option = shared("--force", is_flag=True, cls=OUTPUT,
                       help="Overwrite existing outputs. Compare results of different protocols.")  # fmt: skip
fail_if_option = shared(
    "--fail-if", multiple=True, metavar="CONDITION", cls=SCORES,
    help=f"Exit with {FAILED} on a bad score. 'fid > 12' looks at the value, 'fid.low > 12' at an end of its interval. "
    "May be repeated.",
)  # fmt: skip
baseline_option = click.option("--baseline", default="", metavar="FAKE", cls=SCORES,
                               help="Compare the other sets with this one alone.")  # fmt: skip
test_option = click.option("--test", metavar="SET", cls=SCORES,
                           help="Real images that no generator was trained on. They give each score its floor; the "
                           "metrics ct and fld need them.")  # fmt: skip
runs_option = click.option("--runs", multiple=True, metavar="SET...", cls=Several,
                           help="Sets of several trainings of one method, such as a/seed?/. Takes all up to the next "
                           "option.")  # fmt: skip
against_option = click.option("--against", multiple=True, metavar="SET...", cls=Several,
                              help="Sets of several trainings of the other method.")  # fmt: skip
seed_option = shared(
    "--seed", default=2020, show_default=True, cls=SCORES, help="Random seed for subsets and shuffles."
)
