"""The record of a session that is being run, in memory and on the disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import pandas as pd

from conditions.design.design import Design
from experiments.runner.log import TrialLog, now_utc
from experiments.runner.notes import Note, add_note
from experiments.runner.practice import (
    PracticeLoop,
    practice_loops,
    rounds_used,
    skipped_trials,
)
from experiments.runner.repeats import choose_repeat
from experiments.runner.request import Request
from experiments.runner.slider import Slider
from experiments.runner.trial import Trial
from unitscope.columns import VERSION_COLUMN
from unitscope.records import RunRecord, SessionRecord
from unitscope.row_types import (
    DisplayMeasures,
    Flip,
    FrameRow,
    LogRow,
    NoteRow,
    RatingRow,
    SessionCells,
    TrialRow,
)
from unitscope.shown_texts import ShownText, text_sha256


@dataclass(kw_only=True)
class Record:
    """What is known of a session that is being run; every change is on the disk at once.

    Parameters
    ----------
    request
        What was asked for.
    rows
        Rows of the condition table.
    log
        Where trials are recorded; its lock is held.
    number, run
        Session of the participant, and run of the session.
    facts
        What ``session.json`` holds.
    completed, confidences
        Number of each completed trial to whether it was correct, and to its confidence.
    rated
        Moment and number of the ratings that were given.
    wanted
        Interruption that was asked for too late for the last trial.
    has_begun
        Whether an earlier run did more than ask for consent.
    """

    request: Request
    rows: list[TrialRow]
    log: TrialLog
    number: int
    run: int
    facts: SessionRecord
    completed: dict[int, bool | None] = field(default_factory=dict)
    confidences: dict[int, int | None] = field(default_factory=dict)
    rated: set[tuple[str, int]] = field(default_factory=set)
    wanted: str | None = None
    has_begun: bool = False

    def __post_init__(self) -> None:
        """Take from the log what earlier runs did."""
        if self.log.completed is not None:
            for row in cast(list[LogRow], plain_rows(self.log.completed)):
                self.completed[row["trial_number"]] = row["correct"]
                self.confidences[row["trial_number"]] = row.get("confidence")
        if self.log.ratings is not None:
            for rating in cast(list[RatingRow], plain_rows(self.log.ratings)):
                self.rated.add((rating["moment"], rating["rating_number"]))
        self.has_begun = bool(self.completed or self.rated or "instructions_utc" in self.facts)

    @property
    def design(self) -> Design:
        """The design that is run."""
        return self.request.design

    @property
    def participant_number(self) -> int:
        """The number that the condition table was made for."""
        return self.rows[0]["participant_number"]

    @cached_property
    def loops(self) -> tuple[PracticeLoop, ...]:
        """Practice that is repeated until every answer is correct."""
        return practice_loops(self.rows)

    @property
    def settled(self) -> set[int]:
        """Trials that are completed or skipped."""
        return set(self.completed) | skipped_trials(self.loops, self.completed)

    def filled(self, row: TrialRow) -> TrialRow:
        """Return a row as its trial shows it: a placeholder is given the trial that it repeats."""
        if row["repeat_of"] is None:
            return row
        chosen = choose_repeat(row, self.rows, self.confidences, self.design)
        own = {name: value for name, value in row.items() if value is not None}
        return cast(TrialRow, {**chosen, **own})

    def note(self, facts: RunRecord) -> None:
        """Add what is known of this run to ``session.json``."""
        self.facts["runs"][-1].update(facts)
        self._write_facts()

    def note_text(self, name: str, text: str) -> None:
        """Keep a copy of a text before it is shown, unless there is one already."""
        known = self.facts.get("texts_shown", {})
        sha256 = text_sha256(text)
        if sha256 in known.get(name, []):
            return
        shown: ShownText = {
            "name": name,
            "language": self.facts["language"],
            "run": self.run,
            "sha256": sha256,
            "text": text,
        }
        self.log.append_text(shown)
        self.facts["texts_shown"] = {**known, name: [*known.get(name, []), sha256]}
        self._write_facts()

    def note_consent(self, agreed: bool, spent_s: float) -> None:
        """Record consent or its refusal, and the time that it took."""
        self.facts["consent_utc" if agreed else "declined_utc"] = now_utc()
        self.add_instruction_time(spent_s)

    def note_instructions(self) -> None:
        """Record that the instructions were read to their end."""
        self.facts["instructions_utc"] = now_utc()
        self._write_facts()

    @property
    def practice_limits(self) -> int:
        """How often the experimenter continued after practice that was never all correct."""
        return len(self.facts.get("practice_limits_utc", []))

    def note_practice_limit(self) -> None:
        """Record that the experimenter continued after such practice."""
        noted = self.facts.get("practice_limits_utc", [])
        self.facts["practice_limits_utc"] = [*noted, now_utc()]
        self._write_facts()

    def note_comment(self, text: str) -> None:
        """Record the comment."""
        self.facts["comment"] = text
        self._write_facts()

    def note_answer(self, question: str, text: str) -> None:
        """Record the answer to a question at the end."""
        self.facts["answers"] = {**self.facts.get("answers", {}), question: text}
        self._write_facts()

    def add_instruction_time(self, spent_s: float) -> None:
        """Add to the time spent on consent and instructions."""
        self.facts["instruction_s"] = round(self.facts["instruction_s"] + spent_s, 4)
        self._write_facts()

    def note_left(self, trial: Trial) -> None:
        """Record which trial was left unanswered, and how often its images were shown."""
        number = trial.row["trial_number"]
        self.facts["left_at"] = {"trial_number": number, "exposures": trial.exposures}
        self._write_facts()

    def exposures_before(self, number: int) -> int:
        """Return how often a trial's images were shown before an earlier run was ended."""
        left_at = self.facts.get("left_at", {})
        return left_at.get("exposures", 0) if left_at.get("trial_number") == number else 0

    def record(
        self,
        trial: Trial,
        measured: DisplayMeasures,
        flips: Iterable[Flip] = (),
    ) -> LogRow:
        """Log a completed trial; it is on the disk when this returns.

        Parameters
        ----------
        trial
            A trial whose phase is ``done``.
        measured
            What only the display knows of the response.
        flips
            Of every frame.

        Returns
        -------
        LogRow
            The row as it was written.
        """
        number = trial.row["trial_number"]
        row: LogRow = {
            **self._own(),
            **trial.row,
            **trial.response(),
            **measured,
            "repeated_trial": self._repeated_by(number),
        }
        frames: list[FrameRow] = [
            {"run": self.run, "trial_number": number, **flip} for flip in flips
        ]
        self.log.append(row, frames)
        skipped = skipped_trials(self.loops, self.completed)
        self.completed[number] = trial.correct
        if skipped_trials(self.loops, self.completed) != skipped:
            # Whoever follows the session shall not wait for practice that is not needed.
            self._write_facts()
        self.confidences[number] = row.get("confidence")
        self.wanted = trial.wanted
        return row

    def record_rating(self, slider: Slider) -> None:
        """Log a confirmed rating; it is on the disk when this returns."""
        assert slider.onset_s is not None
        assert slider.rt_s is not None
        assert slider.value is not None
        row: RatingRow = {
            "participant": self.request.participant,
            "session": self.number,
            "run": self.run,
            **slider.rated.row,
            "rating": slider.value,
            "onset_s": slider.onset_s,
            "rt_s": slider.rt_s,
            "response_source": self.facts["runs"][-1].get("response_source", "simulated"),
        }
        self.log.append_rating(row)
        self.rated.add((row["moment"], row["rating_number"]))

    def record_note(self, note: Note) -> None:
        """Append the experimenter's note; it is on the disk when this returns."""
        row: NoteRow = {
            "run": self.run,
            "noted_utc": note.asked_utc,
            "trial_number": note.trial_number,
            "during": note.during,
            "note": note.text,
        }
        add_note(self.log.folder, row)

    def _own(self) -> SessionCells:
        """Return the columns that are the same in every row of this run."""
        return {
            "participant": self.request.participant,
            "session": self.number,
            "run": self.run,
            "observer_kind": self.request.observer_kind,
            "observer": self.request.observer,
        }

    def _repeated_by(self, number: int) -> int | None:
        """Return the trial that a trial repeats, None if it repeats none."""
        row = self.rows[number - 1]
        if row["repeat_of"] is None:
            return None
        chosen = choose_repeat(row, self.rows, self.confidences, self.design)
        return chosen["trial_number"]

    def _write_facts(self) -> None:
        self.facts["trials_completed"] = len(self.completed)
        self.facts["trials_skipped"] = len(self.settled) - len(self.completed)
        self.facts["practice_rounds"] = rounds_used(self.loops, self.completed)
        self.log.write_session(self.facts)


def plain_rows(table: pd.DataFrame) -> list[dict[str, object]]:
    """Turn a typed frame into rows of plain Python values, None where a cell is blank.

    The version of its columns is the file's, not the rows'.
    """
    cells = table.drop(columns=VERSION_COLUMN.name)
    return [
        {
            str(name): None if pd.isna(value) else getattr(value, "item", lambda v=value: v)()
            for name, value in zip(cells.columns, row, strict=True)
        }
        for row in cells.itertuples(index=False, name=None)
    ]
