"""How well the data were recorded: sessions, sides, unusual reaction times, dropped frames."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.logs.sessions import Log, is_imported
from analysis.statistics.kept_sessions import choices_are_sides

MANY_EARLY = 0.1
"""Presses before onset in a trial, on average, from which a session gets a remark."""

FAST_S = 0.2
"""Answers faster than this cannot rest on the pictures."""

OUTLIER_SPREADS = 3.0
"""An outlier lies this many interquartile ranges of log time beyond the session's quartiles."""


def rt_outliers(rt_s: pd.Series) -> np.ndarray:
    """Return which reaction times of a session are outliers, on the log scale.

    Parameters
    ----------
    rt_s
        Shape (trials,); 0 or more, in seconds. Missing times are no outliers.
    """
    times = rt_s.to_numpy(float)
    known = np.isfinite(times)
    odd: np.ndarray = known & (times < FAST_S)
    if known.sum() < 4:
        return odd
    logs = np.log(np.maximum(times, 0.001))
    lower, upper = np.quantile(logs[known], [0.25, 0.75])
    # A session that answers like clockwork has no spread; a tenth is little on a log scale.
    reach = OUTLIER_SPREADS * max(upper - lower, 0.1)
    odd |= known & ((logs < lower - reach) | (logs > upper + reach))
    return odd


def session_quality(log: Log) -> pd.DataFrame:
    """Return one row per session on how well it was recorded.

    Returns
    -------
    pandas.DataFrame
        participant, session, observer_kind, observer, session_state, end_reason, runs, trials,
        trials_planned, instruction_s, total_s, practice_rounds, notes, hidden (times),
        table_edited, rt_median_s, rt_outliers, less_used_side (share of answers), timed_out,
        early_presses, paused_s, shown_again (trials), windowed, frames, dropped_frames,
        largest_frame_interval_s and remarks (a sentence, empty where nothing is odd).
    """
    rows = []
    sided = choices_are_sides(log.trials)
    keys = ["observer_kind", "observer", "participant"]
    together = log.sessions.groupby(keys, dropna=False)["session"].transform("size")
    # A study that was run elsewhere may have asked for several.
    several = together.clip(upper=1) if is_imported(log) else together
    for facts, number in zip(log.sessions.itertuples(index=False), several, strict=True):
        chosen = (
            (log.trials["participant"] == facts.participant)
            & (log.trials["session"] == facts.session)
            & (log.trials["observer_kind"] == facts.observer_kind)
            & (log.trials["observer"].fillna("") == _text(facts.observer))
        )
        rows.append(_row(facts, log.trials[chosen], int(number), sided))
    return pd.DataFrame(rows)


def _row(facts: object, trials: pd.DataFrame, sessions: int, sided: bool) -> dict[str, object]:
    names = (
        *("participant", "session", "observer_kind", "observer", "session_state", "end_reason"),
        *("runs", "trials", "trials_planned", "instruction_s", "total_s", "practice_rounds"),
        *("notes", "hidden"),
    )
    row = {name: getattr(facts, name) for name in names}
    # Exemplar matching has no sides, nor have studies where one choice is always correct.
    sides = sided and "choice" in trials.columns
    choices = trials["choice"].dropna() if sides else trials["rt_s"].iloc[:0]
    share = float((choices == "a").mean()) if len(choices) else np.nan
    windowed = bool(facts.windowed)  # type: ignore[attr-defined]
    row |= {
        "table_edited": bool(facts.table_edited),  # type: ignore[attr-defined]
        "rt_median_s": float(trials["rt_s"].median()) if len(trials) else np.nan,
        "rt_outliers": int(rt_outliers(trials["rt_s"]).sum()),
        "less_used_side": min(share, 1 - share),
        "timed_out": int(trials["timed_out"].sum()),
        "early_presses": int(trials["early_presses"].sum()),
        "paused_s": float(trials["paused_s"].sum()),
        "shown_again": int((trials["exposures"].fillna(1) > 1).sum()),
        "windowed": windowed,
        "frames": int(trials["frames"].sum()),
        "dropped_frames": int(trials["dropped_frames"].sum()),
        "largest_frame_interval_s": float(trials["largest_frame_interval_s"].max()),
    }
    return row | {"remarks": "; ".join(_remarks(row, sessions))}


def _remarks(row: dict[str, object], sessions: int) -> list[str]:
    def number(name: str) -> float:
        return float(row[name])  # type: ignore[arg-type]

    found = []
    if row["session_state"] != "completed":
        planned = row["trials_planned"]
        of = f" of {planned}" if planned else ""
        found.append(f"unfinished after {row['trials']}{of} trials ({row['end_reason']})")
    if sessions > 1:
        found.append(f"one of {sessions} sessions of the participant")
    if row["table_edited"]:
        found.append("its condition table was edited by hand")
    if number("runs") > 1:
        found.append(f"resumed, {row['runs']} runs")
    if number("less_used_side") < 0.1:
        found.append(f"{100 * (1 - number('less_used_side')):.0f} % of answers on one side")
    for name, what in (
        ("notes", "notes of the experimenter"),
        ("hidden", "times that the page was hidden or its window too small"),
        ("rt_outliers", "unusual reaction times"),
        ("timed_out", "trials without an answer"),
        ("shown_again", "trials shown again after an interruption"),
    ):
        if number(name):
            found.append(f"{what}: {row[name]}")
    if number("early_presses") > MANY_EARLY * number("trials"):
        found.append(f"presses before onset: {row['early_presses']}")
    if row["windowed"] and number("dropped_frames") > 0.01 * number("frames"):
        found.append(f"{number('dropped_frames') / number('frames'):.1%} of frames dropped")
    return found


def _text(value: object) -> str:
    return "" if pd.isna(value) else str(value)
