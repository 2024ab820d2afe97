"""What is known of the sessions in a data folder, from their logs alone."""

from __future__ import annotations

import csv
import io
import itertools
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from math import isfinite
from pathlib import Path
from typing import Any

from experiments.lab.exclusion import Standing, standings
from experiments.lab.remarks import remarks
from unitscope.errors import BadInput
from unitscope.exclusion import Exclusions
from unitscope.records import SESSION, TRIALS, read_session, whole_lines
from unitscope.versions import NewerVersion

LONGEST = 300
"""Characters of a log that are repeated in a warning."""


@dataclass(frozen=True)
class SessionState:
    """How one session stands.

    Parameters
    ----------
    lab, design, participant, session
        Which one.
    status
        ``running``, how it ended, or ``damaged`` where its log makes no sense.
    run
        How often it was started.
    observer
        ``person``, or the name of the simulated or machine observer.
    done, planned
        Trials in the log and in the condition table.
    began_utc
        When its last run began.
    quiet_s
        Seconds since anything was written.
    left_s
        Seconds that the trials still to come will take, at the pace so far; None at the start.
    catch_right, catch_done
        Catch trials answered rightly, and all of them.
    rts_s
        Reaction times so far, in order.
    answered, share_a
        Trials with a choice, and the share of them that chose query a; None before the first.
    frames, dropped_frames
        Frames of all trials, and those dropped.
    accuracy
        Reference condition to (right, answered) of main trials; empty unless asked for.
    rules_judged, rules_broken
        Rules of exclusion that can be judged already, and those that the session breaks so far.
    warnings
        Sentences for the experimenter.
    """

    lab: str
    design: str
    participant: str
    session: int
    status: str
    run: int = 1
    observer: str = ""
    done: int = 0
    planned: int = 0
    began_utc: str = ""
    quiet_s: float = 0.0
    left_s: float | None = None
    catch_right: int = 0
    catch_done: int = 0
    rts_s: list[float] = field(default_factory=list)
    answered: int = 0
    share_a: float | None = None
    frames: int = 0
    dropped_frames: int = 0
    accuracy: dict[str, tuple[int, int]] = field(default_factory=dict)
    rules_judged: int = 0
    rules_broken: int = 0
    warnings: list[str] = field(default_factory=list)


def watch(
    lab: str,
    data: Path,
    rules: Mapping[str, Exclusions],
    *,
    accuracy: bool = False,
    now_s: float | None = None,
) -> Iterator[SessionState]:
    """Yield the state of every session in a data folder, sorted by path.

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
    for path in sorted([*data.glob(f"*/sub-*/ses-*/{SESSION}"), *_pilots(data)]):
        try:
            facts = read_session(path.parent)
            rows = list(_whole_rows(path.parent / TRIALS))
        except NewerVersion as error:
            yield _damaged(lab, path.parent, error)
            continue
        except (BadInput, OSError):
            continue  # being replaced at this moment; the next look will see it
        if not facts:
            continue
        try:
            yield _state(lab, path.parent, facts, rows, rules, accuracy, now_s)
        except Exception as error:  # whatever one log holds, the other sessions stay in sight
            yield _damaged(lab, path.parent, error)


def _pilots(data: Path) -> Iterable[Path]:
    return data.glob(f"pilot/*/sub-*/ses-*/{SESSION}")


def _whole_rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.is_file():
        return
    text = whole_lines(path.read_bytes()).decode("utf-8", "replace")
    for row in csv.DictReader(io.StringIO(text, newline="")):
        if None not in row.values():
            yield row


def _state(
    lab: str,
    folder: Path,
    facts: Mapping[str, Any],
    rows: list[dict[str, str]],
    rules: Mapping[str, Exclusions],
    accuracy: bool,
    now_s: float,
) -> SessionState:
    runs = facts.get("runs") or [{}]
    design = str(facts.get("design", ""))
    planned = int(facts.get("trials") or 0)
    catch = [row.get("correct") for row in rows if row.get("trial_role") == "catch"]
    sides = [row["choice"] for row in rows if row.get("choice")]
    changed = [(folder / name) for name in (SESSION, TRIALS) if (folder / name).exists()]
    quiet_s = max(0.0, now_s - max(path.stat().st_mtime for path in changed))
    judged: list[Standing] = []
    if design in rules:
        group = rows[0].get("participant_group", "") if rows else ""
        judged = list(standings(facts, rows, rules[design].rules(group)))
    state = SessionState(
        lab=lab,
        design=design,
        participant=str(facts.get("participant", "")),
        session=int(facts.get("session") or 0),
        run=len(runs),
        observer=str(facts.get("observer") or facts.get("observer_kind") or ""),
        status=str(facts.get("end_reason", "")),
        done=len(rows),
        planned=planned,
        began_utc=str(runs[-1].get("began_utc", "")),
        quiet_s=quiet_s,
        left_s=_left_s(rows, max(planned - len(rows), 0)),
        catch_right=catch.count("True"),
        catch_done=len(catch),
        rts_s=[rt_s for row in rows if row.get("rt_s") and isfinite(rt_s := float(row["rt_s"]))],
        answered=len(sides),
        share_a=sides.count("a") / len(sides) if sides else None,
        frames=_total(rows, "frames"),
        dropped_frames=_total(rows, "dropped_frames"),
        accuracy=_accuracy(rows) if accuracy else {},
        rules_judged=len(judged),
        rules_broken=sum(not one.holds for one in judged),
    )
    state.warnings.extend(remarks(state, runs[-1], judged))
    return state


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


def _total(rows: list[dict[str, str]], name: str) -> int:
    return sum(int(row[name]) for row in rows if row.get(name))


def _left_s(rows: list[dict[str, str]], trials_left: int) -> float | None:
    """Go by the median time from one trial's beginning to the next, which breaks do not move."""
    began = [datetime.fromisoformat(r["trial_began_utc"]).timestamp() for r in rows]
    paces = [later - earlier for earlier, later in itertools.pairwise(began)]
    return statistics.median(paces) * trials_left if paces else None


def _accuracy(rows: list[dict[str, str]]) -> dict[str, tuple[int, int]]:
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
