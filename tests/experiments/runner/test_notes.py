"""The experimenter's notes: by a key during a session, and afterwards."""

import json

import pytest

from analysis.__main__ import main as analysis
from analysis.logs.load import load_log
from analysis.logs.sessions import load_notes
from conditions.design.keys import Keys
from experiments.__main__ import main
from experiments.lab.watch import watch
from experiments.runner.notes import NOTE, Note
from experiments.runner.observers import make_observer
from experiments.runner.pages import Page, PageText
from experiments.runner.phases import DONE
from experiments.runner.responses import Press
from experiments.runner.session import Session
from experiments.runner.simulation import _Participant, run_stage
from experiments.runner.stages import stages_of
from experiments.runner.trial import Trial
from tests.conftest import some
from unitscope.columns import NOTE_COLUMNS
from unitscope.records import NOTES
from unitscope.tables import read_csv

MEASURED = {
    "response_source": "simulated",
    "frames": 1,
    "dropped_frames": 0,
    "largest_frame_interval_s": 0.01,
    "photodiode": "off",
    "trigger": None,
}


def type_(text):
    return [Press(0.1 + 0.01 * i, key) for i, key in enumerate([*text, "f10"])]


class Experimenter(_Participant):
    """A participant beside whom somebody presses the key for notes now and then."""

    def __init__(self, session, moments):
        super().__init__(session, make_observer("graded", 1, session.stimuli.file), 0)
        self._moments = dict(moments)
        self.seen = []

    def __call__(self, phase, stage):
        self.seen.append((phase, stage.name))
        if isinstance(stage, Note):
            return type_(self.text)
        presses = super().__call__(phase, stage)
        text = self._moments.pop((phase, stage.name), None)
        if text is None:
            return presses
        self.text = text
        own = Press(0.01, "f8")
        return [own, *presses] if isinstance(stage, Trial) else [own]


def run(request, moments, most=None):
    """Run a session to its end, or a number of its trials; returns its folder and what was seen."""
    session = Session.open(request)
    participant = Experimenter(session, moments)
    clock_s = 0.0
    with session:
        for stage in stages_of(session, 1 / 60):
            clock_s, _, _ = run_stage(stage, participant, clock_s)
            if isinstance(stage, Trial):
                session.record(stage, MEASURED)
            if most is not None and len(session.completed) == most:
                break
    return session.log.folder, participant.seen


def notes_of(folder):
    return read_csv(folder / NOTES, NOTE_COLUMNS).astype(object).where(lambda f: f.notna(), None)


def test_notes_on_pages_and_in_trials_are_recorded_with_time_and_trial(request_of):
    request = request_of("two_afc", consent=True, instructions=["greeting", "ready"])
    moments = {
        ("page", "ready"): "came late, \u201esorry\u201c",
        ("queries", "natural"): "fire alarm",
        ("page", "end"): "",
    }
    folder, seen = run(request, moments)
    notes = notes_of(folder)
    assert list(notes["during"]) == ["ready", "natural", "end"]
    assert list(notes["note"]) == ["came late, \u201esorry\u201c", "fire alarm", None]
    trials = load_log(folder).trials
    first = int(trials[trials["reference_condition"] == "natural"]["trial_number"].iloc[0])
    assert list(notes["trial_number"]) == [None, first, int(trials["trial_number"].max())]
    assert list(notes["run"]) == [1, 1, 1]
    assert list(notes["noted_utc"]) == sorted(notes["noted_utc"])
    # A page is shown again after its note, a trial is not: its answer counted.
    assert seen.count(("page", "ready")) == seen.count(("page", "end")) == 2
    assert seen.count(("typing", NOTE)) == 3
    assert len(trials) == trials["trial_number"].nunique()
    facts = json.loads((folder / "session.json").read_text(encoding="utf-8"))
    assert facts["end_reason"] == "completed"
    assert "note" in facts["texts_shown"]


def test_a_page_begins_again_after_a_note_and_counts_its_time_once():
    page = Page(PageText("break", "Rest", "space"), Keys())
    page.step(0.0, [])
    page.flipped(0.1)
    assert page.step(2.1, [Press(2.0, "f8")]) == DONE
    assert page.noting
    assert page.turned is None
    page.noting = None
    # What was pressed while the note was written does not turn the page.
    assert page.step(10.0, [Press(5.0, "space")]) == "page"
    page.flipped(10.0)
    assert page.step(11.0, [Press(10.9, "space")]) == DONE
    assert page.noting is None
    assert page.spent_s == pytest.approx(3.0)


