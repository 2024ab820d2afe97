"""Whether the exclusion rules let a session pass, as it stands: asked of the one judge."""

from __future__ import annotations

from typing import cast

from experiments.runner.session import Session
from unitscope.cells import read_content, read_sheet
from unitscope.exclusion import MEASURES, Verdict, has_sides, judge, judged_session
from unitscope.records import TRIALS, whole_lines
from unitscope.row_types import LogText


def broken_rules(session: Session, *, is_over: bool) -> list[Verdict]:
    """Return the rules that a session breaks for good.

    Parameters
    ----------
    session
        Some of whose trials are in its log.
    is_over
        Whether no more trials will come; before, only what can grow no smaller is final.
    """
    path = session.log.folder / TRIALS
    whole = whole_lines(read_content(path)) if path.is_file() else b""
    if not whole:
        return []
    rows = cast(list[LogText], read_sheet(whole, path).records())
    sides = [str(row["correct_choice"]) for row in session.rows if row.get("correct_choice")]
    verdicts = judge(
        judged_session(session.facts, rows),
        session.design.exclusions.of_study,
        sided=has_sides(sides),
        is_over=is_over,
    )
    return [
        verdict
        for verdict in verdicts
        if verdict.outcome == "broken" and (is_over or MEASURES[verdict.rule.measure].grows)
    ]
