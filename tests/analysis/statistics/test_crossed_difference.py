"""Differences agree with the quasi-F and with Welch's test, and cover the truth in any design."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from analysis.statistics.crossed_difference import CrossedDifference, difference_between
from analysis.statistics.intervals import mean_with_interval

REFERENCE = Path(__file__).parents[2] / "reference" / "contrasts"

Design = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Participant, unit and condition (0 or 1) of each trial."""

PARTICIPANT_SD, UNIT_SD, PARTICIPANT_SLOPE, UNIT_SLOPE, LOGIT, EFFECT = 0.5, 0.7, 0.4, 0.6, 0.8, 0.8


def grid(*shape: int) -> list[np.ndarray]:
    return [index.ravel() for index in np.indices(shape)]


def unbalanced() -> Design:
    p, u, c = grid(20, 20, 2)
    kept = np.random.default_rng(1).random(len(p)) < np.where(c == 0, 0.9, 0.5)
    return p[kept], u[kept], c[kept]


def rotated() -> Design:
    """A Latin square: each participant meets a third of the units in each of three conditions."""
    p, u = grid(21, 30)
    condition = (u + p) % 3
    kept = condition < 2
    return p[kept], u[kept], condition[kept]


def units_nested() -> Design:
    p, u = grid(20, 40)
    return p, u, u % 2


def participants_nested() -> Design:
    p, u = grid(24, 20)
    return p, u, (p % 3 > 0).astype(int)


def some_lack_a_condition() -> Design:
    p, u, c = grid(20, 20, 2)
    kept = ~((p < 6) & (c == 0)) & ~((u < 5) & (c == 1))
    return p[kept], u[kept], c[kept]


def twice_but_for_some(design: Design) -> Design:
    """Each participant meets each unit twice, in one condition; a tenth of answers is missing."""
    p, u, c = (np.repeat(codes, 2) for codes in design)
    kept = np.random.default_rng(4).random(len(p)) < 0.9
    return p[kept], u[kept], c[kept]


def rotated_unequally() -> Design:
    return twice_but_for_some(rotated())


def participants_nested_unequally() -> Design:
    return twice_but_for_some(participants_nested())


DESIGNS = [
    *(unbalanced, rotated, units_nested, participants_nested, some_lack_a_condition),
    *(rotated_unequally, participants_nested_unequally),
]


def draw(design: Design, studies: int, effect: float, seed: int) -> tuple[np.ndarray, float]:
    """Return answers, shape (trials, studies), and the true difference in accuracy."""
    rng = np.random.default_rng(seed)
    p, u, c = design

    def parts(spread: float, codes: np.ndarray) -> np.ndarray:
        return rng.normal(0, spread, (codes.max() + 1, studies))[codes]

    slope = effect + parts(PARTICIPANT_SLOPE, p) + parts(UNIT_SLOPE, u)
    logits = LOGIT + parts(PARTICIPANT_SD, p) + parts(UNIT_SD, u) + (0.5 - c)[:, None] * slope
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    spread = np.linalg.norm([PARTICIPANT_SD, UNIT_SD, PARTICIPANT_SLOPE / 2, UNIT_SLOPE / 2])
    means = [weights @ special.expit(LOGIT + s * effect / 2 + spread * nodes) for s in (1, -1)]
    correct = rng.random(logits.shape) < special.expit(logits)
    return correct.astype(float), float((means[0] - means[1]) / weights.sum())


@pytest.mark.parametrize("make", DESIGNS)
@pytest.mark.parametrize("effect", [0.0, EFFECT])
def test_any_design_recovers_the_difference_and_covers_it(
    make: Callable[[], Design], effect: float
) -> None:
    design = make()
    answers, truth = draw(design, 1000, effect, 2)
    tested = CrossedDifference(design[0], design[1], design[2] == 0)
    found = list(tested.estimates(answers))
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / 1000**0.5)
    errors = np.array([one.standard_error for one in found])
    assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.15)
    assert 0.93 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.975
    assert found[0].n_trials == len(design[0])


@pytest.mark.parametrize("repeats", [1, 2])
def test_balanced_designs_give_the_quasi_f(repeats: int) -> None:
    p, u, c, _ = grid(12, 7, 2, repeats)
    correct = draw((p, u, c), 1, EFFECT, 3)[0]
    found = next(CrossedDifference(p, u, c == 0).estimates(correct))
    cells = correct.reshape(12, 7, 2, repeats).mean(axis=3)
    expected = mean_with_interval((cells[..., 0] - cells[..., 1]).ravel(), *grid(12, 7))
    for name in ("value", "low", "high", "standard_error", "df"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name))


