"""Keyboards of other layouts, and several keyboards: real keys in real windows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from Xlib.display import Display

from tests.conftest import first_quick, some
from tests.experiments.display.test_around_trials import (  # noqa: F401
    facts,
    hand,
    start_around,
    wait_for_screen,
)
from tests.experiments.display.test_window import finish

pytestmark = pytest.mark.window

SCRIPT = Path(__file__).with_name("press_keys.py")


def reported(environment, backend, name=""):
    command = [sys.executable, str(SCRIPT), backend, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("backend", first_quick(["ptb", "event"]))
def test_keys_are_named_by_their_position_under_any_layout(virtual_screen, backend):
    told = reported(virtual_screen, backend)
    assert told["source"] == f"keyboard-{backend}"
    assert list(told["reported"]) == ["qwerty", "azerty", "qwertz"]
    for layout, keys in some(told["reported"].items()):
        for position, names in some(keys):
            assert names == [position], (layout, position)


def test_only_the_keyboard_that_was_named_answers(virtual_screen):
    # The server has two keyboards, and all keys are pressed on the first.
    for name, answers in (("xtest", True), ("Xvfb keyboard", False)):
        keys = reported(virtual_screen, "ptb", name)["reported"]["qwerty"]
        assert [bool(names) for _, names in some(keys)] == [answers] * len(keys), name
    command = [sys.executable, str(SCRIPT), "ptb", "Logitech"]
    done = subprocess.run(command, env=virtual_screen, capture_output=True, text=True)
    assert done.returncode != 0
    assert "no keyboard is named 'Logitech'; found Virtual core XTEST keyboard, Xvfb" in done.stderr


@pytest.fixture
def azerty(virtual_screen):
    """The virtual screen's keyboard is a French one."""
    held = Display(virtual_screen["DISPLAY"])
    subprocess.run(["setxkbmap", "fr"], env=virtual_screen, check=True)
    time.sleep(0.3)
    yield
    subprocess.run(["setxkbmap", "us"], env=virtual_screen, check=True)
    held.close()


def test_a_session_on_a_french_keyboard(azerty, start_around, hand, tmp_path):  # noqa: F811
    shots = tmp_path / "shots"
    process = start_around("--override", "test")

    def act(shown, *keys):
        wait_for_screen(process, shots / f"{shown}.png")
        hand(*keys)

    act("page_consent_01", "ampersand")
    act("page_greeting_01", "space")
    act("page_ratings_before_01", "space")
    act("unrated_rating_before_01", "eacute", "space")
    act("page_example_natural_01", "space")
    act("page_ready_01", "space")
    act("page_part_01", "space")
    act("queries_natural_01", "j")
    act("page_ratings_after_01", "space")
    act("unrated_rating_after_01", "KP_5", "space")
    # The key that ends the session is the US keyboard's q; this one calls it A.
    act("typing_comment_01", "a", "q", "escape")
    act("leaving_comment_01", "q", "a")
    code, out, err = finish(process)
    assert code == 0, err
    assert "aborted, 1 of 1 trials" in out
    run = facts(tmp_path)["runs"][0]
    assert run["keyboard_layout"] == "azerty"
    assert run["keyboards"] == ["Virtual core XTEST keyboard", "Xvfb keyboard"]
