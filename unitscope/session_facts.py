"""What a session's record and times say: how long it took, how large its images were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from unitscope.records import SessionRecord


class TrialTimes(NamedTuple):
    """When trials took place, one entry a trial in each field; floats are NaN where not known."""

    run: Sequence[int]
    trial_number: Sequence[int]
    trial_began_utc: Sequence[str]
    fixation_onset_s: Sequence[float]
    onset_s: Sequence[float]
    trial_end_s: Sequence[float]


def number_of(record: SessionRecord, name: Literal["instruction_s", "practice_rounds"]) -> float:
    """Return a number of a session's record, NaN where it has none."""
    value: object = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value)


def layout_scale(record: SessionRecord) -> float:
    """Return the size of a session's images as a share of the designed one.

    Of several runs it is the smallest; NaN where none had a window.
    """
    runs = record.get("runs")
    scales = [run.get("layout_scale") for run in runs] if isinstance(runs, list) else []
    known = [float(s) for s in scales if isinstance(s, int | float) and not isinstance(s, bool)]
    return min(known, default=math.nan)


def total_s(record: SessionRecord, times: TrialTimes) -> float:
    """Return how long a session took.

    A run lasts from its beginning to the end of its last trial, so that comments and ratings
    afterwards do not count. Runs are added up; one without trials adds nothing.

    Parameters
    ----------
    record
        The ``session.json``; each of its ``runs`` has ``began_utc``.
    times
        Of its trials.

    Returns
    -------
    float
        In seconds; NaN without trials, and where the record does not say when a run began.
    """
    last: dict[int, tuple[int, int]] = {}
    for place, (run, number) in enumerate(zip(times.run, times.trial_number, strict=True)):
        if run not in last or number >= last[run][0]:
            last[run] = number, place
    runs = record.get("runs")
    if not last or not isinstance(runs, list):
        return math.nan
    total = 0.0
    for run, (_, place) in last.items():
        began = _time(runs[run - 1].get("began_utc")) if 0 < run <= len(runs) else None
        ended = _end(times, place)
        if began is None or ended is None:
            return math.nan
        total += max(0.0, (ended - began).total_seconds())
    return total


def _end(times: TrialTimes, place: int) -> datetime | None:
    began = _time(times.trial_began_utc[place])
    first_s = times.fixation_onset_s[place]
    if math.isnan(first_s):
        first_s = times.onset_s[place]
    lasted_s = times.trial_end_s[place] - first_s
    if began is None or not math.isfinite(lasted_s):
        return None
    try:
        return began + timedelta(seconds=float(lasted_s))
    except OverflowError:
        return None


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
