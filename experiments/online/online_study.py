"""A study that runs online: who takes part, and everybody's session."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from conditions.design.design import Design
from conditions.trials.condition_tables import participant_id, read_table, table_path
from conditions.trials.table_checks import TableChecks
from experiments.online.claims import (
    ACTIVE,
    DECLINED,
    FINISHED,
    FOLDER,
    SCREENED_OUT,
    Claim,
    Claims,
    Refused,
)
from experiments.online.reports import Report
from experiments.online.screening import broken_rules
from experiments.online.visit import Visit
from experiments.runner.layout import Screen, needed_px
from experiments.runner.placements import placements
from experiments.runner.record import plain_rows
from experiments.runner.request import Request
from experiments.runner.schedule import cell_of
from experiments.runner.session import Session
from unitscope import records
from unitscope.bounds import between
from unitscope.errors import BadInput
from unitscope.row_types import TrialRow
from unitscope.texts import read_texts
from unitscope.withdrawal import is_withdrawn

PERSON_NAMES = ("PROLIFIC_PID", "workerId", "participant", "id")
"""Parts of an address that say who comes: Prolific's, MTurk's, and those of links of one's own."""

PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"
"""What MTurk gives as ``assignmentId`` to who only looks at a task."""

AWAY_H = 0.5, 10_000
"""Hours that somebody can be away for; at least twice as long as a page may say nothing."""

SEEN_S = 60
"""Seconds after which it is noted again that somebody is there."""

WIDE_PX, PX_PER_CM = 100_000, 38.0
"""Of a screen that every layout fits on, and usual ones."""


@dataclass(frozen=True)
class OnlineSettings:
    """How a study is run online.

    Parameters
    ----------
    tables, data
        Folders of all condition tables and of all logs.
    stimuli
        Stimulus set; None for the one that the tables name.
    language
        None for the design's.
    distance_cm
        Distance from the screen that participants are asked to keep, for layouts in degrees.
    idle_s
        Seconds after which a page that says nothing gives its session up; the next visit resumes
        it.
    away_s
        Seconds after which somebody who is not seen loses an unfinished place, ``AWAY_H`` hours.
    anyone
        Whether people without an id in their link are let in.
    observer
        Which simulated observer answers; None for people.
    code, screened_out_code
        Completion codes that are the same for all; None for one each, and for none.
    return_to
        Address that a finished participant is asked to open, to which the code is added.
    not_from
        Other designs whose participants cannot take part.

    Raises
    ------
    ValueError
        If ``away_s`` is out of bounds.
    """

    tables: Path
    data: Path
    stimuli: Path | None = None
    language: str | None = None
    distance_cm: float = 57.0
    idle_s: float = 900.0
    away_s: float = 7200.0
    anyone: bool = False
    observer: str | None = None
    code: str | None = None
    screened_out_code: str | None = None
    return_to: str | None = None
    not_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        between(*(3600 * hours for hours in AWAY_H), away_s=self.away_s)


@dataclass(frozen=True)
class Arrival:
    """What a page says of itself when it begins, checked.

    Parameters
    ----------
    person
        Who it says that it is.
    width_px, height_px
        Size of the window.
    px_per_cm
        By the card; None where the layout is in pixels.
    frame_s
        Nominal duration of a frame.
    facts
        What else it says of itself, for ``session.json``.
    """

    person: str
    width_px: int
    height_px: int
    px_per_cm: float | None
    frame_s: float
    facts: dict[str, Any]


@dataclass
class _Seat:
    """A visit, and when its page was last heard."""

    visit: Visit
    claim: Claim
    heard_s: float
    noted_s: float
    lock: threading.RLock = field(default_factory=threading.RLock)


