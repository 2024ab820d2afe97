"""One name for each key, whatever reports it."""

from __future__ import annotations

import pytest

from conditions.design.device_settings import ResponseBox
from conditions.design.keys import Keys, key_name


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
    assert ResponseBox(port="COM3", keys={"Enter": 13, "num_1": 49}).keys == {"return": 13, "1": 49}
    with pytest.raises(ValueError, match="keys names one key twice"):
        ResponseBox(port="COM3", keys={"return": 13, "enter": 14})
