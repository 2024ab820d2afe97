"""Where everything stands, on every screen and for every task."""

import dataclasses
from functools import partial
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.presentation import Layout
from experiments.runner.exemplar_matching import place_matching
from experiments.runner.layout import SMALL, Box, Screen, fit
from experiments.runner.occlusion import place_occlusion
from experiments.runner.trial import CONTINUE
from experiments.runner.two_afc import place_two_afc
from unitscope.errors import BadInput

POLES = ("min", "max")
FULL_HD = Screen(1920, 1080)
SCREENS = [FULL_HD, Screen(1280, 800), Screen(2560, 1440), Screen(1024, 768)]
HORIZONTAL = Layout(queries="horizontal", query_offset=116)
COMPACT = Layout(image=112, separation=240)


def two_afc(layout=Layout(), **settings):  # noqa: B008
    settings = {"poles": POLES, "per_side": 9} | settings
    return layout, partial(place_two_afc, layout=layout, **settings)


TASKS = {
    **{
        f"2afc {layout.queries} {len(poles)} x {number}{' two-step' * two_step}": two_afc(
            layout, poles=poles, per_side=number, two_step=two_step
        )
        for layout in (Layout(), HORIZONTAL)
        for poles in (("max",), POLES)
        for number in (0, 1, 4, 9)
        for two_step in (False, True)
    },
    **{
        f"2afc {layout.queries} numbered": two_afc(layout, numbered=True)
        for layout in (Layout(), HORIZONTAL)
    },
    "2afc small": two_afc(Layout(image=60)),
    **{
        f"2afc {layout.queries} self-paced": two_afc(layout, self_paced=True)
        for layout in (Layout(), HORIZONTAL)
    },
    "occlusion self-paced": (Layout(separation=96), partial(place_occlusion, self_paced=True)),
    "occlusion": (Layout(separation=96), place_occlusion),
    "occlusion two-step": (Layout(separation=96), partial(place_occlusion, two_step=True)),
    "occlusion small": (Layout(image=60), partial(place_occlusion, two_step=True)),
    **{
        f"matching {k} x {n}": (COMPACT, partial(place_matching, n_rows=k, n_images=n))
        for k in (2, 3, 5)
        for n in (1, 3, 5)
    },
    "matching large": (Layout(separation=0), partial(place_matching, n_rows=3, n_images=1)),
}


def overlapping(boxes):
    return [(a, b) for a, b in combinations(boxes, 2) if boxes[a].overlaps(boxes[b])]


def cut_off(boxes, screen):
    return [
        name
        for name, box in boxes.items()
        if box.left < -screen.width_px / 2
        or box.right > screen.width_px / 2
        or box.top > screen.height_px / 2
        or box.bottom < -screen.height_px / 2
    ]


def at_once(placed):
    """Return what may be clicked in the same phase."""
    return {name: box for name, box in placed.targets.items() if name != CONTINUE}


def place(task, screen, *, shrink=False):
    layout, arrange = TASKS[task]
    return fit([arrange], layout, screen, shrink=shrink)[0]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda s: f"{s.width_px}x{s.height_px}")
@pytest.mark.parametrize("task", TASKS)
def test_nothing_overlaps_or_is_cut_off(task, screen):
    placed = place(task, screen, shrink=True)
    assert not overlapping(placed.boxes())
    assert not overlapping(placed.images())
    assert not overlapping(at_once(placed))
    assert not cut_off(placed.boxes() | placed.images(), screen)


@given(st.sampled_from(sorted(TASKS)), st.floats(0.3, 1.5))
def test_images_are_never_resampled_by_the_graphics_card(task, share):
    placed = place(task, Screen(round(1920 * share), round(1080 * share)), shrink=True)
    sides = {box.width for box in placed.images().values()}
    assert len(sides) == 1
    for box in placed.images().values():
        assert box.width == box.height
        assert box.width % 2 == 0
        assert isinstance(box.x, int)
        assert isinstance(box.y, int)
    if placed.scale == 1:
        assert sides == {TASKS[task][0].image}


