"""The measurements, each made with our own trials and with plain PsychoPy by turns."""

from __future__ import annotations

from collections.abc import Callable

from experiments.lab.timing.material import make_material
from experiments.lab.timing.responders import ExternalResponder, InternalResponder
from experiments.lab.timing.rig import Rig, in_turns
from experiments.lab.timing.series import OURS, Series
from experiments.lab.timing.timing_errors import (
    dropped,
    gaps_ms,
    growth_kib,
    onset_errors_ms,
    phase_errors_ms,
    press_errors_ms,
    reaction_errors_ms,
)
from experiments.runner.trial import FEEDBACK, FIXATION
from experiments.runner.two_afc import QUERIES

HOLDS_S = (0.008, 0.08)
NOMINAL_S = {FIXATION: 0.3, FEEDBACK: 0.5}
SIZES_PX = (224, 400)
EMULATED_HZ = (60, 120)


def measure_onset(rig: Rig, trials: int) -> list[Series]:
    """Compare the logged onset with the time when a second process sees the images on the screen.

    A trial shows 20 images; the second process watches a pixel of one of them, then responds.
    """
    material = make_material(rig.folder, "onset", fixation_s=0.2, blank_s=0.05, response_limit_s=2)
    found = []
    for way, part in in_turns(trials):
        responder = ExternalResponder(rig.display, rig.pixel(material), delay_s=(0.05, 0.1))
        errors, lost = onset_errors_ms(rig.run(way, material, part, responder))
        what = f"images seen minus logged onset, {rig.rate}"
        found.append(Series("onset", what, way, errors, lost=lost))
    return found


def measure_keys(rig: Rig, trials: int) -> list[Series]:
    """Compare logged reaction times with the times when a second process pressed a key.

    A trial shows 2 images; the key is held for a very short or for a usual time.
    """
    material = make_material(
        rig.folder, "keys", references=False, fixation_s=0.05, response_limit_s=0.6
    )
    found = []
    for round_, (way, part) in enumerate(in_turns(trials)):
        for hold_s in HOLDS_S:
            responder = ExternalResponder(rig.display, None, (0.03, 0.13), hold_s, seed=round_)
            errors, lost = press_errors_ms(rig.run(way, material, part, responder))
            what = f"logged minus true time of a press of {1000 * hold_s:.0f} ms, {rig.rate}"
            found.append(Series("keys", what, way, errors, lost=lost))
    return found


def measure_reaction(rig: Rig, trials: int) -> list[Series]:
    """Compare logged reaction times with known ones, from sight of the images to the press.

    A trial shows 20 images; a second process sees them and presses a key 150 to 250 ms later.
    """
    material = make_material(
        rig.folder, "reaction", fixation_s=0.2, blank_s=0.05, response_limit_s=2
    )
    found = []
    for round_, (way, part) in enumerate(in_turns(trials)):
        pixel = rig.pixel(material)
        responder = ExternalResponder(rig.display, pixel, (0.15, 0.25), seed=round_)
        errors, lost = reaction_errors_ms(rig.run(way, material, part, responder))
        what = f"logged minus true reaction time, from sight to press, {rig.rate}"
        found.append(Series("reaction", what, way, errors, lost=lost))
    return found


def measure_durations(rig: Rig, trials: int) -> list[Series]:
    """Time fixation and feedback of trials with 20 images, and the gaps between trials."""
    found = []
    for size_px in SIZES_PX:
        material = make_material(
            rig.folder,
            f"durations{size_px}",
            size_px=size_px,
            feedback=True,
            fixation_s=NOMINAL_S[FIXATION],
            feedback_s=NOMINAL_S[FEEDBACK],
            blank_s=0.05,
        )
        for way, part in in_turns(trials):
            run = rig.run(way, material, part, InternalResponder(rig.display, after_s=0.1))
            if size_px == SIZES_PX[0]:
                for phase, nominal_s in NOMINAL_S.items():
                    errors = phase_errors_ms(run.frames, phase, nominal_s)
                    what = f"{phase} minus its {1000 * nominal_s:.0f} ms, {rig.rate}"
                    found.append(Series("durations", what, way, errors))
            what = f"last flip to the next trial's first, 20 images of {size_px} px"
            if (scale := rig.placement(material).scale) < 1:
                what += f" shown at {scale:.2f}"
            found.append(Series("durations", what, way, gaps_ms(run.frames)))
    return found


def measure_frames(rig: Rig, trials: int) -> list[Series]:
    """Count dropped frames of trials with 20 images, and time our own work before each flip.

    The screen's own refresh is used, or 60 and 120 Hz where it is emulated. Each count is of one
    run; *after own work* are late frames for which our code used the processor for more than half a
    frame.
    """
    material = make_material(
        rig.folder, "frames", feedback=True, fixation_s=0.1, feedback_s=0.1, blank_s=0.05
    )
    found = []
    for hz in EMULATED_HZ if rig.emulates else (None,):
        rig.refresh(hz)
        for way, part in in_turns(trials, rounds=1):
            run = rig.run(way, material, part, InternalResponder(rig.display, after_s=0.15))
            phase_late, phase_own = dropped(run.frames, rig.display.frame_s, QUERIES)
            late, _ = dropped(run.frames, rig.display.frame_s)
            where = f"in {part} trials, {rig.rate}"
            counts = {
                f"frames with the queries {where}": int((run.frames["phase"] == QUERIES).sum()),
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


def measure_memory(rig: Rig, trials: int) -> list[Series]:
    """Follow the memory of the process over very short trials with 20 images."""
    material = make_material(rig.folder, "memory", fixation_s=0.02)
    found = []
    for way, part in in_turns(trials, rounds=1):
        after = rig.run(way, material, part, InternalResponder(rig.display, 0.0)).memory_mib
        tenth = after[max(0, len(after) // 10 - 1)]
        for what, value, unit in (
            (f"memory after trial {max(1, part // 10)}", tenth, "MiB"),
            (f"memory after trial {part}", after[-1], "MiB"),
            ("growth of memory by trial", growth_kib(after), "KiB"),
        ):
            found.append(Series("memory", what, way, (value,), unit=unit))
    return found


MEASUREMENTS: dict[str, Callable[[Rig, int], list[Series]]] = {
    "onset": measure_onset,
    "keys": measure_keys,
    "reaction": measure_reaction,
    "durations": measure_durations,
    "frames": measure_frames,
    "memory": measure_memory,
}
