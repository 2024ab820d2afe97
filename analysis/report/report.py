"""One self-contained page from a log, with its figures, tables and numbers beside it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from analysis.logs.ratings import RatedLog, load_study
from analysis.logs.sessions import Log, load_frames
from analysis.planning.preregistration import read_preregistration
from analysis.report import figures, words
from analysis.report.deviations import deviations
from analysis.report.frame_figures import frame_intervals
from analysis.report.groups import Group
from analysis.report.methods import methods
from analysis.report.page import shown_part
from analysis.report.part import RATINGS_ONLY
from analysis.report.parts import parts_of
from analysis.report.results import NUMBER_NAMES, Results, Settings, analyse
from analysis.report.sections.intuitiveness import RATED, flags
from analysis.report.style import save, styled
from analysis.statistics.rating_means import MOMENTS
from conditions.design.design import Design
from conditions.design.reading import read_design
from unitscope.errors import BadInput
from unitscope.exclusion import allowed
from unitscope.places import REPORTS
from unitscope.queries import read_queries
from unitscope.tables import table_text

MADE_BY = "unitscope analysis"
"""Marks a ``results.json``, and so its folder, as ours to replace."""

PAGE, QUALITY = "report.html", "quality.html"
NUMBERS, FIGURES, TABLES = "results.json", "figures", "tables"


@dataclass(frozen=True)
class Written:
    """What a report left on the disk.

    Parameters
    ----------
    folder
        Of the report.
    page
        The page itself.
    sentences
        The headline of the primary group.
    """

    folder: Path
    page: Path
    sentences: list[str]


def write_report(
    data: Path | str,
    out: Path | str | None = None,
    settings: Settings | None = None,
    design: str | None = None,
    stimuli: Path | str | None = None,
    preregistration: Path | str | None = None,
) -> Written:
    """Analyse a study's log and write its report.

    Parameters
    ----------
    data
        As for :func:`analysis.logs.load.load`; sessions may have ratings but no trials.
    out
        Folder of the report; ``reports/<design>`` if None. One that holds an earlier report is
        replaced as a whole, once the new one is complete.
    settings
        How to analyse.
    design
        Name or file of the design; None looks for a shipped one of the name in the log.
    stimuli
        Folder of the stimulus set, whose ``queries.csv`` says what baselines answer; occlusion
        only.
    preregistration
        File that the study is held against, :func:`analysis.report.deviations.deviations`.

    Raises
    ------
    BadInput
        If the log cannot be used, or ``out`` exists and is no report or cannot be written.
    """
    log = load_study(data)
    out = REPORTS / log.design if out is None else Path(out)
    _check_replaceable(out)
    made_by = _design_of(log.design, design)
    queries = None if stimuli is None else read_queries(Path(stimuli))
    if preregistration is not None:
        read_preregistration(preregistration)  # refused before the long work
    results = analyse(log, settings, made_by, queries)
    deviating = None if preregistration is None else deviations(results, log, preregistration)
    frames = load_frames(log)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise BadInput(f"{out}: cannot be written ({error.strerror})") from None
    try:
        making.chmod(0o755)
        for name, page in _render(results, frames, made_by, making, deviating).items():
            (making / name).write_text(page, encoding="utf-8", newline="\n")
        _move(making, out)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Written(out, out / PAGE, words.headline(results, results.groups[0]))


def _check_replaceable(out: Path) -> None:
    if not out.exists():
        return
    try:
        made_by = json.loads((out / NUMBERS).read_text(encoding="utf-8"))["about"]["made_by"]
    except (OSError, ValueError, KeyError, TypeError):
        made_by = None
    if made_by != MADE_BY:
        raise BadInput(
            f"{out}: exists and holds no report of ours, so it is left alone; give another --out"
        )


def _move(making: Path, out: Path) -> None:
    """Put a complete report in place; an earlier one goes only once the new one stands ready."""
    if out.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        out.rename(old / "old")
        making.rename(out)
        shutil.rmtree(old)
    else:
        making.rename(out)


def _design_of(name: str, given: str | None) -> Design | None:
    if given is not None:
        return read_design(given)
    try:
        return read_design(name)
    except BadInput:
        return None


def _render(
    results: Results,
    frames: pd.DataFrame,
    design: Design | None,
    folder: Path,
    deviating: list[str] | None = None,
) -> dict[str, str]:
    """Write everything but the pages; returns these by name."""
    about = _about(results, design) | {"deviations": deviating}
    numbers = {"about": about, "names": NUMBER_NAMES, "numbers": results.numbers()}
    text = json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / NUMBERS).write_text(text + "\n", encoding="utf-8", newline="\n")
    (folder / TABLES).mkdir()
    for name, table in results.tables.items():
        file = folder / TABLES / f"{name}.csv"
        file.write_text(table_text(table), encoding="utf-8", newline="\n")
    pictures = _draw(results, frames, folder / FIGURES)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "percent": words.percent,
        "points": words.points,
        "p_cell": lambda p: words.p_value(p).removeprefix("=").strip(),
        "bayes_factor": words.bayes_factor,
        "allowed": lambda row: allowed(row["at_least"], row["at_most"]),
    }
    environment.filters |= filters
    sessions, judged = results.tables["sessions"], results.tables["exclusions"]
    content = {
        "about": about,
        "results": results,
        "groups": [_of_group(results, group) for group in results.groups],
        "parts": [shown_part(part, results) for part in parts_of(results.task)],
        "pictures": pictures,
        "methods": methods(design, results),
        "warnings": _warnings(results, design),
        "sessions": _records(sessions[sessions["remarks"] != ""]),
        "all_sessions": _records(sessions),
        "n_sessions": len(sessions),
        "windowed": _records(sessions[sessions["windowed"]]),
        "excluded": _records(judged[judged["excluded"].astype(bool)]),
        "judged": _records(judged),
        "odd_ratings": _odd_ratings(results),
        "n_excluded": results.numbers()["sessions.excluded"]["value"],
        "tables": sorted(results.tables),
    }
    return {name: environment.get_template(name).render(content) for name in (PAGE, QUALITY)}


def _about(results: Results, design: Design | None) -> dict[str, Any]:
    trials, settings = results.log.trials, results.settings
    return {
        "made_by": MADE_BY,
        "design": results.log.design,
        "title": _title(results.log, design),
        "stimulus_set": ", ".join(sorted(trials["stimulus_set"].dropna().unique())) or "unknown",
        "first_trial_utc": _text(trials["trial_began_utc"].min()),
        "last_trial_utc": _text(trials["trial_began_utc"].max()),
        "task": results.task,
        "blinded": settings.blind is not None,
        "ci_unit": settings.ci_unit,
        "level": settings.level,
        "smallest_effect": settings.smallest_effect,
        "n_trials": len(trials),
        "n_ratings": len(results.ratings),
        "n_sessions": len(results.log.sessions),
    }


def _title(log: Log, design: Design | None) -> str:
    if design is not None:
        return design.title
    return (log.title if isinstance(log, RatedLog) else "") or log.design


def _text(value: Any) -> str:
    return "unknown" if pd.isna(value) else str(value)


def _draw(results: Results, frames: pd.DataFrame, folder: Path) -> dict[str, dict[str, str]]:
    """Draw and save every figure; returns title, caption and SVG by name."""
    folder.mkdir()
    pictures = {}
    for drawing in figures.DRAWINGS:
        if not len(results.kept) and drawing.name not in RATED.pictures:
            continue
        with styled(drawing.name):
            figure = drawing.draw(results)
        if figure is not None:
            svg = save(figure, drawing.name, folder)
            pictures[drawing.name] = {
                "title": drawing.title,
                "caption": drawing.caption_of(results),
                "svg": svg,
            }
    with styled("frames"):
        figure = frame_intervals(frames)
    if figure is not None:
        pictures["frames"] = {
            "title": "Frames of sessions in a window",
            "caption": "Left: how long frames lasted, on a logarithmic count. Right: the longest "
            "frame of each trial. Dashed: 1.5 nominal intervals, above which a frame counts as "
            "dropped.",
            "svg": save(figure, "frames", folder),
        }
    return pictures


def _of_group(results: Results, group: Group) -> dict[str, Any]:
    level = results.settings.level
    differences = _with_everyone(results, group, "differences", ("first", "second"))
    verdicts = [
        words.verdict(row, level)
        for row in results.of("differences", group).itertuples(index=False)
    ]
    for row in differences:
        row["verdict"] = verdicts.pop(0) if row["kept"] else "–"
    return {
        "group": group,
        "sentences": words.headline(results, group),
        "accuracy": _with_everyone(results, group, "accuracy", ("reference_condition",)),
        "differences": differences,
        "reaction_times": _by_outcome(results.of("reaction_times", group)),
        "confidence": _by_outcome(results.of("confidence", group)),
    }


def _with_everyone(
    results: Results, group: Group, table: str, keys: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return a table's rows, each after exclusions (``kept``) and without them (``everyone``)."""
    kept = {tuple(row[key] for key in keys): row for row in _records(results.of(table, group))}
    return [
        {"kept": kept.get(tuple(row[key] for key in keys)), "everyone": row}
        for row in _records(results.of(f"{table}_all_sessions", group))
    ]


