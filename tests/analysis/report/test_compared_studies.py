"""Participants of studies with designs of their own are compared as groups, as scipy does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from analysis.__main__ import main
from analysis.logs.load import load_log
from analysis.planning.analysis_settings import Settings
from analysis.report.analyse import analyse
from analysis.report.compared_studies import kept_trials
from tests.conftest import some


@pytest.fixture
def studies(demo_study: Path, simulated: Callable[[str], Path]) -> dict[str, Path]:
    """Two studies of the same design, whose participants have the same ids."""
    return {"lay-people": demo_study, "expert": simulated("two_afc")}


def compared(studies: dict[str, Path], out: Path, *options: str) -> int:
    return main(["compare", *map(str, studies.values()), "--out", str(out), *options])


def test_tests_are_those_of_two_groups(
    studies: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compared(studies, tmp_path / "c.csv", "--names", *studies) == 0
    printed = capsys.readouterr().out
    table = pd.read_csv(tmp_path / "c.csv").set_index(["measure", "at"])
    conditions = ["natural", "synthetic", "none"]
    kept = {}
    for name, folder in studies.items():
        results = analyse(load_log(folder), Settings(n_bootstrap=2, models=False))
        kept[name] = results.groups[0].rows_of(results.kept)
    assert table.loc["accuracy"].index.tolist() == conditions
    ps = []
    for measure, column, how in (
        ("accuracy", "correct", "mean"),
        ("rt_s", "rt_s", "median"),
        ("confidence", "confidence", "mean"),
    ):
        for condition in conditions:
            groups = {}
            for name, trials in kept.items():
                own = trials[trials["reference_condition"] == condition].astype({column: float})
                groups[name] = own.groupby("participant")[column].agg(how)
            row = table.loc[measure, condition]
            expert, lay = groups["expert"], groups["lay-people"]
            welch = stats.ttest_ind(expert, lay, equal_var=False)
            assert (row["first"], row["second"]) == ("expert", "lay-people")
            assert (row["n_first"], row["n_second"]) == (len(expert), len(lay))
            assert row["difference"] == pytest.approx(expert.mean() - lay.mean())
            assert (row["t"], row["p"]) == pytest.approx((welch.statistic, welch.pvalue))
            u = stats.mannwhitneyu(expert, lay).statistic
            assert row["rank_statistic"] == pytest.approx(u)
            if measure == "accuracy":
                ps.append(welch.pvalue)
                assert f"lay-people {100 * lay.mean():.0f} % (n = {len(lay)})" in printed
    assert table.loc["accuracy", "p_holm"].min() == pytest.approx(min(1, 3 * min(some(ps))))
    assert printed.startswith("With natural references: expert ")


def test_each_studys_rules_exclude_its_sessions(demo_study: Path) -> None:
    # p007 always pressed on one side.
    kept = set(kept_trials(demo_study)["participant"])
    assert "p001" in kept and "p007" not in kept


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a"], "expected another for each of 2"), (["a", "a"], "expected another for each")],
)
def test_names_must_tell_studies_apart(
    studies: dict[str, Path], tmp_path: Path, names: list[str], message: str, capsys
) -> None:
    assert compared(studies, tmp_path / "c.csv", "--names", *names) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "c.csv").exists()


def test_nothing_is_overwritten_and_one_study_is_not_compared(
    studies: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "c.csv"
    assert main(["compare", str(studies["lay-people"]), "--out", str(out)]) == 2
    assert "two studies or more" in capsys.readouterr().err
    out.write_text("mine", encoding="utf-8")
    assert compared(studies, out, "--names", "lay", "expert") == 2
    assert out.read_text(encoding="utf-8") == "mine"
