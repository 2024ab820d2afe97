"""The report's tests of factors are those of scipy and statsmodels on participants' means."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.anova import AnovaRM

from analysis.logs.load import load_log
from analysis.logs.sessions import Log
from analysis.planning.analysis_settings import Settings
from analysis.report import analyse as whole
from analysis.report.report import write_report
from analysis.report.sections.accuracy_by_factor import accuracy_by_factor
from analysis.report.sections.factor_tests import TESTS
from analysis.report.study import Results
from tests.conftest import some

QUICK = Settings(n_bootstrap=20, rules=())


def analyse(log: Log) -> Results:
    """Compute this section alone."""
    with pytest.MonkeyPatch.context() as only:
        only.setattr(whole, "sections_of", lambda task: (TESTS,))
        return whole.analyse(log, QUICK)


@pytest.fixture(scope="module")
def log(demo_study: Path) -> Log:
    """Simulated participants of the demo, one of whom left early."""
    found = load_log(demo_study)
    own = found.trials["observer_kind"] == "simulated"
    return replace(found, trials=found.trials[own])


@pytest.fixture(scope="module")
def results(log: Log) -> Results:
    return analyse(log)


def numbers_of(results: Results, pattern: str) -> dict[str, dict[str, float]]:
    start = f"simulated_graded.{pattern}"
    return {
        name.removeprefix(start): dict(number)
        for name, number in results.numbers.items()
        if name.startswith(start)
    }


@pytest.mark.parametrize("measure", ["accuracy", "rt_s", "confidence"])
def test_one_factor_is_that_of_other_programs(results: Results, measure: str) -> None:
    column = {"accuracy": "correct"}.get(measure, measure)
    kept = results.kept.assign(value=results.kept[column].astype(float))
    how = "median" if measure == "rt_s" else "mean"
    means = kept.groupby(["participant", "reference_condition"])["value"].agg(how).unstack()
    complete = means.dropna()
    found = results.numbers[f"simulated_graded.anova.{measure}.reference_condition"]
    long = complete.stack().rename("value").reset_index()
    expected = AnovaRM(long, "value", "participant", ["reference_condition"]).fit().anova_table
    assert found["value"] == pytest.approx(expected["F Value"].iloc[0])
    # One participant left before meeting every condition.
    assert (found["n_participants"], found["n_incomplete"]) == (23, 1)
    pair = results.numbers[f"simulated_graded.test.{measure}.reference_condition.all.natural-none"]
    both = means[["natural", "none"]].dropna()
    t = stats.ttest_rel(both["natural"], both["none"])
    assert (pair["t"], pair["p"]) == pytest.approx((t.statistic, t.pvalue))
    assert pair["value"] == pytest.approx((both["natural"] - both["none"]).mean())
    assert pair["n_tests"] == 3 and pair["rank_test"] == "wilcoxon"


def test_factors_that_a_study_lacks_are_not_there(results: Results) -> None:
    effects = set(results.tables["anova"]["effect"])
    assert "reference_condition" in effects
    assert not any("scheme" in e or "group" in e or "unit_pool" in e for e in some(effects))
    factors = set(results.tables["level_tests"]["factor"])
    assert {"reference_condition", "outcome"} <= factors
    assert not factors & {"scheme", "group", "unit_pool", "moment"}


def crossed(log: Log) -> Log:
    """Return the log with two schemes and two groups of different size."""
    trials = log.trials
    place = trials["trial_number"].astype(int) % 2
    number = trials["participant"].str[1:].astype(int)
    return replace(
        log,
        trials=trials.assign(
            scheme=place.map({0: "Max-1", 1: "Max-9"}).astype("string"),
            group=number.map(lambda n: "expert" if n % 3 else "lay").astype("string"),
        ),
    )


def test_schemes_and_groups_are_crossed(log: Log) -> None:
    results = analyse(crossed(log))
    table = results.tables["anova"]
    own = table[(table["measure"] == "accuracy") & (table["unit_factor"] == "")]
    assert list(own["effect"]) == [
        *("scheme", "reference_condition", "group"),
        *("scheme*reference_condition", "scheme*group", "reference_condition*group"),
        "scheme*reference_condition*group",
    ]
    assert list(own["comparison"][:3]) == ["within", "within", "between"]
    pairs = numbers_of(results, "test.accuracy.")
    group = pairs["group.all.expert-lay"]
    kept = results.kept.assign(value=results.kept["correct"].astype(float))
    means = kept.groupby(["group", "participant"])["value"].mean()
    u = stats.mannwhitneyu(means["expert"], means["lay"], method="asymptotic")
    welch = stats.ttest_ind(means["expert"], means["lay"], equal_var=False)
    assert (group["rank_test"], group["p_rank"]) == ("mann_whitney", pytest.approx(u.pvalue))
    assert (group["t"], group["p"]) == pytest.approx((welch.statistic, welch.pvalue))
    assert (group["n_first"], group["n_second"]) == (len(means["expert"]), len(means["lay"]))
    assert {"scheme.natural.Max-1-Max-9", "reference_condition.Max-1.natural-none"} <= set(pairs)
    assert pairs["scheme.natural.Max-1-Max-9"]["n_tests"] == 3


def test_pools_of_units_are_crossed_with_schemes(log: Log) -> None:
    found = crossed(log)
    pool = (found.trials["trial_number"].astype(int) // 2 % 2).map({0: "hand_picked", 1: "random"})
    trials = found.trials.assign(unit_pool=pool.astype("string"), group=pd.NA)
    results = analyse(replace(found, trials=trials))
    table = results.tables["anova"].query("measure == 'accuracy' and unit_factor == 'unit_pool'")
    assert list(table["effect"]) == [
        *("unit_pool", "unit_pool*reference_condition", "unit_pool*scheme")
    ]
    factors = ["unit_pool", "scheme"]
    kept = results.kept.assign(value=results.kept["correct"].astype(float))
    means = kept.groupby(["participant", *factors])["value"].mean().unstack(factors).dropna()
    long = means.stack(factors, future_stack=True).rename("value").reset_index()
    expected = AnovaRM(long, "value", "participant", factors).fit().anova_table
    number = results.numbers["simulated_graded.anova.accuracy.unit_pool*scheme"]
    assert number["value"] == pytest.approx(expected.loc["unit_pool:scheme", "F Value"])
    pairs = numbers_of(results, "test.accuracy.")
    at = kept[kept["scheme"] == "Max-9"].groupby(["participant", "unit_pool"])["value"].mean()
    both = at.unstack().dropna()
    t = stats.ttest_rel(both["hand_picked"], both["random"])
    assert pairs["unit_pool.Max-9.hand_picked-random"]["t"] == pytest.approx(t.statistic)


def test_conditions_between_participants_are_compared_as_groups(
    simulated: Callable[[str], Path],
) -> None:
    results = analyse(load_log(simulated("occlusion")))
    table = results.tables["anova"]
    own = table[(table["measure"] == "accuracy") & (table["unit_factor"] == "")]
    assert list(own["effect"]) == ["reference_condition"]
    assert list(own["comparison"]) == ["between"]
    kept = results.groups[0].rows_of(results.kept)
    kept = kept.assign(value=kept["correct"].astype(float))
    means = kept.groupby(["reference_condition", "participant"])["value"].mean()
    groups = [own for _, own in some(means.groupby(level=0))]
    expected = stats.f_oneway(*groups)
    assert own["F"].iloc[0] == pytest.approx(expected.statistic)
    pairs = results.tables["level_tests"].query("factor == 'reference_condition'")
    assert set(pairs["rank_test"]) == {"mann_whitney"} and "none" in set(pairs["second"])


def test_matching_has_its_own_factors(simulated: Callable[[str], Path]) -> None:
    results = analyse(load_log(simulated("exemplar_matching")))
    table = results.tables["anova"]
    assert set(table["measure"]) == {"accuracy", "hit_share", "rt_s"}
    assert any("n_images" in effect for effect in some(table["effect"]))
    assert not any("layer" in effect for effect in some(table["effect"]))


def test_one_participant_has_no_tests(log: Log, tmp_path: Path) -> None:
    own = log.trials["participant"] == "p001"
    results = analyse(replace(log, trials=log.trials[own]))
    assert "anova" not in results.tables and "level_tests" not in results.tables
    assert TESTS.shown(results) == []


def test_two_participants_are_tested_and_missing_cells_are_said(log: Log) -> None:
    own = log.trials["participant"].isin(["p001", "p002", "p003"])
    lacking = (log.trials["participant"] == "p003") & (log.trials["reference_condition"] == "none")
    results = analyse(replace(log, trials=log.trials[own & ~lacking]))
    found = results.numbers["simulated_graded.anova.rt_s.reference_condition"]
    assert (found["df"], found["df_error"], found["n_incomplete"]) == (2, 2, 1)
    text = " ".join(getattr(block, "text", "") for block in TESTS.shown(results))
    assert (
        "reaction time (analysis of variance, n = 2, without 1 for whom a cell is missing)" in text
    )


@pytest.mark.usefixtures("no_figures")
def test_the_page_has_the_tables(demo_study: Path, tmp_path: Path) -> None:
    page = write_report(demo_study, tmp_path / "out", QUICK).page.read_text(encoding="utf-8")
    assert "Tests of factors over participants" in page
    assert "Analysis of variance: factors of the design" in page
    assert "Pairs of levels: accuracy, in percentage points" in page
    assert "Pairs of levels: rows correct" not in page
    assert "Pairs of levels: rating" not in page
    assert pd.read_csv(tmp_path / "out" / "tables" / "anova.csv")["group"].nunique() == 2


@pytest.fixture
def no_figures(draw_only: Callable[..., None]) -> None:
    draw_only()


def test_distributions_of_confidences_are_compared(
    log: Log, results: Results, simulated: Callable[[str], Path]
) -> None:
    given = results.kept
    for factor, column in (
        ("reference_condition", given["reference_condition"].astype(str)),
        ("outcome", given["correct"].astype(str)),
    ):
        counts = pd.crosstab(column, given["confidence"].astype(int))
        expected = stats.chi2_contingency(counts, correction=False)
        found = results.numbers[f"simulated_graded.confidence_distribution.{factor}"]
        assert (found["value"], found["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    # Exemplar matching asks for no confidence.
    matching = analyse(load_log(simulated("exemplar_matching")))
    assert "confidence_distributions" not in matching.tables


def test_lab_and_online_sessions_are_compared(demo_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / demo_study.name
    shutil.copytree(demo_study, folder)
    records = sorted(folder.glob("sub-*/ses-*/session.json"))
    for number, path in enumerate(some(records)):
        record = json.loads(path.read_text(encoding="utf-8"))
        place = "online" if number % 3 == 0 else "lab"
        path.write_text(json.dumps(record | {"place": place}), encoding="utf-8")
    found = load_log(folder)
    own = found.trials["observer_kind"] == "simulated"
    results = analyse(replace(found, trials=found.trials[own]))
    pair = results.numbers["simulated_graded.test.accuracy.place.all.lab-online"]
    means = results.kept.groupby(["place", "participant"])["correct"].mean().astype(float)
    lab, online = means["lab"], means["online"]
    assert len(lab) > len(online) > 1
    t = stats.ttest_ind(lab, online, equal_var=False)
    assert (pair["t"], pair["p"]) == pytest.approx((t.statistic, t.pvalue))
    assert pair["value"] == pytest.approx(lab.mean() - online.mean())
    by_place = accuracy_by_factor(results.kept, ci_unit="participant")
    by_place = by_place[by_place["factor"] == "place"].set_index(["level", "reference_condition"])
    shares = results.kept.groupby(["place", "reference_condition"])["correct"].mean()
    for cell, share in some(shares.items()):
        assert by_place.loc[cell, "n_trials"] > 0
        assert by_place.loc[cell, "proportion"] == pytest.approx(float(share), abs=0.02)
    # Of one place alone nothing is said.
    assert not any("place" in name for name in analyse(found_in(found, "lab")).numbers)


def found_in(log: Log, place: str) -> Log:
    trials = log.trials
    return replace(log, trials=trials[(trials["place"] == place).fillna(False)])
