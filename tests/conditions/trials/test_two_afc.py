"""Queries and references of the two-alternative forced choice."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.trials.table_maker import TableMaker
from tests.conditions.trials.test_planning import DESIGNS, few, sessions
from tests.conftest import write_stimulus_set
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet

TWO_AFC = tuple(n for n, d in DESIGNS.items() if d.task == "two_afc")


def shown(row, pole):
    names = [f"reference_{pole}_{i}" for i in range(9)]
    filled = [row[name] for name in names if pd.notna(row[name])]
    # Places are filled from 0 on.
    assert all(pd.notna(row[name]) for name in names[: len(filled)])
    return filled


def is_unranked(references, row):
    return references.synthetic == "unranked" and row["reference_condition"] == "synthetic"


def references_of(design, row):
    return design.schemes.references[row["scheme"]] if design.schemes else design.references


INFORMATION = {}


def information(maker):
    """Return the manifest's row of each image."""
    if maker.design.name not in INFORMATION:
        rows = maker.stimuli.manifest.astype(object).to_dict("records")
        INFORMATION[maker.design.name] = {row["path"]: row for row in rows}
    return INFORMATION[maker.design.name]


def each(images, paths, column):
    return [images[path][column] for path in paths]


@given(sessions(TWO_AFC))
@few
def test_references_fill_their_places_with_images_of_their_condition(maker_of, table_of, session):
    images, design = information(maker_of(session[0])), DESIGNS[session[0]]
    for row in table_of(*session).query("trial_role != 'repeat'").to_dict("records"):
        own = references_of(design, row)
        for pole in ("min", "max"):
            references = shown(row, pole)
            if row["reference_condition"] == "none" or pole not in own.poles:
                assert not references
                continue
            assert len(references) == own.per_side
            assert set(each(images, references, "kind")) == {row["reference_condition"]}
            assert set(each(images, references, "pole")) == {pole}
            if own.order == "ranked" and not is_unranked(own, row):
                activations = each(images, references, "activation")
                assert activations == sorted(activations)
            assert set(each(images, references, "layer")) == {row["layer"]}
            assert set(each(images, references, "channel")) == {row["channel"]}


@given(sessions(TWO_AFC))
@few
def test_queries_are_the_extremes_of_the_batch_and_references_stand_next_to_them(
    maker_of, table_of, session
):
    images, design = information(maker_of(session[0])), DESIGNS[session[0]]
    for row in table_of(*session).query("trial_role in ('main', 'practice')").to_dict("records"):
        a, b = images[row["query_a"]], images[row["query_b"]]
        low, high = (b, a) if row["correct_choice"] == "a" else (a, b)
        assert (low["kind"], low["pole"], low["rank"]) == ("natural", "min", 0)
        # Of ten images, or of the two for trials with one reference.
        last = 1 if references_of(design, row).per_side == 1 else 9
        assert (high["kind"], high["pole"], high["rank"]) == ("natural", "max", last)
        assert (row["batch"] >= 20) == (last == 1)
        assert low["batch"] == high["batch"] == row["batch"]
        least, most = shown(row, "min"), shown(row, "max")
        if row["reference_condition"] == "natural":
            assert sorted(each(images, most, "rank")) == list(range(last - len(most), last))
            assert sorted(each(images, least, "rank")) == list(range(1, len(least) + 1))
            assert set(each(images, least + most, "batch")) == {row["batch"]}
        elif row["reference_condition"] == "synthetic" and not is_unranked(
            references_of(design, row), row
        ):
            # The strongest of those that there are.
            ends = 10 if design.units.table else 9
            assert each(images, most, "rank") == list(range(ends - len(most), ends))
            assert each(images, least, "rank") == list(range(len(least)))


@given(sessions(tuple(n for n in TWO_AFC if DESIGNS[n].units.table)))
@few
def test_the_studies_show_synthetic_images_whatever_their_activation(maker_of, table_of, session):
    """Which ones and, but where they are shuffled, in which order: that of their seeds."""
    maker, design = maker_of(session[0]), DESIGNS[session[0]]
    images = information(maker)
    rows = (
        table_of(*session)
        .query("reference_condition == 'synthetic'")
        .query("trial_role != 'repeat'")
    )
    for row in rows.to_dict("records"):
        for pole in references_of(design, row).poles:
            seeds = each(images, shown(row, pole), "seed")
            unit = next(
                unit
                for unit in maker.stimuli.units
                if unit.channel == row["channel"] and unit.layer == row["layer"]
            )
            every = [image.seed for image in maker.stimuli.synthetic(unit, pole, len(seeds))]
            assert len(every) == (2 if len(seeds) == 1 else 10)
            assert sorted(seeds) == sorted(every)[: len(seeds)]
            if references_of(design, row).order == "ranked":
                assert seeds == sorted(seeds)


@given(sessions(TWO_AFC))
@few
def test_catch_queries_are_shown_references_of_their_kind(maker_of, table_of, session):
    images = information(maker_of(session[0]))
    for row in table_of(*session).query("trial_role == 'catch'").to_dict("records"):
        queries = {row["query_a"], row["query_b"]}
        assert set(each(images, queries, "kind")) == {row["reference_condition"]}
        assert set(each(images, queries, "pole")) == {"min", "max"}
        for pole in ("min", "max"):
            if references := shown(row, pole):
                assert len(queries & set(references)) == 1


@given(st.integers(1, 200))
@few
def test_each_condition_has_a_batch_of_its_own(table_of, participant):
    table = table_of("demo_two_afc", participant)
    main = table.query("trial_role == 'main'")
    batches = main.groupby("reference_condition")["batch"].unique()
    assert all(len(b) == 1 for b in batches)
    assert len({b[0] for b in batches}) == 3
    assert set(table.query("trial_role != 'main'")["batch"]) == {0}


def test_odd_and_even_participants_begin_with_another_condition(table_of):
    def firsts(participant):
        main = table_of("demo_two_afc", participant).query("trial_role == 'main'")
        return list(dict.fromkeys(main["reference_condition"]))

    assert firsts(1) == firsts(3) == ["none", "synthetic", "natural"]
    assert firsts(2) == firsts(4) == ["none", "natural", "synthetic"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_units": 8}, "8 units, but design 'demo_two_afc' draws 9 .6 main, 3 practice"),
        ({"n_batches": 2}, "has 0 natural min images in batch 2, expected 1 or more"),
        ({"n_synthetic": 5}, "has 5 synthetic min images, expected 9 or more"),
    ],
)
def test_a_set_that_is_too_small_says_what_is_missing(tmp_path, changes, message):
    small = StimulusSet.open(write_stimulus_set(tmp_path / "small", with_files=False, **changes))
    with pytest.raises(BadInput, match=message):
        TableMaker(DESIGNS["demo_two_afc"], small).table(2)


def test_queries_the_wrong_way_round_are_refused(tmp_path):
    folder = write_stimulus_set(tmp_path / "odd", with_files=False)
    opened = StimulusSet.open(folder)
    opened.manifest.loc[opened.manifest["pole"] == "min", "activation"] += 100
    with pytest.raises(BadInput, match="batch 0: the min query's activation 90 is not below"):
        TableMaker(DESIGNS["demo_two_afc"], opened).table(1)
