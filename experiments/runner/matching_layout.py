"""Where everything of exemplar matching stands."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.runner.exemplar_matching import CONFIRM, UNDO
from experiments.runner.layout import Box, Measures, Placement, grid


@dataclass(frozen=True)
class MatchingPlacement(Placement):
    """Rows of left halves, a column of badges each side of the lines, right halves.

    Parameters
    ----------
    left, right
        Column name, such as ``left_0_0``, to its image's box.
    rows, slots
        Box of each left and of each right half.
    row_badges, slot_badges
        Box of the number beside each half.
    lines
        Box of the lines between the numbers.
    buttons
        ``undo`` and ``confirm`` to their boxes.
    question, progress
        Boxes of the question, and of the block's progress bar.
    """

    left: dict[str, Box]
    right: dict[str, Box]
    rows: list[Box]
    slots: list[Box]
    row_badges: list[Box]
    slot_badges: list[Box]
    lines: Box
    buttons: dict[str, Box]
    question: Box
    progress: Box

    @property
    def targets(self) -> dict[str, Box]:
        """Where a click means something."""
        rows = {f"row_{i}": box for i, box in enumerate(self.rows)}
        return rows | {f"slot_{i}": box for i, box in enumerate(self.slots)} | self.buttons

    def boxes(self) -> dict[str, Box]:
        """Return every box by a name; the images lie in those of their halves."""
        badges = {f"row_badge_{i}": box for i, box in enumerate(self.row_badges)}
        badges |= {f"slot_badge_{i}": box for i, box in enumerate(self.slot_badges)}
        others = {"lines": self.lines, "question": self.question, "progress": self.progress}
        return self.targets | badges | others

    def images(self) -> dict[str, Box]:
        """Return the box of each image."""
        return self.left | self.right


def place_matching(m: Measures, n_rows: int, n_images: int) -> MatchingPlacement:
    """Place the parts of an exemplar-matching screen.

    Parameters
    ----------
    m
        The layout's lengths.
    n_rows, n_images
        Rows, and images of each half row.
    """
    half, badge, button = m.span(n_images), 2 * m.text, round(2.5 * m.text)
    lane = max(m.gap, m.text // 2)
    between = max(m.separation, 2 * (lane + badge) + 4 * m.text)
    row_gap = max(2 * m.gap, m.text)
    rows_height = n_rows * (m.side + row_gap) - row_gap
    title, bar = 3 * m.text, max(6, m.text // 3)
    height = bar + title + rows_height + row_gap + button
    top = height // 2 - bar - title

    x = between // 2 + half // 2
    badge_x = between // 2 - lane - badge // 2
    left: dict[str, Box] = {}
    right: dict[str, Box] = {}
    rows_y = [top - m.side // 2 - i * (m.side + row_gap) for i in range(n_rows)]
    for i, y in enumerate(rows_y):
        left |= grid(f"left_{i}", -x, y, n_images, n_images, m)
        right |= grid(f"right_{i}", x, y, n_images, n_images, m)
    buttons_y = top - rows_height - row_gap - button // 2
    width = 14 * m.text
    return MatchingPlacement(
        m.text,
        m.scale,
        left=left,
        right=right,
        rows=[_around(left, f"left_{i}_") for i in range(n_rows)],
        slots=[_around(right, f"right_{i}_") for i in range(n_rows)],
        row_badges=[Box(-badge_x, y, badge, badge) for y in rows_y],
        slot_badges=[Box(badge_x, y, badge, badge) for y in rows_y],
        lines=Box(0, top - rows_height // 2, 2 * badge_x - badge, rows_height // 2 * 2 - 2),
        buttons={
            UNDO: Box(-width // 2 - m.text, buttons_y, width, button),
            CONFIRM: Box(width // 2 + m.text, buttons_y, width, button),
        },
        question=Box(0, top + title // 2, 32 * m.text, title),
        progress=Box(0, top + title + bar // 2, 12 * m.text, bar),
    )


def _around(boxes: dict[str, Box], prefix: str) -> Box:
    """Return the box around those whose name begins so."""
    within = [box for name, box in boxes.items() if name.startswith(prefix)]
    left, right = within[0].left, within[-1].right
    return Box(round((left + right) / 2), within[0].y, round(right - left), within[0].height)
