"""Analyses of variance agree with R (car, aov) and statsmodels, also of odd shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.anova import AnovaRM

from analysis.statistics.anova import anova
from tests.conftest import some

REFERENCE = Path(__file__).parents[2] / "reference" / "anova"
CELLS = pd.read_csv(REFERENCE / "cells.csv")
VALUES = pd.read_csv(REFERENCE / "values.csv")
FACTORS = ["scheme", "reference_condition", "group"]


def own_factors(study: str) -> tuple[pd.DataFrame, list[str]]:
    cells = CELLS[CELLS["study"] == study]
    return cells, [factor for factor in FACTORS if cells[factor].nunique() > 1]


@pytest.mark.parametrize("study", CELLS["study"].unique())
def test_r_gives_the_same(study: str) -> None:
    cells, factors = own_factors(study)
    found = anova(cells, factors)
    assert (found["reason"] == "").all()
    found["effect"] = ["*".join(sorted(effect.split("*"))) for effect in found["effect"]]
    found = found.set_index("effect")
    expected = VALUES[VALUES["study"] == study]
    assert len(found) == len(expected) > 0
    for row in some(expected.to_dict("records")):
        own = found.loc["*".join(sorted(row["effect"].split("*")))]
        assert own["n_participants"] == row["n"]
        for name in ("df", "df_error", "F", "p", "epsilon", "p_corrected"):
            # R prints the epsilon of two participants with five digits.
            assert own[name] == pytest.approx(row[name], rel=1e-6), (row["effect"], name)


def test_a_participant_without_a_cell_does_not_count() -> None:
    cells, factors = own_factors("hole")
    found = anova(cells, factors)
    assert set(found["n_incomplete"]) == {1} and set(found["n_participants"]) == {9}
    whole = cells.groupby("participant").filter(lambda own: len(own) == 3)
    pd.testing.assert_frame_equal(
        found.drop(columns="n_incomplete"), anova(whole, factors).drop(columns="n_incomplete")
    )


def test_balanced_studies_agree_with_statsmodels() -> None:
    cells, factors = own_factors("crossed")
    expected = AnovaRM(cells, "value", "participant", within=factors).fit().anova_table
    found = anova(cells, factors).set_index("effect")
    for effect, row in some(expected.iterrows()):
        own = found.loc[effect.replace(":", "*")]
        assert (own["F"], own["p"]) == pytest.approx((row["F Value"], row["Pr > F"]))


def test_two_levels_are_a_paired_or_a_pooled_t_test() -> None:
    cells, _ = own_factors("one_factor")
    two = cells[cells["reference_condition"] != "none"]
    wide = two.pivot(index="participant", columns="reference_condition", values="value")
    paired = stats.ttest_rel(wide["natural"], wide["synthetic"])
    found = anova(two, ["reference_condition"]).iloc[0]
    assert (found["F"], found["p"]) == pytest.approx((paired.statistic**2, paired.pvalue))
    cells, _ = own_factors("between")
    groups = [cells.loc[cells["group"] == g, "value"] for g in ("expert", "lay", "student")]
    pooled = stats.f_oneway(*groups)
    found = anova(cells, ["group"]).iloc[0]
    assert (found["F"], found["p"]) == pytest.approx((pooled.statistic, pooled.pvalue))
    residual = sum(((g - g.mean()) ** 2).sum() for g in groups)
    assert found["ss_error"] == pytest.approx(residual)


def test_order_of_rows_and_names_does_not_matter() -> None:
    cells, factors = own_factors("groups")
    mixed = cells.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(anova(mixed, factors), anova(cells, factors))
    numbered = cells.assign(participant=[int(name[1:]) for name in cells["participant"]])
    pd.testing.assert_frame_equal(anova(numbered, factors), anova(cells, factors))


@pytest.mark.parametrize("complete", ["p01", "p02"])
def test_one_complete_participant_is_too_few(complete: str) -> None:
    cells, factors = own_factors("one_factor")
    found = anova(
        cells[(cells["participant"] == complete) | (cells["reference_condition"] == "none")],
        factors,
    )
    assert list(found["reason"]) == ["not computable because there is only one participant"]
    assert found["F"].isna().all() and list(found["n_incomplete"]) == [9]


def test_a_group_without_a_complete_participant_is_said() -> None:
    cells, factors = own_factors("groups")
    lacking = ~((cells["group"] == "expert") & (cells["scheme"] == "Max-9"))
    found = anova(cells[lacking], factors)
    why = "not computable because no participant of some group has all 8 cells"
    assert set(found["reason"]) == {why}
    assert set(found["n_incomplete"]) == {5}


def test_participants_who_do_not_differ_have_no_f() -> None:
    cells, factors = own_factors("one_factor")
    alike = cells.assign(value=cells["reference_condition"].map({"natural": 0.9, "none": 0.5}))
    found = anova(alike.fillna({"value": 0.7}), factors)
    assert "participants do not differ in this effect" in found["reason"].iloc[0]
    assert np.isnan(found["F"].iloc[0])
