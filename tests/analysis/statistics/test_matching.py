"""Scores of exemplar matching against chance, which is a random permutation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from analysis.statistics.matching import chance, matching_scores, scores


def simulate(seed, knows=0.0, participants=20, trials=30, k=3):
    """Simulate participants who know a pairing with a probability and guess otherwise."""
    rng = np.random.default_rng(seed)
    rows = []
    for participant in range(participants):
        for trial in range(trials):
            slots = np.arange(k) if rng.random() < knows else rng.permutation(k)
            rows.append(
                {
                    "participant": f"p{participant}",
                    "matching": ("exemplar", "feature_visualization")[trial % 2],
                    "n_images": (1, 3, 5)[trial % 3],
                    "depth": ("early", "middle", "late")[trial // 3 % 3],
                    "n_rows": k,
                    "hits": int((slots == np.arange(k)).sum()),
                }
            )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_chance_is_that_of_all_permutations(k):
    hits = [sum(i == s for i, s in enumerate(p)) for p in itertools.permutations(range(k))]
    assert chance(k)["all_correct"] == pytest.approx(hits.count(k) / math.factorial(k))
    assert chance(k)["hit_share"] == pytest.approx(np.mean(hits) / k)


def test_guessers_are_at_chance_and_knowers_are_above():
    guess = matching_scores(simulate(1), by=()).set_index("score")
    assert (guess["low"] <= guess["chance"]).all()
    assert (guess["high"] >= guess["chance"]).all()
    known = matching_scores(simulate(2, knows=0.5), by=()).set_index("score")
    assert known.loc["all_correct", "mean"] == pytest.approx(0.5 + 0.5 / 6, abs=0.06)
    assert known.loc["hit_share", "mean"] == pytest.approx(0.5 + 0.5 / 3, abs=0.06)
    assert (known["p"] < 1e-6).all()


@pytest.mark.slow
def test_tests_against_chance_keep_their_level():
    p = [matching_scores(simulate(s, participants=12), by=())["p"].iloc[0] for s in range(300)]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09


def test_factors_are_told_apart():
    table = matching_scores(simulate(3, 0.3))
    assert len(table) == 2 * 2 * 3 * 3
    assert set(table["n_trials"].unique()) <= set(range(20, 60))
    assert table.groupby("score")["n_trials"].sum().tolist() == [600, 600]


def test_different_numbers_of_rows_have_their_own_chance():
    mixed = pd.concat([simulate(1, k=2), simulate(2, k=4)])
    levels = scores(mixed).groupby("n_rows")["chance_all_correct"].first()
    assert levels.tolist() == pytest.approx([1 / 2, 1 / 24])


def test_one_participant_has_no_interval_but_says_why():
    table = matching_scores(simulate(1, participants=1), by=())
    assert table["low"].isna().all()
    assert table["reason"].str.contains("not computable").all()


def test_unanswered_trials_do_not_count():
    trials = simulate(1)
    trials.loc[::2, "hits"] = None
    assert matching_scores(trials, by=())["n_trials"].tolist() == [300, 300]


def test_an_interval_of_scores_is_a_t_interval_over_participants_on_the_logit():
    trials = simulate(5, 0.6, participants=6)
    table = matching_scores(trials, by=()).set_index("score")
    for score, values in (("all_correct", trials["hits"] == 3), ("hit_share", trials["hits"] / 3)):
        own = values.groupby(trials["participant"]).mean()
        half = stats.t.ppf(0.975, 5) * stats.sem(own) / (own.mean() * (1 - own.mean()))
        ends = special.expit(special.logit(own.mean()) + np.array([-half, half]))
        assert table.loc[score, ["low", "high"]].tolist() == pytest.approx(ends.tolist())
        test = stats.ttest_1samp(own, chance(3)[score])
        assert table.loc[score, "p"] == pytest.approx(test.pvalue)


@pytest.mark.parametrize(("hits", "low", "high"), [(3, 0.025 ** (1 / 60), 1), (0, 0, None)])
def test_scores_without_errors_have_a_one_sided_bound_and_no_test(hits, low, high):
    trials = simulate(6, participants=2).assign(hits=hits)
    table = matching_scores(trials, by=())
    assert table["low"].tolist() == pytest.approx([low] * 2)
    assert table["high"].tolist() == pytest.approx([high or 1 - 0.025 ** (1 / 60)] * 2)
    assert table["p"].isna().all()
    assert table["reason"].str.contains("all participants have the same mean").all()
