"""One session: what was asked for, and the record of what was done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from conditions.columns import RATING_COLUMNS, SESSION_COLUMNS, names, response_columns
from conditions.design import Design
from conditions.errors import BadInput
from conditions.places import STIMULI
from conditions.ratings import rating_rows
from conditions.records import (
    ABORTED,
    COMPLETED,
    DECLINED,
    FINAL,
    INTERRUPTED,
    RUNNING,
    read_session,
)
from conditions.stimulus_set import StimulusSet, sha256_of
from conditions.tables import check_table, images_of, read_table
from conditions.texts import Texts, read_texts
from experiments.runner.log import TrialLog, now_utc
from experiments.runner.phases import Stage
from experiments.runner.plan import Plan
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

__all__ = ["Request", "Session"]

MOMENTS = ("before", "after")
"""When pictures are rated: before and after the trials."""


@dataclass
class Session:
    """A session that is being run.

    Parameters
    ----------
    request
        What was asked for.
    rows
        Rows of the condition table.
    stimuli
        The stimulus set that they show.
    texts
        What the participant reads.
    log
        Where trials are recorded; its lock is held.
    number, run
        Session of the participant, and run of the session.
    facts
        What ``session.json`` holds.
    completed, confidences
        Number of each completed trial to whether it was right, and to its confidence.
    rated
        Moment and number of the ratings that were given.
    wanted
        Interruption that was asked for too late for the last trial.
    """

    request: Request
    rows: list[dict[str, Any]]
    stimuli: StimulusSet
    texts: Texts
    log: TrialLog
    number: int
    run: int
    facts: dict[str, Any]
    completed: dict[int, bool | None] = field(default_factory=dict)
    confidences: dict[int, int | None] = field(default_factory=dict)
    rated: set[tuple[str, int]] = field(default_factory=set)
    wanted: str | None = None
    has_begun: bool = False

    @classmethod
    def open(cls, request: Request, facts: Mapping[str, Any] | None = None) -> Session:
        """Check everything that a session needs, then open its record.

        Parameters
        ----------
        request
            What is asked for.
        facts
            What is known of machine, display and keyboard, for ``session.json``.

        Raises
        ------
        BadInput
            If the id, table, stimulus set or log cannot be used, or the session is completed.
        """
        design, path = request.design, request.table_file()
        language = request.language or design.language
        texts = read_texts(language)
        if not path.is_file():
            raise BadInput(
                f"{path}: participant {request.participant} has no condition table; make it with: "
                f"python -m conditions make {design.name} --participants NUMBERS"
            )
        table = read_table(path)
        stimuli = StimulusSet.open(request.stimuli or STIMULI / str(table["stimulus_set"].iloc[0]))
        check_table(table, path, design, stimuli)
        for moment in MOMENTS:
            rating_rows(design, stimuli, int(table["participant_number"].iloc[0]), moment)
        number = request.session_number()
        folder = request.folder(number)
        before = read_session(folder)
        _check_same_session(before, request, number, path)
        log = TrialLog(folder, design.task)
        runs = [*before.get("runs", []), {"began_utc": now_utc(), "end_reason": RUNNING}]
        whole = before | {
            "design": design.name,
            "design_sha256": design.sha256,
            "participant": request.participant,
            "session": number,
            "observer_kind": request.observer_kind,
            "observer": request.observer,
            "end_reason": RUNNING,
            "table": str(path),
            "table_sha256": sha256_of(path),
            "stimulus_set": stimuli.name,
            "manifest_sha256": stimuli.manifest_sha256,
            "language": language,
            "trials": len(table),
            "instruction_s": before.get("instruction_s", 0.0),
            "runs": runs,
        }
        runs[-1].update(facts or {})
        if log.repaired:
            runs[-1]["repaired_copy"] = log.repaired.name
        session = cls(
            request, _plain(table), stimuli, texts, log, number, run=len(runs), facts=whole
        )
        session._recall()
        session._write_facts()
        return session

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """End the run if nothing did: an error before the first trial must leave no lock."""
        self.finish(INTERRUPTED if kind else None)

    @property
    def design(self) -> Design:
        """The design that is run."""
        return self.request.design

    @property
    def images(self) -> list[str]:
        """Every image of the trials, relative to the stimulus set."""
        return images_of(pd.DataFrame(self.rows))

    @property
    def _participant_number(self) -> int:
        return int(self.rows[0]["participant_number"])

    @cached_property
    def loops(self) -> tuple[PracticeLoop, ...]:
        """Practice that is repeated until all of it is right."""
        return practice_loops(self.rows)

    @property
    def settled(self) -> set[int]:
        """Trials that are completed or need no showing."""
        return set(self.completed) | skipped_trials(self.loops, self.completed)

    @property
    def is_complete(self) -> bool:
        """Whether trials, ratings and comment are all there."""
        return (
            len(self.settled) == len(self.rows)
            and not self.wants_comment
            and not any(self.ratings_left(moment) for moment in MOMENTS)
        )

    @property
    def wants_consent(self) -> bool:
        """Whether consent must still be asked for."""
        return self.design.consent and "consent_utc" not in self.facts

    @property
    def wants_instructions(self) -> bool:
        """Whether the instructions were not read to their end."""
        return "instructions_utc" not in self.facts and not self.completed

    @property
    def wants_comment(self) -> bool:
        """Whether a comment must still be asked for."""
        return self.design.comment and "comment" not in self.facts

    def ratings_left(self, moment: str) -> list[dict[str, Any]]:
        """Return what is still to be rated before or after the trials."""
        return [
            row
            for row in rating_rows(self.design, self.stimuli, self._participant_number, moment)
            if (moment, row["rating_number"]) not in self.rated
        ]

    def filled(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row as its trial shows it: a placeholder is given the trial that it repeats."""
        if row["repeat_of"] is None:
            return dict(row)
        chosen = choose_repeat(row, self.rows, self.confidences, self.design)
        return {name: chosen[name] if value is None else value for name, value in row.items()}

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add what is known of this run to ``session.json``."""
        self.facts["runs"][-1].update(facts)
        self._write_facts()

    def note_consent(self, agreed: bool, spent_s: float) -> None:
        """Record consent or its refusal, and the time that it took."""
        self.facts["consent_utc" if agreed else "declined_utc"] = now_utc()
        self.add_instruction_time(spent_s)

    def note_instructions(self) -> None:
        """Record that the instructions were read to their end."""
        self.facts["instructions_utc"] = now_utc()
        self._write_facts()

    def note_comment(self, text: str) -> None:
        """Record the comment."""
        self.facts["comment"] = text
        self._write_facts()

    def add_instruction_time(self, spent_s: float) -> None:
        """Add to the time spent on consent and instructions."""
        self.facts["instruction_s"] = round(self.facts["instruction_s"] + spent_s, 4)
        self._write_facts()

    def stages(self, frame_s: float) -> Iterator[Stage]:
        """Yield the pages, ratings and trials that are still to come; see :class:`Plan`.

        Parameters
        ----------
        frame_s
            Nominal duration of a frame, in seconds.
        """
        return Plan(self, frame_s).stages()

    def record(
        self,
        trial: Trial,
        measured: Mapping[str, Any],
        frames: Iterable[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:
        """Log a completed trial; it is on the disk when this returns.

        Parameters
        ----------
        trial
            A trial whose phase is ``done``.
        measured
            The response columns that only the display knows: response_source, frames,
            dropped_frames, largest_frame_interval_s, photodiode, trigger.
        frames
            Phase, flip and interval of every frame.

        Returns
        -------
        dict
            The row as it was written.
        """
        number = int(trial.row["trial_number"])
        blank = dict.fromkeys(names(response_columns(self.design.task)))
        row = self._own() | dict(trial.row) | blank | trial.response() | dict(measured)
        row["repeated_trial"] = self._repeated_by(number)
        keys = {"run": self.run, "trial_number": number}
        self.log.append(row, [keys | dict(frame) for frame in frames])
        self.completed[number] = trial.correct
        self.confidences[number] = row.get("confidence")
        self.wanted = trial.wanted
        return row

    def record_rating(self, slider: Slider) -> None:
        """Log a confirmed rating; it is on the disk when this returns."""
        source = self.facts["runs"][-1].get("response_source", "simulated")
        row = self._own() | slider.rating() | {"response_source": source}
        self.log.append_rating({name: row[name] for name in names(RATING_COLUMNS)})
        self.rated.add((row["moment"], row["rating_number"]))

    def finish(self, reason: str | None = None) -> None:
        """Write how the run ended and let go of the record.

        Parameters
        ----------
        reason
            None for ``completed`` if nothing is left to do, for ``declined`` if consent was
            refused, else ``aborted``. Only the first call counts.
        """
        if self.facts["end_reason"] != RUNNING:
            return
        ended = reason or ABORTED
        if "declined_utc" in self.facts:
            ended = DECLINED
        elif self.is_complete:
            ended = COMPLETED
        self.facts["end_reason"] = self.facts["runs"][-1]["end_reason"] = ended
        self.facts["runs"][-1]["ended_utc"] = now_utc()
        self._write_facts()
        self.log.close()

    def _recall(self) -> None:
        """Take from the log what earlier runs did."""
        if self.log.completed is not None:
            for row in _plain(self.log.completed):
                self.completed[row["trial_number"]] = row["correct"]
                self.confidences[row["trial_number"]] = row.get("confidence")
        if self.log.ratings is not None:
            for row in _plain(self.log.ratings):
                self.rated.add((row["moment"], row["rating_number"]))
        self.has_begun = bool(self.completed or self.rated or "instructions_utc" in self.facts)

    def _own(self) -> dict[str, Any]:
        """Return the columns that are the same in every row of this run."""
        values = (
            self.request.participant,
            self.number,
            self.run,
            self.request.observer_kind,
            self.request.observer,
        )
        return dict(zip(names(SESSION_COLUMNS), values, strict=True))

    def _repeated_by(self, number: int) -> int | None:
        """Return the trial that a trial repeats, None if it repeats none."""
        row = self.rows[number - 1]
        if row["repeat_of"] is None:
            return None
        chosen = choose_repeat(row, self.rows, self.confidences, self.design)
        return int(chosen["trial_number"])

    def _write_facts(self) -> None:
        self.facts["trials_completed"] = len(self.completed)
        self.facts["trials_skipped"] = len(self.settled) - len(self.completed)
        self.facts["practice_rounds"] = rounds_used(self.loops, self.completed)
        self.log.write_session(self.facts)


def _check_same_session(
    before: Mapping[str, Any], request: Request, number: int, table: Path
) -> None:
    folder = request.folder(number)
    if before.get("end_reason") in FINAL:
        how = "is completed" if before["end_reason"] == COMPLETED else "was declined"
        raise BadInput(
            f"{folder}: session {number} of participant {request.participant} {how}; "
            "leave out the session's number to begin a new one"
        )
    if before and before.get("table_sha256") != sha256_of(table):
        raise BadInput(
            f"{folder}: the unfinished session there was begun with another condition table than "
            f"{table}; put that table back or give another session number"
        )


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a typed frame into rows of plain Python values, None where a cell is blank."""
    return [
        {
            str(name): None if pd.isna(value) else getattr(value, "item", lambda v=value: v)()
            for name, value in zip(table.columns, row, strict=True)
        }
        for row in table.itertuples(index=False, name=None)
    ]
