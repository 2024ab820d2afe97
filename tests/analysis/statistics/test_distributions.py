"""Tests of distributions of confidences agree with R's chisq.test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.distributions import compare_distributions
from tests.conftest import some

REFERENCE = Path(__file__).parents[2] / "reference" / "distributions"
ANSWERS = pd.read_csv(REFERENCE / "answers.csv")
VALUES = pd.read_csv(REFERENCE / "values.csv").set_index("study")
FACTOR = "reference_condition"


@pytest.mark.parametrize("study", VALUES.index)
def test_r_gives_the_same(study: str) -> None:
    own = ANSWERS[ANSWERS["study"] == study]
    blank = own.iloc[:3].assign(confidence=None)
    (row,) = compare_distributions(pd.concat([own, blank]), FACTOR).to_dict("records")
    for name in some(VALUES.columns):
        assert row[name] == pytest.approx(VALUES.loc[study, name], rel=1e-8), name
    assert (row["n_trials"], row["n_participants"], row["reason"]) == (len(own), 4, "")


def test_one_confidence_is_said() -> None:
    (row,) = compare_distributions(ANSWERS.assign(confidence=3), FACTOR).to_dict("records")
    assert row["reason"] == "not computable because all answers have the same confidence"
    assert np.isnan(row["chi_squared"])


def test_one_level_or_no_confidence_makes_no_test() -> None:
    assert compare_distributions(ANSWERS[ANSWERS[FACTOR] == "none"], FACTOR).empty
    assert compare_distributions(ANSWERS.drop(columns="confidence"), FACTOR).empty
    given = ANSWERS["confidence"].where(ANSWERS[FACTOR] == "none")
    assert compare_distributions(ANSWERS.assign(confidence=given), FACTOR).empty
    assert compare_distributions(ANSWERS, "scheme").empty
