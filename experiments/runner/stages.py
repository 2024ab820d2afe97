"""The stages of a session, from consent to the last page."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from experiments.runner.comment import Comment
from experiments.runner.notes import Note
from experiments.runner.pages import (
    BACK,
    BACK_KEY,
    DECLINE,
    FORWARD,
    ON_KEY,
    READ_AGAIN,
    Page,
    PageText,
    consent_keys,
)
from experiments.runner.phases import Stage
from experiments.runner.session import Session
from experiments.runner.slider import Slider
from experiments.runner.standing import Standing
from experiments.runner.tasks import make_trial
from experiments.runner.trial import Trial
from experiments.runner.wording import Wording
from unitscope.row_types import TrialRow


def stages_of(session: Session, frame_s: float) -> Iterator[Stage]:
    """Yield the stages that a session still has to go through, each made when it is asked for.

    A copy of what can be read in a stage is on the disk before it is shown, and what a stage other
    than a trial gave before the next one begins; trials are recorded by whoever shows them, who
    knows how their frames went.

    Parameters
    ----------
    session
        An open session.
    frame_s
        Nominal duration of a frame, in seconds.
    """
    stages = _Stages(session, frame_s)
    for stage in stages.left():
        yield from stages.with_notes(stage)


class _Stages:
    """The stages that the record of a session leaves."""

    def __init__(self, session: Session, frame_s: float) -> None:
        self._session = session
        self._frame_s = frame_s
        self._keys = session.design.keys
        self._wording = Wording(session.texts, session.design, session.rows, session.stimuli)

    def left(self) -> Iterator[Stage]:
        session = self._session
        if session.is_complete:
            return
        if not (yield from self._consent()):
            return
        if session.has_begun:
            yield self._resumed()
        unread = session.wants_instructions
        opening, others = self._wording.instructions()
        if unread:
            yield from self._turned(opening)
        yield from self._ratings("before")
        if unread:
            yield from self._turned(others)
            session.note_instructions()
        yield from self._trials()
        yield from self._ratings("after")
        for question in session.questions_left:
            asked = Comment(self._keys, f"question_{question}")
            yield asked
            session.note_answer(question, asked.text)
        if session.wants_comment:
            comment = Comment(self._keys)
            yield comment
            session.note_comment(comment.text)
        yield self._page(self._wording.end())

    def with_notes(self, stage: Stage) -> Iterator[Stage]:
        """Yield a stage, after it the notes that were asked for, and what they interrupted."""
        yield self._copied(stage)
        while stage.noting:
            asked_utc, stage.noting = stage.noting, None
            number = max(self._session.completed, default=None)
            if isinstance(stage, Trial):
                number = stage.row["trial_number"]
            note = Note(self._keys, asked_utc, stage.name, number)
            yield self._copied(note)
            self._session.record_note(note)
            if isinstance(stage, Standing):
                yield stage

    def _copied(self, stage: Stage) -> Stage:
        """Keep a copy of what can be read in a stage."""
        name = "trials" if isinstance(stage, Trial) else stage.name
        self._session.note_text(name, self._words_of(stage))
        return stage

    def _words_of(self, stage: Stage) -> str:
        """Return what can be read in a stage."""
        if isinstance(stage, Page):
            return stage.content.words
        if isinstance(stage, Comment):
            return self._wording.comment(stage.name)
        if isinstance(stage, Slider):
            return self._wording.rating()
        return self._wording.trial()

    def _page(self, content: PageText) -> Page:
        return Page(content, self._keys)

    def _consent(self) -> Generator[Stage, None, bool]:
        """Ask for consent unless it was given; returns whether it is."""
        session = self._session
        if not session.wants_consent:
            return True
        page = Page(self._wording.consent(), self._keys, consent_keys(self._keys))
        yield page
        session.note_consent(page.turned != DECLINE, page.spent_s)
        if page.turned != DECLINE:
            return True
        yield self._page(self._wording.declined())
        return False

    def _resumed(self) -> Page:
        session = self._session
        left = len(session.settled) < len(session.rows)
        return self._page(self._wording.resumed(len(session.completed), trials_left=left))

    def _ratings(self, moment: str) -> Iterator[Stage]:
        left = self._session.ratings_left(moment)
        if left:
            yield self._page(self._wording.ratings(moment, len(left)))
        for rated in left:
            slider = Slider(rated, self._keys)
            yield slider
            self._session.record_rating(slider)

    def _turned(self, pages: Sequence[PageText]) -> Iterator[Stage]:
        """Yield pages between which the participant can turn back and forth."""
        at = 0
        while at < len(pages):
            turns = {self._keys.forward: FORWARD}
            if at > 0:
                turns[BACK_KEY] = BACK
            if at < len(pages) - 1:
                turns[ON_KEY] = FORWARD
            page = Page(pages[at], self._keys, turns)
            yield page
            self._session.add_instruction_time(page.spent_s)
            at += -1 if page.turned == BACK else 1

    def _trials(self) -> Iterator[Stage]:
        session = self._session
        last: TrialRow | None = None
        for row in session.rows:
            if row["trial_number"] in session.settled:
                continue
            if last is None or _section(row) != _section(last):
                yield from self._between(last, row)
            last = row
            trial = make_trial(session.filled(row), session.design, self._frame_s, session.wanted)
            trial.exposures = session.exposures_before(row["trial_number"])
            yield trial
        yield from self._practice_limits()

    def _between(self, last: TrialRow | None, row: TrialRow) -> Iterator[Stage]:
        """Yield what stands between two parts: a break, and what comes next."""
        session, settled = self._session, self._session.settled
        yield from self._practice_limits()
        if last is not None and self._ends_with_break(last, row):
            yield self._page(self._wording.rest(*self._score(last)))
        left = [
            other
            for other in session.rows
            if _section(other) == _section(row) and other["trial_number"] not in settled
        ]
        if (row["practice_round"] or 1) > 1 and row["trial_number"] == _first(session.rows, row):
            before = session.rows[row["trial_number"] - 2]
            yield from self._practice_page(self._wording.again(row, *self._score(before)))
        elif row["practice_round"] is not None:
            yield from self._practice_page(self._wording.part(row, left))
        else:
            yield self._page(self._wording.part(row, left))

    def _practice_limits(self) -> Iterator[Stage]:
        """Call the experimenter where the last round of practice was not correct either."""
        session = self._session
        failed = [loop for loop in session.loops if loop.failed(session.completed)]
        for loop in failed[session.practice_limits :]:
            last = session.rows[loop.rounds[-1][-1] - 1]
            content = self._wording.practice_limit(*self._score(last))
            yield from self._practice_page(content, self._keys.experimenter)
            session.note_practice_limit()

    def _practice_page(self, content: PageText, forward: str | None = None) -> Iterator[Stage]:
        """Yield a page from which the instructions can be read once more."""
        while True:
            page = Page(
                content, self._keys, {forward or self._keys.forward: FORWARD, BACK_KEY: READ_AGAIN}
            )
            yield page
            if page.turned == FORWARD:
                return
            opening, others = self._wording.instructions()
            yield from self._turned([*opening, *others])

    def _ends_with_break(self, last: TrialRow, row: TrialRow) -> bool:
        if row["block_number"] == last["block_number"] or (row["practice_round"] or 1) > 1:
            return False
        wanted = self._session.design.break_after
        roles = {r["trial_role"] for r in self._session.rows if _section(r) == _section(last)}
        return wanted == "all" or (wanted == "main" and roles != {"practice"})

    def _score(self, row: TrialRow) -> tuple[int, int]:
        """Return how many trials of a part were correct, and of how many."""
        completed = self._session.completed
        numbers = [r["trial_number"] for r in self._session.rows if _section(r) == _section(row)]
        done = [number for number in numbers if number in completed]
        return sum(bool(completed[number]) for number in done), len(done)


def _section(row: TrialRow) -> tuple[int, int | None]:
    """Return what has a page of its own before it: a block, or a round of practice in it."""
    return row["block_number"], row["practice_round"]


def _first(rows: list[TrialRow], row: TrialRow) -> int:
    return min(r["trial_number"] for r in rows if _section(r) == _section(row))
