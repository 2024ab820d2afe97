"""What happens on flips, in a real window."""

from __future__ import annotations

import json

import pytest

from tests.conftest import some
from tests.experiments.display.test_window import finish

pytestmark = [pytest.mark.window, pytest.mark.slow]

RECORDER = """
import json
from pathlib import Path
from psychopy import logging
from experiments.display import devices, robot

class Recorder(robot.Robot):
    seen, drawn, closed = [], 0, 0

    def draw(self, phase, stage):
        self.drawn += 1

    def on_flip(self, phase, stage):
        self.seen.append((stage.kind, phase, float(logging.defaultClock.getTime())))
        super().on_flip(phase, stage)

    def measured(self):
        return {"trigger": f"after {len(self.seen)}", "photodiode": "on"}

    def close(self):
        super().close()
        self.closed += 1
        found = {"seen": self.seen, "drawn": self.drawn, "closed": self.closed}
        Path("recorded.json").write_text(json.dumps(found))

devices.Robot = Recorder
"""


def test_hooks_are_told_of_every_phase_by_the_flip_that_first_shows_it(study):
    short = study("two_afc")
    (short.folder / "recorder.py").write_text(RECORDER, encoding="utf-8")
    before = f"import sys; sys.path.insert(0, {str(short.folder)!r}); import recorder"
    code, _, err = finish(short.start_coder(before, robot="graded"))
    assert code == 0, err
    recorded = json.loads((short.folder / "recorded.json").read_text(encoding="utf-8"))
    log = short.log("coder")

    phases = [phase for kind, phase, _ in recorded["seen"] if kind == "trial"]
    whole = ["fixation", "queries", "confidence", "chosen", "feedback", "blank"]
    assert phases == whole * len(log)
    kinds = [kind for kind, _, _ in recorded["seen"]]
    assert kinds.count("slider") == 4  # two ratings, each before and after its first key
    assert kinds[-1] == "page"

    onsets = [time_s for _, phase, time_s in recorded["seen"] if phase == "queries"]
    assert all(onset <= told for onset, told in some(zip(log["onset_s"], onsets, strict=True)))
    assert all(told < press for told, press in some(zip(onsets, log["response_s"], strict=True)))
    assert recorded["drawn"] > log["frames"].sum()
    assert recorded["closed"] == 1

    # What a hook measured of a trial is in the trial's row.
    assert set(log["photodiode"]) == {"on"}
    ends = [i + 1 for i, (_, phase, _) in enumerate(recorded["seen"]) if phase == "blank"]
    assert log["trigger"].tolist() == [f"after {end}" for end in ends]
