"""The trial's state machine, driven frame by frame on a clock of our own."""

import dataclasses

import pytest

from conditions.design import Durations, Feedback, read_design
from experiments.runner.phases import DONE, LEAVING, LEFT, PAUSED
from experiments.runner.responses import Press
from experiments.runner.two_afc import BLANK, CHOSEN, FEEDBACK, FIXATION, QUERIES, TwoAFCTrial

FRAME_S = 1 / 60
DESIGN = dataclasses.replace(
    read_design("demo_two_afc"),
    durations=Durations(fixation_s=0.5, chosen_s=0.3, feedback_s=1.0, blank_s=0.1),
)


class Clock:
    """Drives a trial as a screen does: step, then a flip one frame later."""

    def __init__(self, trial, start_s=100.0):
        self.trial = trial
        self.now_s = start_s
        self.phases = []
        self.onsets = {}

    def frame(self, *presses):
        phase = self.trial.step(self.now_s, list(presses))
        if phase in (DONE, LEFT):
            return phase
        self.now_s += FRAME_S
        self.trial.flipped(self.now_s)
        if not self.phases or self.phases[-1] != phase:
            self.phases.append(phase)
            self.onsets[phase] = self.now_s
        return phase

    def until(self, *wanted, limit=1000):
        for _ in range(limit):
            phase = self.frame()
            if phase in wanted:
                return phase
        raise AssertionError(f"no {wanted} within {limit} frames, saw {self.phases}")


def trial(design=DESIGN, role="main", wanted=None):
    return TwoAFCTrial({"trial_role": role, "correct_choice": "a"}, design, FRAME_S, wanted)


def test_phases_come_in_order_and_last_as_designed():
    clock = Clock(trial())
    clock.until(QUERIES)
    clock.frame(Press(clock.now_s + 0.001, "s"))
    clock.until(DONE)
    assert clock.phases == [FIXATION, QUERIES, CHOSEN, FEEDBACK, BLANK]
    for phase, following, duration_s in (
        (FIXATION, QUERIES, 0.5),
        (CHOSEN, FEEDBACK, 0.3),
        (FEEDBACK, BLANK, 1.0),
    ):
        lasted = clock.onsets[following] - clock.onsets[phase]
        assert lasted == pytest.approx(duration_s, abs=FRAME_S / 2 + 1e-6)


@pytest.mark.parametrize(
    ("key", "choice", "confidence", "correct"),
    [("s", "a", 3, True), ("f", "a", 1, True), ("j", "b", 1, False), ("l", "b", 3, False)],
)
def test_one_press_gives_choice_confidence_and_time(key, choice, confidence, correct):
    clock = Clock(trial())
    clock.until(QUERIES)
    onset_s = clock.now_s
    for _ in range(10):
        clock.frame()
    clock.frame(Press(onset_s + 0.123456, key))
    clock.until(DONE)
    response = clock.trial.response()
    assert (response["choice"], response["confidence"]) == (choice, confidence)
    assert response["correct"] is correct
    assert response["onset_s"] == onset_s
    assert response["rt_s"] == pytest.approx(0.123456)
    assert response["response_s"] - response["onset_s"] == response["rt_s"]


def test_a_press_begun_before_onset_is_no_response():
    clock = Clock(trial())
    clock.until(QUERIES)
    onset_s = clock.now_s
    # Both are polled after the onset, but one began before it.
    clock.frame(Press(onset_s - 0.001, "l"), Press(onset_s + 0.002, "s"))
    clock.until(DONE)
    response = clock.trial.response()
    assert response["choice"] == "a"
    assert response["rt_s"] > 0
    assert response["early_presses"] == 1


def test_presses_during_fixation_and_after_the_response_do_not_count():
    clock = Clock(trial())
    clock.frame()
    clock.frame(Press(clock.now_s, "l"))
    clock.until(QUERIES)
    clock.frame(Press(clock.now_s + 0.01, "d"), Press(clock.now_s + 0.011, "l"))
    clock.frame(Press(clock.now_s, "k"))
    clock.until(DONE)
    response = clock.trial.response()
    assert (response["choice"], response["confidence"]) == ("a", 2)
    assert response["early_presses"] == 1


def test_other_keys_do_nothing():
    clock = Clock(trial())
    clock.until(QUERIES)
    assert clock.frame(Press(clock.now_s + 0.01, "x")) == QUERIES


