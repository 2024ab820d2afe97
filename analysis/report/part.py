"""A part of a report: its tables, the names of their numbers, and how a page shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.logs.sessions import Log
from analysis.report.groups import Group
from analysis.statistics.contrasts import SMALLEST_EFFECT
from analysis.statistics.estimates import LEVEL, CIUnit
from unitscope.exclusion import ExclusionRule
from unitscope.vocabulary import TASKS

RATINGS_ONLY = "ratings"
"""Stands for the task where there are ratings but no trial."""

GROUP_KEYS = ("group", "observer_kind", "observer")
"""What every table begins with: whose rows they are."""


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
        By which sessions are left out; None for those of the design, or where it is not at hand
        for ``DEFAULT_RULES``.
    blind
        Seed of the shuffle that gives conditions their letters; None shows their names.
    n_bootstrap
        Draws for the intervals that need them.
    """

    ci_unit: CIUnit = "crossed"
    level: float = LEVEL
    smallest_effect: float = SMALLEST_EFFECT
    rules: tuple[ExclusionRule, ...] | None = None
    blind: int | None = None
    n_bootstrap: int = 1000


def task_of(log: Log) -> str:
    """Return a log's task."""
    return str(log.trials["task"].iloc[0]) if len(log.trials) else RATINGS_ONLY


@dataclass(frozen=True)
class Study:
    """What the parts of a report are computed from.

    Parameters
    ----------
    log, settings
        What is analysed, and how.
    groups
        Who took part, the primary group first.
    everything, kept
        Main trials that were answered: of all sessions, and of those that no rule excludes.
    kept_roles
        All trials of the kept sessions, whatever their role.
    ratings, all_ratings
        Rows of the ``ratings.csv`` of the kept sessions, and of all.
    queries
        A stimulus set's ``queries.csv``, or None.
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

    @property
    def task(self) -> str:
        """The log's task."""
        return task_of(self.log)

    def per_group(
        self, trials: pd.DataFrame, table: Callable[..., pd.DataFrame], **options: Any
    ) -> pd.DataFrame:
        """Return a table for each group of observers, one below the other."""
        parts = [labelled(table(group.rows_of(trials), **options), group) for group in self.groups]
        filled = [part for part in parts if len(part)]
        return pd.concat(filled, ignore_index=True) if filled else parts[0]


def labelled(frame: pd.DataFrame, group: Group) -> pd.DataFrame:
    """Return a table with the columns that say whose it is."""
    labels = {"group": group.key, "observer_kind": group.kind, "observer": group.observer}
    rest = frame.drop(columns=[name for name in GROUP_KEYS if name in frame.columns])
    for place, (name, value) in enumerate(labels.items()):
        rest.insert(place, name, value)
    return rest


@dataclass(frozen=True)
class Number:
    """A column of a table whose cells stand in ``results.json``.

    Parameters
    ----------
    table
        Name of the table.
    name
        Pattern of the numbers' names after the group's, with the table's columns in braces.
    value
        Column of the value; the others stand beside it.
    meaning
        What it is, for readers.
    """

    table: str
    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class Shown:
    """A column of a table on the page.

    Parameters
    ----------
    heading
        For readers.
    column
        Of the table.
    as_
        How it is written: text, name (as it stands), percent, points, number, hundredfold,
        seconds, p or count.
    interval
        Whether the columns low and high follow it.
    """

    heading: str
    column: str
    as_: str = "text"
    interval: bool = False


@dataclass(frozen=True)
class View:
    """A table on the page.

    Parameters
    ----------
    table
        Its name.
    caption
        For readers.
    columns
        What is shown of it.
    absent
        Sentence in place of it where it has no rows; empty to say nothing.
    rows
        Condition on the rows that are shown, as for :meth:`pandas.DataFrame.query`.
    """

    table: str
    caption: str
    columns: tuple[Shown, ...]
    absent: str = ""
    rows: str = ""


@dataclass(frozen=True)
class Part:
    """A part of the report.

    Parameters
    ----------
    name, title
        Of the part.
    compute
        Returns its tables by name; one that has no rows may be left out.
    numbers, views
        What of the tables stands in ``results.json`` and on the page.
    pictures
        Names of its figures.
    note
        For readers, below the part.
    tasks
        Tasks that have it.
    """

    name: str
    title: str
    compute: Callable[[Study], Mapping[str, pd.DataFrame]]
    numbers: tuple[Number, ...] = ()
    views: tuple[View, ...] = ()
    pictures: tuple[str, ...] = ()
    note: str = ""
    tasks: tuple[str, ...] = field(default=TASKS)
