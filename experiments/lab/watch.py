"""What is known of the sessions in a data folder, from their logs alone."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from math import isfinite
from pathlib import Path
from typing import Literal, cast

from experiments.lab.session_state import SessionState, remarks
from unitscope.cells import read_content, read_sheet
from unitscope.errors import BadInput
from unitscope.exclusion import (
    DEFAULT_RULES,
    Exclusions,
    Rules,
    TakenPart,
    Verdict,
    has_sides,
    judge,
    judged_session,
    sessions_around,
    with_standing,
)
from unitscope.records import (
    NOTES,
    PILOT,
    RUNNING,
    SESSION,
    TRIALS,
    RunRecord,
    SessionRecord,
    read_session,
    whole_lines,
)
from unitscope.row_types import LogText
from unitscope.versions import NewerVersion
from unitscope.withdrawal import WITHDRAWN, is_withdrawn

TWICE = "the participant took part before; the report takes the first session"

LONGEST = 300
"""Characters of a log that are repeated in a warning."""


def watch(
    lab: str,
    data: Path,
    rules: Mapping[str, Exclusions],
    *,
    accuracy: bool = False,
    now_s: float | None = None,
) -> Iterator[SessionState]:
    """Yield the state of every session in a data folder, sorted by path.

    Of participants who withdrew there is one state that says so, before the others.

    Nothing is written and no lock is taken, so that a session is never disturbed; what is being
    written at this moment, such as half a line, is left out.

    Parameters
    ----------
    lab
        Name of the lab that the folder belongs to.
    data
        Folder of all logs.
    rules
        Design name to the rules that exclude its sessions.
    accuracy
        Whether accuracy by condition may be seen before the study is over.
    now_s
        The time, in seconds since 1970; None for now.
    """
    now_s = time.time() if now_s is None else now_s
    found: list[tuple[Path, SessionRecord | BadInput, list[LogText]]] = []
    correct_choices: dict[Path, list[str]] = {}
    taken: dict[Path, TakenPart] = {}
    for path in sorted([*data.glob(f"*/sub-*/ses-*/{SESSION}"), *_pilots(data)]):
        folder = path.parent
        if is_withdrawn(folder.parent):
            continue
        try:
            facts = read_session(folder)
        except NewerVersion as error:
            found.append((folder, error, []))
            continue
        except (BadInput, OSError):
            continue  # being replaced at this moment; the next look will see it
        try:
            rows = cast(list[LogText], _whole_rows(folder / TRIALS))
        except BadInput as error:
            found.append((folder, error, []))
            continue
        if facts:
            found.append((folder, facts, rows))
            who = (folder.parent, facts.get("observer_kind"), facts.get("observer"))
            roles = [row.get("trial_role") or "" for row in rows]
            taken[folder] = TakenPart(who, facts.get("session", 0), roles)
            own = [cell for row in rows if (cell := row.get("correct_choice"))]
            correct_choices.setdefault(folder.parents[1], []).extend(own)
    before = dict(zip(taken, (n for n, _ in sessions_around([*taken.values()])), strict=True))
    for subject in sorted(path.parent for path in data.glob(f"*/sub-*/{WITHDRAWN}")):
        yield _withdrawn(lab, subject)
    for folder, known, rows in found:
        if isinstance(known, BadInput):
            yield _damaged(lab, folder, known)
            continue
        sided = has_sides(correct_choices[folder.parents[1]])
        try:
            judging = _rules_of(folder, known, rules)
            verdicts = _verdicts(known, rows, judging, sided, before[folder])
            state = _state(lab, folder, known, rows, verdicts, accuracy, now_s)
            state.notes.extend(map(_noted, _whole_rows(folder / NOTES)))
            if before[folder] and not _is_pilot(folder):
                state.warnings.insert(0, TWICE)
            yield state
        except Exception as error:  # whatever one log holds, the other sessions stay in sight
            yield _damaged(lab, folder, error)


def _pilots(data: Path) -> Iterable[Path]:
    return data.glob(f"{PILOT}/*/sub-*/ses-*/{SESSION}")


def _whole_rows(path: Path) -> list[dict[str, str]]:
    whole = whole_lines(read_content(path)) if path.is_file() else b""
    return read_sheet(whole, path).records() if whole else []


def _noted(row: Mapping[str, str]) -> str:
    """Return a note with its time and trial."""
    time_utc, trial = row.get("noted_utc", "")[11:16], row.get("trial_number")
    place = f"{time_utc} UTC" + (f", trial {trial}" if trial else "")
    return f"{place}: {row.get('note') or '(a mark)'}"


def _rules_of(folder: Path, facts: SessionRecord, rules: Mapping[str, Exclusions]) -> Rules:
    """Return the rules of a session's design and those that stand in every study."""
    design = facts.get("design", "")
    own = rules[design].by_group if design in rules else {"": DEFAULT_RULES}
    # Pilot runs are in no report: there may be several, on any screen.
    return own if _is_pilot(folder) else with_standing(own)


