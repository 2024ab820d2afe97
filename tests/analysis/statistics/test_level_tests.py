"""Tests of pairs of levels agree with R's t.test and wilcox.test, also of odd shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.statistics.evidence import holm
from analysis.statistics.level_tests import compare_levels
from analysis.statistics.participant_means import participant_means, pre_post
from tests.conftest import some

REFERENCE = Path(__file__).parents[2] / "reference" / "rank_tests"
VALUES = pd.read_csv(REFERENCE / "values.csv").set_index("study")
PEOPLE = pd.read_csv(REFERENCE / "values_of_participants.csv")
FACTOR = "reference_condition"


@pytest.mark.parametrize("study", VALUES.index)
def test_r_gives_the_same(study: str) -> None:
    trials = PEOPLE[PEOPLE["study"] == study].rename(columns={"value": "rating"})
    found = compare_levels(trials, FACTOR, "rating")
    row = found.iloc[0]
    assert len(found) == 1 and row["reason"] == "" and row["n_incomplete"] == 0
    within = study.startswith("paired")
    assert row["rank_test"] == ("wilcoxon" if within else "mann_whitney")
    assert row["comparison"] == ("within" if within else "between")
    for name in some(VALUES.columns):
        assert row[name] == pytest.approx(VALUES.loc[study, name], rel=1e-8), name
    assert row["p_holm"] == row["p"] and row["p_rank_holm"] == row["p_rank"]


def test_effect_sizes_have_their_sign_and_bounds() -> None:
    trials = pd.DataFrame(
        {"participant": list("aabbcc"), FACTOR: ["natural", "none"] * 3}
        | {"rating": [3.0, 1.0, 5.0, 2.0, 9.0, 5.0]}
    )
    row = compare_levels(trials, FACTOR, "rating").iloc[0]
    assert row["rank_biserial"] == 1 and row["rank_statistic"] == 6
    assert row["cohens_d"] == pytest.approx(3.0 / np.std([2, 3, 4], ddof=1))
    groups = trials.assign(participant=range(6))
    row = compare_levels(groups, FACTOR, "rating").iloc[0]
    pooled = ((np.var([3, 5, 9], ddof=1) + np.var([1, 2, 5], ddof=1)) / 2) ** 0.5
    assert row["cohens_d"] == pytest.approx(3.0 / pooled)
    u = stats.mannwhitneyu([3, 5, 9], [1, 2, 5]).statistic
    assert row["rank_biserial"] == pytest.approx(2 * u / 9 - 1)


def test_intervals_of_proportions_stay_within_all_and_none() -> None:
    trials = pd.DataFrame({"participant": list("aabb"), FACTOR: ["natural", "none"] * 2})
    trials["correct"] = [True, False, True, True]
    row = compare_levels(trials, FACTOR).iloc[0]
    assert (row["difference"], row["low"], row["high"]) == (0.5, -1, 1)


def test_participants_without_a_level_are_counted_and_do_not_count() -> None:
    trials = PEOPLE[PEOPLE["study"] == "paired"].rename(columns={"value": "rating"})
    whole = compare_levels(trials, FACTOR, "rating").iloc[0]
    alone = trials.iloc[[0]].assign(participant="q1", rating=99.0)
    row = compare_levels(pd.concat([trials, alone]), FACTOR, "rating").iloc[0]
    assert (row["n_first"], row["n_second"], row["n_incomplete"]) == (10, 10, 1)
    assert (row["t"], row["p_rank"]) == (whole["t"], whole["p_rank"])


def test_holm_corrects_over_pairs_and_places() -> None:
    rng = np.random.default_rng(5)
    cells = [(p, c, s) for p in range(8) for c in ("natural", "blur", "none") for s in "xy"]
    trials = pd.DataFrame(cells, columns=["participant", FACTOR, "scheme"])
    trials["rt_s"] = rng.lognormal(0, 0.4, len(trials))
    found = compare_levels(trials, FACTOR, "rt_s", at=["scheme"])
    assert list(found["at"]) == ["x"] * 3 + ["y"] * 3
    for name in ("p", "p_rank"):
        assert list(found[f"{name}_holm"]) == list(holm(found[name].to_numpy(float)))


@pytest.mark.parametrize(
    ("values", "reason", "has_rank"),
    [
        ({"a": (0.9, 0.8)}, "there is only one participant", True),
        ({"a": (0.9, 0.8), "b": (0.8, 0.7)}, "all differences are the same", True),
        ({"a": (0.9, 0.9), "b": (0.8, 0.8)}, "all differences are the same", False),
        ({"a": (0.9, None), "b": (None, 0.8)}, "a group has only one participant", True),
        (
            {"a": (0.9, None), "b": (None, 0.8), "c": (0.9, None), "d": (None, 0.8)},
            "participants of a group do not differ",
            True,
        ),
    ],
)
def test_too_little_is_said(
    values: dict[str, tuple[float | None, float | None]], reason: str, has_rank: bool
) -> None:
    rows = [
        (person, condition, value)
        for person, own in values.items()
        for condition, value in zip(("natural", "none"), own, strict=True)
    ]
    trials = pd.DataFrame(rows, columns=["participant", FACTOR, "confidence"])
    row = compare_levels(trials, FACTOR, "confidence").iloc[0]
    assert row["reason"] == f"not computable because {reason}"
    assert np.isnan(row["p"]) and np.isfinite(row["p_rank"]) == has_rank


def test_one_level_or_no_column_makes_no_test() -> None:
    trials = pd.DataFrame({"participant": ["a", "b"], FACTOR: "none", "correct": True})
    assert compare_levels(trials, FACTOR).empty
    assert compare_levels(trials, FACTOR, "confidence").empty
    assert compare_levels(trials, "scheme").empty


def test_times_are_medians_and_blank_levels_do_not_count() -> None:
    trials = pd.DataFrame(
        {"participant": list("aaaab"), "scheme": ["x", "x", "x", "", None], "rt_s": [1, 2, 9, 5, 5]}
    )
    found = participant_means(trials, ["scheme"], "rt_s")
    assert found.to_dict("records") == [{"participant": "a", "scheme": "x", "value": 2.0}]


def test_pre_and_post_are_told_for_each_session() -> None:
    blocks = {
        "a": ["none", "natural", "blur", "none"],
        "b": ["none", "blur", "natural", "none"],
        "c": ["natural", "none", "blur", "blur"],
    }
    trials = pd.DataFrame(
        [(p, 1, n, c) for p, own in blocks.items() for n, c in enumerate(own, start=1)],
        columns=["participant", "session", "block_number", "reference_condition"],
    ).sample(frac=1, random_state=1)
    found = pre_post(trials).sort_index()
    # Natural came first and blur last for c, but for nobody both.
    assert found.tolist() == ["pre", "", "", "post"] * 2 + [""] * 4
    alone = trials[trials["reference_condition"] == "none"]
    assert set(pre_post(alone)) == {""}
    assert pre_post(trials.iloc[:0]).empty
