"""Results in a notebook: a real one is executed, and what its cells show is looked at."""

from __future__ import annotations

import base64
from typing import Any

import pytest

CELLS = [
    """
import numpy as np, ganmetrics as gm
def images(seed, top=200):
    return np.random.RandomState(seed).randint(0, top, (120, 8, 8, 3), dtype=np.uint8)
result = gm.evaluate(images(0), images(1), metrics=["fid", "vendi"], extractor="pixels")
result
""",
    'result["fid"]',
    "result.plot()",
    'gm.compare(images(0), images(1), images(2), images(3, 250), metrics="fid", extractor="pixels")',
    "print(repr(result))",
    "result.real",
]


@pytest.fixture(scope="module")
def outputs() -> list[Any]:
    """What each cell shows, by its MIME types."""
    nbformat = pytest.importorskip("nbformat", reason="no nbformat")
    nbclient = pytest.importorskip("nbclient", reason="no nbclient")
    pytest.importorskip("ipykernel", reason="no kernel for notebooks")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [cell.outputs[-1] for cell in notebook.cells]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_cells_show_tables_lines_and_pictures(outputs: list[Any]) -> None:
    table, line, picture, comparison, text, statistics = outputs
    assert "<table>" in table.data["text/html"] and "FID(pixels) ↓" in table.data["text/html"]
    assert "fid|pixels-8x8|area|real:#120:" in table.data["text/html"]
    # The signature stands below the table, where it squeezes no column.
    assert "pixels-8x8" not in table.data["text/html"].split("</table>")[0]
    assert line.data["text/plain"].startswith("FID(pixels) ") and "\n" not in line.data["text/plain"]
    assert base64.b64decode(picture.data["image/png"]).startswith(b"\x89PNG")
    assert "<b>" in comparison.data["text/html"] and comparison.data["text/html"].count("</tr>") >= 4
    assert "tensor(" not in text.text and "FID(pixels)" in text.text
    assert statistics.data["text/plain"].startswith("<Statistics #120:")
