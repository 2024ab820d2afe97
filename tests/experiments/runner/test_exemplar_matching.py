"""Exemplar matching's state machine, by keys and by mouse."""

import dataclasses

import pytest

from conditions.design.presentation import Durations
from conditions.design.reading import read_design
from experiments.runner.answers import Pairing
from experiments.runner.exemplar_matching import MATCHING, ExemplarMatchingTrial, place_matching
from experiments.runner.layout import Screen, fit
from experiments.runner.phases import DONE, LEFT, PAUSED
from experiments.runner.responses import CLICK, Press
from experiments.runner.trial import CHOSEN, FEEDBACK, FIXATION

DESIGN = dataclasses.replace(
    read_design("demo_exemplar_matching"),
    input="keys",
    durations=Durations(fixation_s=0.1, chosen_s=0.1, feedback_s=0.1, blank_s=0.1),
)
MOUSE = dataclasses.replace(DESIGN, input="mouse")
PLACEMENT = fit([lambda m: place_matching(m, 3, 1)], DESIGN.layout, Screen(1920, 1080))[0]
RIGHT = (2, 0, 1)


def trial(design=DESIGN, rows=3):
    row = {"trial_role": "main", "reference_condition": "natural", "n_rows": rows}
    row |= {f"correct_slot_{i}": slot for i, slot in enumerate((*RIGHT, 3, 4)[:rows])}
    made = ExemplarMatchingTrial(row, design, 1 / 60)
    made.targets = PLACEMENT.targets
    return made


@pytest.fixture
def begun(clock):
    """Begin a trial and go on until it is to be answered."""

    def begin(*args, **settings):
        run = clock(trial(*args, **settings))
        run.until(MATCHING)
        return run

    return begin


def press(run, *keys):
    """Press keys, or click at targets, one a frame."""
    for key in keys:
        if key in PLACEMENT.targets and run.trial._design.input != "keys":
            box = PLACEMENT.targets[key]
            run.frame(Press(run.now_s, CLICK, (box.x, box.y)))
        else:
            run.frame(Press(run.now_s, key))


def matches(response):
    return [response[f"match_{row}"] for row in range(5)]


def test_rows_are_paired_from_the_top_and_confirmed(begun):
    run = begun()
    onset_s = run.now_s
    for i, key in enumerate(("3", "1", "2")):
        assert run.trial.selected == i
        run.frame(Press(onset_s + 0.1 * (i + 1), key))
    assert run.trial.selected is None
    assert run.frame() == MATCHING
    run.frame(Press(onset_s + 0.5, "return"))
    run.until(DONE)
    response = run.trial.response()
    assert matches(response) == [2, 0, 1, None, None]
    assert [response[f"match_{row}_s"] for row in range(3)] == pytest.approx([0.1, 0.2, 0.3])
    assert response["match_3_s"] is None
    assert response["rt_s"] == pytest.approx(0.5)
    assert (response["hits"], response["correct"], response["undos"]) == (3, True, 0)
    assert response["input"] == "keys"
    assert run.phases == [FIXATION, MATCHING, CHOSEN, FEEDBACK, "blank"]


def test_hits_are_rows_that_are_right(begun):
    run = begun()
    press(run, "3", "2", "1", "return")
    run.until(DONE)
    response = run.trial.response()
    assert (response["hits"], response["correct"]) == (1, False)


def test_it_cannot_be_confirmed_before_every_row_has_its_half(begun):
    run = begun()
    press(run, "return", "1", "return", "2", "return")
    assert run.frame() == MATCHING
    press(run, "3", "return")
    run.until(DONE)
    assert matches(run.trial.response()) == [0, 1, 2, None, None]


def test_a_half_that_is_taken_stays_so(begun):
    run = begun()
    press(run, "1", "1", "1", "2", "2", "1", "3")
    assert run.trial.pairs == {0: 0, 1: 1, 2: 2}


def test_undo_takes_back_the_last_pair_and_counts(begun):
    run = begun()
    press(run, "backspace")
    press(run, "1", "2", "3", "backspace", "backspace")
    assert run.trial.pairs == {0: 0}
    assert run.trial.selected == 1
    press(run, "3", "2", "return")
    run.until(DONE)
    response = run.trial.response()
    assert matches(response) == [0, 2, 1, None, None]
    assert response["undos"] == 2
    assert response["match_1_s"] < response["match_2_s"] < response["rt_s"]


