"""A bank card on the screen, and numbers typed beside a field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.lab.luminance_fields import CardCheck, NumberEntry
from experiments.runner.responses import Press


def press(state, *keys):
    for key in keys:
        state.take(Press(0.0, key))


def test_a_card_that_fits_gives_pixels_per_cm():
    check = CardCheck(300, 1000)
    press(check, "up", "up", "up", "up", "right", "right", "left", "space")
    assert check.is_done
    assert check.width_px == 341
    assert check.height_px == 215
    assert check.px_per_cm == pytest.approx(341 / 8.56)


@given(st.lists(st.sampled_from(["left", "right", "up", "down", "x"]), max_size=60))
def test_the_card_stays_on_the_screen(keys):
    check = CardCheck(700, 800)
    press(check, *keys)
    assert 50 <= check.width_px <= 800
    assert not check.is_done


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (["1", "2", "period", "5", "return"], 12.5),
        (["7", "comma", "5", "return"], 7.5),
        (["3", "4", "backspace", "return"], 3.0),
        (["1", "period", "period", "2", "return"], 1.2),
        (["return", "period", "return"], None),
    ],
)
def test_a_number_is_typed(keys, value):
    entry = NumberEntry()
    press(entry, *keys)
    assert entry.value == value


def test_escape_cancels():
    for state in (NumberEntry(), CardCheck(300, 1000)):
        press(state, "escape")
        assert state.is_left
