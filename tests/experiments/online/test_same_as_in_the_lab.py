"""The same keys at the same times give the same rows online as in the lab."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pandas as pd
import pytest

from experiments.online.reports import read_report
from experiments.online.simulated_page import CODES
from experiments.runner.observers import make_observer
from experiments.runner.session import Session
from experiments.runner.simulation import FRAME_S, _Participant, simulate
from tests.experiments.online.test_online_study import TASKS, log_of, page_of
from unitscope.columns import log_columns
from unitscope.tables import read_csv

OTHERWISE = {"trial_began_utc", "response_source", "trial_end_s", "observer_kind", "observer"}
"""Columns that say who, when and how; a trial ends online with the flip after its last frame."""

WIDE = {
    "two_afc": {"image": 100, "reference_offset": 420, "query_offset": 170, "text": 22},
    "occlusion": {"image": 130, "text": 18},
    "exemplar_matching": {"image": 110, "text": 18},
}
"""Layouts with room for the letters of the lab's screen."""


class _Frames:
    """A page of 60 Hz without a network, at which a simulated participant of the lab sits."""

    def __init__(self, study, page, observer, seed: int) -> None:
        self._study, self._link, self._plan = study, page.told.link, page.plan
        self._visit = study._seats[self._link].visit
        self._presses = _Participant(self._visit.session, observer, seed)
        self._now_s, self._frames, self._number = 0.0, 0, count(1)
        self._events: list[dict] = []

    def go_through(self) -> None:
        """Take part to the end."""
        stage, phase = None, ""
        while not self._plan["over"]:
            if self._plan["stage"] != stage:
                stage, phase, self._frames = self._plan["stage"], "", 0
            for number, screen in enumerate(self._plan["screens"]):
                self._frame()
                self._note("flip", screen=number, frame=self._frames, interval_s=FRAME_S)
                if screen["phase"] != phase:
                    phase, onset_s, coming = screen["phase"], self._now_s, None
                if number < len(self._plan["screens"]) - 1:
                    while not self._lasted(screen, onset_s):
                        self._frame()
            if coming is None:
                asked = self._presses(phase, self._visit._stage)
                coming = [(onset_s + press.time_s, press) for press in asked]
            self._wait(screen, onset_s, coming)

    def _wait(self, screen, onset_s, coming) -> None:
        """Show the last screen until the server tells of another."""
        plan = self._plan
        while True:
            due = [one for one in coming if one[0] <= self._now_s]
            coming[:] = [one for one in coming if one[0] > self._now_s]
            for time_s, press in due:
                self._events.append({**_event(screen, press), "time_s": time_s})
            if self._lasted(screen, onset_s) and not due:
                self._note("over", after_s=FRAME_S)
            if self._events:
                self._tell()
            if self._plan is not plan:
                return
            self._frame()

    def _frame(self) -> None:
        self._now_s += FRAME_S
        self._frames += 1

    def _lasted(self, screen, onset_s) -> bool:
        lasts_s = screen["lasts_s"]
        return lasts_s is not None and self._now_s + FRAME_S - onset_s >= lasts_s - FRAME_S / 2

    def _note(self, kind, after_s=0.0, **more) -> None:
        self._events.append({"kind": kind, "time_s": self._now_s + after_s, **more})

    def _tell(self) -> None:
        report = {
            "run": self._plan["run"],
            "number": next(self._number),
            "turn": self._plan["turn"],
            "frames": self._frames,
            "late": 0,
            "largest_s": FRAME_S,
            "events": self._events,
        }
        answer = self._study.take(self._link, read_report(report))
        self._events = []
        self._plan = answer if "screens" in answer else self._plan


def _event(screen, press) -> dict:
    """Return a press as a page reports it."""
    key = press.key
    if press.place:
        return {"kind": "press", "code": key, "x": press.place[0], "y": press.place[1]}
    if screen["kind"] == "comment":
        return {"kind": "text", "text": key} if len(key) == 1 else {"kind": "button", "key": key}
    arrows = {"left": "ArrowLeft", "right": "ArrowRight"}
    code = (CODES | arrows).get(key) or (f"Digit{key}" if key.isdigit() else f"Key{key.upper()}")
    return {"kind": "press", "code": code}


@pytest.mark.parametrize("by", ["keys", "mouse"])
@pytest.mark.parametrize("task", TASKS)
def test_the_same_presses_give_the_same_rows(study_of, tmp_path, task, by):
    layout = {"unit": "px", "gap": 4, "separation": 40} | WIDE[task]
    study = study_of(task, input=by, exclusions={}, layout=layout)
    page = page_of(study)
    stimuli = study._seats[page.told.link].visit.session.stimuli
    _Frames(study, page, make_observer("graded", 3, stimuli.file), 3).go_through()
    lab = replace(study._request("p001", 1), place="lab", data=tmp_path / "lab")
    session = Session.open(lab)
    simulate(session, make_observer("graded", 3, stimuli.file), 3)
    _, there = log_of(study)
    here = read_csv(lab.folder(1) / "trials.csv", log_columns(task))
    same = [name for name in here.columns if name not in OTHERWISE]
    pd.testing.assert_frame_equal(there[same], here[same], rtol=0, atol=1e-9)
    assert (there["trial_end_s"] - here["trial_end_s"]).between(0, 2 * FRAME_S).all()
