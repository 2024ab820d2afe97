"""Every number of a report: computed once, as tables, and by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.logs.ratings import load_ratings
from analysis.logs.sessions import Log
from analysis.planning.analysis_settings import Settings
from analysis.report.blinding import mask, masks
from analysis.report.groups import Group, groups_of
from analysis.report.quality import session_quality
from analysis.report.sections import SECTIONS, sections_of
from analysis.report.study import GROUP_KEYS, RATINGS_ONLY, Results, Study, task_of
from analysis.statistics.estimates import plain
from analysis.statistics.kept_sessions import exclusions, keep
from analysis.statistics.performance import conditions_of, main_trials
from conditions.design.design import Design
from unitscope.exclusion import DEFAULT_RULES, RULES_OF_STUDY, Rules, with_standing

NUMBERS = tuple(number for section in SECTIONS for number in section.numbers)

NUMBER_NAMES = {f"{{group}}.{number.name}": number.meaning for number in NUMBERS} | {
    "sessions.{what}": "number of sessions of this kind"
}
"""Patterns of the names in ``results.json`` and what the value is."""


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
    groups = groups_of_log(log)
    rules = rules_of(log, settings, design)
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
        design,
    )
    tables: dict[str, pd.DataFrame] = {}
    for section in sections_of(study.task):
        computed = section.compute(study)
        tables |= {n: table for n, table in computed.items() if section.keeps_empty or len(table)}
    tables["exclusions"] = study.per_group(judged, lambda rows: rows)
    tables["sessions"] = session_quality(log)
    return Results(
        log, settings, groups, kept, tables, shown, _numbers(tables), ratings, design=design
    )


def groups_of_log(log: Log) -> tuple[Group, ...]:
    """Return who is analysed; in occlusion baselines are what the others are compared with."""
    if task_of(log) == RATINGS_ONLY:
        return tuple(groups_of(log.sessions))
    found = tuple(groups_of(log.trials))
    others = tuple(group for group in found if group.kind != "baseline")
    is_occlusion = log.trials["task"].iloc[0] == "occlusion"
    return others if others and is_occlusion else found


def rules_of(log: Log, settings: Settings, design: Design | None) -> Rules:
    """Return the rules by which sessions are excluded: the settings', the design's or others."""
    if settings.rules is not None:
        return {"": settings.rules}
    if task_of(log) == RATINGS_ONLY:
        return {"": ()}  # They look at trials.
    if "import_flags" in log.trials.columns:
        is_said = log.sessions["excluded_by_study"].notna().any()
        return {"": RULES_OF_STUDY if is_said else DEFAULT_RULES}
    own = design.exclusions.by_group if design else {"": DEFAULT_RULES}
    return with_standing(own, settings.standing_rules)


def _numbers(tables: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """Return every number by name: value, interval, sample size, or why it is missing."""
    named: dict[str, dict[str, Any]] = {}
    for number in NUMBERS:
        table = tables.get(number.table)
        for row in [] if table is None else table.to_dict("records"):
            name = f"{row['group']}.{number.name.format(**row)}"
            others = {k: v for k, v in row.items() if k not in (*GROUP_KEYS, number.value)}
            named[name] = {"value": plain(row[number.value])} | {
                str(k): None if v == "" else plain(v) for k, v in others.items()
            }
    sessions, judged = tables["sessions"], tables["exclusions"]
    excluded = judged[judged["excluded"].astype(bool)]
    for what, count in (
        ("all", len(sessions)),
        ("unfinished", int((sessions["session_state"] == "unfinished").sum())),
        ("resumed", int((sessions["runs"] > 1).sum())),
        ("excluded", len(excluded[["group", "participant", "session"]].drop_duplicates())),
    ):
        named[f"sessions.{what}"] = {"value": count}
    return named
