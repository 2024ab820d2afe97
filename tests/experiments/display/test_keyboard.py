"""The names that PsychoPy gives to keys on each system."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from psychopy.hardware import keyboard

from conditions.design.keys import Keys, key_name
from experiments.runner.slider import JUMPS, STEPS

DEFAULT_KEYS = {
    key for keys in astuple(Keys()) for key in ([keys] if isinstance(keys, str) else keys)
}


@pytest.mark.parametrize("system", ["keyNamesLinux", "keyNamesWin", "keyNamesMac"])
def test_the_keys_of_a_session_exist_on_every_system(system):
    names = list(getattr(keyboard, system).values())
    named = [key_name(name) for name in names]
    assert {*DEFAULT_KEYS, *JUMPS, *STEPS} <= set(named)
    for digit in JUMPS:
        assert named.count(digit) == 2, f"{digit} is on the keypad, too"
