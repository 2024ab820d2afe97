"""Every number of a report: computed once, as tables, and by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from analysis.logs.ratings import load_ratings
from analysis.logs.sessions import Log
from analysis.report.blinding import mask, masks
from analysis.report.groups import Group, groups_of
from analysis.report.part import GROUP_KEYS, RATINGS_ONLY, Number, Settings, Study, task_of
from analysis.report.parts import PARTS, parts_of
from analysis.report.quality import session_quality
from analysis.statistics.contrasts import compare_conditions
from analysis.statistics.estimates import plain
from analysis.statistics.exclusions import choices_are_sides, exclusions, keep
from analysis.statistics.matching import chance
from analysis.statistics.performance import (
    accuracy,
    conditions_of,
    confidence,
    main_trials,
    response_times,
)
from conditions.design.design import Design
from unitscope.exclusion import DEFAULT_RULES, Rules

__all__ = ["NUMBER_NAMES", "Results", "Settings", "analyse"]

_ALWAYS = (
    Number(
        "accuracy",
        "accuracy.{reference_condition}",
        "proportion",
        "share of main trials answered rightly, after exclusions",
    ),
    Number(
        "accuracy_all_sessions",
        "accuracy_all_sessions.{reference_condition}",
        "proportion",
        "the same without exclusions",
    ),
    Number(
        "differences",
        "difference.{first}-{second}",
        "difference",
        "accuracy of first minus second condition, after exclusions",
    ),
    Number(
        "differences_all_sessions",
        "difference_all_sessions.{first}-{second}",
        "difference",
        "the same without exclusions",
    ),
    Number(
        "accuracy_by_unit",
        "accuracy_by_unit.{unit}.{reference_condition}",
        "proportion",
        "share of right answers for one unit",
    ),
    Number(
        "accuracy_by_confidence",
        "accuracy_by_confidence.{confidence}",
        "proportion",
        "share of right answers at one confidence",
    ),
    Number(
        "reaction_times",
        "rt.{reference_condition}.{outcome}",
        "median_s",
        "median reaction time of all, right or wrong answers, in seconds",
    ),
    Number(
        "confidence",
        "confidence.{reference_condition}.{outcome}",
        "mean",
        "mean confidence of all, right or wrong answers, 1 to 3",
    ),
)

NUMBERS = (*_ALWAYS, *(number for part in PARTS for number in part.numbers))

NUMBER_NAMES = {f"{{group}}.{number.name}": number.meaning for number in NUMBERS} | {
    "sessions.{what}": "number of sessions that are so"
}
"""Patterns of the names in ``results.json`` and what the value is."""


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
        accuracy_by_confidence, reaction_times, confidence, exclusions, sessions, and those of the
        task's :data:`analysis.report.parts.PARTS`.
    rules
        By which sessions were left out: for each group of participants (empty for everybody) its
        rules.
    ratings
        Of all sessions.
    """

    log: Log
    settings: Settings
    groups: tuple[Group, ...]
    kept: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    rules: Rules
    ratings: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def task(self) -> str:
        """The log's task."""
        return task_of(self.log)

    @property
    def remaining(self) -> tuple[Group, ...]:
        """Groups of which main trials remain after the exclusions."""
        return tuple(group for group in self.groups if len(group.rows_of(self.kept)))

    @property
    def chance(self) -> float:
        """Share of main trials that guessing gets right; NaN where answers are not two sides."""
        if self.task != "exemplar_matching" or self.kept.empty:
            return 0.5 if choices_are_sides(self.log.trials) else float("nan")
        return float(self.kept["n_rows"].map(lambda k: chance(int(k))["all_correct"]).mean())

    def of(self, table: str, group: Group) -> pd.DataFrame:
        """Return one group's rows of a table; none where there is no such table."""
        frame = self.tables.get(table)
        if frame is None or "group" not in frame.columns:
            return pd.DataFrame(columns=list(GROUP_KEYS))
        return frame[frame["group"] == group.key]

    def numbers(self) -> dict[str, dict[str, Any]]:
        """Return every number by name: value, interval, what it rests on, or why there is none."""
        named: dict[str, dict[str, Any]] = {}
        for number in NUMBERS:
            table = self.tables.get(number.table)
            for row in [] if table is None else table.to_dict("records"):
                name = f"{row['group']}.{number.name.format(**row)}"
                others = {k: v for k, v in row.items() if k not in (*GROUP_KEYS, number.value)}
                named[name] = {"value": plain(row[number.value])} | {
                    str(k): _blank_as_none(v) for k, v in others.items()
                }
        sessions, judged = self.tables["sessions"], self.tables["exclusions"]
        excluded = judged[judged["excluded"].astype(bool)]
        for what, count in (
            ("all", len(sessions)),
            ("unfinished", int((sessions["session_state"] == "unfinished").sum())),
            ("resumed", int((sessions["runs"] > 1).sum())),
            ("excluded", len(excluded[["group", "participant", "session"]].drop_duplicates())),
        ):
            named[f"sessions.{what}"] = {"value": count}
        return named


