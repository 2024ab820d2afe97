"""Where everything of a two-alternative forced choice stands."""

from __future__ import annotations

import math
from dataclasses import dataclass

from conditions.design import Layout
from experiments.runner.layout import Box, Measures, Placement, grid


@dataclass(frozen=True)
class ChoicePlacement(Placement):
    """Where everything stands when one of two queries is to be chosen.

    Parameters
    ----------
    queries
        Choice to its image's box.
    references
        Column name, such as ``reference_min_0``, to its image's box.
    titles
        Pole to the box of its references' title; ``base`` to that of the base image's.
    legends
        Choice to the box of its keys.
    question, progress
        Boxes of the question, and of the block's progress bar.
    base
        Box of the base image; None in a task that has none.
    """

    queries: dict[str, Box]
    references: dict[str, Box]
    titles: dict[str, Box]
    legends: dict[str, Box]
    question: Box
    progress: Box
    base: Box | None = None

    def boxes(self) -> dict[str, Box]:
        """Return every box by a name."""
        named = self.images()
        named.update({f"title_{pole}": box for pole, box in self.titles.items()})
        named.update({f"legend_{choice}": box for choice, box in self.legends.items()})
        return named | {"question": self.question, "progress": self.progress}

    def images(self) -> dict[str, Box]:
        """Return the box of each image."""
        queries = {f"query_{choice}": box for choice, box in self.queries.items()}
        return ({"base": self.base} if self.base else {}) | queries | self.references


def place_two_afc(
    m: Measures, layout: Layout, poles: tuple[str, ...], per_side: int, *, two_step: bool = False
) -> ChoicePlacement:
    """Place queries at the centre, least activating references at the left, most at the right.

    Parameters
    ----------
    m
        The layout's lengths.
    layout
        The design's layout.
    poles, per_side
        The references; none where ``per_side`` is 0.
    two_step
        Whether the confidence is asked for where the question stands.
    """
    references: dict[str, Box] = {}
    titles: dict[str, Box] = {}
    columns = math.ceil(math.sqrt(per_side))
    for pole in poles if per_side else ():
        x = round(layout.reference_offset * m.px) * (-1 if pole == "min" else 1)
        references |= grid(f"reference_{pole}", x, 0, per_side, columns, m)
        height = m.span(math.ceil(per_side / columns))
        width = max(m.span(columns), 12 * m.text)
        titles[pole] = Box(x, height // 2 + 2 * m.text, width, 2 * m.text)

    offset, legend_height = round(layout.query_offset * m.px), 4 * m.text
    if layout.queries == "vertical":
        queries = {"a": Box(0, offset, m.side, m.side), "b": Box(0, -offset, m.side, m.side)}
        away = offset + m.side // 2 + legend_height // 2 + m.text // 2
        legends = {c: Box(0, y, m.side, legend_height) for c, y in (("a", away), ("b", -away))}
        least = round((4.5 if two_step else 2) * m.text)
        question = Box(0, 0, 18 * m.text, max(2 * offset - m.side - m.text, least))
    else:
        queries = {"a": Box(-offset, 0, m.side, m.side), "b": Box(offset, 0, m.side, m.side)}
        below = m.side // 2 + legend_height // 2 + m.text // 2
        legends = {c: Box(box.x, -below, m.side, legend_height) for c, box in queries.items()}
        height = round((4.5 if two_step else 3) * m.text)
        question = Box(0, (m.side + m.text + height + 1) // 2, 18 * m.text, height)
    top = max(
        box.top for group in (titles, legends, queries, {"": question}) for box in group.values()
    )
    progress = Box(0, math.ceil(top) + m.text, m.side, max(6, m.text // 3))
    return ChoicePlacement(
        m.text, m.scale, queries, references, titles, legends, question, progress
    )
