import dataclasses
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.design import Layout
from conditions.errors import BadInput
from experiments.runner.layout import Box, Screen, place

POLES = ("min", "max")
FULL_HD = Screen(1920, 1080)


def overlapping(placement):
    boxes = placement.boxes()
    return [(a, b) for a, b in combinations(boxes, 2) if boxes[a].overlaps(boxes[b])]


def cut_off(placement, screen):
    return [
        name
        for name, box in placement.boxes().items()
        if box.left < -screen.width_px / 2
        or box.right > screen.width_px / 2
        or box.top > screen.height_px / 2
        or box.bottom < -screen.height_px / 2
    ]


def test_the_published_screen():
    placed = place(Layout(), FULL_HD, POLES, 9)
    assert placed.scale == 1
    assert placed.queries["a"] == Box(0, 202, 224, 224)
    assert placed.queries["b"] == Box(0, -202, 224, 224)
    centre = placed.references["reference_max_4"]
    assert (centre.x, centre.y, centre.width) == (583, 0, 224)
    left = min(b.left for n, b in placed.references.items() if "_min_" in n)
    right = max(b.right for n, b in placed.references.items() if "_min_" in n)
    assert right - left == 686
    assert not overlapping(placed)
    assert not cut_off(placed, FULL_HD)


def test_references_are_read_row_by_row():
    references = place(Layout(), FULL_HD, POLES, 9).references
    first, second, fourth = (references[f"reference_min_{i}"] for i in (0, 1, 3))
    assert second.x - first.x == 231
    assert second.y == first.y
    assert fourth.y - first.y == -231
    assert fourth.x == first.x


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 800), (2560, 1440), (1024, 768)])
@pytest.mark.parametrize("queries", ["vertical", "horizontal"])
@pytest.mark.parametrize("per_side", [1, 4, 9])
@pytest.mark.parametrize("poles", [("max",), POLES])
def test_nothing_overlaps_or_is_cut_off(size, queries, per_side, poles):
    layout = Layout(queries=queries)
    if queries == "horizontal":
        layout = dataclasses.replace(layout, query_offset=124, reference_offset=650, image=176)
    screen = Screen(*size)
    placed = place(layout, screen, poles, per_side, shrink=True)
    assert not overlapping(placed)
    assert not cut_off(placed, screen)


@given(st.floats(0.3, 1), st.integers(1, 9))
def test_images_are_never_resampled_by_the_graphics_card(share, per_side):
    screen = Screen(round(1920 * share), round(1080 * share))
    placed = place(Layout(), screen, POLES, per_side, shrink=True)
    for box in [*placed.queries.values(), *placed.references.values()]:
        assert box.width % 2 == 0
        assert isinstance(box.x, int)
        assert isinstance(box.y, int)


def test_a_screen_that_is_too_small_is_refused():
    with pytest.raises(BadInput, match="the layout needs 1868 x .* but the screen has 1280 x 800"):
        place(Layout(), Screen(1280, 800), POLES, 9)


def test_degrees_become_pixels():
    screen = Screen(1920, 1080, width_cm=53.0, distance_cm=60.0)
    assert screen.px_per_deg() == pytest.approx(1920 / 53 * 1.04723, rel=1e-4)
    layout = Layout(unit="deg", image=5, gap=0.2, reference_offset=14, query_offset=5, text=0.6)
    placed = place(layout, screen, POLES, 9)
    assert placed.queries["a"].width == 2 * int(5 * screen.px_per_deg() / 2)
    assert not overlapping(placed)


def test_degrees_need_a_known_monitor():
    with pytest.raises(BadInput, match="the monitor's width and distance are unknown"):
        place(Layout(unit="deg"), FULL_HD, POLES, 9)
