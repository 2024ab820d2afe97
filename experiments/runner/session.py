"""One session: opened with all its checks, then finished."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd

from conditions.trials.condition_tables import images_of, read_table
from conditions.trials.rating_plan import PlannedRating, plan_ratings
from conditions.trials.table_checks import TableChecks
from experiments.runner.log import TrialLog, now_utc
from experiments.runner.record import Record, plain_rows
from experiments.runner.request import Request, how_it_ended
from unitscope.columns import COLUMNS_VERSION
from unitscope.errors import BadInput
from unitscope.records import (
    ABORTED,
    COMPLETED,
    DECLINED,
    FINAL,
    INTERRUPTED,
    RUNNING,
    RunRecord,
    SessionRecord,
    read_session,
)
from unitscope.row_types import TrialRow
from unitscope.stimulus_set import StimulusSet, sha256_of
from unitscope.texts import Texts, read_texts

PSYCHOPY_FILES = "psychopy_run-"
"""What the names of PsychoPy's own files of a run begin with."""

MOMENTS = ("before", "after")
"""When images are rated: before and after the trials."""


@dataclass(kw_only=True)
class Session(Record):
    """A session that is being run: its record, and what is still to be done.

    Parameters
    ----------
    stimuli
        The stimulus set that its trials show.
    texts
        What the participant reads.
    """

    stimuli: StimulusSet
    texts: Texts

    @classmethod
    def open(
        cls,
        request: Request,
        facts: RunRecord | None = None,
        checks: TableChecks | None = None,
    ) -> Session:
        """Check everything that a session needs, then open its record.

        Parameters
        ----------
        request
            What is asked for.
        facts
            What is known of machine, display and keyboard, for ``session.json``.
        checks
            Of the design's tables, whose images are not hashed again; None to open the set.

        Raises
        ------
        BadInput
            If the id, table, stimulus set or log cannot be used, or the session is completed.
        """
        design = request.design
        language = request.language or design.language
        texts = read_texts(language, design.texts_folder)
        path = request.check_table()
        table = read_table(path)
        checks = checks or TableChecks(design, request.open_stimuli(table))
        stimuli, edited = checks.stimuli, checks.check(table, path)
        for moment in MOMENTS:
            plan_ratings(design, stimuli, int(table["participant_number"].iloc[0]), moment)
        number = request.session_number()
        folder = request.folder(number)
        before = read_session(folder)
        _check_same_session(before, request, number, path)
        log = TrialLog(folder, design.task)
        run: RunRecord = {"began_utc": now_utc(), "end_reason": RUNNING, **(facts or {})}
        if log.repaired:
            run["repaired_copy"] = log.repaired.name
        runs = [*before.get("runs", []), run]
        whole: SessionRecord = {
            **before,
            "columns_version": COLUMNS_VERSION,
            "design": design.name,
            "design_sha256": design.sha256,
            "participant": request.participant,
            "session": number,
            "observer_kind": request.observer_kind,
            "observer": request.observer,
            "place": request.place,
            "end_reason": RUNNING,
            # Not the whole path, which may hold the name of who runs the session.
            "table": f"{path.parent.name}/{path.name}",
            "table_sha256": sha256_of(path),
            "table_edited": edited,
            "stimulus_set": stimuli.name,
            "manifest_sha256": stimuli.manifest_sha256,
            "language": language,
            "left_handed": request.left_handed,
            "texts_sha256": texts.sha256,
            "trials": len(table),
            "instruction_s": before.get("instruction_s", 0.0),
            "runs": runs,
        }
        session = cls(
            request=request,
            rows=cast(list[TrialRow], plain_rows(table)),
            stimuli=stimuli,
            texts=texts,
            log=log,
            number=number,
            run=len(runs),
            facts=whole,
        )
        session.note({})
        return session

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """End the run if nothing did: an error before the first trial must leave no lock."""
        if isinstance(error, BadInput):
            self.refuse()
        self.finish(INTERRUPTED if kind else None)

    def refuse(self) -> None:
        """Leave nothing behind of a session that ended before anything was recorded."""
        recorded = self.completed or self.rated or self.facts["instruction_s"]
        if self.run == 1 and not recorded:
            self.facts["end_reason"] = INTERRUPTED
            self.log.discard(*self.log.folder.glob(f"{PSYCHOPY_FILES}*"))

    @property
    def images(self) -> list[str]:
        """Every image of the trials, relative to the stimulus set."""
        return images_of(pd.DataFrame(self.rows))

    @property
    def is_complete(self) -> bool:
        """Whether trials, ratings, answers and comment are all there."""
        return (
            len(self.settled) == len(self.rows)
            and not self.wants_comment
            and not self.questions_left
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

    @property
    def questions_left(self) -> list[str]:
        """Questions at the end that must still be asked."""
        answered = self.facts.get("answers", {})
        return [name for name in self.design.questions if name not in answered]

    def ratings_left(self, moment: str) -> list[PlannedRating]:
        """Return what is still to be rated before or after the trials."""
        return [
            rating
            for rating in plan_ratings(self.design, self.stimuli, self.participant_number, moment)
            if (moment, rating.row["rating_number"]) not in self.rated
        ]

    def finish(self, reason: str | None = None) -> None:
        """Write how the run ended and release the record.

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
        try:
            self.note({"ended_utc": now_utc()})
        finally:
            self.log.close()


def _check_same_session(before: SessionRecord, request: Request, number: int, table: Path) -> None:
    folder = request.folder(number)
    if before.get("end_reason") in FINAL:
        raise BadInput(
            f"{folder}: participant {request.participant} has "
            f"{how_it_ended(before['end_reason'])} session {number}; to begin another one on "
            f"purpose, give its number: --session {request.next_session}"
        )
    place = before.get("place", request.place)
    if place != request.place:
        raise BadInput(
            f"{folder}: the unfinished session there is of a participant at another place "
            f"({place}); give this one another id"
        )
    if before and before.get("left_handed", False) != request.left_handed:
        hand = "right" if request.left_handed else "left"
        raise BadInput(
            f"{folder}: the unfinished session there was begun with the keys of the {hand} hand; "
            f"resume it with --hand {hand}"
        )
    if before and before.get("table_sha256") != sha256_of(table):
        raise BadInput(
            f"{folder}: the unfinished session there was begun with another condition table than "
            f"{table}; put that table back or give another session number"
        )
