"""What holds for the trials of every task, whatever is pressed and whenever."""

import dataclasses

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conditions.design.presentation import Durations, Feedback
from conditions.design.reading import read_design
from experiments.runner.answers import Choice, Pairing
from experiments.runner.exemplar_matching import MAX_ROWS
from experiments.runner.layout import Screen
from experiments.runner.phases import DONE, LEAVING, LEFT, OVERLAYS, PAUSED
from experiments.runner.placements import placements
from experiments.runner.responses import CLICK, Press
from experiments.runner.tasks import TASKS, make_trial
from experiments.runner.trial import ANSWERED, BLANK, CHOSEN, CONTINUE, FEEDBACK, FIXATION
from unitscope.columns import REFERENCE_COLUMN_NAMES, names, response_columns

FRAME_S = 1 / 60
MEASURED = {
    "response_source": "simulated",
    "frames": 1,
    "dropped_frames": 0,
    "largest_frame_interval_s": None,
    "photodiode": "off",
    "trigger": None,
    "repeated_trial": None,
}
PACED = " self-paced"
ROWS = {
    "two_afc": {"correct_choice": "a"},
    "occlusion": {"correct_choice": "b"},
    "exemplar_matching": {"n_rows": 3, "n_images": 1}
    | {f"correct_slot_{i}": slot for i, slot in enumerate((2, 0, 1))},
}
DESIGNS = {
    f"{task}{' two-step' * two_step}{PACED * paced} {given}": dataclasses.replace(
        read_design(f"demo_{task}"),
        confidence="two_step" if two_step else "one_press",
        input=given,
        durations=Durations(0.05, limit_s, 0.05, 0.03, 0.05, 0.03, self_paced=paced),
    )
    for task in TASKS
    for two_step in (False, True)
    for given in ("keys", "mouse", "either")
    for limit_s in (0.4,)
    for paced in (False, True)
    if not (two_step and task == "exemplar_matching")
}
KEYS = [*"asdfghjkl123456", "backspace", "return", "space", "p", "escape", "q", "x"]


def trial_of(design, wanted=None, **cells):
    row = {"trial_number": 1, "trial_role": "main", "reference_condition": "natural"}
    row |= dict.fromkeys(REFERENCE_COLUMN_NAMES)
    row |= ROWS[design.task] | cells
    trial = make_trial(row, design, FRAME_S, wanted)
    (placement,) = placements([row], design, Screen(1920, 1080)).values()
    trial.targets = placement.targets
    return trial


def faults(task, response):
    """Return the response columns whose value the log's readers would refuse."""
    types = {"str": str, "int": int, "float": (int, float), "bool": bool}
    return [
        column.name
        for column in response_columns(task)
        for value in [(MEASURED | response)[column.name]]
        if not (
            column.blank
            if value is None
            else isinstance(value, types[column.type])
            and (not column.levels or value in column.levels)
        )
    ]


@pytest.mark.parametrize("task", TASKS)
def test_a_trial_and_its_display_give_every_response_column(task, clock):
    run = clock(trial_of(DESIGNS[f"{task} keys"]))
    run.until(DONE)
    assert set(run.trial.response()) | set(MEASURED) == set(names(response_columns(task)))
    assert TASKS[task].task == task


@st.composite
def frames(draw):
    """What is pressed in each frame, before the next one: keys and clicks, some of them earlier."""
    press = st.tuples(
        st.one_of(st.sampled_from(KEYS), st.tuples(st.integers(-700, 700), st.integers(-450, 450))),
        st.floats(-0.05, 0.99 / 60),
    )
    return draw(st.lists(st.lists(press, max_size=3), max_size=60))


