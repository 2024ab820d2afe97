from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.runner.layout import Box, Screen
from experiments.runner.page_layout import (
    READABLE_PX,
    page_boxes,
    place_panels,
    readable_px,
    split,
)
from experiments.runner.pages import Panel

SIZES = [(1920, 1080), (1280, 800), (2560, 1440), (1024, 768)]


def panel(images, columns, right=None, title="the two pictures"):
    return Panel(title, tuple(f"{i}.png" for i in range(images)), columns, right)


TWO_AFC = (panel(9, 3, title="exciting it least"), panel(2, 1, 0), panel(9, 3))
OCCLUSION = (panel(9, 3, title="erregen sie am stärksten"), panel(1, 1), panel(2, 2, 0))
MATCHING = (panel(10, 5, title=""), panel(10, 5, title=""))
ONE = (panel(1, 1), panel(2, 1, 0), panel(1, 1))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("panels", [TWO_AFC, OCCLUSION, MATCHING, ONE])
@pytest.mark.parametrize("share", [0.1, 0.4])
def test_pictures_stay_in_their_box_and_apart(size, panels, share):
    text_px = 26
    boxes = page_boxes(*size, text_px)
    room = boxes.below(boxes.upper.top - share * size[1])
    placed = place_panels(panels, room, text_px)
    images = [box for one in placed for box in one.images]
    for box in images:
        assert box.left >= -size[0] / 2
        assert box.right <= size[0] / 2
        assert box.top <= room.top
        assert box.bottom >= room.bottom - 1
        assert box.width % 2 == 0
        assert box.width >= 24
    titles = [one.title for one in placed if one.panel.title]
    assert not [pair for pair in combinations(images, 2) if pair[0].overlaps(pair[1])]
    assert not any(title.overlaps(box) for title in titles for box in images)
    assert not any(box.overlaps(boxes.hint) for box in images)


def test_panels_stand_in_their_order_around_the_middle():
    placed = place_panels(TWO_AFC, Box(0, -100, 1200, 500), 26)
    lefts = [min(box.left for box in one.images) for one in placed]
    assert lefts == sorted(lefts)
    left, right = placed[0].images[0].left, placed[-1].images[2].right
    assert abs(left + right) < 60
    first, second, fourth = (placed[0].images[i] for i in (0, 1, 3))
    assert second.y == first.y
    assert second.x > first.x
    assert fourth.y < first.y


@given(st.integers(800, 4000), st.integers(600, 2400), st.integers(18, 40))
def test_boxes_of_a_page_do_not_overlap(width, height, text_px):
    boxes = page_boxes(width, height, text_px)
    for box in (boxes.whole, boxes.upper):
        assert not box.overlaps(boxes.hint)
        assert box.left >= -width / 2
        assert box.top <= height / 2
    assert boxes.hint.bottom >= -height / 2


def test_letters_are_never_too_small_to_be_read():
    assert readable_px(26, Screen(1280, 800)) == 26
    assert readable_px(9, Screen(1280, 800)) == READABLE_PX
    assert readable_px(26, Screen(2560, 1440)) == 32
    lab = Screen(1920, 1080, width_cm=53.0, distance_cm=60.0)
    assert readable_px(9, lab) == 19
    assert readable_px(9, lab) >= 0.5 * lab.px_per_deg()


def shorter_than(characters):
    return lambda text: len(text) <= characters


def test_a_text_is_divided_between_paragraphs_else_lines_or_sentences():
    assert split("One.\n\nTwo.", shorter_than(20)) == ["One.\n\nTwo."]
    assert split("One one.\n\nTwo two.", shorter_than(10)) == ["One one.", "Two two."]
    assert split("One one. Two two. Three.", shorter_than(17)) == ["One one. Two two.", "Three."]
    assert split("- one one\n- two two", shorter_than(12)) == ["- one one", "- two two"]
    assert split("A sentence without end", shorter_than(5)) == ["A sentence without end"]
    assert split("", shorter_than(5)) == [""]


@given(st.lists(st.text("ab .\n", max_size=40), max_size=8), st.integers(5, 60))
def test_nothing_is_lost_where_a_text_is_divided(paragraphs, most):
    text = "\n\n".join(paragraphs)
    screens = split(text, shorter_than(most))
    assert "".join(screens).split() == [] or " ".join(screens).split() == text.split()
