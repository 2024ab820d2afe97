"""Logs on the disk become one frame, and whatever is wrong is said in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import load
from analysis.logs.load import load_log
from analysis.logs.sessions import load_frames
from unitscope.columns import log_columns, names
from unitscope.errors import BadInput


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Rewrite a file of text."""
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def set_cell(path: Path, line: int, column: str, value: str) -> None:
    """Set one cell of a CSV file that has no quoted ones."""
    rows = [row.split(",") for row in path.read_text(encoding="utf-8").splitlines()]
    rows[line - 1][rows[0].index(column)] = value
    path.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")


def test_a_study_is_one_tidy_frame(demo_study: Path) -> None:
    trials = load(demo_study)
    told = ["session_state", "place", "unit"]
    assert list(trials.columns) == [*names(log_columns("two_afc")), *told]
    assert trials["participant"].nunique() == 36
    assert set(trials["session_state"]) == {"completed", "unfinished"}
    assert trials["unit"].str.fullmatch(r"mixed4a-3x3-\d{4}").all()
    order = trials[["participant", "session", "trial_number"]]
    assert order.equals(order.sort_values(list(order.columns)))


def test_a_session_folder_and_a_file_are_enough(study: Any) -> None:
    folder = study.write_session("p001", 1)
    whole = load(study.folder)
    for path in (folder, folder / "trials.csv", folder.parent):
        assert load(path).equals(whole)


def test_sessions_say_how_they_ended(demo_study: Path) -> None:
    sessions = load_log(demo_study).sessions.set_index("participant")
    assert sessions.loc["p005", ["session_state", "end_reason"]].tolist() == [
        "unfinished",
        "aborted",
    ]
    assert sessions.loc["p003", "runs"] == 2
    assert sessions["windowed"].sum() == 1


