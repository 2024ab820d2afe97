"""What a report is computed from, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.figure_style import Mark, marks_of
from analysis.logs.sessions import Log
from analysis.planning.analysis_settings import Settings
from analysis.report.groups import Group
from analysis.statistics.kept_sessions import choices_are_sides
from analysis.statistics.matching import chance
from analysis.statistics.performance import conditions_of
from conditions.design.design import Design
from unitscope.exclusion import Rules

RATINGS_ONLY = "ratings"
"""Stands for the task where there are ratings but no trial."""

CHOICE_TASKS = ("two_afc", "occlusion")
"""Tasks whose trials are choices between two queries."""

GROUP_KEYS = ("group", "observer_kind", "observer")
"""First columns of every table: the group of observers that a row is about."""

ALL = "all"
"""Stands for all reference conditions together."""


def task_of(log: Log) -> str:
    """Return a log's task."""
    return str(log.trials["task"].iloc[0]) if len(log.trials) else RATINGS_ONLY


@dataclass(frozen=True)
class Study:
    """What the tables of a report are computed from.

    Parameters
    ----------
    log, settings
        What is analysed, and how.
    groups
        Groups of observers, the primary group first.
    everything, kept
        Main trials that were answered: of all sessions, and of those that no rule excludes.
    kept_roles
        All trials of the kept sessions, whatever their role.
    ratings, all_ratings
        Rows of the ``ratings.csv`` of the kept sessions, and of all.
    queries
        A stimulus set's ``queries.csv``, or None.
    design
        Of the study, None where it is not available.
    """

    log: Log
    settings: Settings
    groups: tuple[Group, ...]
    everything: pd.DataFrame
    kept: pd.DataFrame
    kept_roles: pd.DataFrame
    ratings: pd.DataFrame
    all_ratings: pd.DataFrame
    queries: pd.DataFrame | None = None
    design: Design | None = None

    @property
    def task(self) -> str:
        """The log's task."""
        return task_of(self.log)

    @property
    def smallest_effect(self) -> float:
        """Smallest difference in accuracy of interest."""
        return self.settings.effect_of_interest(self.design)

    @property
    def over_participants(self) -> dict[str, Any]:
        """How intervals are computed that generalise over participants alone."""
        ci_unit = "paper" if self.settings.ci_unit == "paper" else "participant"
        return {"ci_unit": ci_unit, "level": self.settings.level}

    def per_group(
        self, trials: pd.DataFrame, table: Callable[..., pd.DataFrame], **options: Any
    ) -> pd.DataFrame:
        """Return a table for each group of observers, one below the other."""
        parts = [labelled(table(group.rows_of(trials), **options), group) for group in self.groups]
        filled = [part for part in parts if len(part)]
        return pd.concat(filled, ignore_index=True) if filled else parts[0]


def labelled(frame: pd.DataFrame, group: Group) -> pd.DataFrame:
    """Return a table with the columns that name the group of observers."""
    labels = {"group": group.key, "observer_kind": group.kind, "observer": group.observer}
    rest = frame.drop(columns=[name for name in GROUP_KEYS if name in frame.columns])
    for place, (name, value) in enumerate(labels.items()):
        rest.insert(place, name, value)
    return rest


def each_condition_and_all(trials: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the trials of each reference condition, and those of all together."""
    parts = [(c, trials[trials["reference_condition"] == c]) for c in conditions_of(trials)]
    return [*parts, (ALL, trials)] if len(trials) else []


@dataclass(frozen=True)
class Results:
    """What an analysis of a log found.

    Parameters
    ----------
    log, settings
        What was analysed, and how.
    groups
        Groups of observers, the primary group first.
    kept
        Main trials of the sessions that no rule excludes.
    tables
        Name to table: exclusions, sessions, and those of the task's sections,
        :data:`analysis.report.sections.SECTIONS`.
    rules
        Rules by which sessions were excluded: for each group of participants (empty for
        everybody) its own.
    numbers
        Every number by its name: value, interval, sample size, or why it is missing.
    ratings
        Of all sessions.
    frames
        Rows of the ``frames.csv`` of windowed sessions.
    notes
        The experimenter's; none where the report is blinded, as they may tell a condition.
    design
        Of the study, None where it is not available.
    deviations
        Sentences on what deviates from the preregistration; None without one.
    """

    log: Log
    settings: Settings
    groups: tuple[Group, ...]
    kept: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    rules: Rules
    numbers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ratings: pd.DataFrame = field(default_factory=pd.DataFrame)
    frames: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: pd.DataFrame = field(default_factory=pd.DataFrame)
    design: Design | None = None
    deviations: tuple[str, ...] | None = None

    @property
    def task(self) -> str:
        """The log's task."""
        return task_of(self.log)

    @property
    def smallest_effect(self) -> float:
        """Smallest difference in accuracy of interest."""
        return self.settings.effect_of_interest(self.design)

    @cached_property
    def conditions(self) -> list[str]:
        """The conditions of the log, also those of which no trial was kept."""
        return conditions_of(self.log.trials)

    @cached_property
    def marks(self) -> dict[str, Mark]:
        """How each condition is drawn, the same in all figures."""
        return marks_of(self.conditions)

    @property
    def remaining(self) -> tuple[Group, ...]:
        """Groups of which main trials remain after the exclusions."""
        return tuple(group for group in self.groups if len(group.rows_of(self.kept)))

    @property
    def chance(self) -> float:
        """Proportion correct of guessing in main trials; NaN where answers are not two sides."""
        if self.task != "exemplar_matching" or self.kept.empty:
            return 0.5 if choices_are_sides(self.log.trials) else float("nan")
        return float(self.kept["n_rows"].map(lambda k: chance(int(k))["all_correct"]).mean())

    def of(self, table: str, group: Group) -> pd.DataFrame:
        """Return one group's rows of a table; none where there is no such table."""
        frame = self.tables.get(table)
        if frame is None or "group" not in frame.columns:
            return pd.DataFrame(columns=list(GROUP_KEYS))
        return frame[frame["group"] == group.key]
