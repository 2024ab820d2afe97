"""Frames that were dropped, and how long our own work before each flip takes."""

from __future__ import annotations

from experiments.lab.timing.companion import Hand
from experiments.lab.timing.errors import dropped
from experiments.lab.timing.material import make_material
from experiments.lab.timing.rig import Rig, in_turns
from experiments.lab.timing.series import OURS, Series
from experiments.runner.two_afc import QUERIES

EMULATED_HZ = (60, 120)


def measure(rig: Rig, trials: int) -> list[Series]:
    """Run trials with 20 pictures at the screen's refresh, or at 60 and 120 Hz emulated.

    One value is one run's count; ``own work`` counts the frames that came late after processor time
    of our own above half a frame.
    """
    material = make_material(
        rig.folder, "frames", feedback=True, fixation_s=0.1, feedback_s=0.1, blank_s=0.05
    )
    found = []
    for hz in EMULATED_HZ if rig.emulates else (None,):
        rig.refresh(hz)
        for way, part in in_turns(trials, rounds=1):
            run = rig.run(way, material, part, Hand(rig.display, after_s=0.15))
            phase_late, phase_own = dropped(run.frames, rig.display.frame_s, QUERIES)
            late, _ = dropped(run.frames, rig.display.frame_s)
            n = int((run.frames["phase"] == QUERIES).sum())
            where = f"in {part} trials, {rig.rate}"
            counts = {
                f"frames with the queries {where}": n,
                f"of these dropped {where}": phase_late,
                f"frames dropped in all phases {where}": late,
            }
            if way == OURS:
                counts[f"dropped with the queries after own work {where}"] = phase_own
                work = tuple(1000 * run.frames["work_s"])
                found.append(Series("frames", f"own work before a flip, {rig.rate}", way, work))
            found += [
                Series("frames", what, way, (float(count),), unit="frames")
                for what, count in counts.items()
            ]
    rig.refresh()
    return found
