"""The names that PsychoPy gives to keys on each system."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from psychopy.hardware import keyboard

from conditions.design.keys import NAMES, Keys, key_name
from experiments.runner.slider import JUMPS, STEPS

DEFAULT_KEYS = {
    key for keys in astuple(Keys()) for key in ([keys] if isinstance(keys, str) else keys)
}


SYSTEMS = ["keyNamesLinux", "keyNamesWin", "keyNamesMac"]


def test_designs_may_name_the_keys_that_psychopy_reports_on_every_system():
    reported = [set(map(key_name, getattr(keyboard, system).values())) for system in SYSTEMS]
    assert set.intersection(*reported) == NAMES


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_keys_of_a_session_exist_on_every_system(system):
    names = list(getattr(keyboard, system).values())
    named = [key_name(name) for name in names]
    assert {*DEFAULT_KEYS, *JUMPS, *STEPS} <= set(named)
    for digit in JUMPS:
        assert named.count(digit) == 2, f"{digit} is on the keypad, too"