def test_the_published_screen():
    placed = fit([two_afc()[1]], Layout(), FULL_HD)[0]
    assert placed.scale == 1
    assert placed.queries["a"] == Box(0, 202, 224, 224)
    assert placed.queries["b"] == Box(0, -202, 224, 224)
    centre = placed.references["reference_max_4"]
    assert (centre.x, centre.y, centre.width) == (583, 0, 224)
    left = min(b.left for n, b in placed.references.items() if "_min_" in n)
    right = max(b.right for n, b in placed.references.items() if "_min_" in n)
    assert right - left == 686


@pytest.mark.parametrize("task", ["2afc vertical 2 x 9", "occlusion"])
def test_references_are_read_row_by_row(task):
    references = place(task, FULL_HD).references
    first, second, fourth = (references[f"reference_max_{i}"] for i in (0, 1, 3))
    assert (second.x - first.x, second.y - first.y) == (231, 0)
    assert (fourth.x - first.x, fourth.y - first.y) == (0, -231)


def test_occlusion_has_references_left_base_above_the_queries_right():
    placed = place("occlusion", FULL_HD)
    base, a, b = placed.base, placed.queries["a"], placed.queries["b"]
    assert max(box.right for box in placed.references.values()) < min(base.left, a.left)
    assert a.y == b.y < base.y
    assert a.x < base.x < b.x
    assert base.top == placed.references["reference_max_0"].top
    assert all(placed.legends[c].y < placed.queries[c].y for c in "ab")


def test_the_published_occlusion_screen_fits_small_screens_unscaled():
    assert place("occlusion", Screen(1280, 800)).images()["base"].width == 224


def test_halves_of_matching_stand_opposite():
    placed = place("matching 3 x 5", FULL_HD)
    for row, slot in zip(placed.rows, placed.slots, strict=True):
        assert (row.y, row.width) == (slot.y, slot.width)
        assert row.right < slot.left
    assert placed.rows[0].y > placed.rows[1].y > placed.rows[2].y
    for i, half in enumerate(placed.rows):
        within = [placed.left[f"left_{i}_{j}"] for j in range(5)]
        assert half.left == within[0].left
        assert half.right == within[-1].right


NEAR = Screen(1920, 1080, width_cm=53.0, distance_cm=60.0)


@pytest.mark.parametrize("task", TASKS)
def test_what_is_clicked_is_a_degree_wide(task):
    targets = place(task, NEAR).targets
    if "matching" in task:
        assert set(targets) >= {"row_0", "slot_1", "undo", "confirm"}
    elif "small" not in task:
        two_step = "two-step" in task
        levels = [f"confidence_{i}" for i in (1, 2, 3)]
        choices = [f"{choice}_{i}" for choice in "ab" for i in (1, 2, 3)]
        assert set(targets) == {CONTINUE, *(["a", "b", *levels] if two_step else choices)}
    for box in targets.values():
        assert min(box.width, box.height) >= NEAR.px_per_deg()


@pytest.mark.parametrize("task", [task for task in TASKS if "matching" not in task])
def test_numbers_to_click_lie_in_their_legend_beside_the_images(task):
    placed = place(task, FULL_HD)
    for action, box in placed.caps.items():
        within = placed.legends.get(action[0], placed.question)
        assert within.left <= box.left < box.right <= within.right
        assert within.bottom <= box.bottom < box.top <= within.top
    if "a" not in placed.caps:
        assert not overlapping(placed.images() | placed.caps)
    button = placed.targets[CONTINUE]
    assert not overlapping(placed.images() | {"button": button})
    if "self-paced" in task:
        assert not overlapping({"above": placed.above, "button": button})
        assert placed.question.bottom <= button.bottom < placed.above.top <= placed.question.top + 2


