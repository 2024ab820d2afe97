"""The figure of how long right and wrong answers took."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from analysis.report.panels import Drawing, draw_times, outcome_legend, panels
from analysis.report.results import Results
from analysis.statistics.performance import conditions_of


def reaction_times(results: Results) -> Figure | None:
    """Draw the reaction times of right and wrong answers."""
    if not results.kept["rt_s"].gt(0).any():
        return None
    n_rows = max(len(conditions_of(group.rows_of(results.kept))) for group in results.remaining)
    figure, axes = panels(results, height_in=1.0 + 0.55 * n_rows, sharey=True, sharex=True)
    conditions = conditions_of(results.kept)
    for group, axis in zip(results.remaining, axes, strict=True):
        trials = group.rows_of(results.kept)
        for place, condition in enumerate(conditions):
            part = trials[(trials["reference_condition"] == condition) & trials["rt_s"].gt(0)]
            for right, offset in ((True, -0.19), (False, 0.19)):
                times = part.loc[part["correct"].astype(bool) == right, "rt_s"].to_numpy(float)
                draw_times(axis, times, place + offset, condition, right)
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_yticks(range(len(conditions)), conditions)
        axis.set_ylim(len(conditions) - 0.45, -0.55)
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x")
        axis.set_xlabel("reaction time (s)")
    axes[0].set_ylabel("reference images")
    outcome_legend(figure)
    return figure


OF_REACTION_TIMES = (
    Drawing(
        "reaction_times",
        "Reaction times",
        "Each mark is one trial, on a logarithmic axis; upper rows right answers, lower rows "
        "wrong ones.",
        reaction_times,
    ),
)