def test_the_key_for_notes_has_no_other_meaning():
    with pytest.raises(ValueError, match="key 'f8' has two meanings"):
        Keys(pause="f8")


def test_a_note_afterwards_is_added_to_those_of_the_session(
    request_of, tmp_path, monkeypatch, capsys
):
    request = request_of("two_afc")
    folder, _ = run(request, {("queries", "natural"): "fire alarm"})
    before = (folder / NOTES).read_bytes()
    named = [request.design.path, "p001", "--data", str(request.data)]
    assert main(["note", *named[:2], "the lamp flickered", *named[2:], "--trial", "3"]) == 0
    assert "noted in" in capsys.readouterr().out
    after = (folder / NOTES).read_bytes()
    assert after.startswith(before)
    notes = notes_of(folder)
    assert list(notes["note"]) == ["fire alarm", "the lamp flickered"]
    assert list(notes["trial_number"])[-1] == 3
    assert list(notes["run"]) == [1, None]
    assert list(notes["during"])[-1] is None
    log = load_log(folder.parents[1])
    assert list(log.sessions["notes"]) == [2]
    assert list(load_notes(log)["participant"]) == ["p001", "p001"]
    (state,) = watch("lab", request.data, {})
    assert state.notes[0].endswith("fire alarm")
    assert state.notes[1].endswith(" UTC, trial 3: the lamp flickered")
    assert analysis(["check", str(folder.parents[1])]) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["p001", "x", "--trial", "999"], "--trial 999: expected 1 to "),
        (["p001", "  "], "the note is empty"),
        (["p001", "x", "--session", "2"], "there is no session 2 of participant p001"),
        (["p002", "x"], "there is no session 1 of participant p002"),
    ],
)
def test_notes_that_belong_nowhere_are_refused(request_of, capsys, options, said):
    request = request_of("two_afc")
    folder, _ = run(request, {}, most=1)
    assert main(["note", request.design.path, *options, "--data", str(request.data)]) == 2
    assert said in capsys.readouterr().err
    assert not (folder / NOTES).exists()


def test_a_note_that_a_power_cut_left_half_written_is_repaired(request_of):
    request = request_of("two_afc")
    folder, _ = run(request, {("queries", "none"): "fire alarm"}, most=4)
    with (folder / NOTES).open("a", encoding="utf-8") as lines:
        lines.write("2,1,2026")
    assert list(load_log(folder).sessions["notes"]) == [1]
    assert main(["note", request.design.path, "p001", "x", "--data", str(request.data)]) == 0
    assert list(notes_of(folder)["note"]) == ["fire alarm", "x"]
    assert (folder / f"{NOTES}.damaged-1").exists()


SECRET = "Ada Lovelace rang"


def test_free_text_is_in_the_record_and_on_the_quality_page_alone(request_of, tmp_path):
    request = request_of("two_afc", comment=True, questions=["strategy"])
    moments = {("queries", "natural"): SECRET}
    folder, _ = run(request, moments)
    path = folder / "session.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts |= {"comment": SECRET, "answers": {"strategy": SECRET}}
    path.write_text(json.dumps(facts), encoding="utf-8")
    study = folder.parents[1]
    out = {name: tmp_path / name for name in some(("report", "blind", "bids", "psychds"))}
    quick = ["--no-models"]
    assert analysis(["report", str(study), "--out", str(out["report"]), *quick]) == 0
    assert analysis(["report", str(study), "--out", str(out["blind"]), "--blind", *quick]) == 0
    exports = ["--bids", str(out["bids"]), "--psychds", str(out["psychds"])]
    assert analysis(["export", str(study), *exports]) == 0
    holding = [
        path.relative_to(tmp_path).as_posix()
        for own in out.values()
        for path in own.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert holding == ["report/quality.html"]
    sessions = (out["bids"] / "sub-p001/sub-p001_sessions.tsv").read_text(encoding="utf-8")
    cells = dict(zip(*(line.split("\t") for line in sessions.splitlines()), strict=True))
    assert cells["notes"] == "1"
    assert len(cells["texts_sha256"]) == 64
    copies = (folder / "texts.jsonl").read_text(encoding="utf-8")
    assert SECRET not in copies
    assert "p001" not in copies
