"""Whether the exclusion rules let a session pass, as it stands: asked of the one judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from conditions.design.design import Design
from unitscope.cells import read_content, read_sheet
from unitscope.exclusion import MEASURES, Verdict, has_sides, judge, judged_session
from unitscope.records import TRIALS, SessionRecord, whole_lines
from unitscope.row_types import LogText, TrialRow


def broken_rules(
    design: Design,
    rows: Sequence[TrialRow],
    record: SessionRecord,
    folder: Path,
    *,
    is_over: bool,
) -> list[Verdict]:
    """Return the rules that a session breaks for good.

    Parameters
    ----------
    design, rows
        What was to be run: the design, and all rows of the session's table.
    record, folder
        What was recorded: ``session.json``, and the folder in which the log lies.
    is_over
        Whether no more trials will come; before, only what can grow no smaller is final.
    """
    path = folder / TRIALS
    whole = whole_lines(read_content(path)) if path.is_file() else b""
    if not whole:
        return []
    logged = cast(list[LogText], read_sheet(whole, path).records())
    sides = [str(row["correct_choice"]) for row in rows if row.get("correct_choice")]
    verdicts = judge(
        judged_session(record, logged),
        design.exclusions.of_study,
        sided=has_sides(sides),
        is_over=is_over,
    )
    return [
        verdict
        for verdict in verdicts
        if verdict.outcome == "broken" and (is_over or MEASURES[verdict.rule.measure].grows)
    ]
