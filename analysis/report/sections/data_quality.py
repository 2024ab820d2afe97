"""Section: how sessions went, and how long their frames lasted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analysis.figure_style import INK, MARKS, MAX_VECTOR_POINTS
from analysis.logs.texts_read import different_texts
from analysis.report.panels import WIDTH_IN
from analysis.report.section import DASH, Block, Cell, Drawing, Section, Sentence, Table
from analysis.report.study import RATINGS_ONLY, Results
from unitscope.vocabulary import TASKS


def frame_intervals(results: Results) -> Figure | None:
    """Draw how long the frames of windowed sessions lasted."""
    frames = results.frames
    if frames.empty:
        return None
    intervals_ms = 1000 * frames["interval_s"].dropna().to_numpy(float)
    if not len(intervals_ms):
        return None
    nominal = float(np.median(intervals_ms))
    figure = Figure(figsize=(WIDTH_IN, 2.5), layout="constrained")
    spread, by_trial = figure.subplots(1, 2)
    top = max(3.2 * nominal, float(intervals_ms.max()) * 1.05)
    spread.hist(intervals_ms, np.linspace(0, top, 80), color=MARKS["natural"].colour)
    spread.set_yscale("log")
    spread.set_ylim(bottom=0.7)
    spread.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:g}"))
    spread.set_ylabel("frames")
    spread.set_xlabel("frame interval (ms)")
    spread.set_title("All frames", pad=8)
    longest = frames.groupby(["participant", "session", "trial_number"])["interval_s"].max()
    trial = longest.index.get_level_values("trial_number").to_numpy(float)
    by_trial.scatter(
        trial,
        1000 * longest.to_numpy(float),
        s=12,
        color=MARKS["natural"].colour,
        linewidths=0,
        rasterized=len(longest) > MAX_VECTOR_POINTS,
    )
    by_trial.set_ylim(0, top)
    by_trial.set_ylabel("longest interval (ms)")
    by_trial.set_xlabel("trial")
    by_trial.set_title("Longest of each trial", pad=8)
    spread.axvline(1.5 * nominal, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    by_trial.axhline(1.5 * nominal, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    spread.annotate(
        "dropped",
        (1.5 * nominal, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4, -2),
        textcoords="offset points",
        va="top",
        fontsize=7.5,
    )
    return figure


def _known(value: Any, form: str) -> str:
    return format(value, form) if value == value else DASH


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    sessions = results.tables["sessions"]
    unusual = results.tables.get("odd_ratings")
    n_unusual = 0 if unusual is None else len(unusual)
    remarked = sessions[sessions["remarks"] != ""].to_dict("records")
    first = [Cell("Participant"), Cell("Session"), Cell("Observer", look="words")]
    if remarked:
        yield Table(
            f"Sessions with a remark ({len(remarked)} of {len(sessions)})",
            [*first, Cell("Trials"), Cell("Median time (s)"), Cell("Remark", look="words")],
            [
                [
                    Cell(str(row["participant"])),
                    Cell(str(row["session"])),
                    Cell(row["observer_kind"], look="words"),
                    Cell(
                        f"{row['trials']} of {row['trials_planned']}"
                        if row["trials_planned"]
                        else f"{row['trials']}",
                        look="whole",
                    ),
                    Cell(_known(row["rt_median_s"], ".2f")),
                    Cell(row["remarks"], look="words"),
                ]
                for row in remarked
            ],
        )
    else:
        nothing = "" if n_unusual else ", without anything unusual"
        yield Sentence(f"All {len(sessions)} sessions were completed in one run{nothing}.")
    if n_unusual:
        verb, them = ("s are", "them") if n_unusual > 1 else (" is", "it")
        yield Sentence(
            f"{n_unusual} imported rating{verb} unusual, and kept; quality.html lists {them}."
        )
    for sentence in different_texts(results.log):
        yield Sentence(sentence)
    yield from section.drawings
    windowed = sessions[sessions["windowed"]].to_dict("records")
    if windowed:
        yield Table(
            "Sessions in a window",
            [*first, Cell("Frames"), Cell("Dropped"), Cell("Longest interval (ms)")],
            [
                [
                    Cell(str(row["participant"])),
                    Cell(str(row["session"])),
                    Cell(row["observer_kind"], look="words"),
                    Cell(str(row["frames"])),
                    Cell(str(row["dropped_frames"])),
                    Cell(_known(1000 * row["largest_frame_interval_s"], ".1f")),
                ]
                for row in windowed
            ],
        )


QUALITY = Section(
    "quality",
    "Data quality",
    drawings=(
        Drawing(
            "frames",
            "Frames of sessions in a window",
            "Left: how long frames lasted, on a logarithmic count. Right: the longest frame of "
            "each trial. Dashed: 1.5 nominal intervals, above which a frame counts as dropped. Of "
            "sessions online, frames are the first of each phase and late ones.",
            frame_intervals,
        ),
    ),
    tasks=(*TASKS, RATINGS_ONLY),
    without_trials=True,
    blocks=_blocks,
)
