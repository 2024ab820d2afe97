"""Rules that the tables of every two-alternative and occlusion design keep."""

from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conditions.design.randomness import shuffle
from conditions.design.reading import read_design, shipped_designs
from conditions.trials.planning import plan_trials, sides_of
from conditions.trials.unit_pools import PoolUnit
from tests.conftest import some, toy_units
from unitscope.columns import IMAGE_NAMES
from unitscope.errors import BadInput

DESIGNS = {name: read_design(name) for name in shipped_designs()}
CHOICE = [n for n, d in DESIGNS.items() if d.task != "exemplar_matching"]
few = settings(max_examples=20, deadline=None)


def sessions(names=tuple(CHOICE)):
    """Any participant of any of these designs."""
    return st.sampled_from(names).flatmap(
        lambda name: st.tuples(st.just(name), st.integers(1, DESIGNS[name].participants))
    )


@given(sessions())
@few
def test_no_query_image_is_seen_twice(table_of, session):
    table = table_of(*session)
    own = table[table["trial_role"].isin(["practice", "main"])]
    # Another round of practice, and that of another scheme, may show a unit once more.
    for _, once in own.groupby([own["practice_round"].fillna(0), own["scheme"].fillna("")]):
        counts = Counter([*once["query_a"], *once["query_b"]])
        assert max(counts.values()) == 1
    main = {*own.query("trial_role == 'main'")["query_a"]}
    assert not main & {*own.query("trial_role == 'practice'")["query_a"]}


@given(sessions())
@few
def test_no_query_of_a_main_trial_is_seen_in_any_other_trial(table_of, session):
    table = table_of(*session).query("trial_role != 'repeat'")
    counts = Counter([*table["query_a"], *table["query_b"]])
    main = table.query("trial_role == 'main'")
    assert {counts[image] for image in some([*main["query_a"], *main["query_b"]])} == {1}


@given(sessions())
@few
def test_a_query_is_never_one_of_its_references_unless_it_is_to_catch(table_of, session):
    table = table_of(*session)
    references = [name for name in table if name.startswith("reference_") and name[-1].isdigit()]
    for row in table[table["trial_role"] != "repeat"].to_dict("records"):
        shown = {row[name] for name in references if pd.notna(row[name])}
        queries = {row["query_a"], row["query_b"]}
        caught = row["trial_role"] == "catch" and row["task"] == "two_afc"
        assert bool(queries & shown) == caught


@given(sessions())
@few
def test_the_correct_answer_activates_the_unit_more_and_sides_are_balanced_or_drawn(
    table_of, session
):
    table = table_of(*session)
    table = table[table["trial_role"] != "repeat"]
    known = table.dropna(subset=["activation_a", "activation_b"])
    higher = (known["activation_a"] > known["activation_b"]).map({True: "a", False: "b"})
    assert (higher == known["correct_choice"]).all()
    for _, block in some(table.groupby(["block_number", table["practice_round"].fillna(0)])):
        sides = block["correct_choice"].value_counts()
        assert (
            DESIGNS[session[0]].sides == "drawn" or abs(sides.get("a", 0) - sides.get("b", 0)) <= 1
        )


@given(sessions())
@few
def test_a_scheme_and_condition_shows_each_main_unit_once(table_of, session):
    main = table_of(*session).query("trial_role == 'main'")
    for _, own in main.groupby(["reference_condition", main["scheme"].fillna("")]):
        assert not own.duplicated(["layer", "channel"]).any()
    by_scheme = main.groupby(main["scheme"].fillna(""))
    for _, scheme in by_scheme:
        units = [
            sorted(zip(own["layer"], own["channel"], strict=True))
            for _, own in scheme.groupby("reference_condition")
        ]
        assert all(other == units[0] for other in units)


@given(sessions())
@few
def test_trials_and_blocks_are_numbered_in_order(table_of, session):
    table = table_of(*session)
    assert table["trial_number"].tolist() == list(range(1, len(table) + 1))
    assert table["block_number"].is_monotonic_increasing
    assert set(table["block_number"]) == set(range(1, table["block_number"].max() + 1))
    for _, block in table.groupby(["block_number", table["practice_round"].fillna(0)]):
        assert block["trial_in_block"].tolist() == list(range(1, len(block) + 1))


@given(sessions())
@few
def test_practice_and_catch_take_other_units_than_main(table_of, session):
    table = table_of(*session).dropna(subset=["channel"])
    units = table.assign(unit=table["layer"] + table["channel"].astype(str))
    main = set(units.query("trial_role == 'main'")["unit"])
    assert not main & set(units.query("trial_role in ('practice', 'catch')")["unit"])


@given(sessions())
@few
def test_practice_shows_a_unit_once_in_a_round(table_of, session):
    practice = table_of(*session).query("trial_role == 'practice'")
    for _, once in practice.groupby(
        [practice["practice_round"].fillna(0), practice["scheme"].fillna("")]
    ):
        assert not once.duplicated(["layer", "channel"]).any()


@pytest.mark.parametrize("name", DESIGNS)
def test_the_order_of_the_manifest_does_not_matter(maker_of, table_of, name):
    from conditions.trials.table_maker import TableMaker
    from unitscope.stimulus_set import StimulusSet

    own = maker_of(name)
    other = StimulusSet(own.stimuli.folder, own.stimuli.manifest.iloc[::-1].reset_index(drop=True))
    table = TableMaker(own.design, other).table(2)
    pd.testing.assert_frame_equal(table, table_of(name, 2))


@pytest.mark.parametrize("name", DESIGNS)
def test_every_image_is_one_of_the_set(maker_of, table_of, name):
    known = set(maker_of(name).stimuli.manifest["path"])
    table = table_of(name, 1)
    shown = {x for column in IMAGE_NAMES if column in table for x in table[column].dropna()}
    assert shown
    assert shown <= known


@pytest.mark.parametrize("name", DESIGNS)
def test_participants_differ(table_of, name):
    first, second = (table_of(name, p).drop(columns="participant_number") for p in (1, 2))
    assert not first.equals(second)


@pytest.mark.parametrize("name", DESIGNS)
def test_more_participants_than_can_be_counterbalanced(maker_of, name):
    last = DESIGNS[name].participants
    with pytest.raises(BadInput, match=f"participant {last + 1} cannot be counterbalanced"):
        maker_of(name).table(last + 1)
    with pytest.raises(BadInput, match=f"expected 1 to {last}"):
        maker_of(name).table(0)


@given(st.integers(0, 40), st.integers(1, 50), st.integers(1, 9))
def test_sides_are_balanced_for_any_number(number, participant, block):
    sides = sides_of(DESIGNS["demo_two_afc"], number, participant, block)
    assert len(sides) == number
    assert abs(sides.count("a") - sides.count("b")) <= 1


def test_an_odd_trial_falls_to_both_sides():
    odd = {tuple(sides_of(DESIGNS["demo_two_afc"], 1, p, 1)) for p in range(1, 30)}
    assert odd == {("a",), ("b",)}


@given(st.lists(st.integers()), st.text())
def test_a_shuffle_keeps_every_item(items, label):
    assert sorted(shuffle(DESIGNS["demo_two_afc"], items, label)) == sorted(items)


def test_a_pool_that_is_too_small_is_named():
    design = DESIGNS["demo_two_afc"]
    pools = {
        pool: [PoolUnit(unit, pool) for unit in toy_units(number)]
        for pool, number in (("main", 5), ("practice", 3))
    }
    with pytest.raises(BadInput, match="pool 'main' has 5 units, too few for the main trials"):
        plan_trials(design, pools, 1)
