"""The order of Builder's routines, stepped without a window."""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from experiments.runner.observers import make_observer
from experiments.runner.pages import Page, PageText
from experiments.runner.request import Request
from experiments.runner.responses import Press
from experiments.runner.session import Session
from experiments.runner.simulation import _Participant, run_stage, simulate
from experiments.runner.stages import stages_of
from experiments.runner.tasks import make_trial
from tests.experiments.display.conftest import is_timed
from unitscope.columns import NOTE_COLUMNS, log_columns, names
from unitscope.errors import BadInput
from unitscope.records import NOTES
from unitscope.tables import read_csv
from unitscope.vocabulary import TASKS

with warnings.catch_warnings():
    # PsychoPy uses what Python has deprecated.
    warnings.simplefilter("ignore")
    from experiments.display.builder import SHOWN_IN, BuilderSession


class Windowless:
    """Steps each stage as a whole, on a clock that costs no time."""

    left = False

    def __init__(self, session: Session) -> None:
        self.session, self.clock_s = session, 0.0
        observer = make_observer("graded", 1, session.stimuli.file)
        self.participant = _Participant(session, observer, 0)
        self.shown = []

    def begin(self, stage) -> None:
        self.stage = stage
        self.shown.append(stage.name)

    def frame(self) -> bool:
        self.clock_s, _, self.frames = run_stage(self.stage, self.participant, self.clock_s)
        return False

    def end(self):
        if self.stage.kind != "trial":
            return None
        measured = {"response_source": "simulated", "frames": self.frames, "dropped_frames": 0}
        measured |= {"largest_frame_interval_s": None, "photodiode": "off", "trigger": None}
        return self.session.record(self.stage, measured)

    def close(self) -> None:
        pass


class Flow:
    """Goes through the flow of the Builder files as a compiled script does."""

    def __init__(self, task: str, request: Request) -> None:
        self.builder = BuilderSession(task)
        self.builder._session = Session.open(request)
        self.builder._stepper = self.stepper = Windowless(self.builder.session)
        self.builder._stages = iter(stages_of(self.builder.session, 1 / 60))
        self.builder._experiment = SimpleNamespace(addData=lambda name, value: None)
        self.by_routine = defaultdict(list)

    def visit(self, routine: str, trial_number: int | None = None) -> None:
        before = len(self.stepper.shown)
        self.builder.begin(routine, trial_number)
        while self.builder.frame():
            pass
        self.builder.end()
        self.by_routine[routine] += self.stepper.shown[before:]

    def run(self, blocks: int | None = None) -> str:
        rows = self.builder.session.rows
        for routine in ("consent", "before", "instructions"):
            self.visit(routine)
        for block in self.builder.block_rows[:blocks]:
            self.visit("block_start")
            for place in block:
                self.visit("trial", rows[place]["trial_number"])
            self.visit("block_end")
        self.visit("after")
        self.visit("end")
        self.builder.finish()
        return self.builder.session.facts["end_reason"]


AROUND = {"consent": True, "comment": True}


@pytest.mark.parametrize("task", TASKS)
def test_the_flow_has_a_routine_for_every_stage(request_of, task):
    ratings = {"pool": "practice", "before": 2, "after": 1}
    changes = AROUND | ({"ratings": ratings} if task == "two_afc" else {})
    request = request_of(task, **changes)
    flow = Flow(task, replace(request, data=request.data / "flow"))
    assert flow.run() == "completed"

    session = Session.open(request)
    simulate(session, make_observer("graded", 1, session.stimuli.file))
    logs = [
        read_csv(folder / "trials.csv", log_columns(task))
        for folder in (session.log.folder, flow.builder.session.log.folder)
    ]
    untimed = [name for name in names(log_columns(task)) if not is_timed(name)]
    pd.testing.assert_frame_equal(logs[0][untimed], logs[1][untimed])

    shown = flow.by_routine
    assert shown["consent"] == ["consent"]
    assert shown["end"] == ["end"]
    assert shown["after"][-1] == "comment"
    assert len(shown["trial"]) >= len(logs[0])
    assert set(shown["block_end"]) <= {"break"}
    if task == "two_afc":
        # Ratings come after the page that says what a unit is.
        assert shown["before"] == []
        rated = ["welcome", "ratings_before", "rating_before", "rating_before"]
        assert shown["instructions"] == rated


def test_notes_are_taken_in_the_routine_in_which_they_were_asked_for(request_of):
    flow = Flow("two_afc", request_of("two_afc", **AROUND))
    usual, asked = flow.stepper.participant, set()

    def participant(phase, stage):
        presses = usual(phase, stage)
        if stage.name in ("consent", "part", "natural", "end") and stage.name not in asked:
            asked.add(stage.name)
            own = Press(0.01, "f8")
            return [own, *presses] if stage.kind == "trial" else [own]
        return presses

    flow.stepper.participant = participant
    assert flow.run() == "completed"
    shown = flow.by_routine
    assert shown["consent"] == ["consent", "note", "consent"]
    assert shown["end"] == ["end", "note", "end"]
    assert shown["block_start"][:3] == ["part", "note", "part"]
    first = shown["trial"].index("natural")
    assert shown["trial"][first + 1] == "note"
    notes = read_csv(flow.builder.session.log.folder / NOTES, NOTE_COLUMNS)
    assert list(notes["during"]) == ["consent", "part", "natural", "end"]


def test_a_flow_that_was_cut_short_goes_on(request_of):
    request = request_of("occlusion", **AROUND)
    first = Flow("occlusion", request)
    assert first.run(blocks=1) == "aborted"
    assert first.by_routine["end"] == first.by_routine["after"] == []
    again = Flow("occlusion", request)
    assert again.run() == "completed"
    assert again.by_routine["consent"] == []
    assert again.by_routine["before"] == ["resumed"]
    assert again.by_routine["end"] == ["end"]


def shown_in(routine: str, stage, trial_number: int | None = None) -> bool:
    session = BuilderSession("two_afc")
    session._routine, session._trial_number = routine, trial_number
    return session._shows(stage)


def test_a_row_out_of_turn_is_refused(quick_design):
    row = {"trial_number": 2, "reference_condition": "natural"}
    trial = make_trial(row, quick_design, 1 / 60)
    assert shown_in("trial", trial, 2)
    # Practice that was passed at once: its later rounds stand in the condition file all the same.
    assert not shown_in("trial", trial, 1)
    with pytest.raises(BadInput, match="loop is at trial 3, but trial 2 is next"):
        shown_in("trial", trial, 3)
    assert not any(shown_in(routine, trial) for routine in SHOWN_IN)


@pytest.mark.parametrize(
    ("page", "routines"),
    [
        ("consent", set(SHOWN_IN) - {"block_end"}),
        ("greeting", set(SHOWN_IN) - {"consent", "before", "block_end"}),
        ("part", {"block_start", "trial"}),
        ("break", {"block_start", "trial", "block_end"}),
        ("end", {"end"}),
    ],
)
def test_a_routine_that_was_taken_out_loses_no_page(quick_design, page, routines):
    stage = Page(PageText(page, "words", "hint"), quick_design.keys)
    assert {routine for routine in SHOWN_IN if shown_in(routine, stage)} == routines
