"""The trial's state machine, driven frame by frame on a clock of our own."""

import dataclasses

import pytest

from conditions.design.presentation import Durations, Feedback
from conditions.design.reading import read_design
from experiments.runner.phases import DONE, LEAVING, LEFT, PAUSED
from experiments.runner.responses import Press
from experiments.runner.trial import ANSWERED, BLANK, CHOSEN, FEEDBACK, FIXATION
from experiments.runner.two_afc import CONFIDENCE, QUERIES, TwoAFCTrial

FRAME_S = 1 / 60
DESIGN = dataclasses.replace(
    read_design("demo_two_afc"),
    durations=Durations(fixation_s=0.5, chosen_s=0.3, feedback_s=1.0, blank_s=0.1),
)


def trial(design=DESIGN, role="main", wanted=None):
    return TwoAFCTrial(
        {"trial_role": role, "reference_condition": "natural", "correct_choice": "a"},
        design,
        FRAME_S,
        wanted,
    )


def test_phases_come_in_order_and_last_as_designed(clock):
    run = clock(trial())
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.001, "s"))
    run.until(DONE)
    assert run.phases == [FIXATION, QUERIES, CHOSEN, FEEDBACK, BLANK]
    for phase, following, duration_s in (
        (FIXATION, QUERIES, 0.5),
        (CHOSEN, FEEDBACK, 0.3),
        (FEEDBACK, BLANK, 1.0),
    ):
        lasted = run.onsets[following] - run.onsets[phase]
        assert lasted == pytest.approx(duration_s, abs=FRAME_S / 2 + 1e-6)


@pytest.mark.parametrize(
    ("key", "choice", "confidence", "correct"),
    [("s", "a", 3, True), ("f", "a", 1, True), ("j", "b", 1, False), ("l", "b", 3, False)],
)
def test_one_press_gives_choice_confidence_and_time(clock, key, choice, confidence, correct):
    run = clock(trial())
    run.until(QUERIES)
    onset_s = run.now_s
    for _ in range(10):
        run.frame()
    run.frame(Press(onset_s + 0.123456, key))
    run.until(DONE)
    response = run.trial.response()
    assert (response["choice"], response["confidence"]) == (choice, confidence)
    assert response["correct"] is correct
    assert response["onset_s"] == onset_s
    assert response["rt_s"] == pytest.approx(0.123456)
    assert response["response_s"] - response["onset_s"] == response["rt_s"]


def test_a_press_begun_before_onset_is_no_response(clock):
    run = clock(trial())
    run.until(QUERIES)
    onset_s = run.now_s
    # Both are polled after the onset, but one began before it.
    run.frame(Press(onset_s - 0.001, "l"), Press(onset_s + 0.002, "s"))
    run.until(DONE)
    response = run.trial.response()
    assert response["choice"] == "a"
    assert response["rt_s"] > 0
    assert response["early_presses"] == 1


def test_presses_during_fixation_and_after_the_response_do_not_count(clock):
    run = clock(trial())
    run.frame()
    run.frame(Press(run.now_s, "l"))
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.01, "d"), Press(run.now_s + 0.011, "l"))
    run.frame(Press(run.now_s, "k"))
    run.until(DONE)
    response = run.trial.response()
    assert (response["choice"], response["confidence"]) == ("a", 2)
    assert response["early_presses"] == 1


def test_other_keys_do_nothing(clock):
    run = clock(trial())
    run.until(QUERIES)
    assert run.frame(Press(run.now_s + 0.01, "x")) == QUERIES


@pytest.mark.parametrize("role", ["practice", "main", "catch"])
def test_feedback_is_shown_where_the_design_says(clock, role):
    feedback = Feedback(practice=True, main=False, catch=False)
    run = clock(trial(dataclasses.replace(DESIGN, feedback=feedback), role))
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.01, "s"))
    run.until(DONE)
    assert (FEEDBACK in run.phases) == (role == "practice")
    assert (run.trial.response()["feedback_onset_s"] is not None) == (role == "practice")