def _by_outcome(table: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in _records(table):
        found.setdefault(row["reference_condition"], {})[row["outcome"]] = row
    return found


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _odd_ratings(results: Results) -> list[dict[str, Any]]:
    table = results.tables.get("odd_ratings", pd.DataFrame())
    rows = table.astype(object)
    return _records(rows.where(table.notna(), "–").assign(rt_s=table.get("rt_s")))


def _warnings(results: Results, design: Design | None) -> list[str]:
    found = list(results.log.warnings)
    if results.settings.blind is not None:
        found.insert(0, "Blinded: letters stand in place of the conditions’ names.")
    if results.groups[0].kind != "person":
        found.insert(
            0,
            "No person took part: the numbers below come from programs and say nothing about "
            "people.",
        )
    if results.task == RATINGS_ONLY:
        found.append(
            "These sessions have ratings but no trials, so that nothing is known of right answers, "
            "confidence or reaction times."
        )
    elif np.isnan(results.chance):
        found.append(
            "The same choice is always the right one, so choices are no sides: nothing is known "
            "of chance, and side bias excludes nobody."
        )
    if "import_flags" in results.log.trials.columns:
        found.append(_imported(results.log.trials))
    if "import_flags" in results.ratings.columns and len(results.ratings):
        found += _imported_ratings(results)
    versions = set(results.log.trials["design_sha256"].dropna())
    if design is not None and versions and versions != {design.sha256}:
        found.append(
            "The design file has changed since some of the sessions, so the methods may not "
            "describe them."
        )
    return found


def _imported(trials: pd.DataFrame) -> str:
    """Say what was imported, and how many of its rows are odd; none of them was left out."""
    files = ", ".join(sorted(trials["import_file"].unique()))
    odd = words.counted(flags(trials))
    return f"Imported from {files}. Rows that are odd, all of them kept: {odd}."


def _imported_ratings(results: Results) -> Iterator[str]:
    """Say which ratings were imported, how many are odd, and of whom there are no trials."""
    ratings = results.ratings
    moments = ratings.groupby("moment")["import_file"].unique()
    files = "; ".join(
        f"those {moment} the trials from {', '.join(sorted(moments[moment]))}"
        for moment in MOMENTS
        if moment in moments.index
    )
    odd = words.counted(flags(ratings))
    yield f"Imported ratings: {files}. Ratings that are odd, all of them kept: {odd}."
    rated, tried = (set(frame["participant"]) for frame in (ratings, results.log.trials))
    if tried and rated - tried:
        yield (
            f"{len(rated - tried)} of {len(rated)} participants with imported ratings have no "
            "trials; their ratings count."
        )
