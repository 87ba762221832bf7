"""From the shared options to a printed result."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ganmetrics._files import check_writable, shown, write_text
from ganmetrics._wording import in_options

from .options import spelled
from .output_options import FAILED
from .sets import SIDES

if TYPE_CHECKING:
    from ganmetrics._report import Report
    from ganmetrics.metrics import Metric
    from ganmetrics.scoring.gate import Gate

    from .options import Settings

Result = TypeVar("Result", bound="Report")
NOTHING: Mapping[str, Any] = MappingProxyType({})
# Verdicts stand at the beginning of a finding and at the end of a difference; "lower is better" is none.
VERDICTS = re.compile(
    r"^ *(?:ok|some|severe|cannot tell)(?= )|(?<!lower is )(?<!higher is )(?:better|worse)$|(?<=: )cannot tell(?=$|:)",
    re.MULTILINE,
)
# What stands for the signs of tables on a terminal that lacks them.
SIGNS = {"±": "+-", "↓": "(lower)", "↑": "(higher)", "–": "-", "∞": "inf", "…": "..."}
COLOURS = {"ok": "green", "better": "green", "some": "yellow", "severe": "red", "worse": "red", "cannot tell": "cyan"}


def run(
    verb: Callable[..., Result],
    sides: Sequence[str | None],
    settings: Settings,
    own: Mapping[str, Any] = NOTHING,
    *,
    roles: Sequence[str] = SIDES,
) -> Result:
    """Call a function of the library with its sets and with the options that it takes, and print its result.

    Parameters
    ----------
    verb : callable
        A function such as ``gm.evaluate``. Of the shared options it is given those that its signature names.
    sides : sequence of str
        The sets of images, in the order of the function's parameters.
    settings : Settings
    own : mapping
        The function's further arguments by name. Metrics get the changes of ``--set``, and test images are opened.
    roles : sequence of str
        What each of the sets is.
    """
    if "metrics" in own and settings.fail_if:
        _check_gates(settings.fail_if, own["metrics"])
    if "metrics" in own and settings.changes:
        own = {**own, "metrics": configured(own["metrics"], settings.changes)}
    given = [*zip(roles, sides, strict=False), *([("test", own["test"])] if "test" in own else [])]
    if settings.features_name is not None or settings.logits:
        given_roles, values = zip(*given, strict=True)
        given = list(zip(given_roles, _features(values, len(sides), settings), strict=True))
    if settings.assume_recipe is not None:
        given_roles, values = zip(*given, strict=True)
        given = list(zip(given_roles, _vouched(values, settings), strict=True))
    arguments = settings.opened(given)
    own = {**own, "test": arguments.pop()} if "test" in own else own
    shared = {**settings.arguments_of(verb), **own}
    return show(partial(verb, *arguments, **shared), settings)


def _check_gates(conditions: Sequence[str], metrics: Sequence[str]) -> None:
    """Refuse conditions on scores that are not asked for, before any work (UsageError)."""
    from ganmetrics.scoring.gate import checked
    from ganmetrics.scoring.plan import chosen_metrics

    checked(conditions, [part.name for metric in chosen_metrics(list(metrics)).metrics for part in metric.parts])


def run_comparison(sides: Sequence[str], settings: Settings, own: Mapping[str, Any]) -> Report:
    """Compare several sets against the first, which is the real one, and print the result."""
    from ganmetrics import compare

    # A shell completes the name of a folder with a stroke behind it, and users leave it out.
    given, baseline = {side.rstrip("/"): side for side in sides[1:]}, own.get("baseline", "")
    own = {**own, "baseline": given.get(baseline.rstrip("/"), baseline)}
    return run(compare, sides, settings, own, roles=["real", *["fake"] * (len(sides) - 1)])


def write_images(path: str, sides: Sequence[str], settings: Settings) -> None:
    """Write the scores of single generated images to a file, and say so."""
    from ganmetrics import per_image
    from ganmetrics.evaluation.per_image import check_table

    check_table(path, force=settings.force)
    opened = settings.opened(list(zip(SIDES, sides, strict=False)))
    per_image(*opened, **settings.arguments_of(per_image)).save_table(path, force=settings.force)
    click.echo(f"the scores of single images are in {path}", err=True)


def build_statistics(settings: Settings, source: str, output: str, reads: Sequence[str], name: str = "") -> None:
    """Measure a set of images, write its statistics to a file, and say what they are of.

    ``images`` among what is read stands for the images themselves.
    """
    import ganmetrics as gm
    from ganmetrics._arguments import one_of
    from ganmetrics.measurement.recipe import check_name
    from ganmetrics.metrics.needs import saved_names
    from ganmetrics.scoring.cautions import alarms

    check_name(name)
    for word in reads:
        one_of(word, "thing to keep", [*saved_names(), "images"])
    # The output is checked before the images are read, which may take hours.
    if settings.is_first:
        check_writable(output, force=settings.force)
    own = {"reads": [word for word in reads if word != "images"], "extractor": settings.extractor or "inception"}
    [images] = settings.opened([("real", source)])
    statistics = gm.measure(images, **settings.arguments_of(gm.measure) | own)
    if settings.is_first:
        kept = gm.source(images, reading=settings.reading) if "images" in reads else None
        gm.save_statistics(replace(statistics, name=name or statistics.name), output, images=kept)
        for caution in alarms({shown(source): statistics}):
            click.echo(f"warning: {caution.sentence}", err=True)
        click.echo(f"{output}: {statistics.label} under {statistics.recipe.network}")


def names_of(metrics: str) -> list[str]:
    """Split a list of metrics at the commas outside parentheses."""
    return [name for name in re.split(r",(?![^()]*\))", metrics) if name.strip()]


def show(work: Callable[[], Result], settings: Settings) -> Result:
    """Do the work and print its result where the options say: as a table or as JSON, and as an HTML report."""
    from ganmetrics import InputError, UsageError

    # Conditions are read before the work, which may take hours.
    gates = _gates(settings.fail_if) if settings.fail_if else []
    if settings.html_path == "-":
        raise UsageError("a report goes to a file", where="--html", hint="Name a file such as report.html")
    # Other ranks take part in the work and print nothing.
    if not settings.is_first:
        return work()
    # Outputs are checked before the work, which may take hours.
    for path in (settings.json_path, settings.html_path, settings.bibtex_path):
        if path is not None:
            check_writable(path, force=settings.force)
    result = work()
    warnings: tuple[str, ...] = getattr(result, "warnings", ())
    if settings.strict and warnings:
        raise InputError("; ".join(warnings), where="--strict", code="E-STRICT")
    if settings.json_path:
        result.save(settings.json_path, force=settings.force)
    if settings.bibtex_path:
        write_text(result.to_bibtex(), settings.bibtex_path)
    # JSON holds the warnings.
    for warning in warnings if settings.printed != "json" else ():
        click.echo(f"warning: {in_options(warning, spelled(click.get_current_context().command))}", err=True)
    click.echo(printed(result, settings.printed))
    if settings.html_path:
        # Last, because figures take time and scores must not wait for them.
        command = shown(click.get_current_context().find_root().obj or "")
        result.save_html(settings.html_path, command=command, force=settings.force)
        click.echo(f"the report is in {settings.html_path}", err=True)
    # After all outputs, which say why.
    if gates:
        from ganmetrics.scoring.gate import broken

        if said := broken(gates, result.by_set()):
            click.echo(f"--fail-if: {'; '.join(said)}", err=True)
            click.get_current_context().exit(FAILED)
    return result


def _gates(conditions: Sequence[str]) -> list[Gate]:
    from ganmetrics.scoring import gate

    return [gate.Gate.parse(text) for text in conditions]


def printed(result: Report, form: str) -> str:
    """Return a result in one of the formats of ``--format``."""
    if form != "text":
        formats = {"json": result.to_json, "csv": result.to_csv, "latex": result.to_latex}
        return formats.get(form, result.to_markdown)()
    return coloured(_encodable(str(result)))


def _encodable(text: str) -> str:
    """Return a text with plain characters in place of the signs of tables, where stdout cannot show these."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for sign, plain in SIGNS.items():
        try:
            sign.encode(encoding)
        except UnicodeEncodeError:
            text = text.replace(sign, plain)
    return text


