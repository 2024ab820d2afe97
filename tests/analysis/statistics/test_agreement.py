"""Kappa by its definition, its bounds, and intervals that resample people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.statistics.agreement import Answers, agreement, answers, kappa_bounds, kappa_matrix

RIGHT = st.sampled_from([0.0, 1.0, np.nan])


def kappa_by_hand(one, two):
    both = [(a, b) for a, b in zip(one, two, strict=True) if a == a and b == b]
    if not both:
        return None
    p1, p2 = (np.mean([pair[i] for pair in both]) for i in (0, 1))
    observed = np.mean([a == b for a, b in both])
    expected = p1 * p2 + (1 - p1) * (1 - p2)
    return None if expected > 1 - 1e-12 else (observed - expected) / (1 - expected)


@given(arrays(float, (4, 9), elements=RIGHT))
def test_every_entry_is_kappa_by_its_definition(correct):
    kappa, shared = kappa_matrix(correct)
    for i in range(4):
        for j in range(4):
            expected = None if i == j else kappa_by_hand(correct[i], correct[j])
            if expected is None:
                assert np.isnan(kappa[i, j])
            else:
                assert kappa[i, j] == pytest.approx(expected, abs=1e-9)
            assert shared[i, j] == sum(np.isfinite(correct[i]) & np.isfinite(correct[j]))


@given(arrays(float, (2, 12), elements=st.sampled_from([0.0, 1.0])))
def test_kappa_stays_within_the_bounds_of_the_accuracies(correct):
    low, high = kappa_bounds(*correct.mean(1))
    kappa = kappa_matrix(correct)[0][0, 1]
    assert np.isnan(kappa) == np.isnan(low)
    if not np.isnan(kappa):
        assert low - 1e-9 <= kappa <= high + 1e-9


def simulate(seed, groups=("natural", "synthetic"), each=20, items=60, common=1.5):
    """Observers who find the same items hard, more so within a group."""
    rng = np.random.default_rng(seed)
    hard = {group: rng.normal(0, common, items) for group in groups}
    rows, names = [], []
    for group in groups:
        for _ in range(each):
            logit = 0.6 + hard[group]
            rows.append((rng.random(items) < 1 / (1 + np.exp(-logit))).astype(float))
            names.append(group)
    return Answers(np.array(rows), tuple(names))


def test_groups_that_err_alike_are_told_from_groups_that_do_not():
    table = agreement(simulate(1), n_bootstrap=300).set_index(["group_1", "group_2"])
    within, between = table.loc[("natural", "natural")], table.loc[("natural", "synthetic")]
    assert within["low"] > 0.1
    assert abs(between["kappa"]) < 0.15
    assert within["n_pairs"] == 20 * 19 / 2
    assert between["n_pairs"] == 400


def test_intervals_resample_people_and_so_are_wider_than_pairs_would_be():
    found = simulate(2, ("natural",), each=10)
    row = agreement(found, n_bootstrap=800).iloc[0]
    kappa = kappa_matrix(found.correct)[0]
    pairs = kappa[np.triu_indices(10, 1)]
    as_if_independent = 3.92 * pairs.std(ddof=1) / np.sqrt(len(pairs))
    assert row["high"] - row["low"] > as_if_independent


@pytest.mark.slow
def test_intervals_cover_the_expected_kappa():
    truth = np.mean([agreement(simulate(9000 + s, ("g",), 60), 2)["kappa"][0] for s in range(30)])
    covered = 0
    for seed in range(60):
        # The items are new each time, so that the interval, which is over people, is short of it.
        row = agreement(simulate(seed, ("g",), 20, items=400), 300, seed).iloc[0]
        covered += row["low"] - 0.03 <= truth <= row["high"] + 0.03
    assert covered >= 48


def test_the_same_seed_gives_the_same_table():
    pd.testing.assert_frame_equal(agreement(simulate(3), 50, 7), agreement(simulate(3), 50, 7))


@pytest.mark.parametrize(
    ("correct", "reason"),
    [
        ([[1, np.nan], [np.nan, 0]], "no two observers share a trial"),
        ([[1, 1], [1, 1]], "chance agreement is 1"),
    ],
)
def test_what_is_not_defined_is_said(correct, reason):
    row = agreement(Answers(np.array(correct, float), ("g", "g"))).iloc[0]
    assert np.isnan(row["kappa"])
    assert reason in row["reason"]


def test_two_pairs_with_a_kappa_have_no_interval():
    """Nobody else shares a trial, so that draws would hold these pairs or none."""
    correct = np.full((8, 40), np.nan)
    rng = np.random.default_rng(3)
    for pair in range(4):
        items = slice(10 * pair, 10 * pair + 10)
        correct[2 * pair : 2 * pair + 2, items] = rng.permuted([[0, 1] * 5] * 2, axis=1)
    four = agreement(Answers(correct, ("g",) * 8), 200).iloc[0]
    assert four["n_pairs"] == 4 and np.isfinite(four["low"]) and four["reason"] == ""
    two = agreement(Answers(correct[:4], ("g",) * 4), 200).iloc[0]
    assert np.isfinite(two["kappa"]) and np.isnan(two["low"])
    assert "fewer than 3 pairs" in two["reason"]


def test_a_baseline_is_a_group_of_one_without_an_interval_of_its_own():
    found = simulate(4, ("natural",), each=6)
    correct = np.vstack([found.correct, found.correct[:1]])
    table = agreement(Answers(correct, (*found.groups, "centre")), 100)
    by_pair = table.set_index(["group_1", "group_2"])
    assert by_pair.loc[("centre", "centre"), "n_pairs"] == 0
    assert by_pair.loc[("centre", "natural"), "n_pairs"] == 6
    assert np.isfinite(by_pair.loc[("centre", "natural"), "low"])


def trial(participant, a, b, right, kind="person", observer=None, condition="natural"):
    return {
        "observer_kind": kind,
        "observer": observer,
        "participant": participant,
        "reference_condition": condition,
        "unit": "u1",
        "query_a": a,
        "query_b": b,
        "correct": right,
    }


def test_items_are_the_same_whatever_the_sides():
    trials = pd.DataFrame(
        [
            trial("p1", "x", "y", True),
            trial("p1", "v", "w", False),
            trial("p2", "y", "x", True, condition="blur"),
            trial("p3", "v", "w", None),
            trial("c", "x", "y", False, "baseline", "centre"),
        ]
    )
    found = answers(trials)
    assert found.groups == ("blur", "centre", "natural")
    assert found.correct.shape == (3, 2)
    assert np.isfinite(found.correct).sum() == 4
    with pytest.raises(Exception, match="no column 'grup'"):
        answers(trials, "grup")


def test_only_trials_with_the_same_references_are_paired():
    """A machine meets each query pair under both conditions, people under one each."""
    rows = []
    for item in range(6):
        queries = (f"x{item}", f"y{item}")
        rows += [
            trial("p1", *queries, item % 2 == 0),
            trial("p2", *queries, item < 3, condition="blur"),
            trial("m", *queries, item % 2 == 0, "machine", "net"),
            trial("m", *queries, item < 3, "machine", "net", condition="blur"),
        ]
    found = answers(pd.DataFrame(rows))
    table = agreement(found, 20).set_index(["group_1", "group_2"])
    assert table.loc[("natural", "net"), "kappa"] == 1
    assert table.loc[("blur", "net"), "kappa"] == 1
    assert table.loc[("natural", "net"), "n_pairs"] == 1
    assert table.loc[("net", "net"), "n_pairs"] == 0
    # Conditions are compared with each other on the same queries.
    assert table.loc[("blur", "natural"), "kappa"] == pytest.approx(
        kappa_by_hand(*found.correct[:2])
    )


def test_presentation_schemes_are_not_paired_with_each_other():
    rows = []
    for scheme, who in (("one", "ab"), ("nine", "ac")):
        for person in who:
            for item in range(4):
                right = (item % 2 == 0) if person == "a" else (item < 2)
                rows.append(trial(person, f"x{item}", f"y{item}", right) | {"scheme": scheme})
    table = agreement(answers(pd.DataFrame(rows)), 20).iloc[0]
    # b and c met the same queries, but never under the same scheme.
    assert (table["n_pairs"], table["n_undefined"], table["n_observers_1"]) == (2, 0, 3)


def test_nobody_is_paired_with_themselves_in_another_condition():
    rows = [
        trial("p1", f"x{item}", f"y{item}", item % 2 == 0, condition=condition)
        for item in range(4)
        for condition in ("natural", "blur")
    ]
    table = agreement(answers(pd.DataFrame(rows)), 20).set_index(["group_1", "group_2"])
    assert table.loc[("blur", "natural"), "n_pairs"] == 0