def test_a_phase_of_no_duration_is_left_out(clock):
    durations = Durations(fixation_s=0, chosen_s=0, feedback_s=0.2, blank_s=0)
    run = clock(trial(dataclasses.replace(DESIGN, durations=durations)))
    assert run.frame() == QUERIES
    run.frame(Press(run.now_s + 0.01, "s"))
    run.until(DONE)
    assert run.phases == [QUERIES, FEEDBACK]
    assert run.trial.response()["fixation_onset_s"] is None


def test_the_response_limit_ends_the_trial_without_a_choice(clock):
    durations = dataclasses.replace(DESIGN.durations, response_limit_s=0.5)
    run = clock(trial(dataclasses.replace(DESIGN, durations=durations)))
    run.until(DONE)
    response = run.trial.response()
    assert response["timed_out"] is True
    assert response["choice"] is response["correct"] is response["rt_s"] is None
    assert CHOSEN not in run.phases
    assert run.onsets[FEEDBACK] - run.onsets[QUERIES] == pytest.approx(0.5, abs=FRAME_S)


def test_a_pause_hides_the_images_and_begins_the_trial_again(clock):
    run = clock(trial())
    run.until(QUERIES)
    first_onset_s = run.now_s
    assert run.frame(Press(run.now_s + 0.01, "p")) == PAUSED
    for _ in range(30):
        assert run.frame() == PAUSED
    assert run.frame(Press(run.now_s, "l")) == PAUSED
    assert run.frame(Press(run.now_s, "space")) == FIXATION
    run.until(QUERIES)
    onset_s = run.now_s
    assert onset_s > first_onset_s + 0.9
    run.frame(Press(onset_s + 0.2, "s"))
    run.until(DONE)
    response = run.trial.response()
    assert response["onset_s"] == onset_s
    assert response["rt_s"] == pytest.approx(0.2)
    assert response["paused_s"] == pytest.approx(32 * FRAME_S, abs=2 * FRAME_S)


def test_leaving_is_asked_and_can_be_taken_back(clock):
    run = clock(trial())
    run.until(QUERIES)
    assert run.frame(Press(run.now_s, "escape")) == LEAVING
    assert run.frame() == LEAVING
    assert run.frame(Press(run.now_s, "space")) == FIXATION
    run.until(QUERIES)
    run.frame(Press(run.now_s, "escape"))
    run.frame()
    assert run.frame(Press(run.now_s, "q")) == LEFT


def test_a_confirmation_pressed_before_the_question_does_not_count(clock):
    run = clock(trial())
    run.until(QUERIES)
    early_s = run.now_s - 0.5
    run.frame(Press(run.now_s, "escape"))
    assert run.frame(Press(early_s, "q")) == LEAVING


def test_a_pause_asked_for_after_the_response_comes_before_the_next_trial(clock):
    run = clock(trial())
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.01, "s"))
    run.until(FEEDBACK)
    assert run.frame(Press(run.now_s, "p")) == FEEDBACK
    run.until(DONE)
    assert run.trial.wanted == PAUSED
    following = clock(trial(wanted=run.trial.wanted))
    assert following.frame() == PAUSED
    following.frame()
    assert following.frame(Press(following.now_s, "space")) == FIXATION


def test_a_dropped_frame_does_not_lengthen_the_phase_by_more_than_itself(clock):
    run = clock(trial())
    run.frame()
    run.now_s += 0.45
    run.frame()
    run.until(QUERIES)
    assert run.onsets[QUERIES] - run.onsets[FIXATION] == pytest.approx(0.5, abs=FRAME_S)


def test_a_response_before_a_pause_in_the_same_frame_stands(clock):
    run = clock(trial())
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.001, "s"), Press(run.now_s + 0.002, "p"))
    run.until(DONE)
    response = run.trial.response()
    assert response["rt_s"] == pytest.approx(0.001)
    assert run.trial.wanted == PAUSED


