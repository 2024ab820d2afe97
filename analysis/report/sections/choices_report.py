"""Parts of the report that choices between two queries have: factors, confidence, reliability."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from analysis.report.part import Number, Part, Shown, Study, View
from analysis.statistics.confidence import metacognition, type_2_roc
from analysis.statistics.estimates import CIUnit
from analysis.statistics.performance import accuracy, conditions_of
from analysis.statistics.reliability import repeat_consistency, split_half

CHOICE_TASKS = ("two_afc", "occlusion")

FACTORS = {
    "layer": "layer",
    "branch": "branch",
    "unit_pool": "pool of units",
    "scheme": "presentation scheme",
    "group": "group of participants",
}
"""Columns that accuracy is told apart by, and their names for readers."""

ALL = "all"


def accuracy_by_factor(
    trials: pd.DataFrame, ci_unit: CIUnit = "crossed", level: float = 0.95
) -> pd.DataFrame:
    """Return accuracy by each factor that has more than one level, and reference condition.

    Returns
    -------
    pandas.DataFrame
        factor, level, and the columns of :func:`analysis.statistics.performance.accuracy`. A group
        that is the reference condition itself is no factor.
    """
    parts = []
    for factor in FACTORS:
        if factor not in trials.columns:
            continue
        told = trials[trials[factor].notna() & (trials[factor].astype("string") != "")]
        if told[factor].nunique() < 2:
            continue
        if (told[factor].astype(str) == told["reference_condition"].astype(str)).all():
            continue
        table = accuracy(told, (factor, "reference_condition"), ci_unit, level)
        table = table.rename(columns={factor: "level"})
        table["level"] = table["level"].astype(str)
        table.insert(0, "factor", factor)
        parts.append(table)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _factors(study: Study) -> dict[str, pd.DataFrame]:
    settings = study.settings
    options = {"ci_unit": settings.ci_unit, "level": settings.level}
    return {"accuracy_by_factor": study.per_group(study.kept, accuracy_by_factor, **options)}


_SHARE = Shown("Right (%)", "proportion", "percent", interval=True)
_COUNTS = (
    Shown("Participants", "n_participants", "count"),
    Shown("Units", "n_units", "count"),
    Shown("Trials", "n_trials", "count"),
)

BY_FACTOR = Part(
    "factors",
    "Layers, branches and other factors",
    _factors,
    (
        Number(
            "accuracy_by_factor",
            "accuracy_by.{factor}.{level}.{reference_condition}",
            "proportion",
            "share of right answers at one level of a factor: layer, branch, unit_pool, scheme or "
            "group",
        ),
    ),
    (
        View(
            "accuracy_by_factor",
            "Accuracy by factor",
            (
                Shown("Factor", "factor"),
                Shown("Level", "level"),
                Shown("References", "reference_condition"),
                _SHARE,
                *_COUNTS,
            ),
            "The units are of one layer, branch and pool, so there is nothing to tell apart.",
        ),
    ),
    ("accuracy_by_factor",),
    tasks=CHOICE_TASKS,
)


def metacognition_by_condition(trials: pd.DataFrame) -> pd.DataFrame:
    """Return how well confidence tells right from wrong, by condition and for all together."""
    rows = [
        {"reference_condition": name} | asdict(metacognition(part))
        for name, part in _with_all(trials)
    ]
    return pd.DataFrame(rows)


def roc_by_condition(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the type-2 ROC by condition and for all together."""
    parts = []
    for name, part in _with_all(trials):
        roc = type_2_roc(part)
        if roc[["hit_rate", "false_alarm_rate"]].notna().all().all():
            parts.append(roc.assign(reference_condition=name))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _with_all(trials: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    parts = [(c, trials[trials["reference_condition"] == c]) for c in conditions_of(trials)]
    return [*parts, (ALL, trials)] if len(trials) else []


def _metacognition(study: Study) -> dict[str, pd.DataFrame]:
    return {
        "metacognition": study.per_group(study.kept, metacognition_by_condition),
        "type_2_roc": study.per_group(study.kept, roc_by_condition),
    }


METACOGNITION = Part(
    "metacognition",
    "Does confidence know what is right?",
    _metacognition,
    (
        Number("metacognition", "meta_d.{reference_condition}", "meta_d", "meta-d', pooled"),
        Number(
            "metacognition", "m_ratio.{reference_condition}", "m_ratio", "meta-d' divided by d'"
        ),
        Number(
            "metacognition",
            "type_2_auc.{reference_condition}",
            "auc",
            "area under the type-2 ROC; .5 where confidence knows nothing",
        ),
    ),
    (
        View(
            "metacognition",
            "Confidence and rightness",
            (
                Shown("References", "reference_condition"),
                Shown("d′", "d_prime", "number"),
                Shown("meta-d′", "meta_d", "number"),
                Shown("meta-d′ / d′", "m_ratio", "number"),
                Shown("Area, type 2", "auc", "number"),
                Shown("Trials", "n_trials", "count"),
            ),
        ),
    ),
    ("type_2_roc",),
    "Answers of all participants are pooled. meta-d′ is the d′ of an ideal observer whose "
    "confidence is as good as this one (maximum likelihood, Maniscalco & Lau 2012); a ratio of 1 "
    "says that confidence uses all that the choice knew. The area under the type-2 ROC is .5 "
    "where confidence knows nothing.",
    tasks=CHOICE_TASKS,
)


def _reliability(study: Study) -> dict[str, pd.DataFrame]:
    def halves(trials: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {"reference_condition": name}
                | asdict(split_half(part, n_bootstrap=min(200, study.settings.n_bootstrap)))
                for name, part in _with_all(trials)
            ]
        )

    return {
        "reliability": study.per_group(study.kept, halves),
        "repeats": study.per_group(
            study.kept_roles,
            repeat_consistency,
            level=study.settings.level,
            ci_unit="paper" if study.settings.ci_unit == "paper" else "participant",
        ),
    }


RELIABILITY = Part(
    "reliability",
    "Reliability",
    _reliability,
    (
        Number(
            "reliability",
            "reliability.{reference_condition}",
            "full",
            "split-half reliability of the units' accuracies (Spearman-Brown)",
        ),
        Number(
            "repeats",
            "repeats.{reference_condition}.{which}",
            "same_choice",
            "share of repeated trials that were answered as before, of those that had the least or "
            "the most confidence",
        ),
    ),
    (
        View(
            "reliability",
            "Split-half reliability of the units' accuracies",
            (
                Shown("References", "reference_condition"),
                Shown("Half", "half", "number"),
                Shown("Whole", "full", "number", interval=True),
                Shown("Participants", "n_participants", "count"),
                Shown("Units", "n_units", "count"),
            ),
        ),
        View(
            "repeats",
            "Trials shown again, with intervals over participants",
            (
                Shown("References", "reference_condition"),
                Shown("Confidence at first", "which"),
                Shown("Same choice (%)", "same_choice", "percent", interval=True),
                Shown("Right as before (%)", "same_correct", "percent"),
                Shown("Change of confidence", "confidence_change", "number"),
                Shown("Pairs", "n_pairs", "count"),
                Shown("Participants", "n_participants", "count"),
            ),
            "No trial was shown twice, so that there is no consistency of repeats.",
        ),
    ),
    pictures=("repeats",),
    note="Half is the mean correlation of the units' accuracies in two random halves of the "
    "participants, whole the same for all of them (Spearman and Brown), with an interval over "
    "participants drawn anew. No model can agree with people more than they agree with themselves.",
    tasks=CHOICE_TASKS,
)
