"""Section: differences between reference conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analysis.figure_style import BAND, FAINT, INK
from analysis.report.panels import (
    WIDTH_IN,
    point_at,
    points_with_interval,
)
from analysis.report.phrasing import (
    bayes_factor,
    chosen_points,
    condition_heading,
    p_cell,
    points,
    verdict,
)
from analysis.report.section import (
    DASH,
    Block,
    Cell,
    Drawing,
    Number,
    Section,
    Sentence,
    Table,
)
from analysis.report.sections.accuracy_by_condition import (
    count_units,
    interval_options,
    reasons,
    with_everyone,
)
from analysis.report.study import (
    Results,
    Study,
)
from analysis.statistics.contrasts import compare_conditions
from analysis.statistics.estimates import significance


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    options = interval_options(study) | {"smallest_effect": study.smallest_effect}
    return {
        name: count_units(study.per_group(trials, compare_conditions, **options), study)
        for name, trials in (
            ("differences", study.kept),
            ("differences_all_sessions", study.everything),
        )
    }


def _interval(row: dict[str, Any]) -> str:
    return "" if row["reason"] else f"{points(row['low'])} to {points(row['high'])}"


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    level = results.settings.level
    is_filled = False
    yield from section.drawings
    for group in results.groups:
        pairs = with_everyone(results, group, "differences", ("first", "second"))
        verdicts = [
            verdict(row, level) for row in results.of("differences", group).itertuples(index=False)
        ]
        rows = []
        for kept, everyone in pairs:
            cells = [*[Cell(DASH)] * 4, Cell(DASH, look="words"), Cell("0")]
            if kept:
                cells = [
                    Cell(points(kept["difference"]), _interval(kept)),
                    Cell(p_cell(kept["p_holm"], level)),
                    Cell(p_cell(kept["p_equivalence_holm"], level)),
                    Cell(bayes_factor(kept["bayes_factor"])),
                    Cell(verdicts.pop(0), look="words"),
                    Cell(f"{kept['n_participants']}"),
                ]
            pair = Cell(f"{everyone['first']} − {everyone['second']}")
            rows.append([pair, *cells, Cell(points(everyone["difference"]), _interval(everyone))])
        if rows:
            is_filled = True
            headings = ["Points", "p (Holm)", "p (equivalence)", "Bayes factor"]
            cells = [Cell(condition_heading(results)), *map(Cell, headings)]
            cells += [Cell("Verdict", look="words"), Cell("n"), Cell("Without exclusions")]
            yield Table(group.title, cells, rows)
            yield from reasons(pairs)
    if is_filled:
        smallest = chosen_points(results.smallest_effect)
        yield Sentence(
            "Differences in percentage points; n counts participants. p (equivalence) is that of "
            f"the two one-sided tests against a difference of {smallest} points, with Holm's "
            "correction.",
            True,
        )
        yield Sentence(_smallest_effect(results), True)
        yield Sentence(_PRIOR, True)


_PRIOR = (
    "The Bayes factor (JZS, Rouder et al. 2009) is for a difference, so that values well below 1 "
    "are evidence for none. It takes effect sizes from a Cauchy distribution around 0 with scale "
    "√2/2: half of them are within ±0.71. The effect size is the difference divided by √n times "
    "its standard error; in a paired t test that is the mean of the participants' differences "
    "divided by their standard deviation. n is the number of participants, or n₁n₂/(n₁ + n₂) of "
    "two groups."
)


def _smallest_effect(results: Results) -> str:
    """Return where the smallest effect of interest comes from, and what it allows to say."""
    smallest = f"{chosen_points(results.smallest_effect)} points"
    if results.settings.stated_effect(results.design) is not None:
        whose = "design" if results.settings.smallest_effect is None else "command"
        return f"The smallest effect of interest, {smallest}, is the one that the {whose} states."
    return (
        f"No smallest effect of interest was stated, so the default of {smallest} stands in. It "
        "equals the published difference between kinds of references (92 and 82 % correct in "
        "experiment I of Borowski et al. 2021): alike then means only that a difference is "
        "smaller than that one. The design can state an effect (smallest_effect)."
    )


def differences(results: Results) -> Figure | None:
    """Draw differences between reference conditions with their intervals."""
    blocks = [(group, results.of("differences", group)) for group in results.remaining]
    blocks = [(group, rows) for group, rows in blocks if len(rows)]
    if not blocks:
        return None
    n_lines = sum(len(rows) + 1 for _, rows in blocks)
    figure = Figure(figsize=(WIDTH_IN, 0.8 + 0.27 * n_lines), layout="constrained")
    axis = figure.subplots()
    smallest = results.smallest_effect
    axis.axvspan(-smallest, smallest, color=BAND, zorder=0)
    for edge in (-smallest, smallest):
        axis.axvline(edge, color=FAINT, linewidth=0.6, linestyle=":", zorder=1)
    axis.axvline(0, color=INK, linewidth=0.8, zorder=1)
    line, ticks, labels = 0, [], []
    for group, rows in blocks:
        axis.annotate(
            group.title,
            (0, line),
            xycoords=("axes fraction", "data"),
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontweight="bold",
            annotation_clip=False,
        )
        ticks.append(line)
        labels.append(" " * (len(group.title) + 12))
        for row in rows.itertuples(index=False):
            line += 1
            clear = bool(row.p_holm < significance(results.settings.level))
            point_at(axis, row.difference, line, row.low, row.high, INK, "o", clear, sideways=True)
            axis.annotate(
                points_with_interval(row.difference, row.low, row.high),
                (1, line),
                xycoords=("axes fraction", "data"),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                annotation_clip=False,
            )
            ticks.append(line)
            labels.append(f"{row.first} − {row.second}")
        line += 1
    axis.set_yticks(ticks, labels)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.set_ylim(line - 0.4, -0.6)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: points(share)))
    axis.set_xlabel("difference in accuracy (percentage points)")
    axis.grid(axis="x")
    return figure


DIFFERENCES = Section(
    "differences",
    "Differences",
    _compute,
    numbers=(
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
    ),
    drawings=(
        Drawing(
            "differences",
            "Differences between conditions",
            "Differences in accuracy with their intervals. Filled: differs from zero after "
            "Holm's correction; hollow: does not. Shaded: differences below the smallest effect "
            "of interest.",
            differences,
        ),
    ),
    blocks=_blocks,
    keeps_empty=True,
)
