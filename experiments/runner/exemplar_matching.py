"""Exemplar matching as a pure state machine: the halves of rows are put together again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conditions.design import Design
from conditions.trial_columns import MAX_ROWS
from experiments.runner.answers import Answer, Matching
from experiments.runner.layout import Box
from experiments.runner.responses import CLICK, Press
from experiments.runner.trial import Trial

MATCHING = "matching"
UNDO, CONFIRM = "undo", "confirm"


class ExemplarMatchingTrial(Trial):
    """One trial: to each row's left half belongs one of the right halves; which?

    Klein, Brendel and Wichmann, Journal of Vision 23(9):5062 (2023). With keys, the rows are gone
    through from the top: a number pairs the row with the right half of that number. With the
    mouse, a click selects a row, and one on a right half pairs the two. A half that is taken stays
    so until the pair is taken back: by undo, the last one; by a click on its row, that one. It can
    be confirmed when every row has its half.
    """

    task = "exemplar_matching"

    def __init__(
        self, row: Mapping[str, Any], design: Design, frame_s: float, wanted: str | None = None
    ) -> None:
        super().__init__(row, design, frame_s, wanted)
        self.n_rows = int(row["n_rows"])
        self.targets: Mapping[str, Box] = {}
        self._meanings = {
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
    def right_pairs(self) -> dict[int, int]:
        """The right slot of each row."""
        return {row: int(self.row[f"correct_slot_{row}"]) for row in range(self.n_rows)}

    @property
    def hits(self) -> int:
        """Number of rows that have their right half."""
        return sum(self.pairs.get(row) == slot for row, slot in self.right_pairs.items())

    @property
    def correct(self) -> bool | None:
        """Whether all the confirmed pairs are right; None where none were confirmed."""
        return None if self.response_s is None else self.hits == self.n_rows

    def presses_for(self, answer: Answer) -> list[Press]:
        """Return the presses or clicks that pair the rows from the top, then confirm."""
        assert isinstance(answer, Matching)
        actions = [f"slot_{slot}" for slot in answer.slots]
        if self._design.input == "mouse":
            actions = [a for row, slot in enumerate(actions) for a in (f"row_{row}", slot)]
        actions.append(CONFIRM)
        times_s = [answer.rt_s * i / len(actions) for i in range(1, len(actions) + 1)]
        return [self._press(t, action) for t, action in zip(times_s, actions, strict=True)]

    def _press(self, time_s: float, action: str) -> Press:
        if self._design.input == "mouse":
            box = self.targets[action]
            return Press(time_s, CLICK, (box.x, box.y))
        return Press(time_s, next(k for k, meaning in self._meanings.items() if meaning == action))

    def _action(self, press: Press) -> str | None:
        """Return what a press asks for: ``row_0``, ``slot_0``, ``undo`` or ``confirm``."""
        if press.key == CLICK and press.place and self._design.input != "keys":
            hit = (name for name, box in self.targets.items() if box.contains(press.place))
            return next(hit, None)
        return self._meanings.get(press.key) if self._design.input != "mouse" else None

    def _means(self, press: Press) -> bool:
        return self._action(press) is not None

    def _take(self, press: Press, onset_s: float) -> None:
        action = self._action(press)
        assert action is not None
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

    def _answer(self, onset_s: float) -> dict[str, Any]:
        rows = range(MAX_ROWS)
        return (
            {f"match_{row}": self.pairs.get(row) for row in rows}
            | {f"match_{row}_s": self._made_s.get(row) for row in rows}
            | {"hits": self.hits, "undos": self._undos, "input": self._input}
        )