@pytest.mark.parametrize("study", pd.read_csv(REFERENCE / "values.csv")["study"])
def test_errors_agree_with_linear_mixed_models_of_lme4(study: str) -> None:
    """Estimates agree where designs are balanced; elsewhere lme4 weighs participants and units."""
    expected = pd.read_csv(REFERENCE / "values.csv").set_index("study").loc[study]
    answers = pd.read_csv(REFERENCE / "answers.csv").query("study == @study")
    first, second = (answers[answers["condition"] == condition] for condition in (0, 1))
    found = difference_between(first, second)
    is_balanced = study in ("balanced", "rotated", "units_nested", "participants_nested")
    assert found.n_trials == expected["n_trials"]
    assert found.value == pytest.approx(expected["difference"], abs=1e-5 if is_balanced else 0.01)
    assert found.standard_error == pytest.approx(
        expected["standard_error"], rel=0.05 if is_balanced else 0.12
    )


def test_the_difference_is_that_of_the_accuracies() -> None:
    p, u, c = design = unbalanced()
    correct = draw(design, 1, EFFECT, 4)[0][:, 0]
    found = next(CrossedDifference(p, u, c == 0).estimates(correct[:, None]))
    assert found.value == pytest.approx(correct[c == 0].mean() - correct[c == 1].mean())


def groups(simulate: Callable[..., pd.DataFrame], rng: np.random.Generator, **options: float):
    one = simulate(rng, {"natural": 1.0, "none": 0.0}, **options)
    first = one[one["reference_condition"] == "natural"]
    second = one[one["reference_condition"] == "none"]
    return first, second.assign(participant=second["participant"] + "x")


def test_over_participants_it_is_welchs_test(simulate: Callable[..., pd.DataFrame]) -> None:
    first, second = groups(simulate, np.random.default_rng(1), participants=12)
    second = second[second["participant"] < "p007"]
    found = difference_between(first, second, "participant")
    means = [
        part.groupby("participant")["correct"].mean().astype(float) for part in (first, second)
    ]
    welch = stats.ttest_ind(*means, equal_var=False)
    assert found.value / found.standard_error == pytest.approx(welch.statistic)
    assert found.df == pytest.approx(welch.df)
    assert (found.low, found.high) == pytest.approx(tuple(welch.confidence_interval()))


def test_crossed_intervals_of_groups_do_not_count_noise_twice(
    simulate: Callable[..., pd.DataFrame],
) -> None:
    """Where neither participants nor units differ, the error is that of the trials."""
    rng = np.random.default_rng(2)
    alike = {"participant_sd": 0.0, "unit_sd": 0.0}
    errors = []
    for _ in range(40):
        parts = groups(simulate, rng, participants=12, units=12, **alike)
        errors.append(
            [
                difference_between(*parts, unit).standard_error  # type: ignore[arg-type]
                for unit in ("crossed", "trial")
            ]
        )
    crossed, trial = np.mean(errors, axis=0)
    assert trial < crossed < 1.25 * trial


@pytest.mark.parametrize("make", [rotated, units_nested, participants_nested])
@pytest.mark.parametrize("repeats", [1, 2])
def test_one_answer_more_or_less_changes_little(make: Callable[[], Design], repeats: int) -> None:
    design = [np.repeat(codes, repeats) for codes in make()]
    answers, _ = draw((design[0], design[1], design[2]), 1, EFFECT, 3)
    rows = np.arange(len(answers))
    low, high = [], []
    for chosen in (rows, rows[1:], np.append(rows, 0)):
        p, u, c = (codes[chosen] for codes in design)
        found = next(CrossedDifference(p, u, c == 0).estimates(answers[chosen]))
        assert not found.reason
        low.append(found.low)
        high.append(found.high)
    assert max(np.ptp(low), np.ptp(high)) < 0.03


def test_too_few_is_said(simulate: Callable[..., pd.DataFrame]) -> None:
    first, second = groups(simulate, np.random.default_rng(3), participants=4)
    alone = first[first["participant"] == "p000"]
    assert "fewer than 2 participants" in difference_between(alone, second).reason
    apart = second.assign(unit="x")
    assert "fewer than 2 units" in difference_between(first, apart).reason
    one = first.assign(unit="x"), second.assign(unit="x")
    assert "only one unit" in difference_between(*one).reason
    alike = first.assign(correct=1.0), second.assign(correct=1.0)
    assert "differences are the same" in difference_between(*alike).reason