def test_a_session_lasts_as_long_as_its_runs(study: Any) -> None:
    """Where trials of runs alternate, and where a file goes on with the run of the one before."""
    runs = [
        {f"{what}_utc": f"2024-05-06T{hour}:0{minute}:00+00:00" for minute, what in enumerate(ends)}
        for hour, ends in (("09", ("began", "ended")), ("11", ("began",)))
    ]
    for number, first_run in enumerate(({2, *range(4, 11)}, set()), start=1):
        folder = study.write_session(f"p00{number}", number)
        facts = json.loads((folder / "session.json").read_text(encoding="utf-8"))
        (folder / "session.json").write_text(json.dumps(facts | {"runs": runs}), encoding="utf-8")
        path = folder / "trials.csv"
        edit(path, lambda text, n=number: "".join(text.splitlines(keepends=True)[: 20 // n]))
        for line in range(2, 20 // number + 1):
            run, began = (1, "09:05") if line in first_run else (2, "11:10")
            set_cell(path, line, "run", str(run))
            set_cell(path, line, "trial_began_utc", f"2024-05-06T{began}:00+00:00")
            set_cell(path, line, "fixation_onset_s", "5.0")
            set_cell(path, line, "trial_end_s", str(5.0 + line))
    expected_s = [(5 * 60 + 10) + (10 * 60 + 20), 10 * 60 + 10]
    assert load_log(study.folder).sessions["total_s"].tolist() == pytest.approx(expected_s)


def test_frames_come_from_windowed_sessions_only(demo_study: Path) -> None:
    frames = load_frames(load_log(demo_study))
    assert set(frames["participant"]) == {"p001"}
    assert frames["interval_s"].between(0, 0.1).all()


def test_frames_of_simulated_sessions_are_an_empty_frame(study: Any) -> None:
    study.write_session("p001", 1)
    assert load_frames(load_log(study.folder)).empty


def test_two_observers_may_share_a_participant_number(study: Any) -> None:
    study.write_session("p001", 1)
    study.write_session("m001", 1, kind="machine", observer="similarity")
    assert len(load_log(study.folder).sessions) == 2


def test_a_cut_last_line_is_left_out_and_said(study: Any) -> None:
    folder = study.write_session("p001", 1)
    edit(folder / "trials.csv", lambda text: text[:-40])
    with pytest.warns(UserWarning, match="line 24, the last, was cut off"):
        trials = load(study.folder)
    assert len(trials) == 22


def test_a_missing_session_file_counts_as_unfinished(study: Any) -> None:
    folder = study.write_session("p001", 1)
    (folder / "session.json").unlink()
    log = load_log(study.folder)
    assert log.trials["session_state"].eq("unfinished").all()
    assert "session.json is missing" in log.warnings[0]


def test_a_session_without_trials_is_listed(study: Any) -> None:
    study.write_session("p001", 1)
    folder = study.write_session("p002", 2, end_reason="running")
    (folder / "trials.csv").unlink()
    sessions = load_log(study.folder).sessions.set_index("participant")
    assert sessions.loc["p002", "trials"] == 0
    assert sessions.loc["p002", "session_state"] == "unfinished"


def test_several_versions_of_a_design_are_said(study: Any) -> None:
    study.write_session("p001", 1)
    folder = study.write_session("p002", 2)
    sha = load(folder)["design_sha256"].iloc[0]
    edit(folder / "trials.csv", lambda text: text.replace(sha, "0" * 64))
    assert "2 versions of the design" in load_log(study.folder).warnings[0]


@pytest.mark.parametrize(
    ("line", "column", "value", "expected"),
    [
        (4, "rt_s", "-0.2", "line 4, column 'rt_s': found -0.2, expected 0 or more"),
        (4, "rt_s", "99.0", "line 4, column 'rt_s': found 99.0, expected response_s minus onset_s"),
        (3, "reference_condition", "naturl", "line 3, column 'reference_condition'"),
        (5, "confidence", "4", "line 5, column 'confidence': found '4', expected one of 1, 2, 3"),
        (
            6,
            "trial_number",
            "4",
            "line 6, column 'trial_number': found 4, expected each trial once",
        ),
        (7, "choice", "", "expected a time if and only if there is a choice"),
        (2, "participant", "p009", "found participant p009, session 1, expected p001, 1"),
        (9, "participant", "p009", "found participant p009, session 1, expected p001, 1"),
        (2, "onset_s", "soon", "line 2, column 'onset_s': found 'soon', expected a number"),
    ],
)
def test_a_bad_cell_is_named(study: Any, line: int, column: str, value: str, expected: str) -> None:
    path = study.write_session("p001", 1) / "trials.csv"
    study.write_session("p002", 2)
    set_cell(path, line, column, value)
    with pytest.raises(BadInput) as error:
        load(study.folder)
    assert expected in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_mark_is_refused(study: Any) -> None:
    path = study.write_session("p001", 1) / "trials.csv"
    right = load(path)["correct"].iloc[0]
    set_cell(path, 2, "correct", str(not right))
    with pytest.raises(BadInput, match="expected whether choice is correct_choice"):
        load(path)


def test_a_missing_column_is_named(study: Any) -> None:
    path = study.write_session("p001", 1) / "trials.csv"
    edit(path, lambda text: text.replace(",confidence_rt_s\n", "\n").replace(",\n", "\n"))
    with pytest.raises(BadInput, match="column 'confidence_rt_s' is missing"):
        load(study.folder)


def test_a_renamed_column_is_named_with_what_was_meant(study: Any) -> None:
    path = study.write_session("p001", 1) / "trials.csv"
    edit(path, lambda text: text.replace("rt_s", "RT_s", 1))
    with pytest.raises(BadInput, match="column 'rt_s' is missing; did you mean 'RT_s'"):
        load(study.folder)


def test_a_line_that_is_too_long_is_refused(study: Any) -> None:
    path = study.write_session("p001", 1) / "trials.csv"
    edit(path, lambda text: text.replace(",\n", ",,1\n", 3))
    with pytest.raises(BadInput, match="line 2: found"):
        load(study.folder)


def test_a_header_alone_has_no_trials(study: Any) -> None:
    path = study.write_session("p001", 1) / "trials.csv"
    edit(path, lambda text: text[: text.index("\n") + 1])
    with pytest.raises(BadInput, match="no completed trial"):
        load(study.folder)


def test_an_empty_file_is_refused(study: Any) -> None:
    path = study.write_session("p001", 1) / "trials.csv"
    path.write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match="no line is complete"):
        load(study.folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no session there"):
        load(tmp_path)
    with pytest.raises(BadInput, match="no such file or folder"):
        load(tmp_path / "nothing")


def test_mixed_designs_are_refused(study: Any) -> None:
    study.write_session("p001", 1)
    path = study.write_session("p002", 2) / "trials.csv"
    edit(path, lambda text: text.replace(",demo_two_afc,", ",another,"))
    with pytest.raises(BadInput, match=r"2 designs are mixed \(another, demo_two_afc\)"):
        load(study.folder)


def test_mixed_tasks_are_refused(study: Any) -> None:
    first = study.write_session("p001", 1) / "trials.csv"
    other = first.parents[2] / "sub-p002" / "ses-01" / "trials.csv"
    other.parent.mkdir(parents=True)
    columns = names(log_columns("occlusion"))
    row = ["occlusion" if name == "task" else "1" for name in columns]
    other.write_text(",".join(columns) + "\n" + ",".join(row) + "\n", encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load(study.folder)
    assert str(caught.value) == (
        f"{other}: found a session of the task occlusion, but {first} is of two_afc; "
        "expected the sessions of one design"
    )


def test_the_folder_of_all_designs_is_refused(study: Any) -> None:
    study.write_session("p001", 1)
    with pytest.raises(BadInput, match="give one of them"):
        load(study.folder.parent)


def test_a_damaged_session_file_is_refused(study: Any) -> None:
    folder = study.write_session("p001", 1)
    (folder / "session.json").write_text('{"end_reason"', encoding="utf-8")
    with pytest.raises(BadInput, match="cannot be read as JSON"):
        load(study.folder)
    (folder / "session.json").write_text(json.dumps([1]), encoding="utf-8")
    with pytest.raises(BadInput, match="expected an object"):
        load(study.folder)