def test_numbers_of_no_half_do_nothing_and_presses_before_onset_are_counted(clock):
    run = clock(trial())
    run.frame()
    press(run, "1", "return", "x")
    run.until(MATCHING)
    onset_s = run.now_s
    run.frame(Press(onset_s - 0.001, "2"), Press(onset_s, "4"))
    assert run.trial.pairs == {}
    press(run, "1", "2", "3", "return")
    run.until(DONE)
    assert run.trial.response()["early_presses"] == 3


def test_a_pause_forgets_the_pairs(begun):
    run = begun()
    press(run, "1", "2")
    assert run.frame(Press(run.now_s, "p")) == PAUSED
    run.frame()
    run.frame(Press(run.now_s, "space"))
    run.until(MATCHING)
    assert run.trial.pairs == {}
    press(run, "3", "1", "2", "return")
    run.until(DONE)
    response = run.trial.response()
    assert response["correct"] is True
    assert response["undos"] == 0
    assert response["paused_s"] > 0
    assert 0 <= response["match_0_s"] < response["rt_s"] < 0.2


def test_leaving(begun):
    run = begun()
    press(run, "1", "escape")
    run.frame()
    assert run.frame(Press(run.now_s, "q")) == LEFT


def test_the_limit_keeps_what_was_paired(clock):
    durations = dataclasses.replace(DESIGN.durations, response_limit_s=0.5)
    run = clock(trial(dataclasses.replace(DESIGN, durations=durations)))
    run.until(MATCHING)
    press(run, "3")
    run.until(DONE)
    response = run.trial.response()
    assert matches(response) == [2, None, None, None, None]
    assert (response["hits"], response["correct"], response["rt_s"]) == (1, None, None)
    assert response["timed_out"] is True
    assert CHOSEN not in run.phases


def test_clicks_pair_in_any_order(begun):
    run = begun(MOUSE)
    press(run, "row_2", "slot_1", "row_0")
    assert run.trial.selected == 0
    press(run, "slot_2", "slot_0")
    assert run.trial.pairs == {2: 1, 0: 2, 1: 0}
    press(run, "confirm")
    run.until(DONE)
    response = run.trial.response()
    assert (response["correct"], response["input"]) == (True, "mouse")
    assert response["match_2_s"] < response["match_0_s"] < response["match_1_s"]


def test_a_click_on_a_row_takes_its_pair_back(begun):
    run = begun(MOUSE)
    press(run, "slot_0", "slot_1", "row_0")
    assert run.trial.pairs == {1: 1}
    assert run.trial.selected == 0
    press(run, "slot_1", "undo")
    assert run.trial.pairs == {}
    assert run.trial.selected == 1
    press(run, "slot_0", "slot_2", "slot_1", "confirm")
    run.until(DONE)
    assert run.trial.response()["undos"] == 2


def test_a_click_beside_everything_does_nothing(begun):
    run = begun(MOUSE)
    run.frame(Press(run.now_s, CLICK, (0, 0)))
    run.frame(Press(run.now_s, CLICK))
    assert run.trial.pairs == {}


@pytest.mark.parametrize(("given", "foreign"), [("keys", "mouse"), ("mouse", "keys")])
def test_the_other_input_does_nothing(begun, given, foreign):
    run = begun(dataclasses.replace(DESIGN, input=given))
    box = PLACEMENT.targets["slot_0"]
    one = Press(run.now_s, "1") if foreign == "keys" else Press(run.now_s, CLICK, (box.x, box.y))
    run.frame(one)
    assert run.trial.pairs == {}


def test_either_input_serves_and_the_last_is_told(begun):
    run = begun(dataclasses.replace(DESIGN, input="either"))
    press(run, "3", "slot_0", "2", "confirm")
    run.until(DONE)
    response = run.trial.response()
    assert (response["correct"], response["input"]) == (True, "mouse")


@pytest.mark.parametrize("design", [DESIGN, MOUSE], ids=["keys", "mouse"])
def test_an_observers_presses_give_its_answer(begun, design):
    run = begun(design)
    onset_s = run.now_s
    for one in run.trial.presses_for(Pairing((1, 2, 0), 2.0)):
        run.frame(Press(onset_s + one.time_s, one.key, one.place))
    run.until(DONE)
    response = run.trial.response()
    assert matches(response) == [1, 2, 0, None, None]
    assert response["rt_s"] == pytest.approx(2.0)


@pytest.mark.parametrize("rows", [2, 5])
def test_other_numbers_of_rows(begun, rows):
    run = begun(rows=rows)
    press(run, *(str(slot + 1) for slot in (4, 3, 2, 1, 0)[5 - rows :]), "return")
    run.until(DONE)
    assert run.trial.response()["hits"] == sum(
        slot == right
        for slot, right in zip((4, 3, 2, 1, 0)[5 - rows :], (*RIGHT, 3, 4), strict=False)
    )
