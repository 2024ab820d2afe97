"""Parts of the report on occlusion: baselines, size of the effect, agreement of observers."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from analysis.report.groups import Group
from analysis.report.part import Number, Part, Shown, Study, View, labelled
from analysis.report.sections.choices_report import ALL, CHOICE_TASKS
from analysis.statistics.activation_difference import binned_accuracy, trend
from analysis.statistics.agreement import agreement, answers
from analysis.statistics.baseline_answers import baseline_answers, paired_with
from analysis.statistics.estimates import CIUnit
from analysis.statistics.evidence import holm
from analysis.statistics.intervals import mean_with_interval
from analysis.statistics.performance import accuracy, conditions_of

OCCLUSION = ("occlusion",)


def _logged_baselines(study: Study) -> pd.DataFrame:
    return study.everything[study.everything["observer_kind"] == "baseline"]


def _answers_of_baselines(study: Study, trials: pd.DataFrame) -> pd.DataFrame:
    return baseline_answers(trials, _logged_baselines(study), study.queries)


def against_baselines(
    trials: pd.DataFrame, baselines: pd.DataFrame, ci_unit: CIUnit = "crossed", level: float = 0.95
) -> pd.DataFrame:
    """Compare accuracy in each condition with every baseline, on the trials that both answered.

    Returns
    -------
    pandas.DataFrame
        One row per condition and baseline: reference_condition, baseline, proportion,
        baseline_proportion, difference, low, high, p, p_holm (over the rows), n_trials,
        n_participants, n_units, reason.
    """
    rows = []
    for name in sorted(set(baselines["observer"])):
        for condition in conditions_of(trials):
            own = trials[trials["reference_condition"] == condition]
            both = paired_with(own, baselines[baselines["observer"] == name])
            if both.empty:
                continue
            right, base = both["correct"].astype(float), both["baseline_correct"].astype(float)
            labels = both["participant"].to_numpy(), both["unit"].to_numpy()
            found = mean_with_interval((right - base).to_numpy(float), *labels, ci_unit, level)
            t = found.value / found.standard_error if found.standard_error > 0 else np.nan
            rows.append(
                {"reference_condition": condition, "baseline": name}
                | {"proportion": right.mean(), "baseline_proportion": base.mean()}
                | {"difference": found.value}
                | {name: float(np.clip(getattr(found, name), -1, 1)) for name in ("low", "high")}
                | {"p": float(2 * stats.t.sf(abs(t), found.df)), "n_trials": found.n_trials}
                | {"n_participants": found.n_participants, "n_units": found.n_units}
                | {"reason": found.reason}
            )
    table = pd.DataFrame(rows)
    if len(table):
        table.insert(table.columns.get_loc("p") + 1, "p_holm", holm(table["p"].to_numpy(float)))
    return table


def _baselines(study: Study) -> dict[str, pd.DataFrame]:
    settings = study.settings
    compared, own = [], []
    for group in _observers(study):
        trials = group.rows_of(study.kept)
        baselines = _answers_of_baselines(study, trials)
        if baselines.empty:
            continue
        table = against_baselines(trials, baselines, settings.ci_unit, settings.level)
        compared.append(labelled(table, group))
        # A baseline is one observer without chance; its trials are the query pairs.
        share = accuracy(baselines, ("observer",), "trial", settings.level)
        own.append(labelled(share.rename(columns={"observer": "baseline"}), group))
    return {
        name: pd.concat(tables, ignore_index=True)
        for name, tables in (("baselines", own), ("against_baselines", compared))
        if tables
    }


def _observers(study: Study) -> list[Group]:
    """Return the groups that are compared with baselines: all that are none."""
    return [g for g in study.groups if g.kind != "baseline" and len(g.rows_of(study.kept))]


_NO_BASELINE = (
    "No baseline is known: let one take part (python -m experiments simulate … --observer centre), "
    "or give the stimulus set with --stimuli."
)

BASELINES = Part(
    "baselines",
    "Against baselines",
    _baselines,
    (
        Number(
            "baselines",
            "baseline.{baseline}",
            "proportion",
            "share of the query pairs met by the group that a baseline answers rightly",
        ),
        Number(
            "against_baselines",
            "against_baseline.{reference_condition}.{baseline}",
            "difference",
            "accuracy in a condition minus a baseline's, on the trials that both answered",
        ),
    ),
    (
        View(
            "baselines",
            "Baselines, on the query pairs that were met",
            (
                Shown("Baseline", "baseline"),
                Shown("Right (%)", "proportion", "percent", interval=True),
                Shown("Query pairs", "n_trials", "count"),
                Shown("Units", "n_units", "count"),
            ),
            _NO_BASELINE,
        ),
        View(
            "against_baselines",
            "Accuracy minus that of the baseline, in percentage points",
            (
                Shown("References", "reference_condition"),
                Shown("Baseline", "baseline"),
                Shown("Right (%)", "proportion", "percent"),
                Shown("Baseline (%)", "baseline_proportion", "percent"),
                Shown("Difference", "difference", "points", interval=True),
                Shown("p (Holm)", "p_holm", "p"),
                Shown("Trials", "n_trials", "count"),
            ),
        ),
    ),
    ("baselines",),
    "A baseline answers by a rule of thumb that knows nothing of the unit: the query whose hidden "
    "patch matters less by it. Its interval is Wilson's over query pairs.",
    tasks=OCCLUSION,
)


def _trends(trials: pd.DataFrame, n_bootstrap: int, level: float) -> pd.DataFrame:
    parts = [(c, trials[trials["reference_condition"] == c]) for c in conditions_of(trials)]
    return pd.DataFrame(
        [
            {"reference_condition": name}
            | asdict(trend(part, n_bootstrap=n_bootstrap, level=level))
            for name, part in ([*parts, (ALL, trials)] if len(trials) else [])
        ]
    )


def _effect_sizes(study: Study) -> dict[str, pd.DataFrame]:
    settings = study.settings
    binned = partial(binned_accuracy, ci_unit=settings.ci_unit)
    options = {"n_bootstrap": settings.n_bootstrap, "level": settings.level}
    return {
        "accuracy_by_difference": study.per_group(study.kept, binned),
        "trend": study.per_group(study.kept, _trends, **options),
    }


EFFECT_SIZES = Part(
    "effect_sizes",
    "Where the queries differ more",
    _effect_sizes,
    (
        Number(
            "accuracy_by_difference",
            "accuracy_by_difference.{bin}",
            "proportion",
            "share of right answers in a bin of the relative activation difference, from 0, the "
            "smallest",
        ),
        Number(
            "trend",
            "trend.{reference_condition}",
            "rho",
            "Spearman's correlation, over query pairs, of relative activation difference and "
            "accuracy",
        ),
    ),
    (
        View(
            "trend",
            "Rank correlation of relative activation difference and accuracy",
            (
                Shown("References", "reference_condition"),
                Shown("Spearman's ρ", "rho", "number", interval=True),
                Shown("Query pairs", "n_pairs", "count"),
                Shown("Trials", "n_trials", "count"),
            ),
        ),
        View(
            "accuracy_by_difference",
            "Accuracy in bins of about equally many trials",
            (
                Shown("From", "least", "number"),
                Shown("To", "most", "number"),
                Shown("Right (%)", "proportion", "percent", interval=True),
                Shown("Participants", "n_participants", "count"),
                Shown("Trials", "n_trials", "count"),
            ),
        ),
    ),
    ("accuracy_by_difference",),
    "The relative activation difference is that between the two queries as a share of the "
    "uncovered image's activation. ρ is taken over query pairs, each with its mean accuracy; its "
    "interval draws pairs anew.",
    tasks=OCCLUSION,
)


def kappa_table(study: Study, group: Group) -> pd.DataFrame:
    """Return the agreement between a group's conditions, baselines and machine observers."""
    trials = group.rows_of(study.kept)
    machines = study.kept[study.kept["observer_kind"] == "machine"]
    parts = [trials, machines]
    if study.task == "occlusion":
        parts.append(_answers_of_baselines(study, trials))
    met = pd.concat([part for part in parts if len(part)], ignore_index=True)
    order = [*conditions_of(trials), *sorted(set(met["observer"].dropna()) - {group.observer})]
    return agreement(
        answers(met), study.settings.n_bootstrap, level=study.settings.level, order=order
    )


