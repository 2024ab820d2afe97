import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.keys import Keys
from experiments.runner.pages import (
    AGREE,
    BACK,
    DECLINE,
    FORWARD,
    PAGE,
    Page,
    PageText,
    consent_keys,
)
from experiments.runner.phases import DONE, LEAVING, LEFT
from experiments.runner.responses import Press

CONSENT = consent_keys(Keys())


def page(turns=None):
    shown = Page(PageText("welcome", "Hello", "space: go on"), Keys(), turns)
    assert shown.step(0.0, []) == PAGE
    shown.flipped(0.1)
    return shown


def test_stays_until_the_forward_key():
    shown = page()
    assert shown.step(0.5, [Press(0.4, "j")]) == PAGE
    assert shown.step(0.6, [Press(0.55, "space")]) == DONE
    assert shown.turned == FORWARD


def test_a_press_from_before_the_page_does_not_turn_it():
    shown = page()
    assert shown.step(0.5, [Press(0.05, "space")]) == PAGE


def test_leaving_is_asked_and_can_be_taken_back():
    shown = page()
    assert shown.step(0.5, [Press(0.4, "escape")]) == LEAVING
    assert shown.step(0.6, [Press(0.55, "space")]) == PAGE
    assert shown.step(0.7, [Press(0.65, "escape")]) == LEAVING
    assert shown.step(0.8, [Press(0.75, "q")]) == LEFT


def test_a_page_can_be_turned_back():
    turns = {"space": FORWARD, "left": BACK}
    shown = page(turns)
    assert shown.step(0.5, [Press(0.4, "left")]) == DONE
    assert shown.turned == BACK
    assert page().step(0.5, [Press(0.4, "left")]) == PAGE


def test_consent_needs_a_key_of_its_own():
    for key, turned in (("1", AGREE), ("2", DECLINE)):
        shown = page(CONSENT)
        assert shown.step(0.5, [Press(0.3, "space"), Press(0.4, "return")]) == PAGE
        assert shown.step(0.6, [Press(0.55, key)]) == DONE
        assert shown.turned == turned


def test_the_time_on_a_page_leaves_out_the_question_whether_to_end():
    shown = page()
    shown.step(1.0, [Press(0.9, "escape")])
    shown.step(4.0, [Press(3.9, "space")])
    shown.step(5.0, [Press(4.9, "space")])
    assert shown.spent_s == (5.0 - 0.1) - (4.0 - 1.0)


KEYS = st.sampled_from(["space", "left", "right", "escape", "q", "p", "1", "2", "j", "backspace"])


@given(st.lists(KEYS, max_size=30), st.sampled_from([None, CONSENT]))
def test_no_keys_break_a_page(keys, turns):
    shown, now_s = page(turns), 0.1
    for key in keys:
        now_s += 0.1
        phase = shown.step(now_s, [Press(now_s - 0.05, key)])
        assert phase in (PAGE, LEAVING, DONE, LEFT)
        if phase in (DONE, LEFT):
            assert (shown.turned is not None) == (phase == DONE)
            return
        shown.flipped(now_s)
    assert shown.turned is None


def test_simulated_readers_mostly_go_on_and_never_decline():
    rng = np.random.default_rng(0)
    turns = {"space": FORWARD, "right": FORWARD, "left": BACK}
    pressed = [page(turns).simulate(PAGE, rng)[0].key for _ in range(200)]
    assert set(pressed) == {"space", "left"}
    assert pressed.count("left") < 60
    assert {page(CONSENT).simulate(PAGE, rng)[0].key for _ in range(50)} == {"1"}


def test_a_first_line_after_a_hash_is_a_heading():
    content = PageText("task", "# What to do\n\nLook.\n\nPress.", "")
    assert (content.heading, content.body) == ("What to do", "Look.\n\nPress.")
    plain = PageText("end", "Thanks", "")
    assert (plain.heading, plain.body) == ("", "Thanks")


def turned(shown, now_s, key):
    """Press a key on a page whose screen has long been there."""
    phase = shown.step(now_s, [Press(now_s - 0.01, key)])
    shown.flipped(now_s + 0.001)
    return phase


def test_a_long_text_is_turned_screen_by_screen_before_the_keys_of_its_page_count():
    shown = page(CONSENT)
    shown.screens = 3
    assert turned(shown, 1.0, "1") == PAGE
    assert turned(shown, 2.0, "left") == PAGE
    assert turned(shown, 3.0, "space") == f"{PAGE}_2"
    assert turned(shown, 4.0, "2") == f"{PAGE}_2"
    assert turned(shown, 5.0, "left") == PAGE
    assert turned(shown, 6.0, "right") == f"{PAGE}_2"
    # A press from before the screen does not turn it.
    assert shown.step(6.5, [Press(5.9, "space")]) == f"{PAGE}_2"
    assert turned(shown, 7.0, "space") == f"{PAGE}_3"
    assert turned(shown, 8.0, "space") == f"{PAGE}_3"
    assert turned(shown, 9.0, "escape") == LEAVING
    assert turned(shown, 10.0, "space") == f"{PAGE}_3"
    assert shown.step(11.0, [Press(10.9, "1")]) == DONE
    assert shown.turned == AGREE


def test_a_long_page_can_be_turned_back_on_its_first_screen():
    shown = page({"space": FORWARD, "left": BACK})
    shown.screens = 2
    assert turned(shown, 1.0, "left") == DONE
    assert shown.turned == BACK


def test_a_simulated_participant_reads_a_long_page_to_its_end():
    rng = np.random.default_rng(0)
    shown = page(CONSENT)
    shown.screens = 2
    assert [press.key for press in shown.simulate(PAGE, rng)] == ["space"]
    assert turned(shown, 1.0, "space") == f"{PAGE}_2"
    assert shown.simulate(PAGE, rng) == []
    assert [press.key for press in shown.simulate(f"{PAGE}_2", rng)] == ["1"]
