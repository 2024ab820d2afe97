"""Exemplar matching: its trial as a state machine, and where everything stands on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from conditions.design.design import Design
from experiments.runner.answers import Answer, Pairing
from experiments.runner.layout import Box, Measures, Placement, grid
from experiments.runner.responses import CLICK, Press
from experiments.runner.trial import CONTINUE, Trial
from unitscope.columns import MAX_ROWS
from unitscope.row_types import AnswerCells, TrialRow
from unitscope.rows import correct_slots

MATCHING = "matching"
UNDO, CONFIRM = "undo", "confirm"


class ExemplarMatchingTrial(Trial):
    """One trial: which of the halves on the right belongs to each half on the left?

    Klein, Brendel and Wichmann, Journal of Vision 23(9):5062 (2023). With keys, the rows are gone
    through from the top: a number pairs the row with the right half of that number. With the
    mouse, a click selects a row, and one on a right half pairs the two. A half that is taken stays
    so until the pair is taken back: by undo, the last one; by a click on its row, that one. It can
    be confirmed when every row has its half.
    """

    task = "exemplar_matching"

    def __init__(
        self, row: TrialRow, design: Design, frame_s: float, wanted: str | None = None
    ) -> None:
        super().__init__(row, design, frame_s, wanted)
        self.n_rows = row["n_rows"]
        self.meanings = {
            key: f"slot_{i}" for i, key in enumerate(design.keys.numbers[: self.n_rows])
        } | {design.keys.undo: UNDO, design.keys.confirm: CONFIRM}
        self._forget()

    def _forget(self) -> None:
        self.pairs: dict[int, int] = {}
        self._made_s: dict[int, float] = {}
        self._selected: int | None = None
        self._undos = 0
        self._input = "mouse" if self._design.input == "mouse" else "keys"

    @property
    def answering(self) -> tuple[str, ...]:
        """The phase that the participant answers."""
        return (MATCHING,)

    @property
    def selected(self) -> int | None:
        """The row that the next right half goes to; None once every row has one."""
        unpaired = [row for row in range(self.n_rows) if row not in self.pairs]
        if self._selected in unpaired:
            return self._selected
        return unpaired[0] if unpaired else None

    @property
    def is_whole(self) -> bool:
        """Whether every row has its half, so that the pairs can be confirmed."""
        return len(self.pairs) == self.n_rows

    @property
    def correct_pairs(self) -> dict[int, int]:
        """The correct slot of each row."""
        return dict(enumerate(correct_slots(self.row)))

    @property
    def hits(self) -> int:
        """Number of rows that are paired correctly."""
        return sum(self.pairs.get(row) == slot for row, slot in self.correct_pairs.items())

    @property
    def correct(self) -> bool | None:
        """Whether all the confirmed pairs are correct; None where none were confirmed."""
        return None if self.response_s is None else self.hits == self.n_rows

    def presses_for(self, answer: Answer) -> list[Press]:
        """Return the presses or clicks that pair the rows from the top, then confirm."""
        assert isinstance(answer, Pairing)
        actions = [f"slot_{slot}" for slot in answer.slots]
        if self._design.input == "mouse":
            actions = [a for row, slot in enumerate(actions) for a in (f"row_{row}", slot)]
        actions.append(CONFIRM)
        times_s = [answer.rt_s * i / len(actions) for i in range(1, len(actions) + 1)]
        return [self.press_for(action, t) for t, action in zip(times_s, actions, strict=True)]

    def _take(self, action: str, press: Press, onset_s: float) -> None:
        self._input = "mouse" if press.key == CLICK else "keys"
        if action == CONFIRM:
            if self.is_whole:
                self.response_s = press.time_s
        elif action == UNDO:
            if self.pairs:
                self._undo(list(self.pairs)[-1])
        elif action.startswith("row_"):
            row = int(action.removeprefix("row_"))
            if row in self.pairs:
                self._undo(row)
            self._selected = row
        else:
            self._pair(int(action.removeprefix("slot_")), press.time_s - onset_s)

    def _pair(self, slot: int, time_s: float) -> None:
        row = self.selected
        if row is not None and slot not in self.pairs.values():
            self.pairs[row], self._made_s[row] = slot, time_s
            self._selected = None

    def _undo(self, row: int) -> None:
        del self.pairs[row], self._made_s[row]
        self._selected = row
        self._undos += 1

    def _is_given(self, phase: str) -> bool:
        return self.response_s is not None

    def _answer(self, onset_s: float) -> AnswerCells:
        rows = range(MAX_ROWS)
        matches = {f"match_{row}": self.pairs.get(row) for row in rows}
        times_s = {f"match_{row}_s": self._made_s.get(row) for row in rows}
        own: AnswerCells = {"hits": self.hits, "undos": self._undos, "input": self._input}
        return cast(AnswerCells, {**matches, **times_s, **own})


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
        """Half rows and buttons; the one to continue stands in the place of that to confirm."""
        return self._halves() | self.buttons | {CONTINUE: self.buttons[CONFIRM]}

    def _halves(self) -> dict[str, Box]:
        rows = {f"row_{i}": box for i, box in enumerate(self.rows)}
        return rows | {f"slot_{i}": box for i, box in enumerate(self.slots)}

    def boxes(self) -> dict[str, Box]:
        """Return every box by a name; the images lie in those of their halves."""
        badges = {f"row_badge_{i}": box for i, box in enumerate(self.row_badges)}
        badges |= {f"slot_badge_{i}": box for i, box in enumerate(self.slot_badges)}
        others = {"lines": self.lines, "question": self.question, "progress": self.progress}
        return self._halves() | self.buttons | badges | others

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
