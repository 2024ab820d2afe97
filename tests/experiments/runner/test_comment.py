import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.keys import Keys
from experiments.runner.comment import LONGEST, TYPING, Comment
from experiments.runner.phases import DONE, LEAVING, LEFT
from experiments.runner.responses import Press


def comment():
    shown = Comment(Keys())
    assert shown.step(0.0, []) == TYPING
    shown.flipped(0.0)
    return shown


def type_in(shown, keys, start_s=1.0):
    return shown.step(start_s + 1, [Press(start_s + i / 1e6, key) for i, key in enumerate(keys)])


def test_what_is_typed_is_kept_in_any_alphabet():
    shown = comment()
    assert type_in(shown, "Größe: ñ, 毛 & «ok»") == TYPING
    assert shown.text == "Größe: ñ, 毛 & «ok»"


def test_backspace_takes_back_and_enter_begins_a_line():
    shown = comment()
    type_in(shown, ["backspace", "a", "b", "backspace", "return", "c"])
    assert shown.text == "a\nc"


def test_it_may_stay_empty():
    assert type_in(comment(), ["f10"]) == DONE


def test_letters_and_space_do_not_end_it():
    shown = comment()
    assert type_in(shown, ["q", " ", "p", "j", "1"]) == TYPING
    assert shown.text == "q pj1"


def test_the_session_can_be_left_by_typed_keys_and_the_text_stays_while_asked():
    shown = comment()
    type_in(shown, "abc")
    assert type_in(shown, ["escape"], 3) == LEAVING
    assert type_in(shown, [" "], 5) == TYPING
    assert shown.text == "abc"
    type_in(shown, ["escape"], 7)
    assert type_in(shown, ["Q"], 9) == LEFT


def test_a_comment_has_a_longest_length():
    shown = comment()
    type_in(shown, ["x"] * (LONGEST + 50))
    assert len(shown.text) == LONGEST


@given(st.lists(st.one_of(st.characters(), st.sampled_from(["backspace", "return", "left", "f9"]))))
def test_the_text_is_what_an_editor_would_hold(keys):
    shown, expected = comment(), ""
    type_in(shown, keys)
    for key in keys:
        if key == "backspace":
            expected = expected[:-1]
        elif key == "return":
            expected += "\n"
        elif len(key) == 1 and key.isprintable():
            expected += key
    assert shown.text == expected[:LONGEST]


def test_simulated_participants_write_something_or_nothing():
    rng, texts = np.random.default_rng(2), set()
    for _ in range(50):
        shown = comment()
        keys = [press.key for press in shown.simulate(TYPING, rng)]
        assert type_in(shown, keys) == DONE
        texts.add(shown.text)
    assert "" in texts
    assert len(texts) > 1