def coloured(text: str) -> str:
    """Return a text with its verdicts in colour where stdout is a terminal and NO_COLOR is not set."""
    # A stream that the shell closed is None.
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    has_colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return VERDICTS.sub(lambda found: click.style(found[0], COLOURS[found[0].strip()]), text) if has_colours else text


def configured(metrics: Sequence[str], changes: Sequence[str]) -> list[Metric | str]:
    """Return the named metrics with every ``METRIC.OPTION=VALUE`` applied (UsageError)."""
    from ganmetrics import UsageError
    from ganmetrics.metrics import metric
    from ganmetrics.metrics.metric import parse_option
    from ganmetrics.scoring.plan import chosen_metrics

    asked, is_lenient = chosen_metrics(list(metrics))
    chosen, changed = {each.name: each for each in asked}, set()
    for change in changes:
        target, _, value = change.partition("=")
        name, _, option = target.partition(".")
        name = metric(name).name
        if not option or not value or name not in chosen:
            what = f"--set {change}: expected METRIC.OPTION=VALUE of a metric that is asked for ({', '.join(chosen)})"
            raise UsageError(what, where="--set")
        chosen[name] = chosen[name].configured({option: parse_option(value)})
        changed.add(name)
    words = [each for each in metrics if each in ("all", "default")]
    return [*words, *(chosen[name] for name in changed)] if is_lenient else list(chosen.values())