@pytest.mark.parametrize("role", ["practice", "main", "catch"])
def test_feedback_is_shown_where_the_design_says(role):
    feedback = Feedback(practice=True, main=False, catch=False)
    clock = Clock(trial(dataclasses.replace(DESIGN, feedback=feedback), role))
    clock.until(QUERIES)
    clock.frame(Press(clock.now_s + 0.01, "s"))
    clock.until(DONE)
    assert (FEEDBACK in clock.phases) == (role == "practice")
    assert (clock.trial.response()["feedback_onset_s"] is not None) == (role == "practice")


def test_a_phase_of_no_duration_is_left_out():
    durations = Durations(fixation_s=0, chosen_s=0, feedback_s=0.2, blank_s=0)
    clock = Clock(trial(dataclasses.replace(DESIGN, durations=durations)))
    assert clock.frame() == QUERIES
    clock.frame(Press(clock.now_s + 0.01, "s"))
    clock.until(DONE)
    assert clock.phases == [QUERIES, FEEDBACK]
    assert clock.trial.response()["fixation_onset_s"] is None


def test_the_response_limit_ends_the_trial_without_a_choice():
    durations = dataclasses.replace(DESIGN.durations, response_limit_s=0.5)
    clock = Clock(trial(dataclasses.replace(DESIGN, durations=durations)))
    clock.until(DONE)
    response = clock.trial.response()
    assert response["timed_out"] is True
    assert response["choice"] is response["correct"] is response["rt_s"] is None
    assert CHOSEN not in clock.phases
    assert clock.onsets[FEEDBACK] - clock.onsets[QUERIES] == pytest.approx(0.5, abs=FRAME_S)


def test_a_pause_hides_the_images_and_begins_the_trial_again():
    clock = Clock(trial())
    clock.until(QUERIES)
    first_onset_s = clock.now_s
    assert clock.frame(Press(clock.now_s + 0.01, "p")) == PAUSED
    for _ in range(30):
        assert clock.frame() == PAUSED
    assert clock.frame(Press(clock.now_s, "l")) == PAUSED
    assert clock.frame(Press(clock.now_s, "space")) == FIXATION
    clock.until(QUERIES)
    onset_s = clock.now_s
    assert onset_s > first_onset_s + 0.9
    clock.frame(Press(onset_s + 0.2, "s"))
    clock.until(DONE)
    response = clock.trial.response()
    assert response["onset_s"] == onset_s
    assert response["rt_s"] == pytest.approx(0.2)
    assert response["paused_s"] == pytest.approx(32 * FRAME_S, abs=2 * FRAME_S)


def test_leaving_is_asked_and_can_be_taken_back():
    clock = Clock(trial())
    clock.until(QUERIES)
    assert clock.frame(Press(clock.now_s, "escape")) == LEAVING
    assert clock.frame() == LEAVING
    assert clock.frame(Press(clock.now_s, "space")) == FIXATION
    clock.until(QUERIES)
    clock.frame(Press(clock.now_s, "escape"))
    clock.frame()
    assert clock.frame(Press(clock.now_s, "q")) == LEFT


def test_a_confirmation_pressed_before_the_question_does_not_count():
    clock = Clock(trial())
    clock.until(QUERIES)
    early_s = clock.now_s - 0.5
    clock.frame(Press(clock.now_s, "escape"))
    assert clock.frame(Press(early_s, "q")) == LEAVING


def test_a_pause_asked_for_after_the_response_comes_before_the_next_trial():
    clock = Clock(trial())
    clock.until(QUERIES)
    clock.frame(Press(clock.now_s + 0.01, "s"))
    clock.until(FEEDBACK)
    assert clock.frame(Press(clock.now_s, "p")) == FEEDBACK
    clock.until(DONE)
    assert clock.trial.wanted == PAUSED
    following = Clock(trial(wanted=clock.trial.wanted))
    assert following.frame() == PAUSED
    following.frame()
    assert following.frame(Press(following.now_s, "space")) == FIXATION


def test_a_dropped_frame_does_not_lengthen_the_phase_by_more_than_itself():
    clock = Clock(trial())
    clock.frame()
    clock.now_s += 0.45
    clock.frame()
    clock.until(QUERIES)
    assert clock.onsets[QUERIES] - clock.onsets[FIXATION] == pytest.approx(0.5, abs=FRAME_S)
