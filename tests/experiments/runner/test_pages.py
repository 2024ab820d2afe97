from conditions.design import Keys
from experiments.runner.pages import PAGE, Page, PageText
from experiments.runner.phases import DONE, LEAVING, LEFT
from experiments.runner.responses import Press


def page():
    shown = Page(PageText("welcome", "Hello", "space: go on"), Keys())
    assert shown.step(0.0, []) == PAGE
    shown.flipped(0.1)
    return shown


def test_stays_until_the_forward_key():
    shown = page()
    assert shown.step(0.5, [Press(0.4, "j")]) == PAGE
    assert shown.step(0.6, [Press(0.55, "space")]) == DONE


def test_a_press_from_before_the_page_does_not_turn_it():
    shown = page()
    assert shown.step(0.5, [Press(0.05, "space")]) == PAGE


def test_leaving_is_asked_and_can_be_taken_back():
    shown = page()
    assert shown.step(0.5, [Press(0.4, "escape")]) == LEAVING
    assert shown.step(0.6, [Press(0.55, "space")]) == PAGE
    assert shown.step(0.7, [Press(0.65, "escape")]) == LEAVING
    assert shown.step(0.8, [Press(0.75, "q")]) == LEFT
