"""One self-contained page from a log, with its figures, tables and numbers beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from analysis.figure_style import save, styled
from analysis.logs.planned_trials import design_at_hand
from analysis.logs.ratings import load_study
from analysis.logs.sessions import Log, imports_of, load_frames, load_notes
from analysis.planning.analysis_settings import Settings
from analysis.planning.preregistration import read_preregistration
from analysis.report import phrasing
from analysis.report.analyse import NUMBER_NAMES, analyse
from analysis.report.section import Block, Drawing, Items, Section, Sentence, Table
from analysis.report.sections import sections_of
from analysis.report.sections.intuitiveness import flags
from analysis.report.sections.preregistered_plan import deviations
from analysis.report.study import RATINGS_ONLY, Results
from analysis.statistics.rating_means import MOMENTS
from conditions.design.design import Design
from unitscope.disk import OF_FILE_MANAGERS, whole_folder, write_file
from unitscope.errors import BadInput
from unitscope.exclusion import allowed
from unitscope.places import REPORTS
from unitscope.queries import read_queries
from unitscope.stimulus_set import sha256_of
from unitscope.tables import table_text

MADE_BY = "unitscope analysis"
"""Marks a ``results.json``, and so its folder, as ours to replace."""

MAX_FILES = 6
"""Files that the page names as those that a log was imported from."""

PAGE, QUALITY = "report.html", "quality.html"
NUMBERS, FIGURES, TABLES = "results.json", "figures", "tables"
CHECKSUMS = "checksums.json"
"""SHA-256 of every file that a report wrote: what a later one may replace."""


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
        File that the study is compared with,
        :func:`analysis.report.sections.preregistered_plan.deviations`.

    Raises
    ------
    BadInput
        If the log cannot be used, or ``out`` exists and is no report or cannot be written.
    """
    log = load_study(data)
    out = REPORTS / log.design if out is None else Path(out)
    if out.exists():
        _check_replaceable(out)
    made_by = design_at_hand(log, design)
    queries = None if stimuli is None else read_queries(Path(stimuli))
    if preregistration is not None:
        read_preregistration(preregistration)  # refused before the long work
    results = analyse(log, settings, made_by, queries)
    if preregistration is not None:
        results = replace(results, deviations=tuple(deviations(results, log, preregistration)))
    results = replace(results, frames=load_frames(log))
    if results.settings.blind is None:
        results = replace(results, notes=load_notes(log))
    with whole_folder(out, check=_check_replaceable) as making:
        for name, page in _render(results, making).items():
            write_file(making / name, page, sync=False)
        sums = {name: sha256_of(file) for name, file in _files_in(making).items()}
        write_file(making / CHECKSUMS, json.dumps(sums, indent=2) + "\n", sync=False)
    return Written(out, out / PAGE, phrasing.headline(results, results.groups[0]))


def _check_replaceable(out: Path) -> None:
    """Check that a folder holds a report and nothing else, as nothing else is ever removed."""
    try:
        sums = json.loads((out / CHECKSUMS).read_text(encoding="utf-8"))
        made_by = json.loads((out / NUMBERS).read_text(encoding="utf-8"))["about"]["made_by"]
    except (OSError, ValueError, KeyError, TypeError):
        made_by = None
    if made_by != MADE_BY or not isinstance(sums, dict):
        raise BadInput(
            f"{out}: exists and holds no report of ours with its {CHECKSUMS}, so it is left "
            "alone; give another --out"
        )
    for name, file in _files_in(out).items():
        if name != CHECKSUMS and (name not in sums or sha256_of(file) != sums[name]):
            what = "was changed since" if name in sums else "was written by no report"
            raise BadInput(
                f"{file}: {what}, so its folder is left alone; move it away or give another --out"
            )


