"""Logged times against true ones: arithmetic on the trials and frames of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from experiments.runner.phases import DROPPED

OWN_SHARE = 0.5
"""A dropped frame is attributed to our own work if that took more than this share of a frame."""


@dataclass(frozen=True)
class Observation:
    """What a second process saw and did during a trial, on the clock that processes share.

    Parameters
    ----------
    seen_s
        When it first saw the images on the screen; None if it did not look or saw none.
    pressed_s
        When it pressed a key; None if it did not.
    """

    seen_s: float | None = None
    pressed_s: float | None = None


@dataclass
class MeasuredRun:
    """The trials of one run, as they were logged and as they were observed.

    Parameters
    ----------
    trials
        ``trial_number``, ``onset_s``, ``rt_s`` as logged; ``rt_s`` is missing without a press.
    frames
        ``trial_number``, ``flip_s``, ``interval_s``, ``phase``, and ``work_s``: processor time of
        our own work before the flip.
    offset_s
        By trial: the log's clock minus the clock that processes share.
    observed
        By trial: what the second process saw and did.
    memory_mib
        Memory of the process after each trial.
    """

    trials: pd.DataFrame
    frames: pd.DataFrame
    offset_s: Mapping[int, float] = field(default_factory=dict)
    observed: Mapping[int, Observation] = field(default_factory=dict)
    memory_mib: tuple[float, ...] = ()


def onset_errors_ms(run: MeasuredRun) -> tuple[tuple[float, ...], int]:
    """Return how much later than logged the images were seen, and how often they never were."""
    errors, lost = [], 0
    for trial in run.trials.itertuples():
        seen_s = run.observed.get(trial.trial_number, Observation()).seen_s
        if seen_s is None:
            lost += 1
            continue
        logged_s = trial.onset_s - run.offset_s[trial.trial_number]
        errors.append(1000 * (seen_s - logged_s))
    return tuple(errors), lost


def press_errors_ms(run: MeasuredRun) -> tuple[tuple[float, ...], int]:
    """Return the logged reaction times minus the true times from the logged onset to the press.

    Returns
    -------
    tuple
        The errors in ms, and the number of presses that were made but not logged.
    """
    errors, lost = [], 0
    for trial in run.trials.itertuples():
        pressed_s = run.observed.get(trial.trial_number, Observation()).pressed_s
        if pressed_s is None:
            continue
        if pd.isna(trial.rt_s):
            lost += 1
            continue
        logged_s = trial.onset_s - run.offset_s[trial.trial_number] + trial.rt_s
        errors.append(1000 * (logged_s - pressed_s))
    return tuple(errors), lost


def reaction_errors_ms(run: MeasuredRun) -> tuple[tuple[float, ...], int]:
    """Return the logged reaction times minus the true times from sight to press, and the losses."""
    errors, lost = [], 0
    for trial in run.trials.itertuples():
        seen = run.observed.get(trial.trial_number, Observation())
        if seen.seen_s is None or seen.pressed_s is None:
            continue
        if pd.isna(trial.rt_s):
            lost += 1
            continue
        errors.append(1000 * (trial.rt_s - (seen.pressed_s - seen.seen_s)))
    return tuple(errors), lost


def phase_errors_ms(frames: pd.DataFrame, phase: str, nominal_s: float) -> tuple[float, ...]:
    """Return the duration of a phase in each trial, from flip to flip, minus the nominal one."""
    errors = []
    for _, own in frames.groupby("trial_number", sort=True):
        flips, phases = own["flip_s"].to_list(), own["phase"].to_list()
        if phase not in phases:
            continue
        first = phases.index(phase)
        after = next((i for i in range(first, len(phases)) if phases[i] != phase), None)
        if after is not None:
            errors.append(1000 * (flips[after] - flips[first] - nominal_s))
    return tuple(errors)


def gaps_ms(frames: pd.DataFrame) -> tuple[float, ...]:
    """Return the time from each trial's last flip to the first flip of the next trial."""
    first = frames.groupby("trial_number", sort=True)["flip_s"].min().to_list()
    last = frames.groupby("trial_number", sort=True)["flip_s"].max().to_list()
    return tuple(1000 * (b - a) for a, b in zip(last[:-1], first[1:], strict=True))


def dropped(frames: pd.DataFrame, frame_s: float, phase: str | None = None) -> tuple[int, int]:
    """Count dropped frames.

    Parameters
    ----------
    frames
        Of a run.
    frame_s
        Nominal duration of a frame.
    phase
        Count those that show this phase; None for all.

    Returns
    -------
    tuple of int
        How many were dropped, and how many of these are attributed to our own work.
    """
    if phase is not None:
        frames = frames[frames["phase"] == phase]
    late = frames[frames["interval_s"] > DROPPED * frame_s]
    return len(late), int((late["work_s"] > OWN_SHARE * frame_s).sum())


def growth_kib(memory_mib: tuple[float, ...], skip: float = 0.2) -> float:
    """Return the growth of memory in KiB per trial by least squares, without the first trials."""
    kept = pd.Series(memory_mib[int(skip * len(memory_mib)) :])
    if len(kept) < 2:
        return 0.0
    place = pd.Series(range(len(kept)), dtype=float)
    slope = ((place - place.mean()) * (kept - kept.mean())).sum() / place.var(ddof=0) / len(kept)
    return float(1024 * slope)
