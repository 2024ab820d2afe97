"""Simulated reliability is recovered; repeated trials are compared with the first ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from analysis.statistics.intervals import wilson
from analysis.statistics.reliability import repeat_consistency, spearman_brown, split_half


def simulate(seed, unit_sd, participants=24, units=30):
    rng = np.random.default_rng(seed)
    p = np.repeat(np.arange(participants), units)
    u = np.tile(np.arange(units), participants)
    chance = 1 / (1 + np.exp(-0.5 - rng.normal(0, unit_sd, units)))
    return pd.DataFrame({"participant": p, "unit": u, "correct": rng.random(len(p)) < chance[u]})


def test_twice_as_long_is_more_reliable():
    assert spearman_brown(0.5) == pytest.approx(2 / 3)
    assert spearman_brown(0.0) == 0


def test_reliability_is_that_of_a_new_group_of_people():
    truth = []
    for seed in range(30):
        one, two = simulate(seed, 1.0), simulate(seed, 1.0)
        rng = np.random.default_rng(1000 + seed)
        chance = one.groupby("unit")["correct"].mean()
        two["correct"] = rng.random(len(two)) < chance[two["unit"]].to_numpy()
        truth.append(split_half(one, 40, 10, seed).full)
    # Variance of units' true shares against that of measured ones, 24 participants.
    shares = 1 / (1 + np.exp(-0.5 - np.random.default_rng(0).normal(0, 1, 200_000)))
    expected = shares.var() / (shares.var() + (shares * (1 - shares)).mean() / 24)
    assert np.mean(truth) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("half", [-0.999, -0.5, -0.1, 0.3, 1.0])
def test_a_longer_test_stays_possible(half):
    assert -1 <= spearman_brown(half) <= 1
    assert spearman_brown(-half) == -spearman_brown(half)


def test_intervals_cover_the_reliability_of_these_units():
    """Draws of people who repeat agree less, so that their own quantiles would miss."""
    covered = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        trials = simulate(seed, 1.0, units=40)
        shares = 1 / (1 + np.exp(-0.5 - rng.normal(0, 1.0, 40)))
        truth = shares.var(ddof=1)
        truth /= truth + (shares * (1 - shares)).mean() / 24
        found = split_half(trials, 40, 60, seed)
        covered.append(found.low <= truth <= found.high)
    assert np.mean(covered) >= 0.85, "30 intervals of 95 %"


@given(seed=st.integers(0, 10_000), participants=st.integers(4, 6), units=st.integers(3, 4))
@settings(max_examples=30, deadline=None)
def test_no_interval_is_impossible(seed, participants, units):
    found = split_half(simulate(seed, 0.5, participants, units), 8, 12, seed)
    if not found.reason:
        assert -1 <= found.low <= found.full <= found.high <= 1


def test_people_who_guess_are_not_reliable():
    found = [split_half(simulate(seed, 0.0), 40, 30, seed) for seed in range(10)]
    assert abs(np.mean([f.half for f in found])) < 0.1
    assert np.mean([f.low < 0 < f.high for f in found]) >= 0.8


def test_the_interval_holds_the_estimate():
    found = split_half(simulate(3, 1.0))
    assert found.low < found.full < found.high
    assert split_half(simulate(3, 1.0)) == found


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        (simulate(1, 1, participants=3), "fewer than 4 participants"),
        (simulate(1, 1, units=2), "fewer than 3 units"),
        (simulate(1, 1).assign(correct=True), "do not differ"),
    ],
)
def test_what_cannot_be_computed_says_why(trials, reason):
    assert reason in split_half(trials).reason


def test_draws_that_are_all_alike_give_no_interval():
    """Two of four people err, at two units each: draws then agree alike but for rounding."""
    wrong = {1: (3, 5), 3: (7, 9)}
    trials = pd.DataFrame(
        [
            {"participant": f"p{person}", "unit": f"u{unit:02d}"}
            | {"correct": unit not in wrong.get(person, ())}
            for person in range(4)
            for unit in range(18)
        ]
    )
    found = split_half(trials)
    assert found.full < 0
    assert "the same reliability" in found.reason and np.isnan([found.low, found.high]).all()


PAIR = ("cat.png", "dog.png")


def row(number, choice, correct, confidence, role="main", of=None, repeated=None, queries=PAIR):
    return {
        "observer_kind": "person",
        "participant": "p1",
        "session": 1,
        "trial_number": number,
        "trial_role": role,
        "reference_condition": "natural",
        "choice": choice,
        "query_a": queries[0],
        "query_b": queries[1],
        "correct": correct,
        "confidence": confidence,
        "repeat_of": of,
        "repeated_trial": repeated,
    }


def test_repeats_are_compared_with_their_first_time():
    trials = pd.DataFrame(
        [
            row(1, "a", True, 1),
            row(2, "b", False, 3),
            row(3, "a", True, 2, "repeat", "natural-least-1", 1),
            row(4, "a", True, 2, "repeat", "natural-most-1", 2),
        ]
    )
    table = repeat_consistency(trials).set_index("which")
    assert table["same_choice"].to_dict() == {"all": 0.5, "least": 1.0, "most": 0.0}
    assert table["confidence_change"].to_dict() == {"all": 0.0, "least": 1.0, "most": -1.0}
    assert table["first_confidence"].to_dict() == {"all": 2.0, "least": 1.0, "most": 3.0}
    assert table["n_pairs"].to_dict() == {"all": 2, "least": 1, "most": 1}
    assert repeat_consistency(trials[:2]).empty


@pytest.mark.parametrize(
    ("choice", "queries", "correct", "same"),
    [
        ("a", PAIR, True, True),
        ("b", PAIR, False, False),
        ("b", PAIR[::-1], True, True),
        ("a", PAIR[::-1], False, False),
        # Without names, or with names that differ, correctness says which of two images it was.
        ("b", (None, None), True, True),
        ("a", (None, None), False, False),
        ("b", ("3_a.png", "3_b.png"), True, True),
        ("a", ("3_a.png", "3_b.png"), False, False),
    ],
)
def test_the_images_chosen_are_compared_not_their_sides(choice, queries, correct, same):
    trials = pd.DataFrame(
        [
            row(1, "a", True, 1),
            row(2, choice, correct, 2, "repeat", "natural-least-1", 1, queries),
        ]
    )
    assert repeat_consistency(trials)["same_choice"].tolist() == [float(same)] * 2


def test_pairs_without_any_name_are_told_apart_by_correctness():
    trials = pd.DataFrame(
        [
            row(1, "a", True, 1, queries=("", "")),
            row(2, "b", True, 2, "repeat", "natural-least-1", 1, ("", "")),
            row(3, "a", False, 2, "repeat", "natural-least-2", 1, ("", "")),
        ]
    )
    assert repeat_consistency(trials)["same_choice"].tolist() == [0.5, 0.5]


@given(seed=st.integers(0, 10_000), people=st.integers(1, 4), pairs=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_consistency_is_that_of_the_images_whatever_the_sides(seed, people, pairs):
    """Counted by hand from what was drawn: images, then sides."""
    rng = np.random.default_rng(seed)
    rows, same, sure = [], [], []
    for person in range(people):
        for number in range(pairs):
            images = (f"{number}_min.png", f"{number}_max.png")
            chosen = rng.integers(2, size=2)
            sure.append(rng.integers(1, 4))
            same.append(chosen[0] == chosen[1])
            for time, role in enumerate(("main", "repeat")):
                order = rng.permutation(2)
                side = "ab"[int(np.flatnonzero(order == chosen[time])[0])]
                one = row(
                    number + time * pairs,
                    side,
                    bool(chosen[time]),
                    (sure[-1], 2)[time],
                    role,
                    "natural-most-1" if time else None,
                    number if time else None,
                    (images[order[0]], images[order[1]]),
                )
                rows.append(one | {"participant": f"p{person}"})
    table = repeat_consistency(pd.DataFrame(rows)).set_index("which")
    assert table.index.tolist() == ["all", "most"]
    assert table.loc["all", "same_choice"] == pytest.approx(np.mean(same))
    assert table.loc["all", "first_confidence"] == pytest.approx(np.mean(sure))
    assert table.loc["all", "confidence_change"] == pytest.approx(2 - np.mean(sure))


def test_a_log_that_does_not_say_which_trials_are_repeated_is_ranked_by_their_first_confidence():
    """As an imported log: the last answers, of confidence 1 to 3, tell nothing of the first."""
    first, again = [3, 1, 2, 3, 1, 1], [1, 2, 3, 1, 2, 3]
    rows = [row(i, "a", True, sure) for i, sure in enumerate(first)]
    rows += [
        row(10 + i, "a" if first[i] == 3 else "b", first[i] == 3, sure, "repeat", None, i)
        for i, sure in enumerate(again)
    ]
    table = repeat_consistency(pd.DataFrame(rows)).set_index("which")
    assert table["first_confidence"].round(2).to_dict() == {"all": 1.83, "least": 1.0, "most": 2.67}
    assert table["same_choice"].round(2).to_dict() == {"all": 0.33, "least": 0.0, "most": 0.67}


def repeated(rng, shares, pairs=6):
    """Participants with a share of repeats that they answer as before."""
    rows = []
    for person, share in enumerate(shares):
        for number in range(pairs):
            again = "a" if rng.random() < share else "b"
            rows.append(row(number, "a", True, 1) | {"participant": f"p{person}"})
            second = row(
                pairs + number, again, again == "a", 1, "repeat", "natural-least-1", number
            )
            rows.append(second | {"participant": f"p{person}"})
    return pd.DataFrame(rows)


def test_intervals_of_repeats_know_that_participants_differ():
    """An interval over trials, which share their participant, covers 47 of these 60 truths."""
    shares = [0.5, 1.0]
    covered, widths = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        table = repeat_consistency(repeated(rng, rng.choice(shares, 12), pairs=12))
        found = table.iloc[0]
        covered.append(found["low"] <= np.mean(shares) <= found["high"])
        widths.append(found["high"] - found["low"])
    assert np.mean(covered) >= 0.9, "60 intervals of 95 %"
    low, high = wilson(108, 144)
    assert np.mean(widths) > 1.5 * (high - low)


def test_an_interval_of_repeats_is_a_t_interval_over_participants_on_the_logit():
    trials = repeated(np.random.default_rng(1), [0.5, 0.7, 0.9, 0.6])
    found = repeat_consistency(trials).iloc[0]
    own = trials[trials["trial_role"] == "repeat"].groupby("participant")["correct"].mean()
    mean = own.mean()
    half = stats.t.ppf(0.975, 3) * stats.sem(own) / (mean * (1 - mean))
    ends = special.expit(special.logit(mean) + np.array([-half, half]))
    assert found[["low", "high"]].tolist() == pytest.approx(ends.tolist())


def test_where_every_repeat_is_answered_as_before_there_is_a_one_sided_bound():
    found = repeat_consistency(repeated(np.random.default_rng(0), [1.0, 1.0])).iloc[0]
    bound = stats.binomtest(12, 12).proportion_ci(0.95, method="exact").low
    assert (found["low"], found["high"], found["reason"]) == (pytest.approx(bound), 1, "")


def test_one_participant_has_no_interval_and_the_table_says_why():
    found = repeat_consistency(repeated(np.random.default_rng(0), [0.5])).iloc[0]
    assert "there is only one participant" in found["reason"]
    assert np.isnan(found["low"]) and np.isnan(found["high"])
