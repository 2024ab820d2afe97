"""What holds for the trials of every task, whatever is pressed and whenever."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conditions.design.presentation import Durations, Feedback, Layout
from conditions.design.reading import read_design
from experiments.runner.exemplar_matching import MAX_ROWS, place_matching
from experiments.runner.layout import Screen, fit
from experiments.runner.phases import DONE, LEFT, OVERLAYS, PAUSED
from experiments.runner.responses import CLICK, Press
from experiments.runner.tasks import TASKS, make_trial
from experiments.runner.trial import ANSWERED, BLANK, CHOSEN, FEEDBACK, FIXATION
from unitscope.columns import names, response_columns

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
ROWS = {
    "two_afc": {"correct_choice": "a"},
    "occlusion": {"correct_choice": "b"},
    "exemplar_matching": {"n_rows": 3, "n_images": 1}
    | {f"correct_slot_{i}": slot for i, slot in enumerate((2, 0, 1))},
}
DESIGNS = {
    f"{task}{' two-step' * two_step} {given}": dataclasses.replace(
        read_design(f"demo_{task}"),
        confidence="two_step" if two_step else "one_press",
        input=given,
        durations=Durations(0.05, limit_s, 0.05, 0.03, 0.05, 0.03),
    )
    for task in TASKS
    for two_step in (False, True)
    for given in ("keys", "mouse", "either")
    for limit_s in (0.4,)
    if not (two_step and task == "exemplar_matching") and (given == "keys") | (task[0] == "e")
}
PLACEMENT = fit([lambda m: place_matching(m, 3, 1)], Layout(), Screen(1920, 1080))[0]
KEYS = [*"asdfghjkl123456", "backspace", "return", "space", "p", "escape", "q", "x"]


def trial_of(design, wanted=None, **cells):
    row = {"trial_number": 1, "trial_role": "main", "reference_condition": "natural"}
    row |= ROWS[design.task] | cells
    trial = make_trial(row, design, FRAME_S, wanted)
    if design.task == "exemplar_matching":
        trial.targets = PLACEMENT.targets
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
        run.frame(Press(run.now_s, "space"), Press(run.now_s, "2"))
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


@pytest.mark.parametrize("name", [name for name in DESIGNS if "mouse" not in name])
def test_phases_come_in_order(name, clock):
    design = dataclasses.replace(DESIGNS[name], feedback=Feedback())
    run = clock(trial_of(design))
    answering = run.trial.answering
    run.until(answering[0])
    for keys in ("1f", "2", "3", ["return"]):
        run.frame(*(Press(run.now_s, key) for key in keys))
    run.until(DONE)
    answered = [ANSWERED] if len(answering) == 1 else []
    assert run.phases == [FIXATION, *answering, *answered, CHOSEN, FEEDBACK, BLANK]


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
    run.until(DONE)
    response = run.trial.response()
    assert response["onset_s"] > first_s
    assert response["paused_s"] == pytest.approx(3 * FRAME_S, abs=2 * FRAME_S)
    assert response["timed_out"] is True
