"""How figures look, and how they become SVG that is the same on every machine."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from unitscope.disk import write_file
from unitscope.vocabulary import CONDITION_COLOURS

INK, FAINT, BAND = "#1f2933", "#8b95a1", "#eef1f4"

MAX_VECTOR_POINTS = 5000
"""Above this many, points are drawn as pixels."""

_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 17,
    "axes.labelsize": 8.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "grid.color": "#e3e7eb",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


@dataclass(frozen=True)
class Mark:
    """Colour, shape and line of a reference condition."""

    colour: str
    marker: str
    line: Any


MARKS: dict[str, Mark] = {
    condition: Mark(CONDITION_COLOURS[condition], marker, line)
    for condition, marker, line in (
        ("natural", "o", "-"),
        ("synthetic", "s", (0, (5, 1.5))),
        ("mixed", "D", (0, (3, 1, 1, 1))),
        ("blur", "^", (0, (1, 1))),
        ("none", "v", (0, (1, 1.5))),
    )
}


_OWN_COLOURS = ("#332288", "#44AA99", "#882255", "#999933", "#CC6677", "#117733", "#AA4499")
_OWN_MARKERS = "osD^vP<X>"
_OWN_LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1, 1)))
"""Of other conditions, in turn: a study's own, and those whose names are hidden. The colours are
Paul Tol's muted ones that stand out from white, which people of any colour vision tell apart. As
no two numbers have a common factor, 252 conditions differ."""


def marks_of(conditions: Iterable[str]) -> dict[str, Mark]:
    """Return how each of a study's conditions is drawn."""
    others = zip(cycle(_OWN_COLOURS), cycle(_OWN_MARKERS), cycle(_OWN_LINES), strict=False)
    return {name: MARKS.get(name) or Mark(*next(others)) for name in conditions}


def styled(salt: str) -> Any:
    """Return a context in which figures have the project's look and reproducible ids."""
    settings: Any = {**_RC, "svg.hashsalt": salt}
    return matplotlib.rc_context(settings)


def save(figure: Figure, name: str, folder: Path) -> str:
    """Save a figure as SVG, PDF and PNG; returns its SVG for a page.

    Parameters
    ----------
    figure
        Drawn within :func:`styled`.
    name
        Of the files, and prefix of every id in the SVG.
    folder
        Exists.
    """
    with styled(name):
        # Laid out once, not for each format.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(folder / f"{name}.png", metadata={"Software": None})
        figure.savefig(
            folder / f"{name}.pdf",
            metadata={"CreationDate": None, "Creator": None, "Producer": None},
        )
    svg = buffer.getvalue()
    write_file(folder / f"{name}.svg", svg, sync=False)
    return inline(svg, name)


def inline(svg: str, name: str) -> str:
    """Make an SVG file fit for a page: no prologue, ids of its own, as wide as there is room."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    opening, rest = svg.split(">", 1)
    opening = re.sub(r'\s(width|height|version|xmlns:xlink)="[^"]*"', "", opening)
    rest = rest.replace("xlink:href", "href")
    return f'{opening} aria-hidden="true" focusable="false">{rest}'
