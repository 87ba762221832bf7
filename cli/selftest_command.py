"""``ganmetrics selftest``."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from .grouped_help import Command

if TYPE_CHECKING:
    from ganmetrics.selftest import Check


@click.command(cls=Command, epilog="Example: ganmetrics selftest --json > selftest.json")
@click.option("--all", "everything", is_flag=True, help="Check every bundled generator, instead of four.")
@click.option("--network", is_flag=True, help="Download weights and CIFAR-10; check published scores.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda[:N]|mps",
              help="Where the network runs.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress bar.")
def command(everything: bool, network: bool, device: str, as_json: bool, quiet: bool) -> None:
    """Check that this installation gives correct numbers.

    The checks run offline in a minute: closed forms, the decoder, resizing, bundled networks and statistics, and
    generators against the scores on their cards. The exit code is 1 where a number differs. Put the output of --json
    into a bug report.

    \b
    ganmetrics selftest
    ganmetrics selftest --network     hours on a CPU, minutes on a GPU: FID, IS and KID of CIFAR-10 as published
    """
    from ganmetrics._progress import progress_bar
    from ganmetrics.selftest import Plan, environment

    started, plan = time.monotonic(), Plan(everything, network, device, progress=not quiet)
    plan.prepare()
    facts, tasks, groups = environment(), plan.tasks(), {}
    if not as_json:
        click.echo("\n".join(f"{name:<21} {value}" for name, value in facts.items()))
    with progress_bar("checking", len(tasks), not quiet, unit="part") as bar:
        for task in tasks:
            groups[task.title] = list(task.checks())
            if not as_json:
                bar.clear()
                click.echo("\n".join(["", task.title, *map(_line, groups[task.title])]))
            bar.update()
    _conclude(facts, groups, time.monotonic() - started, as_json)


def _conclude(facts: dict[str, Any], groups: dict[str, list[Check]], seconds: float, as_json: bool) -> None:
    every = [check for checks in groups.values() for check in checks]
    num_passed = sum(check.passed for check in every)
    if as_json:
        parts = {title: [check.to_dict() for check in checks] for title, checks in groups.items()}
        report = {"passed": num_passed == len(every), "environment": facts, "checks": parts, "seconds": seconds}
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        click.echo(f"\n{num_passed} of {len(every)} checks passed in {seconds:.0f} s")
    sys.exit(0 if num_passed == len(every) else 1)


def _line(check: Check) -> str:
    mark = "ok  " if check.passed else "FAIL"
    if check.error:
        return f"  {mark}  {check.name}: {check.error}"
    numbers = f"{check.found:.6g}, expected {check.expected:.6g}, off by {check.difference:+.0e}"
    return f"  {mark}  {check.name:<52} {numbers} (at most {check.tolerance:.0e})"
