"""One name for each key, whatever reports it."""

from __future__ import annotations

import pytest

from conditions.design.device_settings import ResponseBox
from conditions.design.keys import LAYOUTS, NAMES, Keys, check_key, key_name, typed_by
from tests.conftest import some


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("1", "num_1", "NUM_1"), "1"),
        (("return", "enter", "num_enter", "ENTER", "RETURN"), "return"),
        (("period", "num_decimal"), "period"),
        (("comma", "num_separator"), "comma"),
        (("left", "num_left", "LEFT"), "left"),
        (("q", "Q"), "q"),
        (("space", " "), "space"),
        (("escape", "ESCAPE", "esc"), "escape"),
        (("quoteleft", "grave"), "quoteleft"),
        (("num_add",), "num_add"),
    ],
)
def test_a_key_has_one_name(names, expected):
    assert {key_name(name) for name in names} == {expected}


def test_a_design_may_use_any_name_of_a_key():
    keys = Keys(confidence=("num_1", "num_2", "num_3"), confirm="enter", leave="esc")
    assert (keys.confidence, keys.confirm, keys.leave) == (("1", "2", "3"), "return", "escape")


def test_two_names_of_one_key_are_two_meanings_of_it():
    with pytest.raises(ValueError, match="key '3' has two meanings"):
        Keys(confidence=("num_3", "2", "3"))


def test_a_response_box_may_use_any_name_of_a_key():
    assert ResponseBox(port="COM3", keys={"enter": 13, "num_1": 49}).keys == {"return": 13, "1": 49}
    with pytest.raises(ValueError, match="keys names one key twice"):
        ResponseBox(port="COM3", keys={"return": 13, "enter": 14})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("F", "f"),
        ("fooo", "f"),
        (";", "semicolon"),
        ("spacebar", "space"),
        ("Return", "return"),
        ("-", "minus"),
    ],
)
def test_what_psychopy_does_not_report_is_refused_with_the_nearest_key(name, meant):
    with pytest.raises(ValueError, match=f"is no key that PsychoPy .*did you mean '{meant}'"):
        Keys(forward=name)
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        ResponseBox(port="COM3", keys={name: 1})


@pytest.mark.parametrize("name", ["", "ö", "num_equal", "rshift", "F5 "])
def test_other_names_are_refused_too(name):
    with pytest.raises(ValueError, match="is no key that PsychoPy reports"):
        Keys(a=("f", name, "s"))


def test_every_name_is_its_own():
    assert {check_key(name) for name in some(NAMES)} == NAMES


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_types_each_character_with_one_key(layout):
    typed = typed_by(layout)
    assert set(typed) <= NAMES
    assert len(set(typed.values())) == len(typed) == 47
