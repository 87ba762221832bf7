"""Build docs/tables.md: one comparison of bundled generators in every format.

    python scripts/build_tables.py -o docs

The prose stands in ``docs/tables.in.md``, where a line ``{{name}}`` gives way to the table in a format. The picture of
the LaTeX table needs ``pdflatex`` and ``pdftoppm``; without them the old picture stays.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import click

import ganmetrics as gm
from ganmetrics._files import atomic_write

GENERATORS = {
    "dcgan": "dcgan-mnist",
    "msg-gan": "msg-gan-mnist",
    "wgan-gp": "wgan-gp-mnist",
    "three-digits": "dcgan-three-digits",
}
NUM_IMAGES = 2000
# Lines of JSON that the page shows.
SHOWN = 24
LANGUAGES = {"text": "", "markdown": "", "latex": "latex", "csv": "", "json": ""}
DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs}
\usepackage[paperwidth=17cm,paperheight=10cm,margin=6mm]{geometry}
\pagestyle{empty}
\begin{document}
%s
\end{document}
"""


def comparison() -> gm.Comparison:
    """Sample every generator into a folder of its own and compare all of them."""
    with tempfile.TemporaryDirectory() as root:
        here = os.getcwd()
        os.chdir(root)
        try:
            for name, generator in GENERATORS.items():
                subprocess.run(
                    ["ganmetrics", "generators", "sample", generator, "-n", str(NUM_IMAGES), "-o", f"{name}/", "-q"],
                    check=True,
                )
            reading = gm.Reading(progress=False)
            names = [f"{name}/" for name in GENERATORS]
            return gm.compare("mnist-test", *names, metrics=["fid", "is", "kid"], reading=reading)
        finally:
            os.chdir(here)


def picture(latex: str, target: Path) -> None:
    """Set the table as a page and draw it."""
    if not (shutil.which("pdflatex") and shutil.which("pdftoppm")):
        return
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "table.tex").write_text(DOCUMENT % latex)
        subprocess.run(["pdflatex", "-halt-on-error", "table.tex"], cwd=root, check=True, capture_output=True)
        subprocess.run(["pdftoppm", "-r", "110", "-png", "-singlefile", "table.pdf", "table"], cwd=root, check=True)
        shutil.copy(Path(root) / "table.png", target)


def shown(found: gm.Comparison, form: str) -> str:
    text = {"text": str, "markdown": gm.Comparison.to_markdown, "latex": gm.Comparison.to_latex,
            "csv": gm.Comparison.to_csv, "json": gm.Comparison.to_json}[form](found)  # fmt: skip
    if form == "json":
        text = "\n".join([*text.splitlines()[:SHOWN], "…"])
    block = f"```{LANGUAGES[form]}\n{text}\n```"
    # A page of Markdown shows the table itself too.
    return f"{block}\n\nIt is shown as:\n\n{text}" if form == "markdown" else block


@click.command()
@click.option("-o", "--output", default="docs", show_default=True, type=click.Path(file_okay=False, path_type=Path))
def main(output: Path) -> None:
    """Write the page and its picture."""
    found = comparison()
    picture(found.to_latex(), output / "table-latex.png")
    text = (output / "tables.in.md").read_text()
    page = re.sub(r"^\{\{([\w-]+)\}\}$", lambda match: shown(found, match[1]), text, flags=re.MULTILINE)
    with atomic_write(output / "tables.md") as stream:
        stream.write(page.encode())
    click.echo(f"{output / 'tables.md'}: {len(GENERATORS)} generators")


if __name__ == "__main__":
    main()
