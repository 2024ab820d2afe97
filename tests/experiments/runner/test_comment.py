import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.keys import Keys
from experiments.runner.comment import LONGEST, TYPING, Comment, wrap_lines
from experiments.runner.phases import DONE, LEAVING, LEFT
from experiments.runner.responses import Press
from tests.conftest import some


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


def test_the_session_can_be_left_and_the_text_stays_while_asked():
    shown = comment()
    type_in(shown, "abc")
    assert type_in(shown, ["escape"], 3) == LEAVING
    assert type_in(shown, ["space"], 5) == TYPING
    assert shown.text == "abc"
    type_in(shown, ["escape"], 7)
    assert type_in(shown, ["q"], 9) == LEFT


def test_a_comment_has_a_longest_length_and_can_be_shortened_then():
    shown = comment()
    type_in(shown, ["x"] * (LONGEST - 1))
    assert not shown.is_full
    type_in(shown, ["x"] * 50, 3)
    assert len(shown.text) == LONGEST
    assert shown.is_full
    type_in(shown, ["home", "delete", "y"], 5)
    assert shown.is_full
    assert shown.text == "y" + "x" * (LONGEST - 1)


def test_text_is_corrected_where_the_caret_is():
    shown = comment()
    type_in(shown, [*"furr on eers", *["left"] * 4, "backspace", "backspace", " ", "home"])
    assert (shown.text, shown.caret) == ("furr o eers", 0)
    type_in(shown, [*["right"] * 3, "delete", "end", "left", "left", "a", "end", "!"], 3)
    assert shown.text == "fur o eears!"


def test_up_and_down_keep_the_place_and_stop_at_the_ends():
    shown = comment()
    type_in(shown, [*"one", "return", *"twenty", "return", *"six"])
    type_in(shown, ["up", "up", "X"], 3)
    assert shown.text == "oneX\ntwenty\nsix"
    type_in(shown, ["down", "end", "down", "Y"], 5)
    assert shown.text == "oneX\ntwenty\nsixY"
    type_in(shown, ["up", "up", "up", "A", *["down"] * 5, "Z", "right"], 7)
    assert shown.text == "AoneX\ntwenty\nsixYZ"


def test_up_and_down_follow_the_lines_of_the_screen():
    shown = comment()
    shown.wrap = lambda text: wrap_lines(text, 10)
    type_in(shown, "the photographs look alike")
    assert shown.lines == ["the ", "photograph", "s look ", "alike"]
    assert shown.caret_place == (3, 5)
    type_in(shown, ["up"], 3)
    assert shown.caret_place == (2, 5)
    type_in(shown, ["home"], 5)
    assert shown.caret_place == (2, 0)
    type_in(shown, ["up", "end"], 7)
    # What is typed there stands where the caret is.
    type_in(shown, ["X"], 9)
    assert shown.text == "the photograpXhs look alike"


EDITING = ["backspace", "delete", "return", "left", "right", "home", "end", "up", "down", "f9"]


@given(st.lists(st.one_of(st.characters(), st.sampled_from(EDITING[:-3]), st.just("f9"))))
def test_the_text_is_what_an_editor_would_hold(keys):
    shown = comment()
    before, after = "", ""
    type_in(shown, keys)
    for key in keys:
        if key == "backspace":
            before = before[:-1]
        elif key == "delete":
            after = after[1:]
        elif key == "left":
            before, after = before[:-1], before[-1:] + after
        elif key == "right":
            before, after = before + after[:1], after[1:]
        elif key == "home":
            head, newline, line = before.rpartition("\n")
            before, after = head + newline, line + after
        elif key == "end":
            line, newline, tail = after.partition("\n")
            before, after = before + line, newline + tail
        elif key == "return":
            before += "\n"
        elif len(key) == 1 and key.isprintable():
            before += key
    assert (shown.text, shown.caret) == (before + after, len(before))


@given(
    st.text(st.sampled_from("ab \n毛"), max_size=60),
    st.integers(1, 12),
    st.lists(st.sampled_from(EDITING), max_size=30),
)
def test_the_caret_is_always_in_the_text_and_in_its_line(text, width, keys):
    shown = comment()
    shown.wrap = lambda typed: wrap_lines(typed, width)
    type_in(shown, ["return" if c == "\n" else c for c in text])
    for i, key in enumerate(keys):
        type_in(shown, [key], 3 + 2 * i)
        assert 0 <= shown.caret <= len(shown.text)
        lines, (line, before) = shown.lines, shown.caret_place
        assert sum(map(len, lines[:line])) + before == shown.caret
        assert before <= len(lines[line])


@given(st.text(st.sampled_from("ab \n毛"), max_size=60), st.integers(1, 12))
def test_lines_hold_the_whole_text_and_no_more_than_their_width(text, width):
    lines = wrap_lines(text, width)
    assert "".join(lines) == text
    for line in some(lines):
        assert len(line.rstrip(" \n")) <= width
        assert "\n" not in line[:-1]


def test_simulated_participants_write_something_or_nothing():
    rng, texts = np.random.default_rng(2), set()
    for _ in range(50):
        shown = comment()
        keys = [press.key for press in shown.simulate(TYPING, rng)]
        assert type_in(shown, keys) == DONE
        texts.add(shown.text)
    assert "" in texts
    assert len(texts) > 1