@given(st.sampled_from(sorted(DESIGNS)), frames(), st.sampled_from([None, *OVERLAYS]))
@example("occlusion two-step either", [[]] * 5 + [[("f", 0.0)], [("1", -0.03)]], None)
@settings(max_examples=400)
def test_whatever_is_pressed_the_row_is_valid(clock, name, pressed, wanted):
    design = DESIGNS[name]
    run = clock(trial_of(design, wanted))
    for presses in pressed:
        run.frame(
            *sorted(
                Press(run.now_s + after_s, CLICK, key)
                if isinstance(key, tuple)
                else Press(run.now_s + after_s, key)
                for key, after_s in presses
            )
        )
        if run.ended:
            break
    for _ in range(200):
        if run.ended:
            break
        # Whoever paused goes on; whoever is slow runs out of time, or says how sure.
        boxes = [run.trial.targets.get(name) for name in ("confidence_2", CONTINUE)]
        clicks = [Press(run.now_s, CLICK, (box.x, box.y)) for box in boxes if box]
        run.frame(Press(run.now_s, "space"), Press(run.now_s, "2"), *clicks)
    assert run.ended in (DONE, LEFT)
    if run.ended == LEFT:
        return
    response = run.trial.response()
    assert not faults(design.task, response)
    assert (response["rt_s"] is None) == response["timed_out"] == (response["correct"] is None)
    if not response["timed_out"]:
        assert response["rt_s"] >= 0
        assert response["response_s"] - response["onset_s"] == response["rt_s"]
    assert response["onset_s"] <= response["trial_end_s"]
    if design.task == "exemplar_matching":
        _check_pairs(response)
    else:
        assert (response["choice"] is None) == (response["confidence"] is None)
        assert (response["choice"] is None) == response["timed_out"]
        second_s = response["confidence_rt_s"]
        assert second_s is None or second_s >= response["rt_s"]


def _check_pairs(response):
    slots = [response[f"match_{row}"] for row in range(MAX_ROWS)]
    taken = [slot for slot in slots if slot is not None]
    assert len(set(taken)) == len(taken)
    for row, slot in enumerate(slots):
        time_s = response[f"match_{row}_s"]
        assert (time_s is None) == (slot is None)
        if response["rt_s"] is not None and slot is not None:
            assert 0 <= time_s <= response["rt_s"]
    assert response["hits"] == sum(
        slot == right for slot, right in zip(slots, (2, 0, 1), strict=False)
    )
    if response["correct"] is not None:
        assert len(taken) == 3
        assert response["correct"] == (response["hits"] == 3)


def answer(run, given):
    """Let whoever takes part answer as somebody does who is simulated."""
    run.until(run.trial.answering[0])
    onset_s = run.now_s
    presses = run.trial.presses_for(given)
    while presses:
        due = [press for press in presses if onset_s + press.time_s <= run.now_s]
        presses = presses[len(due) :]
        run.frame(*(dataclasses.replace(p, time_s=onset_s + p.time_s) for p in due))
    return onset_s


def go_on(run):
    """Continue where that is asked for, until the trial is done."""
    if run.until(CONTINUE, DONE) == CONTINUE:
        run.frame(run.trial.press_for(CONTINUE, run.now_s))
        run.until(DONE)


@pytest.mark.parametrize("name", DESIGNS)
def test_phases_come_in_order(name, clock):
    design = dataclasses.replace(DESIGNS[name], feedback=Feedback())
    run = clock(trial_of(design))
    answering = run.trial.answering
    matching = design.task == "exemplar_matching"
    answer(run, Pairing((2, 0, 1), 0.3) if matching else Choice("a", 3, 0.3))
    go_on(run)
    answered = [ANSWERED] if len(answering) == 1 else []
    paced = [CONTINUE] if PACED in name else []
    assert run.phases == [FIXATION, *answering, *answered, CHOSEN, FEEDBACK, *paced, BLANK]


@pytest.mark.parametrize("name", DESIGNS)
def test_a_pause_begins_the_trial_again(name, clock):
    run = clock(trial_of(DESIGNS[name], wanted=PAUSED))
    assert run.frame() == PAUSED
    run.frame(Press(run.now_s, "p"))
    onset = run.until(run.trial.answering[0])
    first_s = run.now_s
    run.frame(Press(run.now_s, "p"))
    run.frame()
    assert run.frame(Press(run.now_s, "space")) == FIXATION
    assert run.until(onset) == onset
    go_on(run)
    response = run.trial.response()
    assert response["exposures"] == 2
    assert response["onset_s"] > first_s
    assert response["paused_s"] == pytest.approx(3 * FRAME_S, abs=2 * FRAME_S)
    assert response["timed_out"] is True


