"""A diagram of a design's blocks, as SVG with plain text."""

from __future__ import annotations

import math
import textwrap
from html import escape

from conditions.design.design import Design
from conditions.design.overview import Strip, facts_of, strips_of
from unitscope.vocabulary import CONDITION_COLOURS

INK, FAINT = "#1f2933", "#6b7682"

CELL, GAP, ROW = 12, 3, 24
LEFT, MARGIN, TEXT = 260, 24, 14
MAX_PER_LINE = 24
"""Trials in a line of a block."""

ORDERS = 8
"""Maximum number of participants whose block orders are drawn."""


def draw_design(design: Design, participant: int) -> str:
    """Return a diagram of a design: facts, a participant's blocks, block orders of the first ones.

    Parameters
    ----------
    design
        What to draw.
    participant
        Whose blocks are drawn, from 1.

    Returns
    -------
    str
        A whole SVG file.
    """
    diagram = _Diagram()
    diagram.title(design)
    diagram.facts(design, participant)
    diagram.blocks(design, participant)
    diagram.orders(design)
    return diagram.svg()


class _Diagram:
    """Draws from the top down; ``y`` is where the next element begins."""

    width = 960

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.y = MARGIN

    def svg(self) -> str:
        height = self.y + MARGIN
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{height}" '
                f'viewBox="0 0 {self.width} {height}" font-family="DejaVu Sans, Verdana, '
                f'sans-serif" font-size="{TEXT}" fill="{INK}">',
                f'<rect width="{self.width}" height="{height}" fill="white"/>',
                *self._parts,
                "</svg>\n",
            ]
        )

    def title(self, design: Design) -> None:
        self.y += 20
        self._text(MARGIN, design.name, size=22, weight="bold")
        self.y += 24
        title = design.title + (f" ({design.source})" if design.source else "")
        for line in textwrap.wrap(title, 108):
            self._text(MARGIN, line)
            self.y += 20

    def facts(self, design: Design, participant: int) -> None:
        for name, text in facts_of(design, participant):
            for i, line in enumerate(textwrap.wrap(text, 94)):
                self.y += 20
                if i == 0 and name:
                    self._text(MARGIN, name, fill=FAINT)
                self._text(MARGIN + 120, line)
        self.y += 20

    def blocks(self, design: Design, participant: int) -> None:
        group = design.group(participant)
        self._heading(
            f"Blocks of participant {participant}" + (f", group {group}" if group else "")
        )
        strips = strips_of(design, participant)
        self._legend(strips)
        scheme = ""
        for strip in strips:
            if strip.scheme != scheme:
                scheme = strip.scheme
                self.y += 22
                self._text(MARGIN, scheme, weight="bold")
                self.y += 10
            self._block(strip)

    def orders(self, design: Design) -> None:
        number = min(_period(design), ORDERS, design.participants)
        if number < 2:
            return
        self.y += 12
        self._heading("Order of blocks by participant")
        self.y += 8
        every = {p: strips_of(design, p) for p in range(1, number + 1)}
        longest = max(sum(s.size for s in strips) for strips in every.values())
        scale = (self.width - 2 * MARGIN - 60) / longest
        for participant, strips in every.items():
            x = MARGIN + 60.0
            scheme = ""
            if design.schemes:
                self.y += 18
            self._text(MARGIN, str(participant), dy=15)
            for strip in strips:
                if strip.scheme != scheme:
                    scheme = strip.scheme
                    self._text(x, scheme, dy=-4, size=12, fill=FAINT)
                width = strip.size * scale
                faint = 0.45 if "practice" in strip.trials else 1
                self._rect(
                    x, self.y, width - 1.5, 18, CONDITION_COLOURS[strip.condition], opacity=faint
                )
                x += width
            self.y += ROW
        if _period(design) > number:
            self.y += 16
            self._text(MARGIN, "and so on", fill=FAINT)

    def _heading(self, text: str) -> None:
        self.y += 28
        self._text(MARGIN, text, size=16, weight="bold")
        self.y += 6

    def _legend(self, strips: list[Strip]) -> None:
        self.y += 20
        x = MARGIN
        for condition in dict.fromkeys(strip.condition for strip in strips):
            self._rect(x, self.y - CELL + 1, CELL, CELL, CONDITION_COLOURS[condition])
            self._text(x + CELL + 6, condition)
            x += 40 + 9 * len(condition)
        x += 20
        roles = [role for strip in strips for role in strip.trials]
        for role in dict.fromkeys(roles):
            self._trial(x, self.y - CELL + 1, role, FAINT)
            self._text(x + CELL + 6, role)
            x += 40 + 9 * len(role)
        self.y += 14

    def _block(self, strip: Strip) -> None:
        top = self.y
        self._text(MARGIN, f"{strip.number}", dy=CELL, fill=FAINT)
        self._text(MARGIN + 32, _short(strip.name), dy=CELL)
        roles = [role for role, number in strip.trials.items() for _ in range(number)]
        for i, role in enumerate(roles):
            line, place = divmod(i, MAX_PER_LINE)
            x = LEFT + place * (CELL + GAP)
            self._trial(x, top + 1 + line * (CELL + GAP), role, CONDITION_COLOURS[strip.condition])
        lines = math.ceil(len(roles) / MAX_PER_LINE)
        x = LEFT + min(len(roles), MAX_PER_LINE) * (CELL + GAP) + 8
        self._text(x, strip.text, dy=CELL, fill=FAINT)
        self.y = top + ROW + (lines - 1) * (CELL + GAP)

    def _trial(self, x: float, y: float, role: str, colour: str) -> None:
        """Draw a trial so that its role can be told without colour."""
        if role == "practice":
            self._rect(x + 1, y + 1, CELL - 2, CELL - 2, "white", stroke=colour)
            return
        self._rect(x, y, CELL, CELL, colour)
        middle, radius = CELL / 2, CELL / 5
        if role == "catch":
            self._parts.append(
                f'<circle cx="{x + middle:g}" cy="{y + middle:g}" r="{radius:g}" fill="white"/>'
            )
        if role == "repeat":
            self._rect(x + 2, y + 3, CELL - 4, 2, "white")
            self._rect(x + 2, y + CELL - 5, CELL - 4, 2, "white")

    def _rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        *,
        stroke: str = "",
        opacity: float = 1,
    ) -> None:
        more = f' stroke="{stroke}" stroke-width="2"' if stroke else ""
        more += f' opacity="{opacity:g}"' if opacity < 1 else ""
        self._parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}"{more}/>'
        )

    def _text(
        self,
        x: float,
        text: str,
        *,
        dy: float = 0,
        size: int = TEXT,
        weight: str = "normal",
        fill: str = INK,
    ) -> None:
        self._parts.append(
            f'<text x="{x:g}" y="{self.y + dy:g}" font-size="{size}" font-weight="{weight}" '
            f'fill="{fill}">{escape(text)}</text>'
        )


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _period(design: Design) -> int:
    """Return after how many participants groups, block orders and schemes repeat."""
    schemes = len(design.schemes.orders) if design.schemes else 1
    orders = len(design.orders) * (design.orders_every if len(design.orders) > 1 else 1)
    return math.lcm(schemes, orders, max(1, len(design.between)))