def without_protocol(settings: Settings, hint: str) -> Settings:
    """Return the settings of a call that takes no protocol (UsageError where one is asked for)."""
    from ganmetrics import UsageError

    if settings.protocol not in (None, "all"):
        raise UsageError(f"the protocol {settings.protocol} has no effect here", where="--protocol", hint=hint)
    return replace(settings, protocol=None)


def _vouched(sides: Sequence[Any], settings: Settings) -> list[Any]:
    """Return the sets; statistics without a recipe are opened here, as the user vouches for it."""
    from ganmetrics import UsageError
    from ganmetrics.measurement.archive import assumed
    from ganmetrics.measurement.sides import vouched

    recipe = settings.assume_recipe or ""
    assumed(recipe)
    opened = [vouched(side, settings.reading, recipe, settings.weights) for side in sides]
    if not any(opened):
        what = f"no set is a file of statistics without a recipe, for which {recipe} could be assumed"
        raise UsageError(what, where="--assume-recipe", hint="Leave it out")
    return [found or side for found, side in zip(opened, sides, strict=True)]


def _features(sides: Sequence[str | None], num_sets: int, settings: Settings) -> list[Any]:
    """Return the features in the files of each set; logits go to the last of the sets, or one file to each set."""
    from ganmetrics import UsageError, features

    name, logits = settings.features_name, list(settings.logits)
    if name is None:
        raise UsageError("logits go with features", where="--logits", hint="Name their network by --features-name")
    for option, value in (("--extractor", settings.extractor), ("--weights", settings.weights)):
        if value is not None:
            what = "no network runs where features are given"
            raise UsageError(what, where=option, hint=f"Leave {option} out, or --features-name")
    named = [place for place, side in enumerate(sides[:num_sets]) if side is not None]
    if len(logits) not in (0, 1, len(named)):
        what = f"there are {len(logits)} files of logits for {len(named)} sets"
        raise UsageError(what, where="--logits", hint="Give one, which is the last set's, or one for each set")
    of = dict(zip(named[len(named) - len(logits) :], logits, strict=True))
    return [side and features(side, name, logits=of.get(place)) for place, side in enumerate(sides)]


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of cells in columns that are as wide as their widest cell, the last one as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]
        click.echo("  ".join(cells).rstrip())
