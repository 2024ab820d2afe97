"""The arithmetic of timing: errors that are planted in a log are found, and nothing else is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.__main__ import main
from experiments.lab.timing import timing_errors
from experiments.lab.timing.series import OURS, PLAIN, Series, joined, table
from experiments.lab.timing.timing_errors import MeasuredRun, Observation

FRAME_S = 1 / 60
OFFSET_S = 1_700_000_000.0


def simulated(
    n: int = 40,
    *,
    onset_late_s: float = 0.0,
    press_late_s: float = 0.0,
    lost: tuple[int, ...] = (),
    unseen: tuple[int, ...] = (),
) -> MeasuredRun:
    """Return a run whose images appear, and whose presses are logged, late by the given times."""
    rows, observed = [], {}
    for number in range(1, n + 1):
        onset_s = 2.0 * number
        seen_s = None if number in unseen else onset_s + onset_late_s
        pressed_s = onset_s + 0.2
        observed[number] = Observation(seen_s, pressed_s)
        rt_s = None if number in lost else pressed_s + press_late_s - onset_s
        rows.append({"trial_number": number, "onset_s": OFFSET_S + onset_s, "rt_s": rt_s})
    offsets = dict.fromkeys(range(1, n + 1), OFFSET_S)
    return MeasuredRun(pd.DataFrame(rows), pd.DataFrame(), offsets, observed)


@pytest.mark.parametrize("late_s", [0.0, 0.020, -0.002])
def test_a_late_onset_is_seen(late_s):
    found, lost = timing_errors.onset_errors_ms(simulated(onset_late_s=late_s))
    assert found == pytest.approx([1000 * late_s] * 40, abs=1e-3) and lost == 0


def test_images_that_were_never_seen_are_counted():
    found, lost = timing_errors.onset_errors_ms(simulated(unseen=(3, 7)))
    assert (len(found), lost) == (38, 2)


@pytest.mark.parametrize("late_s", [0.0, 0.017])
def test_a_late_press_is_seen(late_s):
    found, lost = timing_errors.press_errors_ms(simulated(press_late_s=late_s))
    assert found == pytest.approx([1000 * late_s] * 40, abs=1e-3) and lost == 0


def test_a_late_onset_does_not_move_the_error_of_presses():
    found, _ = timing_errors.press_errors_ms(simulated(onset_late_s=0.02))
    assert found == pytest.approx([0] * 40, abs=1e-3)


def test_lost_presses_are_counted():
    run = simulated(lost=(1, 2, 40))
    for measured in (timing_errors.press_errors_ms, timing_errors.reaction_errors_ms):
        found, lost = measured(run)
        assert (len(found), lost) == (37, 3)


def test_a_trial_without_an_order_is_no_loss():
    run = simulated(lost=(5,))
    run.observed = {number: seen for number, seen in run.observed.items() if number != 5}
    assert timing_errors.press_errors_ms(run)[1] == 0


def test_reaction_times_are_counted_from_sight():
    """Images 20 ms later than logged make logged reaction times 20 ms too long."""
    found, _ = timing_errors.reaction_errors_ms(simulated(onset_late_s=0.020))
    assert found == pytest.approx([20] * 40, abs=1e-3)


def frames_of(phases: list[tuple[str, int]], late: dict[int, int] | None = None, trials: int = 3):
    """Return the frames of trials; ``late`` tells how many refreshes a frame came too late."""
    rows, flip_s = [], 5.0
    for number in range(1, trials + 1):
        previous_s, place = None, 0
        for phase, count in phases:
            for _ in range(count):
                flip_s += FRAME_S * (1 + (late or {}).get(place, 0))
                interval_s = None if previous_s is None else flip_s - previous_s
                rows.append((number, flip_s, interval_s, phase, 0.001))
                previous_s, place = flip_s, place + 1
        flip_s += 0.1
    columns = ["trial_number", "flip_s", "interval_s", "phase", "work_s"]
    return pd.DataFrame(rows, columns=columns)


PHASES = [("fixation", 6), ("queries", 12), ("feedback", 30), ("blank", 3)]


def test_phases_of_nominal_length_have_no_error():
    frames = frames_of(PHASES)
    assert timing_errors.phase_errors_ms(frames, "fixation", 0.1) == pytest.approx(
        [0, 0, 0], abs=1e-6
    )
    assert timing_errors.phase_errors_ms(frames, "feedback", 0.5) == pytest.approx(
        [0, 0, 0], abs=1e-6
    )


def test_a_phase_that_is_a_frame_too_long_is_seen():
    frames = frames_of(PHASES, late={20: 1})
    assert timing_errors.phase_errors_ms(frames, "feedback", 0.5) == pytest.approx([1000 / 60] * 3)
    assert timing_errors.phase_errors_ms(frames, "fixation", 0.1) == pytest.approx(
        [0] * 3, abs=1e-6
    )


def test_a_phase_that_does_not_end_or_is_not_there_has_no_length():
    frames = frames_of(PHASES)
    assert timing_errors.phase_errors_ms(frames, "blank", 0.05) == ()
    assert timing_errors.phase_errors_ms(frames, "chosen", 0.3) == ()


def test_gaps_lie_between_trials():
    assert timing_errors.gaps_ms(frames_of(PHASES)) == pytest.approx([100 + 1000 / 60] * 2)


def test_dropped_frames_are_counted_by_phase_and_by_whose_work_it_was():
    frames = frames_of(PHASES, late={8: 1, 10: 2, 20: 1})
    assert timing_errors.dropped(frames, FRAME_S) == (9, 0)
    assert timing_errors.dropped(frames, FRAME_S, "queries") == (6, 0)
    frames.loc[8, "work_s"] = 0.012
    assert timing_errors.dropped(frames, FRAME_S, "queries") == (6, 1)
    frames.loc[9, "work_s"] = 0.012
    assert timing_errors.dropped(frames, FRAME_S, "queries") == (6, 1), (
        "it was in time all the same"
    )


def test_memory_that_grows_is_told_from_memory_that_does_not():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.05, 1000)
    start = np.minimum(np.arange(1000), 100)
    flat, leaking = 400 + start + noise, 400 + start + noise + 0.01 * np.arange(1000)
    assert timing_errors.growth_kib(tuple(flat)) == pytest.approx(0, abs=0.05)
    assert timing_errors.growth_kib(tuple(leaking)) == pytest.approx(10.24, abs=0.05)
    assert timing_errors.growth_kib((400.0,)) == 0


def test_rounds_in_turns_are_joined():
    parts = [
        Series("keys", "error", OURS, (1.0, 2.0), lost=1),
        Series("keys", "error", PLAIN, (9.0,), lost=4),
        Series("keys", "error", OURS, (3.0,), lost=0),
        Series("start", "time", OURS, (2.5,), unit="s"),
    ]
    ours, plain, start = joined(parts)
    assert (ours.values, ours.lost, ours.median, ours.sd) == ((1.0, 2.0, 3.0), 1, 2.0, 1.0)
    assert (plain.values, plain.lost, plain.sd) == ((9.0,), 4, None)
    assert start.lost is None
    lines = table([ours, plain, start]).splitlines()
    assert lines[2] == (
        "| keys | error | 2.00 ms, sd 1.00, n 3, 1 of 4 lost | 9.00 ms, 4 of 5 lost |"
    )
    assert lines[3] == "| start | time | 2.50 s |  |"


def test_a_series_without_values_says_so():
    none = Series("keys", "error", PLAIN, (), lost=3)
    assert none.shown() == "no values, n 0, 3 of 3 lost"
    assert none.plain()["median"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--trials", "1"], "--trials 1: expected 2 or more"),
        (["--photodiode", "x.csv"], "go together"),
        (["--session", "."], "go together"),
    ],
)
def test_options_that_make_no_sense(options, said, capsys):
    assert main(["timing", *options]) == 2
    assert said in capsys.readouterr().err


def test_an_output_that_is_there_is_not_overwritten(tmp_path, capsys):
    path = tmp_path / "there.json"
    path.write_text("{}", encoding="utf-8")
    assert main(["timing", "--json", str(path)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "{}"