@pytest.mark.parametrize("choice", ["a", "b"])
@pytest.mark.parametrize("confidence", [1, 2, 3])
@pytest.mark.parametrize("name", [name for name in DESIGNS if not name.startswith("exemplar")])
def test_keys_and_clicks_give_the_same_answers(name, choice, confidence, clock):
    run = clock(trial_of(DESIGNS[name]))
    onset_s = answer(run, Choice(choice, confidence, 0.123))
    go_on(run)
    response = run.trial.response()
    assert (response["choice"], response["confidence"]) == (choice, confidence)
    assert response["rt_s"] == pytest.approx(0.123)
    assert response["response_s"] == onset_s + response["rt_s"]
    assert (response["response_key"] == CLICK) == ("mouse" in name)


@pytest.mark.parametrize("name", [name for name in DESIGNS if not name.startswith("exemplar")])
def test_only_the_devices_of_the_design_count(name, clock):
    design = DESIGNS[name]
    run = clock(trial_of(design))
    run.until(run.trial.answering[0])
    box = run.trial.targets.get("b_2") or run.trial.targets["b"]
    press = (
        Press(run.now_s, "f")
        if design.input == "mouse"
        else Press(run.now_s, CLICK, (box.x, box.y))
    )
    run.frame(Press(run.now_s, CLICK, (0, 539)), Press(run.now_s, CLICK), press)
    assert (run.trial.choice == "b") == (design.input == "either")
    assert (run.trial.choice is None) == (design.input != "either")


def test_a_click_before_the_onset_is_no_answer(clock):
    run = clock(trial_of(DESIGNS["two_afc mouse"]))
    run.until("queries")
    box = run.trial.targets["a_3"]
    run.frame(Press(run.now_s - 0.001, CLICK, (box.x, box.y)))
    assert run.trial.choice is None
    run.until(DONE)
    assert run.trial.response()["early_presses"] == 1


@pytest.mark.parametrize("name", DESIGNS)
def test_the_pointer_is_asked_for_while_the_trial_waits_for_clicks(name):
    trial = trial_of(DESIGNS[name])
    shown = [
        phase
        for phase in (FIXATION, *trial.answering, CHOSEN, FEEDBACK, CONTINUE, BLANK, PAUSED)
        if trial.takes_clicks(phase)
    ]
    assert shown == ([] if name.endswith("keys") else [*trial.answering, CONTINUE])


@pytest.mark.parametrize("name", [name for name in DESIGNS if PACED in name])
@pytest.mark.parametrize("feedback_s", [0.0, 0.1])
def test_a_self_paced_trial_stays_until_the_participant_continues(name, feedback_s, clock):
    design = dataclasses.replace(DESIGNS[name], feedback=Feedback())
    durations = dataclasses.replace(design.durations, feedback_s=feedback_s, response_limit_s=None)
    run = clock(trial_of(dataclasses.replace(design, durations=durations)))
    matching = design.task == "exemplar_matching"
    answer(run, Pairing((2, 0, 1), 0.3) if matching else Choice("b", 1, 0.3))
    # Pressed too early, it does not count.
    run.frame(run.trial.press_for(CONTINUE, run.now_s))
    run.until(CONTINUE)
    onset_s = run.now_s
    run.frame(run.trial.press_for(CONTINUE, onset_s - 0.001))
    for _ in range(200):
        assert run.frame() == CONTINUE
    foreign = "space" if design.input == "mouse" else CLICK
    assert run.frame(Press(run.now_s, foreign), Press(run.now_s, "f")) == CONTINUE
    run.frame(run.trial.press_for(CONTINUE, run.now_s))
    run.until(DONE)
    response = run.trial.response()
    assert response["continue_onset_s"] == onset_s
    assert response["trial_end_s"] - onset_s > 200 * FRAME_S
    assert response["early_presses"] == 0
    shown = run.onsets[FEEDBACK] if feedback_s else onset_s
    assert response["feedback_onset_s"] == shown


@pytest.mark.parametrize(("key", "phase"), [("p", PAUSED), ("escape", LEAVING)])
def test_an_interruption_in_place_of_continuing_comes_before_the_next_trial(key, phase, clock):
    name = "occlusion self-paced mouse"
    run = clock(trial_of(DESIGNS[name]))
    answer(run, Choice("a", 2, 0.1))
    run.until(CONTINUE)
    run.frame(Press(run.now_s, key))
    run.until(DONE)
    following = clock(trial_of(DESIGNS[name], run.trial.wanted))
    assert following.frame() == phase
