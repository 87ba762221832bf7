"""Mutation testing of numerics/ and metrics/: mutmut's mutants, tests that are collected once, and the page about both.

    pip install mutmut==3.8.1
    OMP_NUM_THREADS=1 python scripts/mutation.py run [--max-children 2] ['ganmetrics.numerics.root_trace*' ...]
    python scripts/mutation.py page ['*7']

mutmut starts pytest anew for every mutant, which takes longer than most tests here. ``run`` forks from a process that
has imported and collected everything, and leaves its verdicts where mutmut's own ``results``, ``show`` and ``browse``
read them; what is done already is not done again. A pattern such as ``'*7'`` names a tenth of the mutants of each
function, which is a sample for both commands. ``page`` writes ``docs/mutation.md`` and fails where a mutant has no
verdict, or a survivor no explanation in ``scripts/mutation.json``.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
STATUS = {None: "not run", 0: "survived", 1: "killed", 3: "killed", 33: "survived", -24: "killed", -9: "killed"}
GENERATED = re.compile(r"__mutmut_\w+")


def run(names: list[str], max_children: int, seconds: float) -> None:
    """Mutants that have no verdict yet, or those that are named."""
    import mutmut.__main__ as tool
    import pytest
    from _pytest.config import _prepareconfig
    from mutmut.runners.harness import PytestRunner
    from mutmut.utils.file_utils import change_cwd
    from mutmut.workers import isolation

    class CollectedRunner(PytestRunner):
        """Runs tests that were collected once."""

        def prepare_main_test_run(self) -> None:
            arguments = ["--rootdir=.", "-s", "-q", "--tb=native"]
            with change_cwd("mutants"):
                config = _prepareconfig(
                    [*arguments, *self._pytest_add_cli_args, *self._pytest_add_cli_args_test_selection]
                )
                config._do_configure()
                _without_shrinking()
                self.session = pytest.Session.from_config(config)
                config.hook.pytest_sessionstart(session=self.session)
                config.hook.pytest_collection(session=self.session)
            self.items = {item.nodeid: item for item in self.session.items}

        def run_tests(self, *, mutant_name: str | None, tests: Iterable[str]) -> int:
            if mutant_name is None:  # in the process that mutants are forked from, which no test may change
                return isolation.run_in_fork(self._until_failure, list(tests) or list(self.items))
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            with tempfile.TemporaryDirectory() as folder:  # forks that end at once clean up nothing
                os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
                return self._until_failure(_affordable(mutant_name, tests, isolation.state().duration_by_test, seconds))

        def _until_failure(self, tests: list[str]) -> int:
            items = [self.items[test] for test in tests]
            with change_cwd("mutants"):
                for item, following in zip(items, [*items[1:], None], strict=True):
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                    if self.session.testsfailed:
                        return 1
            return 0

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a verdict that is being written is written whole
    isolation.PytestRunner = CollectedRunner
    tool._run(tuple(names), max_children)


def _without_shrinking() -> None:
    """A failure is all that a mutant needs; the same examples for each."""
    from hypothesis import Phase, settings

    settings.register_profile("mutation", phases=[Phase.explicit, Phase.generate], derandomize=True, database=None)
    settings.load_profile("mutation")


def _affordable(mutant_name: str, tests: Iterable[str], durations: dict[str, float], seconds: float) -> list[str]:
    """The first tests that take no more than so many seconds together, one at least; of the module's own file first."""
    own = f"test_{mutant_name.split('.')[2]}.py"
    spent, kept = 0.0, []
    for test in sorted(tests, key=lambda name: own not in name):
        spent += durations[test]
        if kept and spent > seconds:
            break
        kept.append(test)
    return kept


class Mutant(NamedTuple):
    name: str
    module: str
    function: str
    number: int
    status: str
    was: str
    now: str


def mutants() -> Iterator[Mutant]:
    """Every mutant with its verdict and the lines that it changes."""
    for record in sorted((ROOT / "mutants" / "ganmetrics").glob("*/*.py.meta")):
        source = record.with_suffix("").read_text(encoding="utf-8")
        lines = source.splitlines()
        bodies = {
            node.name: [GENERATED.sub("", line).strip() for line in lines[node.lineno - 1 : node.end_lineno]]
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
        }
        module = str(record.relative_to(ROOT / "mutants" / "ganmetrics")).removesuffix(".py.meta")
        for name, code in json.loads(record.read_text(encoding="utf-8"))["exit_code_by_key"].items():
            base, number = name.rpartition(".")[2].rsplit("__mutmut_", 1)
            was, now = _changed(bodies[f"{base}__mutmut_orig"], bodies[f"{base}__mutmut_{number}"])
            function = base.removeprefix("x_").replace("xǁ", "").replace("ǁ", ".")
            yield Mutant(name, module, function, int(number), STATUS.get(code, "killed"), was, now)


