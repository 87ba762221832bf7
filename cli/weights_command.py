"""``ganmetrics weights``: where the weights of pretrained networks are, and how to get them."""

from __future__ import annotations

import os
from pathlib import Path

import click

from .grouped_help import Group


@click.group("weights", cls=Group, epilog="Example: ganmetrics weights list")
def command() -> None:
    """Fetch and check the weights of pretrained networks.

    Weights are kept in GANMETRICS_WEIGHTS_DIR, else in the user's cache folder. With GANMETRICS_OFFLINE=1 nothing is
    ever downloaded.
    """


@command.command("list", epilog="Example: ganmetrics weights list")
def list_() -> None:
    """List the known weights.

    Each has its name, size, SHA-256, licence, the extractors that use it, and its place on this machine.
    """
    from ganmetrics._files import shown
    from ganmetrics.extractors.weights.weight_store import WEIGHTS, locate

    for file in WEIGHTS.values():
        path = locate(file)
        click.echo(f"{file.name}  {file.size:,} bytes  sha256 {file.sha256[:8]}  {file.license}  ", nl=False)
        click.echo(f"used by {', '.join(file.used_by)}  {shown(path) if path else 'not here'}")


@command.command("path", epilog="Example: ganmetrics weights path inception-2015-12-05")
@click.argument("name")
def path_(name: str) -> None:
    """Print the path of the weights NAME.

    The exit code is 5 where they are not on this machine.
    """
    from ganmetrics.extractors.weights.weight_store import known, required

    click.echo(os.fsencode(required(known(name))))


@command.command(epilog="Example: ganmetrics weights fetch inception-2015-12-05")
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Download all known weights.")
def fetch(name: str | None, everything: bool) -> None:
    """Download the weights NAME and print their path.

    Weights that are on this machine already are not downloaded again.
    """
    from ganmetrics.extractors.weights import weight_store as weights

    if everything == (name is not None):
        raise click.UsageError("Give the NAME of the weights, or --all.")
    for file in weights.WEIGHTS.values() if name is None else [weights.known(name)]:
        click.echo(os.fsencode(weights.fetch(file)))


@command.command(epilog="Example: ganmetrics weights verify")
@click.argument("name", required=False)
def verify(name: str | None) -> None:
    """Check the copies of all weights, or of NAME only.

    The exit code is 5 where a copy is damaged.
    """
    from ganmetrics._files import shown
    from ganmetrics.errors import WeightsError
    from ganmetrics.extractors.weights.weight_store import WEIGHTS, known, survey

    files = WEIGHTS.values() if name is None else [known(name)]
    copies = [copy for file in files for copy in survey(file)]
    for path, fault in copies:
        click.echo(f"{shown(path)}: {f'damaged: {fault}' if fault else 'ok'}")
    if not copies:
        click.echo("no copy of these weights is here")
    if damaged := sum(bool(fault) for _, fault in copies):
        hint = "Delete the damaged file, then run `ganmetrics weights fetch`"
        raise WeightsError(f"{damaged} of {len(copies)} files of weights are damaged", hint=hint, code="E-CORRUPT")


@command.command("import", epilog="Example: ganmetrics weights import pt_inception-2015-12-05-6726825d.pth")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="The weights that FILE holds.  [default: by its SHA-256]")
def import_(file: Path, name: str | None) -> None:
    """Copy FILE to where ganmetrics looks for weights.

    FILE is checked first. The path of the copy is printed.
    """
    from ganmetrics.extractors.weights import weight_store as weights

    click.echo(os.fsencode(weights.import_file(file, weights.known(name) if name else weights.recognised(file))))