class OnlineStudy:
    """Lets people take part, each in a visit of their own; its methods may be called in any thread.

    Parameters
    ----------
    design
        Of the study.
    numbers
        Of the condition tables that are given out.
    settings
        How it is run.

    Raises
    ------
    BadInput
        If a table is missing, not of this design and stimulus set, or was used otherwise, as in
        the lab.
    """

    def __init__(self, design: Design, numbers: list[int], settings: OnlineSettings) -> None:
        self.design = design
        self.settings = settings
        self.texts = read_texts(settings.language or design.language, design.texts_folder)
        cells = {number: str(cell_of(design, number)) for number in numbers}
        for number in numbers:
            self._request("p", number).check_table()
        table = read_table(table_path(design, numbers[0], settings.tables))
        self._rows = cast(list[TrialRow], plain_rows(table))
        self.needed_px(PX_PER_CM)  # A layout that no screen can show is refused at the start.
        # Each session is compared with its table; the set is opened, and an image hashed, once.
        self._checks = TableChecks(design, self._request("p", numbers[0]).open_stimuli(table))
        for number in numbers:
            path = table_path(design, number, settings.tables)
            self._checks.check(read_table(path), path)
        self.claims = Claims(
            settings.data / FOLDER, design.name, cells, settings.away_s, settings.not_from
        )
        self._refuse_others(numbers)
        for claim in self.claims.all():
            self._caught_up(claim)
        self._seats: dict[str, _Seat] = {}
        self._opening: dict[str, threading.Lock] = {}
        self._changing = threading.Lock()

    @property
    def wants_card(self) -> bool:
        """Whether the page must find out how large a centimetre is."""
        return self.design.layout.unit == "deg"

    def needed_px(self, px_per_cm: float | None) -> tuple[int, int]:
        """Return width and height of the smallest window for the layout.

        Parameters
        ----------
        px_per_cm
            By the card; None where the layout is in pixels.
        """
        wide = self._screen(WIDE_PX, WIDE_PX, px_per_cm)
        return needed_px(list(placements(self._rows, self.design, wide).values()))

    def person_of(self, given: Mapping[str, str]) -> str:
        """Return who an address names.

        Raises
        ------
        Refused
            If it names nobody.
        """
        if given.get("assignmentId") == PREVIEW:
            raise Refused("preview")
        for name in PERSON_NAMES[: None if self.settings.anyone else -1]:
            value = given.get(name, "").strip()
            if value:
                return value
        raise Refused("unknown")

    def words(self, name: str) -> str:
        """Return a sentence for participants."""
        return self.texts.page(f"online_{name}")

    def begin(self, arrival: Arrival) -> dict[str, Any]:
        """Let somebody begin, or go on where they stopped; returns the first plan.

        Raises
        ------
        Refused
            If they cannot take part.
        """
        claim, secret = self.claims.claim(arrival.person)
        with self._changing:
            opening = self._opening.setdefault(claim.participant, threading.Lock())
        with opening:
            self._leave(claim.participant)
            claim = self._caught_up(claim)
            if claim.state in (FINISHED, SCREENED_OUT):
                return {"link": secret, **_page("end", self._notes(claim))}
            if claim.state == DECLINED:
                raise Refused("used")
            if is_withdrawn(self._request(claim.participant, claim.number).folder(1).parent):
                raise Refused("withdrawn")
            visit = self._open(claim, arrival)
            now_s = time.monotonic()
            with self._changing:
                self._seats[secret] = _Seat(visit, claim, now_s, now_s)
        return {"link": secret, **visit.shows()}

    def take(self, secret: str, report: Report) -> dict[str, Any]:
        """Take a report; returns what the page does next.

        Raises
        ------
        BadReport
            If no page of ours sends such a one.
        Refused
            If the link is of nobody.
        """
        seat = self._seats.get(secret)
        if seat is None:
            return self._without_seat(secret)
        with seat.lock:
            if self._seats.get(secret) is not seat:  # It was given up in the meantime.
                return self._without_seat(secret)
            now_s = seat.heard_s = time.monotonic()
            if now_s - seat.noted_s > SEEN_S:
                seat.noted_s = now_s
                self.claims.seen(seat.claim.participant)
            try:
                answer = seat.visit.take(report)
            except BadInput:
                # The record cannot be written: the run is over, what was recorded is kept.
                self._forget(secret)
                raise
            if seat.visit.is_over:
                return self._ended(seat, answer)
            return answer

    def images(self, secret: str, token: str) -> list[Path] | None:
        """Return the files of a bundle of images that a page was told of."""
        seat = self._seats.get(secret)
        return seat.visit.images(token) if seat else None

    def give_up_silent(self) -> None:
        """End the visits of pages that were not heard for long; their sessions can be resumed."""
        now_s = time.monotonic()
        for secret, seat in list(self._seats.items()):
            if now_s - seat.heard_s > self.settings.idle_s:
                self._forget(secret)

    def close(self) -> None:
        """End all visits."""
        for secret in list(self._seats):
            self._forget(secret)

    def _refuse_others(self, numbers: list[int]) -> None:
        """Refuse tables whose participants came without a link, as in the lab."""
        came = {claim.participant for claim in self.claims.all()}
        for participant, number in ((participant_id(number), number) for number in numbers):
            request = self._request(participant, number)
            subject = request.folder(1).parent
            if participant not in came and (request.sessions or is_withdrawn(subject)):
                raise BadInput(
                    f"{subject}: {participant} took part, but not by a link of this server; give "
                    "out tables that nobody has used: --participants NUMBERS"
                )

    def _without_seat(self, secret: str) -> dict[str, Any]:
        """Answer a page after the server was started again, or that was silent for long."""
        return {"elsewhere": True} if self.claims.at(secret) is None else {"begin_again": True}

    def _request(self, participant: str, number: int) -> Request:
        settings = self.settings
        return Request(
            design=self.design,
            participant=participant,
            table=table_path(self.design, number, settings.tables),
            stimuli=settings.stimuli,
            data=settings.data,
            observer_kind="simulated" if settings.observer else "person",
            observer=settings.observer,
            place="online",
            language=settings.language,
        )

    def _open(self, claim: Claim, arrival: Arrival) -> Visit:
        request = self._request(claim.participant, claim.number)
        session = Session.open(request, checks=self._checks)
        try:
            screen = self._screen(arrival.width_px, arrival.height_px, arrival.px_per_cm)
            return Visit(session, screen, arrival.frame_s, arrival.facts)
        except BaseException:
            session.finish(records.INTERRUPTED)
            raise

    def _screen(self, width_px: int, height_px: int, px_per_cm: float | None) -> Screen:
        if not self.wants_card or px_per_cm is None:
            return Screen(width_px, height_px)
        return Screen(width_px, height_px, width_px / px_per_cm, self.settings.distance_cm)

    def _leave(self, participant: str) -> None:
        """End the visits that somebody has, as in another window."""
        for secret, seat in list(self._seats.items()):
            if seat.claim.participant == participant:
                self._forget(secret)

    def _forget(self, secret: str) -> None:
        with self._changing:
            seat = self._seats.pop(secret, None)
        if seat:
            with seat.lock:  # A report that is being taken is recorded first.
                try:
                    seat.visit.leave()
                    self._settle(seat)
                except BadInput:  # The disk is full, or gone: there is nothing more to be saved.
                    seat.visit.session.log.close()

    def _ended(self, seat: _Seat, answer: dict[str, Any]) -> dict[str, Any]:
        """Settle the claim of somebody who ended, and add what they need to know."""
        self._settle(seat)
        screen = answer["screens"][0] | {"notes": self._notes(seat.claim)}
        if seat.claim.state == SCREENED_OUT:
            screen["body"] = ""  # The notes take leave.
        return answer | {"screens": [screen]}

    def _settle(self, seat: _Seat) -> None:
        """Note in the claim how somebody's session ended, once."""
        session = seat.visit.session
        if seat.claim.state != ACTIVE:
            return
        if seat.visit.is_screened_out:
            seat.claim = self._settled(seat.claim, SCREENED_OUT)
        else:
            folder = session.log.folder
            seat.claim = self._judged(seat.claim, session.rows, session.facts, folder)

    def _caught_up(self, claim: Claim) -> Claim:
        """Return a claim as its session ended, which was not noted where the server failed then."""
        request = self._request(claim.participant, claim.number)
        if claim.state != ACTIVE or request.sessions.get(1) not in records.FINAL:
            return claim
        folder, table = request.folder(1), read_table(request.table_file())
        rows = cast(list[TrialRow], plain_rows(table))
        return self._judged(claim, rows, records.read_session(folder), folder)

    def _judged(
        self, claim: Claim, rows: list[TrialRow], record: records.SessionRecord, folder: Path
    ) -> Claim:
        """Settle a claim by the record of its session."""
        ends = {records.COMPLETED: FINISHED, records.DECLINED: DECLINED}
        state = ends.get(record["end_reason"], ACTIVE)
        if state == FINISHED and broken_rules(self.design, rows, record, folder, is_over=True):
            state = SCREENED_OUT
        return self._settled(claim, state)

    def _settled(self, claim: Claim, state: str) -> Claim:
        if claim.state == state:
            return claim
        self.claims.settle(claim.participant, state)
        return replace(claim, state=state)

    def _notes(self, claim: Claim) -> list[dict[str, Any]]:
        """Return what stands below the last page."""
        settings = self.settings
        if claim.state == DECLINED:
            return []
        if claim.state == ACTIVE:
            hours = math.ceil(settings.away_s / 360) / 10
            return [{"words": self.words("left").format(hours=f"{hours:g}")}]
        code = settings.code or claim.code
        if claim.state == SCREENED_OUT:
            notes: list[dict[str, Any]] = [{"words": self.words("screened_out")}]
            if not settings.screened_out_code:
                return notes
            code = settings.screened_out_code
        else:
            notes = [{"words": self.words("code")}]
        notes.append({"words": code, "isCode": True})
        if settings.return_to:
            notes.append({"words": self.words("return"), "address": settings.return_to + code})
        return notes


def _page(name: str, notes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the plan of a page that nothing follows."""
    screen = {"phase": "page", "kind": "page", "name": name, "heading": "", "body": "", "hint": ""}
    return {
        "run": "",
        "turn": 0,
        "stage": 0,
        "screens": [screen | {"buttons": [], "panels": [], "lasts_s": None, "notes": notes}],
        "images": "",
        "next_images": "",
        "over": True,
    }
