"""Recordings of a photodiode whose lag and drift are known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.__main__ import main
from experiments.lab.timing.photodiode_recording import compare, find_rises, read_recording, shown
from experiments.runner.observers import make_observer
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from unitscope.errors import BadInput

RATE_HZ = 2000


def onsets(n: int = 40, seed: int = 3) -> np.ndarray:
    """Return onsets some seconds apart, as people's trials are."""
    return 100 + np.cumsum(np.random.default_rng(seed).uniform(1.5, 4.0, n))


def trace(
    onsets_s: np.ndarray, *, lag_s=0.0, sd_s=0.0, zero_s=0.0, drift=0.0, missed=(), noise=0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return a recording of a patch that is white for half a second from each onset on."""
    rng = np.random.default_rng(5)
    kept = np.delete(onsets_s, list(missed))
    shown_s = kept + lag_s + rng.normal(0, sd_s, len(kept)) if sd_s else kept + lag_s
    shown_s = (shown_s - onsets_s[0]) * (1 + drift) + onsets_s[0] + zero_s
    time_s = np.arange(shown_s[0] - 2, shown_s[-1] + 2, 1 / RATE_HZ)
    since_s = time_s - shown_s[np.clip(np.searchsorted(shown_s, time_s) - 1, 0, None)]
    value = 0.2 + 3.0 * ((since_s >= 0) & (since_s < 0.5))
    return time_s, value + rng.normal(0, noise, len(value))


def compared(onsets_s: np.ndarray, **how) -> dict:
    return compare(onsets_s, find_rises(*trace(onsets_s, **how)))


@given(lag_s=st.floats(-0.02, 0.08), seed=st.integers(0, 50))
def test_a_known_lag_is_found(lag_s, seed):
    found = compared(onsets(12, seed), lag_s=lag_s)
    assert found["n_matched"] == 12
    assert found["lag_ms"] == pytest.approx(1000 * lag_s, abs=1000 / RATE_HZ)
    assert found["sd_ms"] < 1000 / RATE_HZ


def test_a_known_spread_is_found_in_noise():
    found = compared(onsets(200), lag_s=0.008, sd_s=0.003, noise=0.05)
    assert found["n_matched"] == 200
    assert found["lag_ms"] == pytest.approx(8, abs=0.8)
    assert found["sd_without_drift_ms"] == pytest.approx(3, rel=0.2)


@pytest.mark.parametrize("zero_s", [-90.0, 1e4])
def test_clocks_with_other_zeros_are_aligned_and_the_lag_left_open(zero_s):
    found = compared(onsets(), zero_s=zero_s)
    assert found["n_matched"] == 40
    assert found["lag_ms"] is None
    assert found["shift_s"] == pytest.approx(zero_s, abs=0.001)
    assert "unknown" in shown(found)


@pytest.mark.parametrize("drift", [80e-6, -80e-6])
def test_drift_over_a_long_session_is_followed(drift):
    found = compared(onsets(1000), drift=drift, zero_s=50.0)
    assert found["n_matched"] == 1000
    assert found["drift_ppm"] == pytest.approx(1e6 * drift, abs=1)
    assert found["sd_ms"] > 10
    assert found["sd_without_drift_ms"] < 1


def test_one_onset_that_is_20_ms_late_stands_out():
    shown_s = onsets()
    logged_s = shown_s.copy()
    logged_s[17] -= 0.020
    found = compare(logged_s, find_rises(*trace(shown_s)))
    assert found["largest_ms"] == pytest.approx(20, abs=2)
    assert found["missed"] == []


def test_onsets_without_a_rise_are_named_and_other_rises_ignored():
    shown_s = onsets()
    found = compared(shown_s, missed=(4, 30))
    assert found["missed"] == [5, 31]
    more = np.sort(np.append(shown_s + 0.01, shown_s[3] + 1.2))
    found = compare(shown_s, more)
    assert (found["n_matched"], found["n_rises"]) == (40, 41)
    assert found["lag_ms"] == pytest.approx(10)


def test_a_recording_that_begins_bright_has_no_rise_there():
    time_s = np.arange(0, 1, 0.001)
    value = np.where((time_s < 0.2) | (time_s > 0.6), 1.0, 0.0)
    assert find_rises(time_s, value) == pytest.approx([0.6005], abs=0.001)


def test_a_rise_is_found_between_samples():
    rises = find_rises(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.0, 4.0]), 1.0)
    assert rises == pytest.approx([1.25])


def test_a_trace_that_trembles_at_the_threshold_rises_once():
    value = np.array([0.0, 0.0, 0.49, 0.51, 0.49, 0.51, 1.0, 1.0, 0.0, 0.0])
    assert len(find_rises(np.arange(10.0), value)) == 1


def test_another_session_is_refused():
    with pytest.raises(ValueError, match="expected 3 or more"):
        compare(onsets(), np.array([1.0]))
    with pytest.raises(ValueError, match="another session"):
        compare(np.array([0.0, 10, 20]), np.array([0.0, 3.3, 4.4]))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("t,value\n1,2\n", "column 'time_s' is missing"),
        (
            "time_s,value\n1,2\n2,bright\n",
            "line 3, column 'value': found 'bright', expected a number",
        ),
        ("time_s,value\n1,2\n3,2\n2,2\n", "line 4, column 'time_s': expected rising times"),
        ("time_s,value\n1,2\n", "1 samples"),
        ("", "the file is empty"),
        ("time_s,value\n1,2,3\n", "line 2: found 3 cells, expected 2"),
    ],
)
def test_a_recording_that_cannot_be_used_is_refused(content, said, tmp_path):
    path = tmp_path / "recording.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        read_recording(path)


def test_the_command_compares_a_recording_with_a_session(request_for, tmp_path, capsys):
    with Session.open(request_for()) as session:
        simulate(session, make_observer("graded", 1, session.stimuli.file))
        folder = session.log.folder
    onsets_s = pd.read_csv(folder / "trials.csv")["onset_s"].to_numpy()
    time_s, value = trace(onsets_s, lag_s=0.012)
    recording = tmp_path / "recording.csv"
    pd.DataFrame({"time_s": time_s, "value": value}).to_csv(recording, index=False)
    out = tmp_path / "found.json"
    options = ["--photodiode", str(recording), "--session", str(folder), "--json", str(out)]
    assert main(["timing", *options]) == 0
    assert "lag, median" in capsys.readouterr().out
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["n_matched"] == len(onsets_s)
    assert found["lag_ms"] == pytest.approx(12, abs=1)


def test_a_folder_that_is_no_session_is_refused(tmp_path, capsys):
    options = ["--photodiode", str(tmp_path / "x.csv"), "--session", str(tmp_path)]
    assert main(["timing", *options]) == 2
    assert "trials.csv is missing" in capsys.readouterr().err


@pytest.mark.parametrize("end", ["", ","])
def test_a_comma_at_the_end_of_each_line_moves_no_column(end, tmp_path):
    path = tmp_path / "recording.csv"
    header = "time_s,value"
    path.write_text(f"{header}\n1,20{end}\n2,30{end}\n", encoding="utf-8")
    time_s, value = read_recording(path)
    assert (time_s.tolist(), value.tolist()) == ([1, 2], [20, 30])
