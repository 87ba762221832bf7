"""Figures drawn by matplotlib, for plots and for pages."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ganmetrics._process import Held
from ganmetrics.reporting.palette import MARKS, PLAIN, VARIABLES, Palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCHES = (5.2, 3.3)
COLUMNS = 2
_SETTINGS = Held()


@dataclass(frozen=True)
class Drawing:
    """One figure, not drawn yet.

    Attributes
    ----------
    name : str
        A word for links to the figure.
    title : str
        The heading.
    caption : str
        How to read it, and what it says in this case: also for those who cannot see it.
    draw : callable
        Draws on axes, in the colours of a palette.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Axes, Palette], None]


@cache
def figure_class() -> type[Figure]:
    """Return a figure that shows itself at the end of a notebook's cell, without pyplot and without any magic."""
    from matplotlib.figure import Figure

    class ShownFigure(Figure):
        def _repr_png_(self) -> bytes:
            stream = io.BytesIO()
            self.savefig(stream, format="png")
            return stream.getvalue()

    return ShownFigure


def figure_of(drawings: Sequence[Drawing], palette: Palette = PLAIN) -> Figure:
    """Draw several figures side by side without touching the state of pyplot; names are never read as formulas."""
    import matplotlib as mpl

    with _SETTINGS.alone(), mpl.rc_context({"text.parse_math": False}):
        return _drawn(drawings, palette)


def _drawn(drawings: Sequence[Drawing], palette: Palette) -> Figure:
    columns = min(COLUMNS, max(1, len(drawings)))
    rows = max(1, -(-len(drawings) // columns))
    figure = figure_class()(figsize=(INCHES[0] * columns, INCHES[1] * rows), layout="constrained")
    for index, each in enumerate(drawings):
        axes = figure.add_subplot(rows, columns, index + 1)
        _styled(axes, palette)
        each.draw(axes, palette)
        if len(drawings) > 1:
            axes.set_title(each.title, fontsize=10, color=palette.ink)
    return figure


def svg_of(drawing: Drawing) -> str:
    """Return one figure as an SVG element in the colours of the page; equal figures give equal text."""
    import matplotlib as mpl

    figure = figure_of([drawing], MARKS)
    stream = io.StringIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": drawing.name, "text.parse_math": False}
    with _SETTINGS.alone(), mpl.rc_context(settings):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(stream.getvalue(), drawing)


def _styled(axes: Axes, palette: Palette) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(palette.muted)
    axes.tick_params(colors=palette.muted, labelcolor=palette.ink, labelsize=9)
    axes.grid(color=palette.grid, linewidth=0.6)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(palette.ink)
        label.set_fontsize(9)


def _inlined(text: str, drawing: Drawing) -> str:
    """Return the SVG element alone, with its marks replaced and its identifiers made unique."""
    text = text[text.index("<svg") :]
    # Metadata hold the date, which would make equal reports differ.
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Identifiers of several figures would clash on one page.
    text = re.sub(r'\bid="([^"]*)"', rf'id="{drawing.name}-\1"', text)
    text = re.sub(r'(href="|url\()#', rf"\1#{drawing.name}-", text)
    for mark, variable in VARIABLES.items():
        text = text.replace(mark, variable)
    box = re.search(r'viewBox="[^"]*"', text)
    head = f'<svg class="plot" role="img" aria-label="{html.escape(drawing.title)}" {box[0] if box else ""}'
    names = ' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    return head + names + text[text.index(">") + 1 :]
