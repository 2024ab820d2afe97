"""Base image, covered copies and references of the occlusion task."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.trials.table_maker import TableMaker
from tests.conditions.trials.test_planning import DESIGNS, few, sessions
from tests.conditions.trials.test_two_afc import each, information, shown
from tests.conftest import KINDS_OF_OCCLUSION, some, write_stimulus_set
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet

OCCLUSION = tuple(n for n, d in DESIGNS.items() if d.task == "occlusion")
NUMBERS = {
    "natural": {"natural": 9},
    "synthetic": {"synthetic": 9},
    "mixed": {"natural": 5, "synthetic": 4},
    "blur": {"blur": 9},
    "none": {},
}


@given(sessions(OCCLUSION))
@few
def test_queries_are_the_base_image_with_a_patch_each(maker_of, table_of, session):
    images = information(maker_of(session[0]))
    rows = table_of(*session)
    # In the others one query is of another unit.
    for row in some(rows[rows["relative_activation_difference"].notna()].to_dict("records")):
        base = images[row["base"]]
        assert (base["kind"], base["pole"], base["batch"]) == ("base", "max", row["batch"])
        assert row["base_activation"] == base["activation"]
        for side in "ab":
            query = images[row[f"query_{side}"]]
            assert (query["kind"], query["batch"]) == ("occluded", row["batch"])
            assert query["pole"] == ("max" if side == row["correct_choice"] else "min")
            assert row[f"occluder_{side}_x_px"] == query["occluder_x_px"]
            assert row[f"occluder_{side}_y_px"] == query["occluder_y_px"]
            assert row["occluder_size_px"] == query["occluder_size_px"]
        difference = abs(row["activation_a"] - row["activation_b"]) / row["base_activation"]
        assert row["relative_activation_difference"] == pytest.approx(difference)


@given(sessions(OCCLUSION))
@few
def test_references_are_those_of_the_condition(maker_of, table_of, session):
    images = information(maker_of(session[0]))
    for row in table_of(*session).to_dict("records"):
        references = shown(row, "max")
        kinds = each(images, references, "kind")
        numbers = NUMBERS[row["reference_condition"]]
        assert {kind: kinds.count(kind) for kind in kinds} == numbers
        # Natural ones come first.
        assert kinds == sorted(kinds)
        natural = [path for path in references if images[path]["kind"] == "natural"]
        # The best natural image is the source of the base, and no reference.
        expected = list(range(9 - len(natural), 9))
        ranks = each(images, natural, "rank")
        assert sorted(ranks) == expected
        if DESIGNS[session[0]].references.order == "ranked":
            assert ranks == expected
        assert set(each(images, natural, "batch")) <= {row["batch"]}
        assert row["base"] not in references


@given(st.integers(0, 19))
@few
def test_base_and_queries_are_the_same_in_every_condition(table_of, place):
    """Five participants in a row are one of each group."""
    seen = [
        {
            (row.base, frozenset((row.query_a, row.query_b)))
            for row in table_of("demo_occlusion", 5 * place + i).itertuples()
            if row.trial_role == "main"
        }
        for i in range(1, 6)
    ]
    groups = [table_of("demo_occlusion", 5 * place + i)["group"].iloc[0] for i in range(1, 6)]
    assert sorted(groups) == sorted(NUMBERS)
    assert all(other == seen[0] for other in seen)


def test_there_are_no_columns_of_least_activating_references(table_of):
    assert not [name for name in table_of("demo_occlusion", 1) if "_min_" in name]


@pytest.mark.parametrize(
    ("kinds", "participant", "message"),
    [
        (("natural", "synthetic"), 1, "has 0 base max images in batch 0"),
        (("natural", "synthetic", "base"), 1, "has 0 occluded min images"),
        (("natural", "synthetic", "base", "occluded"), 4, "has 0 blur max images"),
        (("synthetic", "base", "occluded"), 1, "has 0 natural max images .*expected 10 or more"),
        (("natural", "base", "occluded"), 3, "has 0 synthetic max images, expected 4 or more"),
    ],
)
def test_a_set_that_lacks_a_kind_says_so(tmp_path, kinds, participant, message):
    folder = write_stimulus_set(tmp_path / "small", kinds=kinds, with_files=False)
    maker = TableMaker(DESIGNS["demo_occlusion"], StimulusSet.open(folder))
    with pytest.raises(BadInput, match=message):
        maker.table(participant)


@pytest.mark.parametrize(("kind", "value"), [("occluded", 3.0), ("base", 0.0)])
def test_activations_that_make_no_trial_are_refused(tmp_path, kind, value):
    folder = write_stimulus_set(tmp_path / "odd", kinds=KINDS_OF_OCCLUSION, with_files=False)
    opened = StimulusSet.open(folder)
    opened.manifest.loc[opened.manifest["kind"] == kind, "activation"] = value
    with pytest.raises(BadInput, match="activations of the covered images are .* of the base"):
        TableMaker(DESIGNS["demo_occlusion"], opened).table(1)


def test_blank_cells_are_blank(table_of):
    none = table_of("demo_occlusion", 5)
    assert none["group"].iloc[0] == "none"
    assert none[[n for n in none if n.startswith("reference_max")]].isna().all(axis=None)
    assert pd.isna(none["scheme"].iloc[0])
