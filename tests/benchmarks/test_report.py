import json
import sys

import numpy as np
import pytest

from benchmarks import frechet, machine, moments, neighbors, resize, stages, timing, whole
from benchmarks.__main__ import PARTS
from benchmarks.plan import Plan
from benchmarks.report import Agreement, Comparison, Report, Stage, attempt, relative
from benchmarks.timing import Goal, ProcessFailed, Usage, against_peers, in_turn, measured

OUTPUTS = {
    "ganmetrics": 'warning\n{"scores": {"fid": {"value": 82.8264301}}}',
    "pytorch-fid": "some progress\nFID:  83.92\n",
    "torch-fidelity": '{\n    "frechet_inception_distance": 82.8264302\n}\n',
    "torchmetrics": "FID: 79.96\n",
}


@pytest.fixture
def usages():
    walls = {
        "ganmetrics": (60.0, 66.0),
        "pytorch-fid": (200.0, 198.0),
        "torch-fidelity": (190.0, 110.0),
        "torchmetrics": (115.0, 121.0),
    }
    return {name: [Usage(wall, 2 * wall, 10 * wall, OUTPUTS[name]) for wall in walls[name]] for name in walls}


def test_rows_of_whole_processes(usages):
    costs = whole.costs("fid", usages, "again")
    assert [(row.what, row.peer_name) for row in costs[:4]] == [
        ("fid", "pytorch-fid"),
        ("fid", "torch-fidelity"),
        ("fid", "torchmetrics"),
        ("fid, CPU", "pytorch-fid"),
    ]
    assert costs[0].ratio == pytest.approx((60 / 200 + 66 / 198) / 2)
    assert [row.is_met for row in costs] == [True, False, True, None, None, None, True, True, False]


def test_fids_agree_within_their_bounds(usages):
    resized_otherwise, same, antialiased = whole.agreements("fid", usages, "again")
    assert resized_otherwise.is_met is None and resized_otherwise.difference == pytest.approx(0.013, abs=1e-3)
    assert same.is_met is True
    assert antialiased.is_met is None and antialiased.peer == 79.96
    assert Agreement("x", 1.0, 1.1, "peer", relative(1.0, 1.1), "again", 1e-6).is_met is False


@pytest.mark.parametrize("name", ["pytorch-fid", "torchmetrics"])
def test_a_program_without_a_fid_is_named(name):
    with pytest.raises(ValueError, match=f"{name} printed no FID"):
        whole.printed_fid(name, "nothing")


def test_peers_formats_and_sizes_are_chosen(tmp_path):
    chosen = whole.commands(tmp_path, tmp_path, tmp_path, ("torchmetrics",))
    assert list(chosen) == ["ganmetrics", "torchmetrics"] and "--no-cache" in chosen["ganmetrics"].arguments
    plan = Plan(tmp_path, num_images=2, more_images=(3,), peers=("torchmetrics",), formats=("jpeg",))
    assert plan.again("whole").endswith("--num-images 2 --num-images 3 --peers torchmetrics --format jpeg")
    assert plan.again("resize").endswith("--only resize --rounds 2")
    assert [len(list(folder.iterdir())) for count in (2, 3) for folder in plan.images("jpeg", count)] == [2, 2, 3, 3]


def test_goals_on_values():
    slow, fast = (Comparison("start-up", "s", [x], [4.0], "peer", "again", limit=0.5) for x in (0.6, 0.1))
    assert (slow.is_met, fast.is_met) == (False, True)


def test_report_is_saved_as_json_and_markdown(tmp_path, usages):
    report = Report(machine.facts(), {"quick": True})
    report.take([*whole.costs("fid", usages, "a | b"), *whole.agreements("fid", usages, "again")])
    report.take([Stage("evaluate", "resize", 0.5, "again", 0.25), Stage("Fréchet step", "n = 300", 2.0, "again")])
    attempt("resize", lambda: 1 / 0, report)
    report.save(tmp_path / "results.json")
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["comparisons"][0]["ours"] == [60.0, 66.0] and document["comparisons"][0]["met"] is True
    assert document["stages"][0]["seconds"] == 0.5 and document["stages"][1]["share"] is None
    page = (tmp_path / "results.md").read_text()
    assert "| evaluate | resize | 0.5 | 25% | `again` |\n| Fréchet step | n = 300 | 2 |  | `again` |" in page
    assert "| fid | s | 63 | 199 pytorch-fid | 0.317 | ≤ 0.33 | yes | `a \\| b` |" in page
    assert "- resize: ZeroDivisionError: division by zero" in page and "not measurements" in page


def test_cpu_model():
    text = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n"
    assert machine.cpu_model(f"{text}\n{text}") == "AMD EPYC (family 25, model 1)"
    assert machine.cpu_model("") == ""


def test_ceilings_name_what_was_measured():
    found = machine.ceilings(side=32, copied=10**6)
    assert list(found) == [
        "product of 32 × 32 matrices, float32",
        "product of 32 × 32 matrices, float64",
        "copy of 1 MB",
    ]
    assert "GFLOP/s, one thread" in next(iter(found.values())) and "GB/s" in found["copy of 1 MB"]


def test_stages_are_shares_of_the_total_and_what_is_left_has_a_row():
    rows = stages.shares("evaluate", {"resize": 1.0, "forward pass": 6.0, "total": 10.0}, "again")
    assert [(row.stage, row.share) for row in rows] == [
        ("forward pass", 0.6),
        ("resize", 0.1),
        ("other", 0.3),
        ("total", 1.0),
    ]


def test_kid_has_goals_where_the_peer_computes_as_we_do():
    assert neighbors.goals("kid", 5_000, "s") == {"torch-fidelity in float64": Goal(ratio=0.25)}
    assert neighbors.goals("kid", 50_000, "s") == neighbors.goals("kid", 5_000, "MiB") == {}


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
    code = "import os, time; x = b'x' * 2**26; os.fork() or os.execvp('sleep', ['sleep', '0.5']); os.wait()"
    shared = "import os, time; x = b'x' * 2**26; pid = os.fork(); time.sleep(0.5); pid and os.wait()"
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
    for way in ("np.cov of all", "torchmetrics"):
        peer = dict(pair for count in counts for pair in moments.WAYS[way]([count], 8))
        assert found == pytest.approx(peer, rel=1e-12)


@pytest.mark.slow
def test_the_resize_part_runs(tmp_path):
    rows = resize.rows(Plan(tmp_path, rounds=1, is_quick=True))
    assert all(row.is_met for row in rows if isinstance(row, Agreement))
    assert set(PARTS) >= {row.command.split()[5] for row in rows}