def _files_in(folder: Path) -> dict[str, Path]:
    """Return every file below a folder by its name there, except what file managers leave."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if (path.is_file() or path.is_symlink()) and path.name not in OF_FILE_MANAGERS
    }


def _render(results: Results, folder: Path) -> dict[str, str]:
    """Write everything but the pages; returns these by name."""
    deviating = None if results.deviations is None else list(results.deviations)
    about = _about(results) | {"deviations": deviating}
    numbers = {"about": about, "names": NUMBER_NAMES, "numbers": results.numbers}
    text = json.dumps(numbers, indent=2, ensure_ascii=False, allow_nan=False)
    write_file(folder / NUMBERS, text + "\n", sync=False)
    for name, table in results.tables.items():
        write_file(folder / TABLES / f"{name}.csv", table_text(table), sync=False)
    (folder / FIGURES).mkdir()
    sections: list[dict[str, Any]] = [
        {"name": section.name, "title": section.title, "blocks": blocks}
        for section in sections_of(results.task)
        if (blocks := _blocks(section, results, folder / FIGURES))
    ]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "percent": phrasing.percent,
        "allowed": lambda row: allowed(row["at_least"], row["at_most"]),
    }
    environment.filters |= filters
    content = {
        "about": about,
        "answers": [(group.title, phrasing.headline(results, group)) for group in results.groups],
        "warnings": _warnings(results),
        "sections": sections,
        "frames": _figure(sections, "frames"),
        "all_sessions": _records(results.tables["sessions"]),
        "judged": _records(results.tables["exclusions"]),
        "notes": _records(results.notes.astype(object).where(results.notes.notna(), "")),
        "odd_ratings": _flagged_ratings(results),
        "n_excluded": results.numbers["sessions.excluded"]["value"],
        "tables": sorted(results.tables),
    }
    return {name: environment.get_template(name).render(content) for name in (PAGE, QUALITY)}


def _blocks(section: Section, results: Results, folder: Path) -> list[tuple[str, Any]]:
    """Return what a section shows, each with its kind; its figures are drawn and saved."""
    found: list[tuple[str, Any]] = []
    shown = section.shown(results)
    for block in shown:
        if isinstance(block, Drawing):
            if results.kept.empty and not section.without_trials:
                continue
            with styled(block.name):
                figure = block.draw(results)
            if figure is not None:
                svg = save(figure, block.name, folder)
                found.append((_KINDS[Drawing], (block, block.caption_of(results), svg)))
        else:
            found.append((_KINDS[type(block)], block))
    return found


def _figure(sections: list[dict[str, Any]], name: str) -> Any:
    """Return a figure that some section shows, for another page; None where there is none."""
    blocks = [
        block for section in sections for kind, block in section["blocks"] if kind == "figure"
    ]
    return next((block for block in blocks if block[0].name == name), None)


_KINDS: dict[type[Block], str] = {
    Drawing: "figure",
    Table: "table",
    Sentence: "sentence",
    Items: "items",
}


def _about(results: Results) -> dict[str, Any]:
    trials, settings = results.log.trials, results.settings
    return {
        "made_by": MADE_BY,
        "design": results.log.design,
        "title": _title(results.log, results.design),
        "stimulus_set": ", ".join(sorted(trials["stimulus_set"].dropna().unique())) or "unknown",
        "first_trial_utc": _text(trials["trial_began_utc"].min()),
        "last_trial_utc": _text(trials["trial_began_utc"].max()),
        "task": results.task,
        "blinded": settings.blind is not None,
        "ci_unit": settings.ci_unit,
        "level": settings.level,
        "smallest_effect": results.smallest_effect,
        "n_trials": len(trials),
        "n_ratings": len(results.ratings),
        "n_sessions": len(results.log.sessions),
    }


def _title(log: Log, design: Design | None) -> str:
    if imported := imports_of(log):
        return imported[0]["title"] or log.design
    return log.design if design is None else design.title


def _text(value: Any) -> str:
    return "unknown" if pd.isna(value) else str(value)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _flagged_ratings(results: Results) -> list[dict[str, Any]]:
    table = results.tables.get("odd_ratings", pd.DataFrame())
    rows = table.astype(object)
    return _records(rows.where(table.notna(), "–").assign(rt_s=table.get("rt_s")))


def _warnings(results: Results) -> list[str]:
    found = list(results.log.warnings)
    if results.settings.blind is not None:
        found.insert(0, "Blinded: letters replace the conditions’ names.")
    if results.groups[0].kind != "person":
        found.insert(
            0,
            "No person took part: all numbers below come from programs and say nothing about "
            "people.",
        )
    if results.task == RATINGS_ONLY:
        found.append(
            "These sessions have ratings but no trials, so there are no results on accuracy, "
            "confidence or reaction times."
        )
    elif np.isnan(results.chance):
        found.append(
            "The same choice is always the correct one, so choices are not sides: chance level "
            "is unknown, and side bias excludes nobody."
        )
    if "import_flags" in results.log.trials.columns:
        found.append(_imported(results.log.trials))
    if "import_flags" in results.ratings.columns and len(results.ratings):
        found += _imported_ratings(results)
    versions = set(results.log.trials["design_sha256"].dropna())
    if results.design is not None and versions and versions != {results.design.sha256}:
        found.append(
            "The design file has changed since some of the sessions, so the methods may not "
            "describe them."
        )
    return found


def _imported(trials: pd.DataFrame) -> str:
    """Say what was imported, and how many of its rows are flagged; all of them are kept."""
    files = _files(trials)
    is_main = trials["trial_role"] == "main"
    main, others = (phrasing.counted(flags(part)) for part in (trials[is_main], trials[~is_main]))
    return (
        f"Imported from {files}. Flagged main trials, all kept: {main}; flagged practice, catch "
        f"and repeated trials: {others}."
    )


def _files(rows: pd.DataFrame) -> str:
    """Return the names of the files that rows were imported from, at most so many."""
    files = sorted(rows["import_file"].unique())
    if len(files) > MAX_FILES:
        files[MAX_FILES - 1 :] = [f"{len(files) - MAX_FILES + 1} more files"]
    return phrasing.joined(files)


def _imported_ratings(results: Results) -> Iterator[str]:
    """Say which ratings were imported, how many are flagged, and whose trials are missing."""
    ratings = results.ratings
    files = "; ".join(
        f"those {moment} the trials from {_files(rows)}"
        for moment in MOMENTS
        if len(rows := ratings[ratings["moment"] == moment])
    )
    flagged = phrasing.counted(flags(ratings))
    yield f"Imported ratings: {files}. Flagged ratings, all kept: {flagged}."
    rated, tried = (set(frame["participant"]) for frame in (ratings, results.log.trials))
    if tried and rated - tried:
        yield (
            f"{len(rated - tried)} of {len(rated)} participants with imported ratings have no "
            "trials; their ratings count."
        )
