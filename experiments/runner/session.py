"""One session: which page or trial comes next, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from conditions.columns import SESSION_COLUMNS, names, response_columns, table_columns
from conditions.design import Design
from conditions.errors import BadInput
from conditions.places import DATA, STIMULI
from conditions.stimulus_set import StimulusSet, sha256_of
from conditions.tables import check_table, images_of, read_table, table_path
from conditions.texts import Texts, read_texts
from experiments.runner.log import (
    ABORTED,
    COMPLETED,
    INTERRUPTED,
    RUNNING,
    TrialLog,
    check_participant,
    completed_trials,
    now_utc,
    read_session,
    session_folder,
    sessions_of,
)
from experiments.runner.pages import Page, PageText
from experiments.runner.two_afc import TwoAFCTrial


@dataclass(frozen=True)
class Request:
    """Which session is asked for.

    Parameters
    ----------
    design
        What is run.
    participant
        Id: letters and digits.
    session
        Number from 1; None resumes the participant's unfinished session, or begins the next one.
    table
        Condition table; None for the participant's own.
    stimuli
        Folder of the stimulus set; None for the one that the table names.
    data
        Folder of all logs.
    observer_kind, observer
        Who responds.
    language
        Language of the screens; None for the design's.
    """

    design: Design
    participant: str
    session: int | None = None
    table: Path | None = None
    stimuli: Path | None = None
    data: Path = DATA
    observer_kind: str = "person"
    observer: str | None = None
    language: str | None = None

    def table_file(self) -> Path:
        """Return where the participant's condition table lies."""
        own = table_path(self.design, 1).with_name(f"{check_participant(self.participant)}.csv")
        return self.table or own

    def session_number(self) -> int:
        """Return the session to run: as asked, else the unfinished one, else the next."""
        if self.session is not None:
            return self.session
        found = sessions_of(self.data, self.design.name, self.participant)
        unfinished = [number for number, ended in found.items() if ended != COMPLETED]
        return unfinished[-1] if unfinished else max(found, default=0) + 1

    def unfinished_at(self) -> int | None:
        """Return how many trials the session to run has already; None where it is a new one.

        They are counted in the log: after a crash ``session.json`` does not know of the last ones.
        """
        number = self.session_number()
        folder = session_folder(self.data, self.design.name, self.participant, number)
        before = read_session(folder)
        if not before or before.get("end_reason") == COMPLETED:
            return None
        return completed_trials(folder)


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
    log
        Where trials are recorded; its lock is held.
    number, run
        Session of the participant, and run of the session.
    facts
        What ``session.json`` holds.
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
    wanted: str | None = None

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
        number = request.session_number()
        folder = session_folder(request.data, design.name, request.participant, number)
        before = read_session(folder)
        if before.get("end_reason") == COMPLETED:
            raise BadInput(
                f"{folder}: session {number} of participant {request.participant} is completed; "
                "leave out the session's number to begin a new one"
            )
        _check_same_session(before, folder, path)
        log = TrialLog(folder, design.task)
        runs = [*before.get("runs", []), {"began_utc": now_utc(), "end_reason": RUNNING}]
        whole = {
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
            "trials_completed": 0,
            "runs": runs,
        }
        runs[-1].update(facts or {})
        if log.repaired:
            runs[-1]["repaired_copy"] = log.repaired.name
        session = cls(
            request, _plain(table), stimuli, texts, log, number, run=len(runs), facts=whole
        )
        if log.completed is not None:
            for row in log.completed.itertuples(index=False):
                session.completed[int(row.trial_number)] = (
                    None if pd.isna(row.correct) else bool(row.correct)
                )
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
        """Every image of the session, relative to the stimulus set."""
        return images_of(pd.DataFrame(self.rows))

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add what is known of this run to ``session.json``."""
        self.facts["runs"][-1].update(facts)
        self._write_facts()

    def stages(self, frame_s: float) -> Iterator[Page | TwoAFCTrial]:
        """Yield the pages and trials that are still to come, in order.

        Parameters
        ----------
        frame_s
            Nominal duration of a frame, in seconds.
        """
        remaining = [row for row in self.rows if row["trial_number"] not in self.completed]
        if not remaining:
            return
        yield self._resumed(remaining[0]) if self.completed else self._welcome()
        block = 0
        for row in remaining:
            if row["block_number"] != block:
                block = row["block_number"]
                yield self._part(block)
            yield TwoAFCTrial(row, self.design, frame_s, self.wanted)
            if self._ends_with_break(row):
                yield self._break(block)
        yield self._page("end", self.texts.end, self.texts.end_hint)

    def record(
        self,
        trial: TwoAFCTrial,
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
            dropped_frames, largest_frame_interval_s, photodiode.
        frames
            Phase, flip and interval of every frame.

        Returns
        -------
        dict
            The row as it was written.
        """
        number = trial.row["trial_number"]
        own = dict(
            zip(
                names(SESSION_COLUMNS),
                (
                    self.request.participant,
                    self.number,
                    self.run,
                    self.request.observer_kind,
                    self.request.observer,
                ),
                strict=True,
            )
        )
        blank = dict.fromkeys(names(response_columns(self.design.task)))
        row = own | dict(trial.row) | blank | trial.response() | dict(measured)
        keys = {"run": self.run, "trial_number": number}
        self.log.append(row, [keys | dict(frame) for frame in frames])
        self.completed[number] = trial.correct
        self.wanted = trial.wanted
        return row

    def finish(self, reason: str | None = None) -> None:
        """Write how the run ended and let go of the record.

        Parameters
        ----------
        reason
            None for ``completed`` if every trial is done, else ``aborted``. Only the first call
            counts.
        """
        if self.facts["end_reason"] != RUNNING:
            return
        done = len(self.completed) == len(self.rows)
        ended = COMPLETED if done else reason or ABORTED
        self.facts["end_reason"] = self.facts["runs"][-1]["end_reason"] = ended
        self.facts["runs"][-1]["ended_utc"] = now_utc()
        self._write_facts()
        self.log.close()

    def _write_facts(self) -> None:
        self.facts["trials_completed"] = len(self.completed)
        self.log.write_session(self.facts)

    def _page(self, name: str, text: str, hint: str | None = None) -> Page:
        if hint is None:
            hint = self.texts.go_on.format(key=self.texts.key(self.design.keys.forward))
        return Page(PageText(name, text, hint), self.design.keys)

    def _rounds(self, number: int) -> str:
        return self.texts.one_round if number == 1 else self.texts.rounds.format(number=number)

    def _welcome(self) -> Page:
        keys = self.design.keys
        vertical = self.design.layout.queries == "vertical"
        text = self.texts.welcome if vertical else self.texts.welcome_horizontal
        filled = text.format(
            keys_a=" ".join(map(self.texts.key, reversed(keys.a))),
            keys_b=" ".join(map(self.texts.key, keys.b)),
            trials=len(self.rows),
            blocks=self.rows[-1]["block_number"],
        )
        return self._page("welcome", filled)

    def _resumed(self, row: Mapping[str, Any]) -> Page:
        text = self.texts.resumed.format(trial=row["trial_number"], trials=len(self.rows))
        return self._page("resumed", text)

    def _part(self, number: int) -> Page:
        rows = [row for row in self.rows if row["block_number"] == number]
        left = [row for row in rows if row["trial_number"] not in self.completed]
        practice = all(row["trial_role"] == "practice" for row in rows)
        task = self.texts.practice if practice else self.texts.main
        paragraphs = (
            self.texts.part.format(number=number, blocks=self.rows[-1]["block_number"]),
            task.format(trials=self._rounds(len(left))),
            getattr(self.texts, f"references_{rows[0]['reference_condition']}"),
        )
        return self._page("part", "\n\n".join(paragraphs))

    def _ends_with_break(self, row: Mapping[str, Any]) -> bool:
        if row is self.rows[-1]:
            return False
        following = self.rows[row["trial_number"]]
        if following["block_number"] == row["block_number"]:
            return False
        wanted = self.design.break_after
        main = self.design.blocks[row["block_name"]].role == "main"
        return wanted == "all" or (wanted == "main" and main)

    def _break(self, number: int) -> Page:
        paragraphs = [self.texts.rest]
        if self.design.feedback.block_score:
            trials = [r["trial_number"] for r in self.rows if r["block_number"] == number]
            right = sum(bool(self.completed[trial]) for trial in trials)
            score = self.texts.block_score.format(right=right, trials=len(trials))
            paragraphs.insert(0, score)
        return self._page("break", "\n\n".join(paragraphs))


def _check_same_session(before: Mapping[str, Any], folder: Path, table: Path) -> None:
    if before and before.get("table_sha256") != sha256_of(table):
        raise BadInput(
            f"{folder}: the unfinished session there was begun with another condition table than "
            f"{table}; put that table back or give another session number"
        )


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn a typed frame into rows of plain Python values, None where a cell is blank."""
    wanted = names(table_columns(str(table["task"].iloc[0])))
    return [
        {
            name: None if pd.isna(value) else getattr(value, "item", lambda v=value: v)()
            for name, value in zip(wanted, row, strict=True)
        }
        for row in table[wanted].itertuples(index=False, name=None)
    ]
