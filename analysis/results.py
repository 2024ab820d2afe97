"""Every number of a report: computed once, as tables, and by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.contrasts import SMALLEST_EFFECT, compare_conditions
from analysis.estimates import LEVEL, CIUnit, plain
from analysis.exclusions import DEFAULT_RULES, Rule, judge, keep
from analysis.groups import Group, groups_of
from analysis.load import Log
from analysis.performance import accuracy, confidence, main_trials, response_times
from analysis.quality import session_quality

NUMBER_NAMES = {
    "{group}.accuracy.{condition}": "share of main trials answered rightly, after exclusions",
    "{group}.accuracy_all_sessions.{condition}": "the same without exclusions",
    "{group}.difference.{first}-{second}": "accuracy of first minus second, after exclusions",
    "{group}.difference_all_sessions.{first}-{second}": "the same without exclusions",
    "{group}.accuracy_by_unit.{unit}.{condition}": "share of right answers for one unit",
    "{group}.accuracy_by_confidence.{confidence}": "share of right answers at one confidence",
    "{group}.rt.{condition}.{outcome}": "median reaction time of all, right or wrong answers",
    "{group}.confidence.{condition}.{outcome}": "mean confidence of all, right or wrong answers",
    "sessions.{what}": "number of sessions that are so",
}
"""Patterns of the names in ``results.json`` and what the value is."""

_TABLE_NUMBERS: dict[str, tuple[str, str]] = {
    "accuracy": ("accuracy.{reference_condition}", "proportion"),
    "accuracy_all_sessions": ("accuracy_all_sessions.{reference_condition}", "proportion"),
    "differences": ("difference.{first}-{second}", "difference"),
    "differences_all_sessions": ("difference_all_sessions.{first}-{second}", "difference"),
    "accuracy_by_unit": ("accuracy_by_unit.{unit}.{reference_condition}", "proportion"),
    "accuracy_by_confidence": ("accuracy_by_confidence.{confidence}", "proportion"),
    "reaction_times": ("rt.{reference_condition}.{outcome}", "median_s"),
    "confidence": ("confidence.{reference_condition}.{outcome}", "mean"),
}

_KEYS = ("group", "observer_kind", "observer")


@dataclass(frozen=True)
class Settings:
    """How a log is analysed.

    Parameters
    ----------
    ci_unit
        Whom the intervals of accuracies and differences speak for.
    level
        Of the intervals.
    smallest_effect
        Smallest difference in accuracy of interest.
    rules
        By which sessions are left out.
    """

    ci_unit: CIUnit = "crossed"
    level: float = LEVEL
    smallest_effect: float = SMALLEST_EFFECT
    rules: Sequence[Rule] = DEFAULT_RULES


@dataclass(frozen=True)
class Results:
    """What a log says.

    Parameters
    ----------
    log, settings
        What was analysed, and how.
    groups
        Who took part, the primary group first.
    kept
        Main trials of the sessions that no rule excludes.
    tables
        Name to table: accuracy, differences (each also as ``_all_sessions``), accuracy_by_unit,
        accuracy_by_confidence, reaction_times, confidence, exclusions, sessions.
    """

    log: Log
    settings: Settings
    groups: tuple[Group, ...]
    kept: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]

    @property
    def remaining(self) -> tuple[Group, ...]:
        """Groups of which main trials remain after the exclusions."""
        return tuple(group for group in self.groups if len(group.rows_of(self.kept)))

    def of(self, table: str, group: Group) -> pd.DataFrame:
        """Return one group's rows of a table."""
        frame = self.tables[table]
        return frame[frame["group"] == group.key]

    def numbers(self) -> dict[str, dict[str, Any]]:
        """Return every number by name: value, interval, what it rests on, or why there is none."""
        named: dict[str, dict[str, Any]] = {}
        for table, (pattern, value) in _TABLE_NUMBERS.items():
            for row in self.tables[table].to_dict("records"):
                name = f"{row['group']}.{pattern.format(**row)}"
                others = {k: v for k, v in row.items() if k not in (*_KEYS, value)}
                named[name] = {"value": plain(row[value])} | {
                    str(k): _blank_as_none(v) for k, v in others.items()
                }
        sessions, judged = self.tables["sessions"], self.tables["exclusions"]
        excluded = judged[judged["excluded"].astype(bool)]
        for what, number in (
            ("all", len(sessions)),
            ("unfinished", int((sessions["session_state"] == "unfinished").sum())),
            ("resumed", int((sessions["runs"] > 1).sum())),
            ("excluded", len(excluded[["group", "participant", "session"]].drop_duplicates())),
        ):
            named[f"sessions.{what}"] = {"value": number}
        return named


def analyse(log: Log, settings: Settings | None = None) -> Results:
    """Compute every table of a report from a log."""
    settings = settings or Settings()
    groups = tuple(groups_of(log.trials))
    judged = judge(log.trials, settings.rules)
    everything = main_trials(log.trials)
    kept = keep(everything, judged)
    interval = {"ci_unit": settings.ci_unit, "level": settings.level}
    compared = interval | {"smallest_effect": settings.smallest_effect}

    def per_group(
        trials: pd.DataFrame, table: Callable[..., pd.DataFrame], **options: Any
    ) -> pd.DataFrame:
        parts = [_labelled(table(group.rows_of(trials), **options), group) for group in groups]
        filled = [part for part in parts if len(part)]
        return pd.concat(filled, ignore_index=True) if filled else parts[0]

    tables = {
        "accuracy": per_group(kept, accuracy, **interval),
        "accuracy_all_sessions": per_group(everything, accuracy, **interval),
        "differences": per_group(kept, compare_conditions, **compared),
        "differences_all_sessions": per_group(everything, compare_conditions, **compared),
        # A participant meets a unit once in a condition, so there trials are participants.
        "accuracy_by_unit": per_group(
            kept,
            accuracy,
            by=("unit", "reference_condition"),
            ci_unit="trial",
            level=settings.level,
        ),
        "accuracy_by_confidence": per_group(kept, accuracy, by=("confidence",), **interval),
        "reaction_times": per_group(kept, response_times),
        "confidence": per_group(kept, confidence),
        "exclusions": per_group(judged, lambda part: part),
        "sessions": session_quality(log),
    }
    return Results(log, settings, groups, kept, tables)


def _labelled(frame: pd.DataFrame, group: Group) -> pd.DataFrame:
    labels = {"group": group.key, "observer_kind": group.kind, "observer": group.observer}
    rest = frame.drop(columns=[name for name in _KEYS if name in frame.columns])
    for place, (name, value) in enumerate(labels.items()):
        rest.insert(place, name, value)
    return rest


def _blank_as_none(value: Any) -> Any:
    return None if value == "" else plain(value)
