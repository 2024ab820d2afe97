"""Which images are rated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.reading import read_design
from conditions.trials.rating_plan import rating_rows
from tests.conditions.trials.test_planning import few
from tests.conftest import write_stimulus_set
from unitscope.columns import RATING_COLUMNS, names
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet


@given(st.integers(1, 36))
@few
def test_the_same_units_are_rated_before_and_after_by_their_best_image(maker_of, participant):
    maker = maker_of("borowski2021_exp2")
    before, after = (
        rating_rows(maker.design, maker.stimuli, participant, moment)
        for moment in ("before", "after")
    )
    images = maker.stimuli.manifest.set_index("path")
    assert [row["rating_number"] for row in before] == [1, 2, 3]
    assert len({(row["layer"], row["channel"]) for row in before}) == 3
    assert {row["image"] for row in before} == {row["image"] for row in after}
    for row in before:
        assert set(row) < set(names(RATING_COLUMNS))
        shown = images.loc[row["image"]]
        assert (shown["kind"], shown["pole"], shown["rank"]) == ("synthetic", "max", 9)
        assert shown["channel"] == row["channel"]


def test_experiment_one_rates_its_three_units_before_only(maker_of):
    maker = maker_of("borowski2021_exp1")
    before = rating_rows(maker.design, maker.stimuli, 4, "before")
    assert sorted(row["channel"] for row in before) == [17, 43, 504]
    assert rating_rows(maker.design, maker.stimuli, 4, "after") == []


def test_a_design_without_ratings_has_none(maker_of):
    maker = maker_of("demo_two_afc")
    assert rating_rows(maker.design, maker.stimuli, 1, "before") == []


def test_a_unit_without_the_image_is_named(tmp_path, maker_of):
    units = maker_of("borowski2021_exp1").stimuli.units
    folder = write_stimulus_set(
        tmp_path / "small", units=units, kinds=("natural",), n_batches=1, with_files=False
    )
    with pytest.raises(BadInput, match="has no synthetic max image to rate"):
        rating_rows(read_design("borowski2021_exp1"), StimulusSet.open(folder), 1, "before")