def _agreement(study: Study) -> dict[str, pd.DataFrame]:
    tables = [
        labelled(kappa_table(study, group), group)
        for group in _observers(study)
        if group.kind != "machine"
    ]
    return {"agreement": pd.concat(tables, ignore_index=True)} if tables else {}


AGREEMENT = Part(
    "agreement",
    "Do observers err on the same trials?",
    _agreement,
    (
        Number(
            "agreement",
            "kappa.{group_1}-{group_2}",
            "kappa",
            "Cohen's kappa of right and wrong answers, mean over pairs of observers of two "
            "conditions or baselines, on the query pairs that both met",
        ),
    ),
    (
        View(
            "agreement",
            "Cohen’s kappa × 100",
            (
                Shown("One", "group_1"),
                Shown("Other", "group_2"),
                Shown("κ × 100", "kappa", "hundredfold", interval=True),
                Shown("Least possible", "lowest_possible", "hundredfold"),
                Shown("Most possible", "highest_possible", "hundredfold"),
                Shown("Pairs", "n_pairs", "count"),
                Shown("Not defined", "n_undefined", "count"),
            ),
        ),
    ),
    ("agreement",),
    "Of right and wrong answers, on the query pairs that both observers met, mean over pairs of "
    "observers. Intervals draw participants anew, never pairs. Least and most possible are what "
    "the accuracies of both allow. Kappa is not defined for a pair that shares no trial, or whose "
    "agreement by chance is 1.",
    tasks=CHOICE_TASKS,
)
