"""Which images are rated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.presentation import Ratings
from conditions.design.reading import read_design
from conditions.trials.rating_plan import plan_ratings
from tests.conditions.trials.test_planning import few
from tests.conftest import some, write_stimulus_set
from unitscope.columns import RATING_COLUMNS, names
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet


@given(st.integers(1, 36))
@few
def test_the_same_units_are_rated_before_and_after(maker_of, participant):
    maker = maker_of("borowski2021_exp2")
    before, after = (
        plan_ratings(maker.design, maker.stimuli, participant, moment)
        for moment in ("before", "after")
    )
    rows = [rating.row for rating in before]
    assert [row["rating_number"] for row in rows] == [1, 2, 3]
    assert {(row["layer"], row["channel"]) for row in rows} == {
        ("mixed3a", 43),
        ("mixed4b", 504),
        ("mixed5b", 17),
    }
    assert [rating.images for rating in before] == [rating.images for rating in after]
    for row in some(rows):
        assert set(row) < set(names(RATING_COLUMNS))


@pytest.mark.parametrize("name", ["borowski2021_exp1", "borowski2021_exp2"])
def test_nine_synthetic_stand_beside_nine_natural_images_of_the_unit(maker_of, name):
    maker = maker_of(name)
    images = maker.stimuli.manifest.set_index("path")
    for rating in some(plan_ratings(maker.design, maker.stimuli, 4, "before")):
        assert list(rating.images) == ["synthetic", "natural"]
        for kind, paths in some(rating.images.items()):
            shown = images.loc[list(paths)]
            assert len(set(paths)) == 9
            assert set(shown["kind"]) == {kind}
            assert set(shown["pole"]) == {"max"}
            assert set(shown["channel"]) == {rating.row["channel"]}
        assert rating.row["image"] in rating.images["synthetic"]


def test_experiment_one_rates_its_three_units_before_only(maker_of):
    maker = maker_of("borowski2021_exp1")
    before = plan_ratings(maker.design, maker.stimuli, 4, "before")
    assert sorted(rating.row["channel"] for rating in before) == [17, 43, 504]
    assert plan_ratings(maker.design, maker.stimuli, 4, "after") == []


def test_a_design_without_ratings_has_none(maker_of):
    maker = maker_of("demo_two_afc")
    assert plan_ratings(maker.design, maker.stimuli, 1, "before") == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("natural", "has 0 synthetic max images to rate, expected 9"),
        ("synthetic", "has 0 natural max images to rate, expected 9"),
    ],
)
def test_a_unit_without_the_images_is_named(tmp_path, maker_of, kind, message):
    units = maker_of("borowski2021_exp1").stimuli.units
    folder = write_stimulus_set(
        tmp_path / "small", units=units, kinds=(kind,), n_batches=1, with_files=False
    )
    with pytest.raises(BadInput, match=message):
        plan_ratings(read_design("borowski2021_exp1"), StimulusSet.open(folder), 1, "before")


def test_one_image_of_a_kind_may_be_rated_alone(maker_of):
    maker = maker_of("demo_two_afc")
    design = read_design("demo_two_afc")
    object.__setattr__(design, "ratings", Ratings("practice", before=1, kind="natural"))
    (rating,) = plan_ratings(design, maker.stimuli, 1, "before")
    assert list(rating.images) == ["natural"]
    assert rating.images["natural"] == (rating.row["image"],)