def _is_pilot(folder: Path) -> bool:
    return folder.parents[2].name == PILOT


def _verdicts(
    facts: SessionRecord, rows: list[LogText], rules: Rules, sided: bool, earlier: int
) -> list[Verdict]:
    """Judge a session as the analysis does, which knows of no session without a trial."""
    if not rows:
        return []
    is_over = facts.get("end_reason") != RUNNING or len(rows) >= _planned(facts)
    return judge(judged_session(facts, rows, earlier), rules, sided=sided, is_over=is_over)


def _planned(facts: SessionRecord) -> int:
    """Return how many trials there will be, without practice that needed no repetition."""
    return facts.get("trials", 0) - facts.get("trials_skipped", 0)


def _state(
    lab: str,
    folder: Path,
    facts: SessionRecord,
    rows: list[LogText],
    verdicts: list[Verdict],
    accuracy: bool,
    now_s: float,
) -> SessionState:
    runs = facts.get("runs") or [RunRecord()]
    planned = _planned(facts)
    catch = [row.get("correct") for row in rows if row.get("trial_role") == "catch"]
    sides = [row["choice"] for row in rows if row.get("choice")]
    changed = [(folder / name) for name in (SESSION, TRIALS) if (folder / name).exists()]
    quiet_s = max(0.0, now_s - max(path.stat().st_mtime for path in changed))
    outcomes = [verdict.outcome for verdict in verdicts]
    state = SessionState(
        lab=lab,
        design=facts.get("design", ""),
        participant=facts.get("participant", ""),
        session=facts.get("session", 0),
        run=len(runs),
        observer=facts.get("observer") or facts.get("observer_kind", ""),
        place=facts.get("place", "lab"),
        status=facts.get("end_reason", ""),
        done=len(rows),
        planned=planned,
        skipped=facts.get("trials_skipped", 0),
        began_utc=runs[-1].get("began_utc", ""),
        quiet_s=quiet_s,
        left_s=_left_s(rows, max(planned - len(rows), 0)),
        catch_correct=catch.count("True"),
        catch_done=len(catch),
        rts_s=[rt_s for row in rows if row.get("rt_s") and isfinite(rt_s := float(row["rt_s"]))],
        answered=len(sides),
        share_a=sides.count("a") / len(sides) if sides else None,
        frames=_total(rows, "frames"),
        dropped_frames=_total(rows, "dropped_frames"),
        accuracy=_accuracy(rows) if accuracy else {},
        rules_judged=outcomes.count("met") + outcomes.count("broken"),
        rules_broken=outcomes.count("broken"),
        rules_open=outcomes.count("open"),
    )
    state.warnings.extend(remarks(state, runs[-1], verdicts))
    return state


def _withdrawn(lab: str, subject: Path) -> SessionState:
    """Return all that is said of a participant whose data are left out."""
    participant = subject.name.removeprefix("sub-")
    return SessionState(lab, subject.parent.name, participant, 0, "withdrawn")


def _damaged(lab: str, folder: Path, error: Exception) -> SessionState:
    """Return what can be said of a session whose log makes no sense."""
    said = f"its log is damaged and cannot be followed ({type(error).__name__}: {error})"
    number = folder.name.removeprefix("ses-")
    return SessionState(
        lab=lab,
        design=folder.parent.parent.name,
        participant=folder.parent.name.removeprefix("sub-"),
        session=int(number) if number.isdecimal() else 0,
        status="damaged",
        warnings=[said[:LONGEST]],
    )


def _total(rows: list[LogText], name: Literal["frames", "dropped_frames"]) -> int:
    return sum(int(row[name]) for row in rows if row.get(name))


def _left_s(rows: list[LogText], trials_left: int) -> float | None:
    """Go by the median time from one trial's beginning to the next, which breaks do not move."""
    began = [datetime.fromisoformat(r["trial_began_utc"]).timestamp() for r in rows]
    paces = [later - earlier for earlier, later in itertools.pairwise(began)]
    return statistics.median(paces) * trials_left if paces else None


def _accuracy(rows: list[LogText]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row.get("trial_role") == "main" and row.get("correct"):
            right, answered = found.get(row["reference_condition"], (0, 0))
            found[row["reference_condition"]] = (right + (row["correct"] == "True"), answered + 1)
    return dict(sorted(found.items()))


def now_utc(now_s: float | None = None) -> str:
    """Return a time as ISO 8601 in UTC, to the second."""
    at = (
        datetime.now(timezone.utc) if now_s is None else datetime.fromtimestamp(now_s, timezone.utc)
    )
    return at.isoformat(timespec="seconds")
