import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.runner.log import (
    TrialLog,
    check_participant,
    completed_trials,
    session_folder,
    sessions_of,
)
from unitscope.columns import FRAME_COLUMNS, log_columns, names
from unitscope.errors import BadInput
from unitscope.records import read_session
from unitscope.tables import read_csv

VALUES = {"str": "x", "int": 1, "float": 0.5, "bool": True}


def cells_of(columns):
    cells = {c.name: c.levels[0] if c.levels else VALUES[c.type] for c in columns}
    del cells["columns_version"]  # Which the log fills.
    return cells


def row(number):
    cells = cells_of(log_columns("two_afc"))
    return cells | {"trial_number": number, "rt_s": 0.1 + number, "unit_pool": 'a "b", c\nd'}


def frame(number):
    cells = cells_of(FRAME_COLUMNS)
    return cells | {"frame": number, "interval_s": None if number == 1 else 0.0167}


def test_what_is_appended_is_read_again(tmp_path):
    log = TrialLog(tmp_path / "ses-01")
    log.append(row(1), [frame(1), frame(2)])
    log.append(row(2) | {"rt_s": None, "correct": None})
    log.close()
    again = TrialLog(tmp_path / "ses-01").completed
    assert again["trial_number"].tolist() == [1, 2]
    assert again["rt_s"][0] == 1.1
    assert again["correct"].isna().tolist() == [False, True]
    frames = read_csv(tmp_path / "ses-01" / "frames.csv", FRAME_COLUMNS)
    assert frames["interval_s"].isna().tolist() == [True, False]


def test_a_row_must_have_every_column_and_no_other(tmp_path):
    log = TrialLog(tmp_path)
    with pytest.raises(KeyError, match="extra"):
        log.append(row(1) | {"extra": 1})
    assert not (tmp_path / "trials.csv").exists()


def test_frames_of_a_trial_that_was_lost_are_told_apart_by_their_run(tmp_path):
    log = TrialLog(tmp_path)
    (tmp_path / "trials.csv").mkdir()  # stands for a crash between the frames and the row
    with pytest.raises(BadInput, match="trials.csv: cannot be written"):
        log.append(row(1), [frame(1), frame(2)])
    log.close()
    (tmp_path / "trials.csv").rmdir()
    log = TrialLog(tmp_path)
    again = [frame(number) | {"run": 2} for number in (1, 2, 3)]
    log.append(row(1) | {"run": 2, "frames": 3}, again)
    log.close()
    trials = read_csv(tmp_path / "trials.csv", log_columns("two_afc"))
    frames = read_csv(tmp_path / "frames.csv", FRAME_COLUMNS)
    assert frames["run"].tolist() == [1, 1, 2, 2, 2]
    kept = frames.merge(trials[["run", "trial_number"]], on=["run", "trial_number"])
    assert kept["frame"].tolist() == [1, 2, 3]


def test_a_session_is_held_by_one_at_a_time(tmp_path):
    log = TrialLog(tmp_path)
    with pytest.raises(BadInput, match="this session is running already"):
        TrialLog(tmp_path)
    log.close()
    TrialLog(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file/ses-01: cannot be written"):
        TrialLog(tmp_path / "file" / "ses-01")


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_line_cut_anywhere_is_taken_away_and_a_copy_kept(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    log = TrialLog(folder)
    for number in (1, 2, 3):
        log.append(row(number) | {"unit_pool": "plain"})
    log.close()
    path = folder / "trials.csv"
    whole = path.read_bytes()
    start_of_last = whole[:-1].rfind(b"\n") + 1
    cut = data.draw(st.integers(start_of_last + 1, len(whole) - 1))
    path.write_bytes(whole[:cut])
    log = TrialLog(folder)
    assert log.completed["trial_number"].tolist() == [1, 2]
    assert log.repaired.read_bytes() == whole[:cut]
    assert path.read_bytes() == whole[:start_of_last]
    log.append(row(3) | {"unit_pool": "plain"})
    log.close()
    assert path.read_bytes() == whole


def test_a_header_cut_in_the_middle_leaves_an_empty_log(tmp_path):
    (tmp_path / "trials.csv").write_bytes(b"participant,sess")
    log = TrialLog(tmp_path)
    assert log.completed is None
    log.append(row(1))
    assert len(read_csv(tmp_path / "trials.csv", log_columns("two_afc"))) == 1


def test_completed_trials_are_counted_in_the_log_itself(tmp_path):
    assert completed_trials(tmp_path) == 0
    log = TrialLog(tmp_path)
    for number in (1, 2, 3):
        log.append(row(number) | {"unit_pool": "plain"})
    log.close()
    assert completed_trials(tmp_path) == 3
    path = tmp_path / "trials.csv"
    path.write_bytes(path.read_bytes()[:-5])
    assert completed_trials(tmp_path) == 2


def test_session_facts_are_replaced_as_a_whole(tmp_path):
    log = TrialLog(tmp_path)
    log.write_session({"end_reason": "running", "note": "ü"})
    log.write_session({"end_reason": "completed"})
    assert read_session(tmp_path) == {"end_reason": "completed"}
    assert not list(tmp_path.glob("*.partial"))


def test_sessions_of_a_participant(tmp_path):
    for number, ended in ((1, "completed"), (2, "running")):
        folder = session_folder(tmp_path, "quick", "p001", number)
        folder.mkdir(parents=True)
        (folder / "session.json").write_text(json.dumps({"end_reason": ended}))
    assert sessions_of(tmp_path, "quick", "p001") == {1: "completed", 2: "running"}
    assert sessions_of(tmp_path, "quick", "p002") == {}


@pytest.mark.parametrize(
    "participant", ["", " ", "a/b", "..", "a\\b", "p 1", "Zoë", "p" * 33, "p1\n"]
)
def test_ids_that_cannot_name_a_folder_are_refused(participant):
    with pytest.raises(BadInput, match="expected 1 to 32 letters and digits"):
        check_participant(participant)


def test_columns_of_the_log_stand_in_their_order(tmp_path):
    TrialLog(tmp_path).append(row(1))
    header = (tmp_path / "trials.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",") == names(log_columns("two_afc"))


def test_a_row_is_one_line_whatever_its_cells_hold(tmp_path):
    log = TrialLog(tmp_path)
    log.append(row(1) | {"unit_pool": 'a "b", c\nd\r\ne\u2028f'})
    log.close()
    assert (tmp_path / "trials.csv").read_bytes().count(b"\n") == 2
    assert TrialLog(tmp_path).completed["unit_pool"].tolist() == ['a "b", c d e f']
