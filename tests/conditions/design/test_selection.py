"""Batches and schemes by participant."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.blocks import Block, Practice
from conditions.design.selection import Batches, References, Schemes

CONDITIONS = ("none", "natural", "synthetic")


@given(st.integers(1, 500), st.integers(0, 5), st.integers(3, 20), st.integers(1, 6))
def test_conditions_of_a_participant_never_share_a_batch(participant, first, number, every):
    batches = Batches(
        rotation=CONDITIONS,
        practice=99,
        catch=99,
        first_main=first,
        last_main=first + number - 1,
        every=every,
    )
    met = [batches.main(condition, participant) for condition in CONDITIONS]
    assert len(set(met)) == len(CONDITIONS)
    assert all(first <= batch < first + number for batch in met)
    following = [batches.main(condition, participant + every) for condition in CONDITIONS]
    assert following != met


@given(st.integers(1, 10), st.integers(1, 12))
def test_every_batch_is_met_equally_often(every, number):
    batches = Batches(first_main=0, last_main=number - 1, every=every)
    met = Counter(batches.main("natural", p) for p in range(1, every * number + 1))
    assert met == dict.fromkeys(range(number), every)


@given(st.integers(1, 6))
def test_pools_and_schemes_make_a_latin_square(number):
    names = tuple(f"s{i}" for i in range(number))
    pools = tuple(f"p{i}" for i in range(number))
    schemes = Schemes(dict.fromkeys(names, References()), (names,), pools)
    for participant in range(1, 3 * number):
        assert sorted(schemes.pool(name, participant) for name in names) == sorted(pools)
    for name in names:
        assert {schemes.pool(name, p) for p in range(1, number + 1)} == set(pools)


def test_too_many_conditions_for_the_batches_are_refused():
    with pytest.raises(ValueError, match="3 conditions rotate through 2 batches"):
        Batches(rotation=CONDITIONS, first_main=1, last_main=2)


def test_a_block_counts_its_trials():
    assert Block("main", "none", trials=11, extra_trial=True).content("x", longer=True) == {"x": 12}
    drawn = Block("practice", "group", draw={"easy": 3, "very_easy": 1})
    assert drawn.content("x") == {"easy": 3, "very_easy": 1}


def test_practice_that_is_gone_through_once_has_one_round():
    assert Practice().rounds == 1
    assert Practice(until_all_right=True, max_rounds=3).rounds == 3
