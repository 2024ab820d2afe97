"""Cells of crossed factors, blocks before and after, and other trials than the main ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.logs.load import load_log
from analysis.logs.sessions import Log
from analysis.planning.analysis_settings import Settings
from analysis.report import analyse as whole
from analysis.report.section import Sentence, Table
from analysis.report.sections.crossed_factors import CELLS
from analysis.report.sections.factor_tests import TESTS
from analysis.report.sections.trial_roles import ROLES
from analysis.report.study import Results
from analysis.statistics.performance import accuracy
from tests.conftest import some

QUICK = Settings(n_bootstrap=20, rules=())


def analyse(log: Log, settings: Settings = QUICK) -> Results:
    """Compute these sections alone."""
    with pytest.MonkeyPatch.context() as only:
        only.setattr(whole, "sections_of", lambda task: (CELLS, TESTS, ROLES))
        return whole.analyse(log, settings)


@pytest.fixture(scope="module")
def log(demo_study: Path) -> Log:
    """Twelve simulated participants, one of whom left early."""
    found = load_log(demo_study)
    own = found.trials["observer_kind"] == "simulated"
    few = found.trials["participant"] < "p013"
    return replace(found, trials=found.trials[own & few])


def with_columns(log: Log, **columns: Callable[[pd.DataFrame], pd.Series]) -> Log:
    return replace(log, trials=log.trials.assign(**columns))


def scheme(trials: pd.DataFrame) -> pd.Series:
    place = trials["trial_number"].astype(int) % 2
    return place.map({0: "Max-1", 1: "Max-9"}).astype("string")


def group(trials: pd.DataFrame) -> pd.Series:
    number = trials["participant"].str[1:].astype(int)
    return number.map(lambda n: ("expert", "lay", None)[n % 3]).astype("string")


def headings(results: Results) -> list[list[str]]:
    tables = [block for block in CELLS.shown(results) if isinstance(block, Table)]
    return [[cell.text for cell in table.headings] for table in tables]


def test_every_cell_is_there_also_of_those_without_a_group(log: Log) -> None:
    results = analyse(with_columns(log, scheme=scheme, group=group))
    cells = results.tables["cells"]
    keys = ["scheme", "reference_condition", "participant_group"]
    assert len(cells) == 2 * 3 * 3 and not cells[keys].duplicated().any()
    assert set(cells["participant_group"]) == {"expert", "lay", "none given"}
    assert cells["n_trials"].sum() == len(results.kept)
    own = results.kept[results.kept["group"].isna()]
    expected = accuracy(own, ("scheme", "reference_condition"), "participant")
    found = results.numbers["simulated_graded.cell.Max-9.none.none given"]
    row = expected[(expected["scheme"] == "Max-9") & (expected["reference_condition"] == "none")]
    assert found["value"] == pytest.approx(row["proportion"].iloc[0])
    assert found["low"] == pytest.approx(row["low"].iloc[0])
    times = own.loc[(own["scheme"] == "Max-9") & (own["reference_condition"] == "none"), "rt_s"]
    assert found["rt_s"] == pytest.approx(np.exp(np.log(times.astype(float)).mean()))
    assert headings(results)[0][:3] == ["Scheme", "References", "Group"]


@pytest.mark.parametrize(
    ("columns", "shown", "name"),
    [
        ({"scheme": scheme}, ["Scheme", "References"], "cell.Max-1.natural.all"),
        ({"group": group}, ["References", "Group"], "cell.all.natural.expert"),
    ],
)
def test_a_factor_that_the_study_lacks_is_not_shown(
    log: Log, columns: dict[str, Callable[[pd.DataFrame], pd.Series]], shown: list[str], name: str
) -> None:
    results = analyse(with_columns(log, **columns))
    assert headings(results)[0][:3] == [*shown, "Correct (%)"]
    assert f"simulated_graded.{name}" in results.numbers


def test_one_factor_alone_is_not_crossed(log: Log, simulated: Callable[[str], Path]) -> None:
    results = analyse(log)
    assert "cells" not in results.tables
    assert [row[:2] for row in headings(results)] == [["References", "Blocks"]]
    between = analyse(load_log(simulated("occlusion")))
    assert not {"cells", "pre_post"} & set(between.tables) and CELLS.shown(between) == []


def test_participants_who_lack_a_cell_are_counted(log: Log) -> None:
    crossed = with_columns(log, scheme=scheme)
    lacking = (crossed.trials["participant"] == "p001") & (
        (crossed.trials["reference_condition"] == "none") & (crossed.trials["scheme"] == "Max-9")
    )
    results = analyse(replace(crossed, trials=crossed.trials[~lacking]))
    notes = [block.text for block in CELLS.shown(results) if isinstance(block, Sentence)]
    # Another left the session early.
    assert (
        "Simulated participants (graded): 2 participants have no trial in some of the 6 cells "
        "that each participant was to meet."
    ) in notes


def test_blocks_before_and_after_the_others_are_apart(log: Log) -> None:
    results = analyse(log)
    table = results.tables["pre_post"]
    assert list(table["reference_condition"]) == ["none", "none"]
    assert list(table["pre_post"]) == ["pre", "post"]
    none = results.kept[results.kept["reference_condition"] == "none"]
    first = none["block_number"] == none.groupby("participant")["block_number"].transform("min")
    pre = none.loc[first, "correct"].astype(float).mean()
    assert results.numbers["simulated_graded.pre_post.none.pre"]["value"] == pytest.approx(pre)
    pair = results.numbers["simulated_graded.test.accuracy.pre_post.none.post-pre"]
    assert pair["rank_test"] == "wilcoxon" and pair["n_tests"] == 1
    # It would tell which letter stands for none.
    blinded = analyse(log, replace(QUICK, blind=3))
    assert "pre_post" not in blinded.tables
    assert "pre_post" not in set(blinded.tables["level_tests"]["factor"])


def test_catch_and_practice_trials_have_their_accuracies(log: Log) -> None:
    rules = replace(QUICK, rules=None)
    results = analyse(log, rules)
    rows = results.tables["accuracy_by_role"].set_index(["trial_role", "reference_condition"])
    everyone = results.tables["accuracy_by_role_all_sessions"]
    for role in ("practice", "catch"):
        own = log.trials[log.trials["trial_role"] == role]
        whole_row = everyone[
            (everyone["trial_role"] == role)
            & (everyone["reference_condition"].isin(["all", own["reference_condition"].iloc[0]]))
        ].iloc[-1]
        assert whole_row["n_trials"] == len(own)
        assert whole_row["proportion"] == pytest.approx(own["correct"].astype(float).mean())
        kept = rows.loc[role].iloc[-1]
        n_excluded = results.numbers["sessions.excluded"]["value"]
        assert kept["n_participants"] == whole_row["n_participants"] - n_excluded < 12
    assert ("repeat" not in rows.index.get_level_values(0)) and ("main" not in set(rows.index))
    (table,) = (block for block in ROLES.shown(results) if isinstance(block, Table))
    assert {row[0].text for row in table.rows} == {"practice", "catch"}


def test_a_blinded_report_has_them_for_all_conditions_alone(log: Log) -> None:
    results = analyse(log, replace(QUICK, blind=3))
    assert set(results.tables["accuracy_by_role"]["reference_condition"]) == {"all"}


def test_matching_has_its_practice_and_no_cells(simulated: Callable[[str], Path]) -> None:
    results = analyse(load_log(simulated("exemplar_matching")))
    found = results.tables["accuracy_by_role"]
    assert set(found["trial_role"]) == {"practice"} and "cells" not in results.tables
    for row in some(found.to_dict("records")):
        assert row["n_trials"] > 0