@pytest.mark.parametrize(
    ("task", "a"),
    [
        ("2afc vertical 2 x 9", (3, 2, 1)),
        ("2afc vertical numbered", (1, 2, 3)),
        ("2afc horizontal numbered", (3, 2, 1)),
        ("occlusion", (3, 2, 1)),
    ],
)
def test_the_most_confident_answers_are_the_outer_ones_unless_numbers_stand_above_each_other(
    task, a
):
    caps = place(task, FULL_HD).caps
    assert tuple(sorted((1, 2, 3), key=lambda i: caps[f"a_{i}"].x)) == a
    assert caps["b_1"].x < caps["b_2"].x < caps["b_3"].x


def test_a_target_of_less_than_a_degree_is_refused_where_it_is_clicked():
    layout, arrange = two_afc(Layout(image=30), two_step=True)
    assert fit([arrange], layout, NEAR)
    assert fit([arrange], layout, FULL_HD, clicked=True)
    with pytest.raises(BadInput, match="makes a, which is clicked, 30 px .* one degree .38 px"):
        fit([arrange], layout, NEAR, clicked=True)


@given(st.integers(-1000, 1000), st.integers(-600, 600))
def test_a_place_is_in_one_target_at_most(x, y):
    targets = place("matching 3 x 5", FULL_HD).targets
    assert sum(box.contains((x, y)) for name, box in targets.items() if name != CONTINUE) <= 1


def test_a_box_holds_as_many_places_as_it_has_pixels():
    box = Box(3, -2, 4, 6)
    places = [(x, y) for x in range(-9, 9) for y in range(-9, 9) if box.contains((x, y))]
    assert len(places) == 24


def test_a_screen_that_is_too_small_is_refused():
    with pytest.raises(BadInput, match="the layout needs 1868 x .* but the screen has 1280 x 800"):
        place("2afc vertical 2 x 9", Screen(1280, 800))


def test_parts_over_one_another_are_refused():
    layout = dataclasses.replace(Layout(), query_offset=90)
    with pytest.raises(BadInput, match="the layout puts query_a over query_b"):
        fit([two_afc(layout)[1]], layout, FULL_HD)


def test_letters_too_large_for_their_place_are_refused():
    fine = Screen(3840, 2160, width_cm=59.7, distance_cm=60.0)
    with pytest.raises(BadInput, match="over .* with letters of 38 px, half a degree on this mon"):
        fit([two_afc()[1]], Layout(), fine)


def test_all_sorts_of_trials_have_one_scale():
    arrangements = [two_afc(per_side=number)[1] for number in (1, 9)]
    small, large = fit(arrangements, Layout(), Screen(1280, 800), shrink=True)
    assert small.scale == large.scale < 1
    assert small.queries == large.queries


def test_degrees_become_pixels():
    screen = Screen(1920, 1080, width_cm=53.0, distance_cm=60.0)
    assert screen.px_per_deg() == pytest.approx(1920 / 53 * 1.04723, rel=1e-4)
    layout = Layout(unit="deg", image=5, gap=0.2, reference_offset=14, query_offset=5, text=0.6)
    placed = fit([two_afc(layout)[1]], layout, screen)[0]
    assert placed.queries["a"].width == 2 * int(5 * screen.px_per_deg() / 2)
    assert not overlapping(placed.boxes())


def test_letters_are_half_a_degree_high_where_the_monitor_is_known():
    layout = Layout(text=9)
    near = Screen(1920, 1080, width_cm=53.0, distance_cm=60.0)
    assert fit([two_afc(layout)[1]], layout, FULL_HD)[0].text_px == 9
    assert fit([two_afc(layout)[1]], layout, near)[0].text_px * SMALL >= 0.5 * near.px_per_deg()


def test_degrees_need_a_known_monitor():
    layout = Layout(unit="deg")
    with pytest.raises(BadInput, match="the monitor's width and distance are unknown"):
        fit([two_afc(layout)[1]], layout, FULL_HD)
