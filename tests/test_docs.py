"""Pages that are made from the code say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from click.testing import CliRunner

from ganmetrics.metrics import METRICS

ROOT = Path(__file__).parent.parent


def test_the_page_of_metrics_is_that_of_the_records(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("build_metrics", ROOT / "scripts" / "build_metrics.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    source = (ROOT / "docs" / "metrics.in.md").read_text()
    (tmp_path / "metrics.in.md").write_text(source)
    done = CliRunner().invoke(script.main, ["-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    committed = (ROOT / "docs" / "metrics.md").read_text()
    assert (tmp_path / "metrics.md").read_text() == committed, "run: python scripts/build_metrics.py"
    for name in METRICS.names():
        assert f"`{name}`" in source, f"{name} has no word on when it misleads"
