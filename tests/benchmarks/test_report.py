import json
import sys

import numpy as np
import pytest

from benchmarks import frechet, moments, resize, timing, whole
from benchmarks.__main__ import PARTS
from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison, Report, attempt, cpu_model, machine_facts, relative
from benchmarks.timing import Goal, ProcessFailed, Usage, against_peers, in_turn, measured

OUTPUTS = {
    "ganmetrics": 'warning\n{"scores": {"fid": {"value": 82.8264301}}}',
    "pytorch-fid": "some progress\nFID:  83.92\n",
    "torch-fidelity": '{\n    "frechet_inception_distance": 82.8264302\n}\n',
}


@pytest.fixture
def usages():
    walls = {"ganmetrics": (60.0, 66.0), "pytorch-fid": (200.0, 198.0), "torch-fidelity": (190.0, 110.0)}
    return {name: [Usage(wall, 2 * wall, 10 * wall, OUTPUTS[name]) for wall in walls[name]] for name in walls}


def test_rows_of_whole_processes(usages):
    costs = whole.costs("fid", usages, "again")
    assert [(row.what, row.peer_name) for row in costs[:3]] == [
        ("fid", "pytorch-fid"),
        ("fid", "torch-fidelity"),
        ("fid, CPU", "pytorch-fid"),
    ]
    assert costs[0].ratio == pytest.approx((60 / 200 + 66 / 198) / 2)
    assert [row.is_met for row in costs] == [True, True, None, None, True, True]


def test_fids_agree_within_their_bounds(usages):
    resized_otherwise, same = whole.agreements("fid", usages, "again")
    assert resized_otherwise.is_met is None and resized_otherwise.difference == pytest.approx(0.013, abs=1e-3)
    assert same.is_met is True
    assert Agreement("x", 1.0, 1.1, "peer", relative(1.0, 1.1), "again", 1e-6).is_met is False


def test_a_program_without_a_fid_is_named():
    with pytest.raises(ValueError, match="printed no FID"):
        whole.printed_fid("pytorch-fid", "nothing")


def test_goals_on_values():
    slow, fast = (Comparison("start-up", "s", [x], [4.0], "peer", "again", limit=0.5) for x in (0.6, 0.1))
    assert (slow.is_met, fast.is_met) == (False, True)


def test_report_is_saved_as_json_and_markdown(tmp_path, usages):
    report = Report(machine_facts(), {"quick": True})
    report.take([*whole.costs("fid", usages, "a | b"), *whole.agreements("fid", usages, "again")])
    attempt("resize", lambda: 1 / 0, report)
    report.save(tmp_path / "results.json")
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["comparisons"][0]["ours"] == [60.0, 66.0] and document["comparisons"][0]["met"] is True
    page = (tmp_path / "results.md").read_text()
    assert "| fid | s | 63 | 199 pytorch-fid | 0.317 | ≤ 0.6 | yes | `a \\| b` |" in page
    assert "- resize: ZeroDivisionError: division by zero" in page and "not measurements" in page


def test_cpu_model():
    text = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n"
    assert cpu_model(f"{text}\n{text}") == "AMD EPYC (family 25, model 1)"
    assert cpu_model("") == ""


def test_actions_take_turns_after_one_that_is_not_counted():
    calls = []
    seconds = in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert "".join(calls) == "ababab"
    assert [len(values) for values in seconds.values()] == [2, 2]


def test_peers_keep_their_order():
    rows = against_peers("x", "s", {"ganmetrics": [1.0], "z": [2.0], "a": [4.0]}, "again", {"a": Goal(ratio=0.5)})
    assert [(row.peer_name, row.goal) for row in rows] == [("z", None), ("a", 0.5)]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_counts_pages_of_a_worker_once():
    code = "import os, time; x = b'x' * 2**26; os.fork() or os.execvp('sleep', ['sleep', '0.3']); os.wait()"
    shared = "import os, time; x = b'x' * 2**26; pid = os.fork(); time.sleep(0.4); pid and os.wait()"
    for each in (code, shared):
        assert 64 < measured([sys.executable, "-I", "-c", each]).memory < 110


def test_a_command_that_fails_is_quoted():
    with pytest.raises(ProcessFailed, match="ended with 3: no luck"):
        measured([sys.executable, "-I", "-c", "import sys; print('no luck', file=sys.stderr); sys.exit(3)"])
    with pytest.raises(ProcessFailed, match="not installed"):
        timing.program("no-such-command")


def test_covariances_of_many_images_have_the_right_trace():
    values = np.random.RandomState(0)
    traces = [np.trace(frechet._covariance(count, np.eye(20), values)) for count in (10, 20, 21, 22, 5000)]
    assert traces == pytest.approx([20] * 5, rel=0.2)
    assert traces[-1] == pytest.approx(20, rel=0.01)


def test_streamed_moments_equal_those_of_all_rows():
    counts = [512, 1300]
    found = dict(moments._streamed(list(counts), dim=8))
    assert found == pytest.approx({count: moments._all_at_once(count, dim=8) for count in counts}, rel=1e-12)


def test_the_resize_part_runs(tmp_path):
    rows = resize.rows(Plan(tmp_path, rounds=1, is_quick=True))
    assert all(row.is_met for row in rows if isinstance(row, Agreement))
    assert set(PARTS) >= {row.command.split()[5] for row in rows}
