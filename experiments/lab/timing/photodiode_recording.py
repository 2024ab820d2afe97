"""The recording of a photodiode during a session, compared with the logged onsets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from unitscope.columns import Column, log_columns
from unitscope.errors import BadInput
from unitscope.records import TRIALS
from unitscope.tables import lines_of, read_by_task, read_csv

RECORDING_COLUMNS = (
    Column("time_s", "float", "Time of the sample, on the recorder's clock.", "s"),
    Column("value", "float", "What the photodiode measured; brighter is larger."),
)
"""Columns of a recording that are looked at; it may have others."""

NEAREST_S = 0.1
"""A rise farther than this from an expected onset is not matched to it."""

HYSTERESIS = 0.1
"""The trace must fall below the threshold by this share of its range before the next rise."""


def analyse(recording: Path, session: Path, threshold: float | None = None) -> dict[str, Any]:
    """Compare a recording with a session's log.

    Parameters
    ----------
    recording
        CSV with the columns ``time_s`` and ``value``, brighter being larger.
    session
        Folder of the session's record.
    threshold
        Value that a rise crosses; half way between dark and bright if None.

    Returns
    -------
    dict
        See :func:`compare`.

    Raises
    ------
    BadInput
        If either cannot be read, or no onset fits a rise.
    """
    path = session / TRIALS
    if not path.is_file():
        raise BadInput(f"{session}: no session there ({TRIALS} is missing)")
    trials = read_by_task(path, log_columns)
    rises_s = find_rises(*read_recording(recording), threshold)
    try:
        return compare(trials["onset_s"].to_numpy(float), rises_s)
    except ValueError as error:
        raise BadInput(f"{recording}: {error}") from None


def read_recording(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read times and values of a recording.

    Raises
    ------
    BadInput
        If a column is missing, a cell is no number, or times do not rise.
    """
    frame = read_csv(path, RECORDING_COLUMNS, extra=True)
    time_s, value = frame["time_s"].to_numpy(), frame["value"].to_numpy()
    if len(time_s) < 2:
        raise BadInput(f"{path}: {len(time_s)} samples, expected a recording of a session")
    falls = (np.diff(time_s) <= 0).nonzero()[0]
    if len(falls):
        line = lines_of(frame)[falls[0] + 1]
        raise BadInput(f"{path}, line {line}, column 'time_s': expected rising times")
    return time_s, value


def find_rises(time_s: np.ndarray, value: np.ndarray, threshold: float | None = None) -> np.ndarray:
    """Return when the trace rises above the threshold, by linear interpolation between samples."""
    low, high = np.percentile(value, [1, 99])
    if high <= low:
        low, high = float(value.min()), float(value.max())
    level = (low + high) / 2 if threshold is None else threshold
    again = level - HYSTERESIS * (high - low)
    rises, is_armed = [], bool(value[0] < again)
    for i in np.flatnonzero((value[1:] >= level) | (value[1:] < again)) + 1:
        if value[i] < again:
            is_armed = True
        elif is_armed:
            is_armed = False
            share = (level - value[i - 1]) / (value[i] - value[i - 1])
            rises.append(time_s[i - 1] + share * (time_s[i] - time_s[i - 1]))
    return np.array(rises)


