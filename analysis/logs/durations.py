"""How long a session took, from its record and its trials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd


def total_s(facts: Mapping[str, Any], last: Mapping[int, Mapping[str, Any]]) -> float:
    """Return the time from the first page to the last trial, all runs together, in seconds.

    Parameters
    ----------
    facts
        A ``session.json``; each of its ``runs`` has ``began_utc`` and, unless it crashed,
        ``ended_utc``.
    last
        Number of each run that has trials to the row of the last of them. The run ends with it, so
        that comments and ratings afterwards do not count.

    Returns
    -------
    float
        NaN where the record does not say it.
    """
    runs = facts.get("runs")
    if not isinstance(runs, list) or not runs:
        return np.nan
    total = 0.0
    for number, run in enumerate(runs, start=1):
        began = _time(run.get("began_utc") if isinstance(run, dict) else None)
        ended = _end_of(last[number]) if number in last else None
        ended = _time(run.get("ended_utc")) if ended is None and isinstance(run, dict) else ended
        if began is None or ended is None:
            return np.nan
        total += max(0.0, (ended - began).total_seconds())
    return total


def _time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _end_of(trial: Mapping[str, Any]) -> datetime | None:
    began = _time(trial["trial_began_utc"])
    first_s, last_s = trial["fixation_onset_s"], trial["trial_end_s"]
    if pd.isna(first_s):
        first_s = trial["onset_s"]
    if began is None or pd.isna(first_s) or pd.isna(last_s):
        return None
    return began + timedelta(seconds=float(last_s - first_s))
