"""Section: accuracy in catch, practice and repeated trials."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.report.phrasing import condition_heading, percent
from analysis.report.section import DASH, Block, Cell, Number, Section, Sentence, Table
from analysis.report.sections.accuracy_by_condition import interval_text, reasons, with_everyone
from analysis.report.study import ALL, Results, Study
from analysis.statistics.estimates import LEVEL, CIUnit
from analysis.statistics.performance import accuracy
from unitscope.vocabulary import TASKS, TRIAL_ROLES

KEYS = ("trial_role", "reference_condition")

ROLES_SHOWN = tuple(role for role in TRIAL_ROLES if role != "main")

_TITLES = {"practice": "practice", "catch": "catch", "repeat": "repeated"}


def accuracy_by_role(
    trials: pd.DataFrame, ci_unit: CIUnit, level: float = LEVEL, is_blind: bool = False
) -> pd.DataFrame:
    """Return accuracy in practice, catch and repeated trials, in all and in each condition.

    Which condition has which of them may tell its name, so that a blinded table has all alone.
    """
    tables = []
    for role in ROLES_SHOWN:
        own = trials[(trials["trial_role"] == role) & trials["correct"].notna()]
        # Trials of exemplar matching have several units, and no interval here is over units.
        own = own.assign(unit=own.get("unit", "")) if len(own) else own
        whole = own.assign(reference_condition=ALL)
        parts = [whole] if is_blind else [own, whole]
        if not is_blind and own["reference_condition"].nunique() < 2:
            parts = parts[:1]
        tables += [accuracy(part, KEYS, ci_unit, level) for part in parts if len(part)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    options = {**study.over_participants, "is_blind": study.settings.blind is not None}
    return {
        name: study.per_group(trials, accuracy_by_role, **options)
        for name, trials in (
            ("accuracy_by_role", study.kept_roles),
            ("accuracy_by_role_all_sessions", study.log.trials),
        )
    }


def _blocks(_: Section, results: Results) -> Iterator[Block]:
    is_filled = False
    for group in results.groups:
        rows = []
        pairs = with_everyone(results, group, "accuracy_by_role", KEYS)
        for kept, everyone in pairs:
            cells = [Cell(DASH), Cell("0"), Cell("0")]
            if kept:
                interval = "" if kept["reason"] else interval_text(kept)
                cells = [Cell(percent(kept["proportion"]), interval)]
                cells += [Cell(f"{kept[name]}") for name in ("n_participants", "n_trials")]
            first = [Cell(_TITLES[everyone["trial_role"]])]
            first += [Cell(everyone["reference_condition"], look="words")]
            rows.append([*first, *cells, Cell(percent(everyone["proportion"]))])
        if rows:
            is_filled = True
            headings = [Cell("Trials"), Cell(condition_heading(results), look="words")]
            headings += [
                Cell("Correct (%)"),
                Cell("Participants"),
                Cell("Trials"),
                Cell("Without exclusions (%)"),
            ]
            yield Table(group.title, headings, rows)
            yield from reasons([(kept, kept) for kept, _ in pairs if kept])
    if is_filled:
        note = "Intervals are over participants."
        shown = set(results.tables["accuracy_by_role_all_sessions"]["trial_role"])
        if "practice" in shown:
            note += " Practice counts every round."
        if "catch" in shown:
            note += (
                " As catch trials may decide on exclusion, the remaining sessions may have more of "
                "them correct."
            )
        yield Sentence(note, True)


ROLES = Section(
    "roles",
    "Catch, practice and repeated trials",
    _compute,
    numbers=(
        Number(
            "accuracy_by_role",
            "accuracy_of.{trial_role}.{reference_condition}",
            "proportion",
            "proportion correct in practice, catch or repeat trials, after exclusions",
        ),
        Number(
            "accuracy_by_role_all_sessions",
            "accuracy_of_all_sessions.{trial_role}.{reference_condition}",
            "proportion",
            "the same without exclusions",
        ),
    ),
    tasks=TASKS,
    blocks=_blocks,
)
