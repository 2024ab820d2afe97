import dataclasses

import pytest

from conditions.design.reading import read_design
from experiments.runner.layout import Screen
from experiments.runner.placements import placements, sort_of
from tests.conftest import some
from unitscope.errors import BadInput

FULL_HD = Screen(1920, 1080)
TWO_AFC = read_design("demo_two_afc")
NAMES = [f"reference_{pole}_{i}" for pole in ("min", "max") for i in range(9)]


def row(poles=(), per_side=0):
    shown = {f"reference_{pole}_{i}" for pole in poles for i in range(per_side)}
    return {name: "x.png" if name in shown else None for name in NAMES}


@pytest.mark.parametrize(
    ("cells", "sort"),
    [
        (row(("min", "max"), 9), (("min", "max"), 9)),
        (row(("max",), 1), (("max",), 1)),
        (row(("min", "max"), 1), (("min", "max"), 1)),
        (row(), (("min", "max"), 9)),
    ],
)
def test_references_tell_how_a_trial_is_placed(cells, sort):
    assert sort_of(cells, TWO_AFC) == sort
    (placement,) = placements([cells], TWO_AFC, FULL_HD).values()
    assert len(placement.references) == len(sort[0]) * sort[1]


def test_schemes_of_a_session_share_queries_and_scale():
    rows = [row(poles, n) for poles in (("max",), ("min", "max")) for n in (1, 9)]
    placed = placements(rows, TWO_AFC, Screen(1280, 800), shrink=True)
    assert len(placed) == 4
    assert len({p.scale for p in placed.values()}) == 1
    assert len({tuple(p.queries.items()) for p in placed.values()}) == 1


def test_a_screen_too_small_for_one_scheme_is_refused():
    placements([row(("max",), 1)], TWO_AFC, Screen(1500, 1000))
    with pytest.raises(BadInput, match="the layout needs 1868"):
        placements([row(("max",), 1), row(("min", "max"), 9)], TWO_AFC, Screen(1500, 1000))


def test_halves_tell_how_a_matching_trial_is_placed():
    design = read_design("demo_exemplar_matching")
    rows = [{"n_rows": 3, "n_images": n} for n in (1, 3, 1)]
    placed = placements(rows, design, FULL_HD)
    assert list(placed) == [(3, 1), (3, 3)]
    assert [len(p.left) for p in placed.values()] == [3, 9]


def test_all_occlusion_trials_have_one_placement():
    design = read_design("demo_occlusion")
    (placement,) = placements([row(("max",), 9), row()], design, FULL_HD).values()
    assert set(placement.images()) == {"base", "query_a", "query_b"} | set(NAMES[9:])
    two_step = dataclasses.replace(design, confidence="two_step")
    (other,) = placements([row()], two_step, FULL_HD).values()
    assert other.images() == placement.images()


@pytest.mark.parametrize(
    "name",
    [
        "borowski2021_exp1",
        "borowski2021_exp2",
        "zimmermann2021_replication",
        "zimmermann2021_occlusion",
        "klein2023_exemplar",
        "klein2023_featurevis",
    ],
)
def test_every_published_screen_fits_full_hd(name):
    design = read_design(name)
    rows = [row(("min", "max"), 9)]
    if design.task == "exemplar_matching":
        rows = [{"n_rows": 3, "n_images": n} for n in design.matching.n_images]
    for placement in some(placements(rows, design, FULL_HD).values()):
        assert placement.scale == 1