def compare(onsets_s: np.ndarray, rises_s: np.ndarray) -> dict[str, Any]:
    """Fit two clocks and compare every onset with its rise.

    The recorder's clock has another zero and may run faster or slower; both are fitted, the zero
    first by trying each rise. If both are the same clock, the lag is absolute; otherwise only its
    spread is known, see ``docs/timing.md``.

    Parameters
    ----------
    onsets_s
        Logged onsets, rising.
    rises_s
        Rises of the trace, rising.

    Returns
    -------
    dict
        ``n_onsets``, ``n_rises``, ``n_matched``, ``shift_s`` (median rise minus onset),
        ``lag_ms`` (the same in ms where it is below 0.5 s, else None), ``sd_ms`` (of what is
        left), ``sd_without_drift_ms``, ``drift_ppm``, ``largest_ms``, ``missed`` (numbers, from 1,
        of the onsets without a rise).

    Raises
    ------
    ValueError
        If fewer than three onsets have a rise.
    """
    if len(onsets_s) < 3 or len(rises_s) < 3:
        raise ValueError(
            f"{len(rises_s)} rises and {len(onsets_s)} onsets, expected 3 or more of each"
        )
    expected_s = onsets_s + _find_shift(onsets_s, rises_s)
    since_s = onsets_s - onsets_s[0]
    # In steps, because a drift shifts the ends of a long session against its middle.
    for near_s in (NEAREST_S, NEAREST_S, NEAREST_S / 2):
        matched, nearest = _match(expected_s, rises_s, near_s)
        if matched.sum() < 3:
            raise ValueError(
                "fewer than three onsets have a rise; is it the recording of another session?"
            )
        late_s = rises_s[nearest[matched]] - onsets_s[matched]
        slope, zero = np.polyfit(since_s[matched], late_s, 1)
        expected_s = onsets_s + zero + slope * since_s
    left_s = late_s - zero - slope * since_s[matched]
    median_s = float(np.median(late_s))
    return {
        "n_onsets": len(onsets_s),
        "n_rises": len(rises_s),
        "n_matched": int(matched.sum()),
        "shift_s": median_s,
        "lag_ms": 1000 * median_s if abs(median_s) < 0.5 else None,
        "sd_ms": float(1000 * late_s.std(ddof=1)),
        "sd_without_drift_ms": float(1000 * left_s.std(ddof=1)),
        "drift_ppm": float(1e6 * slope),
        "largest_ms": float(1000 * np.abs(left_s).max()),
        "missed": [int(i) + 1 for i in np.flatnonzero(~matched)],
    }


def shown(found: dict[str, Any]) -> str:
    """Return the results as lines for the terminal."""
    lag = found["lag_ms"]
    said = "unknown (the clocks have different zeros)" if lag is None else f"{lag:.2f} ms"
    missed = ", ".join(map(str, found["missed"])) or "none"
    return "\n".join(
        [
            f"onsets with a rise   {found['n_matched']} of {found['n_onsets']}"
            f" ({found['n_rises']} rises; without: {missed})",
            f"lag, median          {said}",
            f"sd                   {found['sd_ms']:.3f} ms",
            f"sd without drift     {found['sd_without_drift_ms']:.3f} ms",
            f"drift                {found['drift_ppm']:.1f} ppm",
            f"largest deviation    {found['largest_ms']:.3f} ms",
        ]
    )


def _find_shift(onsets_s: np.ndarray, rises_s: np.ndarray) -> float:
    """Return the shift that matches most onsets with a rise; among equals, the closest match."""
    best, found = (-1, 0.0), 0.0
    middle = onsets_s[len(onsets_s) // 2]
    # Zero is tried first, as both may be the same clock.
    for shift_s in (0.0, *(rises_s - middle)):
        matched, nearest = _match(onsets_s + shift_s, rises_s, NEAREST_S)
        if not matched.any():
            continue
        off_s = np.abs(rises_s[nearest[matched]] - onsets_s[matched] - shift_s)
        score = (int(matched.sum()), -float(off_s.mean()))
        if score > best:
            best, found = score, float(shift_s)
    return found


def _match(
    expected_s: np.ndarray, rises_s: np.ndarray, near_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return which expected times have a rise nearby, and the index of the nearest rise of each."""
    right = np.clip(np.searchsorted(rises_s, expected_s), 1, len(rises_s) - 1)
    left = right - 1
    is_left = expected_s - rises_s[left] <= rises_s[right] - expected_s
    nearest = np.where(is_left, left, right)
    return np.abs(rises_s[nearest] - expected_s) <= near_s, nearest
