"""Ratings before and after are loaded with their session, and compared image by image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.logs.load import load_log
from analysis.logs.ratings import load_ratings, load_study
from analysis.planning.analysis_settings import Settings
from analysis.report.analyse import analyse
from analysis.report.report import write_report
from analysis.statistics.rating_means import rating_means
from unitscope.columns import RATING_COLUMNS, names
from unitscope.errors import BadInput
from unitscope.tables import write_csv


def write_ratings(folder: Path, participant: str, before: list[int], after: list[int]) -> Path:
    rows = [
        {"participant": participant, "session": 1, "run": 1, "moment": moment}
        | {"rating_number": i + 1, "network": "toy", "layer": "mixed4a", "branch": "3x3"}
        | {"channel": i, "image": f"{i}.png", "rating": value, "onset_s": 1.0, "rt_s": 2.0}
        | {"response_source": "simulated"}
        for moment, values in (("before", before), ("after", after))
        for i, value in enumerate(values)
    ]
    path = folder / "ratings.csv"
    write_csv(pd.DataFrame(rows, columns=names(RATING_COLUMNS)), path, RATING_COLUMNS)
    return path


def test_ratings_are_compared_image_by_image(study: Any) -> None:
    write_ratings(study.write_session("p001", 1), "p001", [0, -20, 40], [10, 20])
    write_ratings(study.write_session("p002", 2), "p002", [0, 0, 0], [30, 30])
    study.write_session("p003", 3)
    log = load_log(study.folder)
    ratings = load_ratings(log)
    assert len(ratings) == 10 and set(ratings["observer"]) == {"graded"}
    found = rating_means(ratings).set_index("moment")
    assert found.loc["before", "mean"] == pytest.approx(20 / 6)
    # Of the images that were rated twice: +10, +40, +30, +30.
    assert found.loc["difference", "mean"] == pytest.approx(27.5)
    assert found.loc["difference", "n_participants"] == 2
    numbers = analyse(log, Settings(n_bootstrap=10, rules=())).numbers
    assert numbers["simulated_graded.rating.difference"]["value"] == pytest.approx(27.5)


def test_without_ratings_there_is_no_table(study: Any) -> None:
    study.write_session("p001", 1)
    assert load_ratings(load_log(study.folder)).empty


def test_a_damaged_rating_is_named(study: Any) -> None:
    path = write_ratings(study.write_session("p001", 1), "p001", [5], [])
    path.write_text(path.read_text(encoding="utf-8").replace("before", "befor"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"ratings.csv, line 2, column 'moment'"):
        load_ratings(load_log(study.folder))


def test_ratings_in_another_participants_folder_are_named(study: Any) -> None:
    write_ratings(study.write_session("p001", 1), "p002", [5], [])
    with pytest.raises(BadInput, match=r"line 2, column 'participant': found p002, expected p001"):
        load_ratings(load_log(study.folder))


def test_sessions_that_ended_before_a_trial_have_their_ratings_reported(
    study: Any, tmp_path: Path
) -> None:
    for number in (1, 2):
        folder = study.write_session(f"p00{number}", number, trials=0, end_reason="aborted")
        write_ratings(folder, f"p00{number}", [10 * number, -20], [])
    log = load_study(study.folder)
    assert log.trials.empty and log.design == "demo_two_afc"
    page = write_report(study.folder, tmp_path / "report").page.read_text(encoding="utf-8")
    assert "Simulated participants (graded) rated how intuitive images look" in page
    assert "unfinished after 0 of 23 trials (aborted)" in page


def test_without_ratings_and_trials_there_is_nothing_to_report(study: Any) -> None:
    study.write_session("p001", 1, trials=0)
    with pytest.raises(BadInput, match="no completed trial"):
        load_study(study.folder)
