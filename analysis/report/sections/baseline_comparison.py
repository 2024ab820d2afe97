"""Section: accuracy compared with baselines, whose rules do not involve the unit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import stats

from analysis.figure_style import FAINT, INK
from analysis.logs.sessions import is_imported
from analysis.report.groups import Group
from analysis.report.panels import PERCENT, name_places, panels, point_at
from analysis.report.section import (
    CONDITION,
    CORRECT,
    N_TRIALS,
    N_UNITS,
    Block,
    Drawing,
    Number,
    Section,
    Sentence,
    ShownColumn,
    TableView,
)
from analysis.report.study import (
    Results,
    Study,
    labelled,
)
from analysis.statistics.baseline_answers import baseline_answers, paired_with
from analysis.statistics.estimates import CIUnit
from analysis.statistics.evidence import holm
from analysis.statistics.intervals import mean_with_interval
from analysis.statistics.performance import accuracy, conditions_of


def _logged_baselines(study: Study) -> pd.DataFrame:
    return study.everything[study.everything["observer_kind"] == "baseline"]


def answers_of_baselines(study: Study, trials: pd.DataFrame) -> pd.DataFrame:
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
    for group in compared_groups(study):
        trials = group.rows_of(study.kept)
        baselines = answers_of_baselines(study, trials)
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


def compared_groups(study: Study) -> list[Group]:
    """Return the groups that are compared with baselines: all that are none."""
    return [g for g in study.groups if g.kind != "baseline" and len(g.rows_of(study.kept))]


def baselines(results: Results) -> Figure | None:
    """Draw accuracy by condition beside that of every baseline."""
    groups = [group for group in results.remaining if len(results.of("baselines", group))]
    if not groups:
        return None
    figure, axes = panels(results, 3.2, sharey=True, groups=groups)
    for group, axis in zip(groups, axes, strict=True):
        rows, rules = results.of("accuracy", group), results.of("baselines", group)
        axis.axhline(results.chance, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        for place, row in enumerate(rows.itertuples(index=False)):
            mark = results.marks[row.reference_condition]
            point_at(axis, place, row.proportion, row.low, row.high, mark.colour, mark.marker)
        for place, row in enumerate(rules.itertuples(index=False), start=len(rows)):
            point_at(axis, place, row.proportion, row.low, row.high, INK, "o", filled=False)
        axis.axvline(len(rows) - 0.5, color=FAINT, linewidth=0.7)
        labels = [*rows["reference_condition"], *rules["baseline"]]
        name_places(axis, labels)
        axis.set_xlim(-0.5, len(labels) - 0.5)
        axis.set_ylim(-0.04, 1.04)
        axis.yaxis.set_major_formatter(PERCENT)
        axis.grid(axis="y")
    axes[0].set_ylabel("correct answers (%)")
    return figure


# What a name stands for where the suite's own rules answered; see stimgen.occlusion.baselines.
_CONVENTIONS = {
    "centre": "centre chooses the query whose patch lies farther from the middle of the image, so "
    "that two patches at the same distance are a tie (Zimmermann et al., 2021, took the middle of "
    "a patch half a pixel farther to the right and down, so that no such pair was one)",
    "variance": "variance chooses the query whose covered pixels have the smaller standard "
    "deviation, over all three channels",
    "saliency": "saliency chooses the query whose patch has less saliency per pixel, by the "
    "spectral residual (Hou & Zhang, 2007) unless the stimulus set names other maps (those of "
    "Zimmermann et al. were DeepGaze II’s)",
    "object": "object chooses the query whose patch covers less of the primary object, as boxes "
    "drawn by hand show it",
}


def conventions(results: Results) -> Iterator[Block]:
    """Yield what the baselines that people are compared with chose, and what they made of ties."""
    names = dict.fromkeys(
        name
        for group in results.groups
        if len(rows := results.of("baselines", group))
        for name in rows["baseline"]
    )
    if not names:
        return
    if is_imported(results.log):
        yield Sentence(
            "Answers of baselines are those of the imported log, by its own rules.", True
        )
    elif told := [_CONVENTIONS[name] for name in names if name in _CONVENTIONS]:
        rules = "; ".join(told)
        yield Sentence(f"Baselines: {rules}. A tie counts as incorrect.", True)


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    yield from section.usual_blocks(results)
    yield from conventions(results)


_NO_BASELINE = (
    "No baseline is known: simulate one (python -m experiments simulate … --observer centre), "
    "or give the stimulus set with --stimuli."
)


BASELINES = Section(
    "baselines",
    "Against baselines",
    _baselines,
    numbers=(
        Number(
            "baselines",
            "baseline.{baseline}",
            "proportion",
            "proportion of the group's query pairs that a baseline answers correctly",
        ),
        Number(
            "against_baselines",
            "against_baseline.{reference_condition}.{baseline}",
            "difference",
            "accuracy in a condition minus a baseline's, on the trials that both answered",
        ),
    ),
    drawings=(
        Drawing(
            "baselines",
            "Accuracy compared with baselines",
            "Left of the line: conditions; right of it: baselines, on the query pairs that "
            "participants saw.",
            baselines,
            marks_chance=True,
        ),
    ),
    views=(
        TableView(
            "baselines",
            "Baselines, on the query pairs that participants saw",
            (
                ShownColumn("Baseline", "baseline"),
                CORRECT,
                ShownColumn("Query pairs", "n_trials", "count"),
                N_UNITS,
            ),
            _NO_BASELINE,
        ),
        TableView(
            "against_baselines",
            "Accuracy minus that of the baseline, in percentage points",
            (
                CONDITION,
                ShownColumn("Baseline", "baseline"),
                ShownColumn("Correct (%)", "proportion", "percent"),
                ShownColumn("Baseline (%)", "baseline_proportion", "percent"),
                ShownColumn("Difference", "difference", "points", interval=True),
                ShownColumn("p (Holm)", "p_holm", "p"),
                N_TRIALS,
            ),
        ),
    ),
    note=(
        "A baseline applies a fixed rule that does not involve the unit: it chooses the query "
        "whose hidden patch matters less by that rule. Its interval is Wilson's over query "
        "pairs."
    ),
    tasks=("occlusion",),
    blocks=_blocks,
)