def test_the_choice_is_framed_after_a_while(clock):
    durations = dataclasses.replace(DESIGN.durations, framed_after_s=0.35)
    run = clock(trial(dataclasses.replace(DESIGN, durations=durations)))
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.01, "s"))
    run.until(DONE)
    assert run.phases == [FIXATION, QUERIES, ANSWERED, CHOSEN, FEEDBACK, BLANK]
    lasted = run.onsets[CHOSEN] - run.onsets[ANSWERED]
    assert lasted == pytest.approx(0.35, abs=FRAME_S / 2 + 1e-6)


TWO_STEP = dataclasses.replace(DESIGN, confidence="two_step")


def test_in_two_steps_each_press_keeps_its_time(clock):
    run = clock(trial(TWO_STEP))
    run.until(QUERIES)
    onset_s = run.now_s
    assert run.frame(Press(onset_s + 0.0101, "j")) == CONFIDENCE
    for _ in range(5):
        assert run.frame() == CONFIDENCE
    run.frame(Press(onset_s + 0.0902, "3"))
    run.until(DONE)
    assert run.phases == [FIXATION, QUERIES, CONFIDENCE, CHOSEN, FEEDBACK, BLANK]
    response = run.trial.response()
    assert (response["choice"], response["confidence"]) == ("b", 3)
    assert response["response_key"] == "j"
    assert response["rt_s"] == pytest.approx(0.0101)
    assert response["confidence_s"] == onset_s + 0.0902
    assert response["confidence_rt_s"] == pytest.approx(0.0902)


def test_in_two_steps_the_first_choice_stands_and_confidence_comes_after_it(clock):
    run = clock(trial(TWO_STEP))
    run.until(QUERIES)
    now_s = run.now_s
    # Confidence without a choice, keys of one-press confidence, and a second choice do nothing.
    assert run.frame(Press(now_s + 0.001, "2"), Press(now_s + 0.002, "s")) == QUERIES
    assert run.frame(Press(now_s + 0.02, "f"), Press(now_s + 0.021, "j")) == CONFIDENCE
    run.frame(Press(run.now_s, "1"), Press(run.now_s + 0.001, "3"))
    run.until(DONE)
    response = run.trial.response()
    assert (response["choice"], response["confidence"]) == ("a", 1)
    assert response["early_presses"] == 0


def test_both_presses_within_one_frame(clock):
    run = clock(trial(TWO_STEP))
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.001, "f"), Press(run.now_s + 0.012, "2"))
    run.until(DONE)
    assert CONFIDENCE not in run.phases
    assert run.trial.response()["confidence"] == 2


def test_a_pause_before_the_confidence_forgets_the_choice(clock):
    run = clock(trial(TWO_STEP))
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.01, "f"))
    assert run.frame(Press(run.now_s, "p")) == PAUSED
    run.frame()
    run.frame(Press(run.now_s, "space"))
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.01, "j"))
    run.frame(Press(run.now_s + 0.01, "2"))
    run.until(DONE)
    response = run.trial.response()
    assert (response["choice"], response["confidence"]) == ("b", 2)
    assert response["confidence_rt_s"] > response["rt_s"] > 0


def test_the_response_limit_is_for_the_choice(clock):
    durations = dataclasses.replace(DESIGN.durations, response_limit_s=0.5)
    design = dataclasses.replace(TWO_STEP, durations=durations)
    run = clock(trial(design))
    run.until(DONE)
    assert CONFIDENCE not in run.phases
    assert run.trial.response()["timed_out"] is True
    run = clock(trial(design))
    run.until(QUERIES)
    run.frame(Press(run.now_s + 0.01, "f"))
    for _ in range(60):
        assert run.frame() == CONFIDENCE
    run.frame(Press(run.now_s, "1"))
    run.until(DONE)
    assert run.trial.response()["timed_out"] is False
