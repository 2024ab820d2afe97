"""What is odd about a session is found and said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.logs.load import load_log
from analysis.report.quality import rt_outliers, session_quality


def test_sessions_are_remarked_on(demo_study: Path) -> None:
    table = session_quality(load_log(demo_study)).set_index("participant")
    assert "unfinished after 11 of 23 trials (aborted)" in table.loc["p005", "remarks"]
    assert "resumed, 2 runs" in table.loc["p003", "remarks"]
    assert "100 % of answers on one side" in table.loc["p007", "remarks"]
    assert table.loc["p006", "remarks"] == ""
    assert table.loc["p001", "windowed"] and table.loc["p001", "frames"] > 0


def test_choices_that_are_no_sides_have_no_lesser_one(demo_study: Path) -> None:
    log = load_log(demo_study)
    named = replace(log, trials=log.trials.assign(correct_choice="a"))
    table = session_quality(named).set_index("participant")
    assert table["less_used_side"].isna().all()
    assert "on one side" not in table.loc["p007", "remarks"]


def test_trials_whose_images_were_shown_again_are_counted(demo_study: Path) -> None:
    log = load_log(demo_study)
    assert (session_quality(log)["shown_again"] == 0).all()
    exposures = pd.Series(1, log.trials.index, dtype="Int64")
    exposures[log.trials["participant"] == "p006"] = 2
    exposures[log.trials["participant"] == "p001"] = pd.NA  # a log of before
    named = replace(log, trials=log.trials.assign(exposures=exposures))
    table = session_quality(named).set_index("participant")
    assert "trials shown again after an interruption: 23" in table.loc["p006", "remarks"]
    assert table.loc["p001", "shown_again"] == 0


def test_several_sessions_of_a_participant_are_remarked_on(study: Any) -> None:
    for session in (1, 2):
        study.write_session("p001", 1, kind="person", observer=None, session=session)
    study.write_session("p002", 2, kind="person", observer=None)
    table = session_quality(load_log(study.folder))
    remarked = table["remarks"].str.contains("one of 2 sessions of the participant")
    assert remarked.tolist() == [True, True, False]


def test_outliers_are_too_fast_or_far_out() -> None:
    times = pd.Series([1.0, 1.1, 0.9, 1.2, 1.0, 1.1, 0.1, 60.0, None])
    assert rt_outliers(times).tolist() == [False] * 6 + [True, True, False]


def test_few_or_equal_times_have_no_far_ones() -> None:
    assert not rt_outliers(pd.Series([1.0, 50.0])).any()
    assert not rt_outliers(pd.Series([1.0] * 20)).any()
