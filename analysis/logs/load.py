"""Load the logs of sessions as one tidy frame, from the cache where that holds them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.logs.cache import load_cached
from analysis.logs.sessions import Log, read_log


def load(
    path: Path | str,
    *,
    cache: bool | Path | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Load every trial below a path as a tidy frame.

    Parameters
    ----------
    path
        A folder ``data/<design>``, one participant's or session's folder in it, or a
        ``trials.csv``.
    cache, columns
        As for :func:`analysis.logs.cache.load_cached`.

    Returns
    -------
    pandas.DataFrame
        As :attr:`analysis.logs.sessions.Log.trials`; what is unusual but usable is issued as a
        Python warning.

    Raises
    ------
    BadInput
        As for :func:`load_log`.
    """
    log = load_log(path, cache=cache, columns=columns)
    for sentence in log.warnings:
        warnings.warn(sentence, stacklevel=2)
    return log.trials


def load_log(
    path: Path | str,
    *,
    cache: bool | Path | None = None,
    columns: Sequence[str] | None = None,
) -> Log:
    """Load every session below a path, with what is known of each.

    A last line without an ending is a trial that a crash cut off; it is ignored with a warning, as
    the session's next run would leave it out too.

    Parameters
    ----------
    path
        As for :func:`load`.
    cache, columns
        As for :func:`analysis.logs.cache.load_cached`.

    Raises
    ------
    BadInput
        If there is no session, a cell does not fit its column, values of a trial contradict each
        other, a trial is logged twice, or several designs are mixed, naming file, line and column.
    """
    return load_cached(Path(path), read_log, cache, columns)