def analyse(
    log: Log,
    settings: Settings | None = None,
    design: Design | None = None,
    queries: pd.DataFrame | None = None,
) -> Results:
    """Compute every table of a report from a log.

    Parameters
    ----------
    log
        What to analyse; one of ratings alone has but the tables of ratings and sessions.
    settings
        How.
    design
        Of the study; its rules exclude sessions unless the settings have their own.
    queries
        What baselines answer, from :func:`unitscope.queries.read_queries`.
    """
    settings = settings or Settings()
    groups = _groups(log)
    rules = _rules(log, settings, design)
    shown = rules
    judged = exclusions(log.trials, rules, log.sessions)
    ratings = load_ratings(log)
    if settings.blind is not None:
        letters = masks(settings.blind, conditions_of(main_trials(log.trials)))
        log = replace(log, trials=mask(log.trials, settings.blind, letters))
        # Thresholds and groups of participants would tell which condition is which.
        judged = judged.assign(participant_group="")
        shown = {"": rules[""]}
        ratings = mask(ratings, settings.blind, letters)
    everything = main_trials(log.trials)
    kept = keep(everything, judged)
    study = Study(
        log,
        settings,
        groups,
        everything,
        kept,
        keep(log.trials, judged),
        keep(ratings, judged),
        ratings,
        queries,
    )
    tables = _always(study) if len(log.trials) else {}
    for part in parts_of(study.task):
        tables |= {name: table for name, table in part.compute(study).items() if len(table)}
    tables["exclusions"] = study.per_group(judged, lambda rows: rows)
    tables["sessions"] = session_quality(log)
    return Results(log, settings, groups, kept, tables, shown, ratings)


def _groups(log: Log) -> tuple[Group, ...]:
    """Return who is analysed; in occlusion baselines are what the others are compared with."""
    if task_of(log) == RATINGS_ONLY:
        return tuple(groups_of(log.sessions))
    found = tuple(groups_of(log.trials))
    others = tuple(group for group in found if group.kind != "baseline")
    is_occlusion = log.trials["task"].iloc[0] == "occlusion"
    return others if others and is_occlusion else found


def _rules(log: Log, settings: Settings, design: Design | None) -> Rules:
    if settings.rules is not None:
        return {"": settings.rules}
    if task_of(log) == RATINGS_ONLY:
        return {"": ()}  # They look at trials.
    if design is None or "import_flags" in log.trials.columns:
        return {"": DEFAULT_RULES}
    return design.exclusions.by_group


def _always(study: Study) -> dict[str, pd.DataFrame]:
    """Return the tables that every task has; a trial of several units tells nothing of one."""
    settings, per_group = study.settings, study.per_group
    matching = study.task == "exemplar_matching"
    ci_unit = settings.ci_unit
    if matching and ci_unit in ("crossed", "unit"):
        ci_unit = "participant"
    interval = {"ci_unit": ci_unit, "level": settings.level}
    compared = interval | {"smallest_effect": settings.smallest_effect}
    kept, everything = study.kept, study.everything
    tables = {
        "accuracy": per_group(kept, accuracy, **interval),
        "accuracy_all_sessions": per_group(everything, accuracy, **interval),
        "differences": per_group(kept, compare_conditions, **compared),
        "differences_all_sessions": per_group(everything, compare_conditions, **compared),
        "reaction_times": per_group(kept, response_times),
    }
    if matching:
        return {name: _count_units(table, everything) for name, table in tables.items()}
    return tables | {
        # A participant meets a unit once in a condition, so there trials are participants.
        "accuracy_by_unit": per_group(
            kept,
            accuracy,
            by=("unit", "reference_condition"),
            ci_unit="trial",
            level=settings.level,
        ),
        "accuracy_by_confidence": per_group(kept, accuracy, by=("confidence",), **interval),
        "confidence": per_group(kept, confidence),
    }


def _count_units(table: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Return a table of trials of several units, with the units counted one by one."""
    if "n_units" not in table.columns:
        return table
    units = trials.assign(unit=trials["unit"].str.split("+")).explode("unit")
    of_condition = units.groupby("reference_condition")["unit"].unique()
    columns = [name for name in ("reference_condition", "first", "second") if name in table.columns]
    numbers = [
        len({unit for name in row for unit in of_condition[name]}) if number else 0
        for number, *row in table[["n_units", *columns]].itertuples(index=False, name=None)
    ]
    return table.assign(n_units=numbers)


def _blank_as_none(value: Any) -> Any:
    return None if value == "" else plain(value)
