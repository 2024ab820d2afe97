"""Power by the number of participants, as a figure."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis.figure_style import FAINT, INK, styled
from unitscope.disk import whole_folder, write_file
from unitscope.tables import table_text

WANTED = 0.8
"""Power that studies are usually planned for."""

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#5b6470")
_MARKERS = "osD^v"


def write_power(table: pd.DataFrame, folder: Path) -> Path:
    """Write ``power.csv`` and a figure of its first pair, ``power.png`` and ``power.svg``.

    Parameters
    ----------
    table
        As :func:`analysis.planning.power.power_table` returns it.
    folder
        Made; one that exists must be empty.

    Returns
    -------
    pathlib.Path
        The PNG.

    Raises
    ------
    BadInput
        If the folder holds anything or cannot be written.
    """
    with whole_folder(folder) as making, styled("power"):
        write_file(making / "power.csv", table_text(table), sync=False)
        figure = draw_power(table, str(table["first"].iloc[0]), str(table["second"].iloc[0]))
        figure.savefig(making / "power.png", metadata={"Software": None})
        figure.savefig(making / "power.svg", metadata={"Date": None, "Creator": None})
    return folder / "power.png"


def draw_power(table: pd.DataFrame, first: str, second: str) -> Figure:
    """Draw the power for one pair of conditions by participants, a line for each number of units.

    Bands are 95 % intervals of the simulation itself.
    """
    rows = table[(table["first"] == first) & (table["second"] == second)]
    is_one_of_many = table.groupby(["first", "second"]).ngroups > 1
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(WANTED, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
    groups = [group for _, group in rows.groupby("units")]
    is_alone = is_one_of_many and len(groups) == 1
    title = "Holm-corrected" if is_one_of_many else None
    for colour, marker, group in zip(cycle(_COLOURS), cycle(_MARKERS), groups, strict=False):
        number = group["participants"]
        axes.fill_between(
            number, group["holm_low"], group["holm_high"], color=colour, alpha=0.15, linewidth=0
        )
        axes.plot(
            number,
            group["power_holm"],
            color=colour,
            marker=marker,
            markersize=4,
            label="Holm-corrected" if is_alone else f"{group['units'].iloc[0]} units",
        )
        if is_alone:
            axes.plot(
                number,
                group["power"],
                color=INK,
                linewidth=0.9,
                linestyle=(0, (1, 1.5)),
                label="uncorrected",
            )
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.set_xticks(sorted(rows["participants"].unique()))
    axes.grid(axis="y")
    axes.set_xlabel("participants")
    axes.set_ylabel("share of simulated studies that find it")
    axes.set_title(f"{first} minus {second} is {rows['difference'].iloc[0]:+.2f} in truth", pad=8)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1, 1),
        title=f"{rows['units'].iloc[0]} units" if is_alone else title,
        alignment="left",
    )
    return figure