def _changed(before: list[str], after: list[str]) -> tuple[str, str]:
    """What two versions do not share, from the first line that differs to the last."""
    start, stop = _ends(before, after)
    return " ".join(before[start : len(before) - stop]), " ".join(after[start : len(after) - stop])


def _ends(a: Sequence[str], b: Sequence[str]) -> tuple[int, int]:
    """How much two sequences share at their starts, and of the rest at their ends."""
    start = _shared(a, b)
    return start, _shared(a[start:][::-1], b[start:][::-1])


def _shared(a: Sequence[str], b: Sequence[str]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def explanation(mutant: Mutant, rules: list[dict[str, Any]]) -> str | None:
    """The first rule whose place and whose texts fit."""
    place = f"{mutant.module}.{mutant.function}"
    for rule in rules:
        fits = re.search(rule.get("where", ""), place) and re.search(rule.get("was", ""), mutant.was)
        if fits and re.search(rule.get("now", ""), mutant.now):
            return str(rule["why"])
    return None


def page(names: list[str]) -> str:
    """The page of the documentation, about all mutants or a sample of them."""
    every, rules = list(mutants()), json.loads((ROOT / "scripts" / "mutation.json").read_text(encoding="utf-8"))
    found = [mutant for mutant in every if not names or any(fnmatch(mutant.name, name) for name in names)]
    if left := sum(mutant.status == "not run" for mutant in found):
        sys.exit(f"{left} of {len(found)} mutants have no verdict yet: python scripts/mutation.py run goes on")
    survivors = [(mutant, explanation(mutant, rules)) for mutant in found if mutant.status == "survived"]
    missing = [f"{m.module}.{m.function} {m.number}: {m.now}" for m, why in survivors if why is None]
    if missing:
        sys.exit("Without an explanation:\n" + "\n".join(missing))
    intro = (ROOT / "docs" / "mutation.in.md").read_text(encoding="utf-8")
    parts = {"extent": _extent(found, len(every)), "modules": _modules(found), "survivors": _survivors(survivors)}
    for name, text in parts.items():
        intro = intro.replace(f"{{{{{name}}}}}", text)
    return intro


def _extent(found: list[Mutant], count: int) -> str:
    """What a run was of, and of a sample how well it tells the share among all mutants."""
    if len(found) == count:
        return f"all {count:,} mutants"
    killed, num = sum(mutant.status == "killed" for mutant in found), len(found)
    # Wilson's interval.
    middle, share = (killed + 1.92) / (num + 3.84), killed / num
    half = 1.96 / (num + 3.84) * (num * share * (1 - share) + 0.96) ** 0.5
    ends = f"{100 * (middle - half):.1f} % to {100 * (middle + half):.1f} %"
    return f"a sample of {num:,} of {count:,} mutants. Among all, {ends} are killed, with 95 % confidence"


def _modules(found: list[Mutant]) -> str:
    rows = ["| module | mutants | killed | survived | share killed |", "|---|---|---|---|---|"]
    counts: dict[str, Counter[str]] = {}
    for mutant in found:
        for group in (mutant.module, f"**{mutant.module.split('/')[0]}**", "**all**"):
            counts.setdefault(group, Counter())[mutant.status] += 1
    for group in sorted(counts, key=lambda name: (name.startswith("**"), name)):
        count = counts[group]
        share = f"{100 * count['killed'] / count.total():.1f} %"
        rows.append(f"| {group} | {count.total()} | {count['killed']} | {count['survived']} | {share} |")
    return "\n".join(rows)


def _survivors(survivors: list[tuple[Mutant, str | None]]) -> str:
    by_reason: dict[str, list[Mutant]] = {}
    for mutant, why in survivors:
        by_reason.setdefault(str(why), []).append(mutant)
    parts = []
    for why, members in sorted(by_reason.items(), key=lambda pair: -len(pair[1])):
        rows = [f"| `{m.module}.{m.function}` {m.number} | {_difference(m)} |" for m in members]
        parts.append("\n".join([f"### {len(members)}: {why}", "", "| mutant | the change |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def _difference(mutant: Mutant) -> str:
    """The changed words with a little of what is about them."""
    start, stop = _ends(mutant.was, mutant.now)
    start, stop = max(start - 30, 0), max(stop - 20, 0)
    was, now = (text[start : len(text) - stop].replace("|", "\\|") for text in (mutant.was, mutant.now))
    return f"`{was}` → `{now}`"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("command", choices=["run", "page"])
    parser.add_argument("names", nargs="*", help="mutants by pattern; by default those without a verdict")
    parser.add_argument("--max-children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=5.0, help="of tests for one mutant")
    given = parser.parse_intermixed_args()
    if given.command == "page":
        (ROOT / "docs" / "mutation.md").write_text(page(given.names), encoding="utf-8")
    else:
        run(given.names, given.max_children, given.seconds)
