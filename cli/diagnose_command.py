"""``ganmetrics diagnose REAL FAKE``."""

from __future__ import annotations

import click

from .options import Settings, diagnosis_options
from .output import diagnose

ACCUSED = 8  # exit code


@click.command()
@click.argument("real")
@click.argument("fake")
@click.option("--labels", metavar="FILE", help="The class of each real image: name,class lines (.csv), StyleGAN's "
              "dataset.json, a class a line (.txt), or .npy.  [default: the images' own or the network's]")  # fmt: skip
@click.option("--test", metavar="SET", help="Real images that the generator was not trained on.")
@click.option(
    "--fail-on", type=click.Choice(["some", "severe"]), help=f"Exit with {ACCUSED} on such a verdict, or worse."
)
@diagnosis_options
@click.pass_context
def command(
    ctx: click.Context, real: str, fake: str, labels: str | None, test: str | None, fail_on: str | None
) -> None:
    """What is wrong with a set of fakes: mode collapse, diversity, quality, memorisation, input trouble.

    REAL and FAKE are as in `ganmetrics fid`; for memorisation REAL are the images that the generator was trained on.

    \b
    ganmetrics diagnose real/ fake/
    ganmetrics diagnose real/ fake/ --html report.html
    ganmetrics diagnose mnist-test digits/ --extractor digits --fail-on severe
    """
    verdict = diagnose(real, fake, test, labels, Settings.of(ctx))
    if fail_on and verdict in (fail_on, "severe"):
        ctx.exit(ACCUSED)
