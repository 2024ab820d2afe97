import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.keys import Keys
from conditions.trials.rating_plan import PlannedRating
from experiments.runner.phases import DONE, LEAVING
from experiments.runner.responses import Press
from experiments.runner.slider import HIGHEST, JUMPS, LOWEST, RATED, STEPS, UNRATED, Slider

ROW = {
    "moment": "before",
    "rating_number": 2,
    "network": "toy",
    "layer": "mixed4a",
    "branch": None,
    "channel": 3,
    "image": "images/a.png",
}


def slider():
    shown = Slider(PlannedRating(ROW, {}), Keys())
    assert shown.step(0.0, []) == UNRATED
    shown.flipped(1.0)
    return shown


def press(shown, *keys, start_s=1.5):
    phases = [shown.step(start_s + i, [Press(start_s + i - 0.1, k)]) for i, k in enumerate(keys)]
    return phases[-1]


def test_nothing_is_preselected_and_nothing_unplaced_is_confirmed():
    shown = slider()
    assert shown.value is None
    assert press(shown, "space", "space", "j") == UNRATED
    assert shown.value is None


@pytest.mark.parametrize("keys", [("right",), ("left",), ("5",), ("4", "right", *["right"] * 4)])
def test_zero_can_be_chosen_and_confirmed(keys):
    shown = slider()
    assert press(shown, *keys) == RATED
    assert shown.value == 0
    assert press(shown, "space", start_s=9) == DONE


def test_the_ends_are_reached_and_not_passed():
    shown = slider()
    press(shown, "9", "right", "up")
    assert shown.value == HIGHEST
    press(shown, "1", "left", "down", start_s=9)
    assert shown.value == LOWEST


def test_the_reaction_time_runs_from_the_flip_to_the_confirming_press():
    shown = slider()
    press(shown, "3", "up", start_s=2.0)
    shown.step(7.5, [Press(7.25, "space")])
    assert (shown.value, shown.onset_s, shown.rt_s) == (-49, 1.0, 6.25)


def test_a_press_from_before_the_picture_does_not_count():
    shown = Slider(PlannedRating(ROW, {}), Keys())
    assert shown.step(0.0, [Press(-0.1, "5")]) == UNRATED
    shown.flipped(1.0)
    assert shown.step(1.1, [Press(0.9, "5")]) == UNRATED


@given(st.lists(st.sampled_from([*STEPS, *JUMPS, "escape", "p", "s"]), max_size=40))
def test_the_marker_stays_on_the_scale_whatever_is_pressed(keys):
    shown, now_s = slider(), 1.0
    for key in keys:
        now_s += 0.1
        phase = shown.step(now_s, [Press(now_s - 0.05, key)])
        if phase == LEAVING:
            shown.step(now_s + 0.01, [Press(now_s + 0.005, "space")])
        assert phase in (RATED, UNRATED, LEAVING)
        assert (shown.value is None) == (shown.phase == UNRATED)
        assert shown.value is None or LOWEST <= shown.value <= HIGHEST


@given(st.integers(LOWEST, HIGHEST))
def test_every_rating_can_be_reached(value):
    shown = slider()
    digit = min(JUMPS, key=lambda d: abs(JUMPS[d] - value))
    away = value - JUMPS[digit]
    steps = ["up" if away > 0 else "down"] * abs(away)
    press(shown, digit, *steps)
    assert shown.value == value


def test_simulated_participants_rate_the_whole_scale():
    rng, values = np.random.default_rng(1), set()
    for _ in range(200):
        shown = slider()
        for simulated in shown.simulate(UNRATED, rng):
            phase = shown.step(
                1.0 + simulated.time_s, [Press(1.0 + simulated.time_s, simulated.key)]
            )
        assert phase == DONE
        values.add(shown.value)
    assert min(values) == LOWEST
    assert max(values) == HIGHEST
    assert 0 in values
