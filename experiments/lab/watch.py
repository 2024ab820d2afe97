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
from pathlib import Path
from typing import Any

from conditions.errors import BadInput
from conditions.exclusions import ExclusionRules
from conditions.records import RUNNING, SESSION, TRIALS, read_session

QUIET_S = 300
"""A running session without a new trial for so long is pointed out."""

MANY_DROPPED = 0.01
"""Share of dropped frames above which a session gets a warning."""

ONE_SIDED = 0.85
"""Share of answers on one side above which a session gets a warning."""

FEW = 8
"""Shares of fewer answers say nothing yet."""


@dataclass(frozen=True)
class SessionState:
    """How one session stands.

    Parameters
    ----------
    lab, design, participant, session, run
        Which one.
    observer
        ``person``, or the name of the simulated or machine observer.
    status
        ``running``, or how it ended.
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
    share_a
        Share of answers that chose query a; None before the first.
    frames, dropped_frames
        Frames of all trials, and those dropped.
    accuracy
        Reference condition to (right, answered) of main trials; empty unless asked for.
    warnings
        Sentences for the experimenter.
    """

    lab: str
    design: str
    participant: str
    session: int
    run: int
    observer: str
    status: str
    done: int
    planned: int
    began_utc: str
    quiet_s: float
    left_s: float | None
    catch_right: int
    catch_done: int
    rts_s: list[float]
    share_a: float | None
    frames: int
    dropped_frames: int
    accuracy: dict[str, tuple[int, int]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def watch(
    lab: str,
    data: Path,
    rules: Mapping[str, ExclusionRules],
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
        except (BadInput, OSError):
            continue  # being replaced at this moment; the next look will see it
        if facts:
            yield _state(lab, path.parent, facts, rows, rules, accuracy, now_s)


def _pilots(data: Path) -> Iterable[Path]:
    return data.glob(f"pilot/*/sub-*/ses-*/{SESSION}")


def _whole_rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.is_file():
        return
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    text = whole.decode("utf-8", "replace")
    for row in csv.DictReader(io.StringIO(text, newline="")):
        if None not in row.values():
            yield row


def _state(
    lab: str,
    folder: Path,
    facts: Mapping[str, Any],
    rows: list[dict[str, str]],
    rules: Mapping[str, ExclusionRules],
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
        rts_s=[float(row["rt_s"]) for row in rows if row.get("rt_s")],
        share_a=sides.count("a") / len(sides) if sides else None,
        frames=_total(rows, "frames"),
        dropped_frames=_total(rows, "dropped_frames"),
        accuracy=_accuracy(rows) if accuracy else {},
    )
    state.warnings.extend(_warnings(state, runs, rows, rules.get(design)))
    return state


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


def _warnings(
    state: SessionState,
    runs: list[Mapping[str, Any]],
    rows: list[dict[str, str]],
    rules: ExclusionRules | None,
) -> Iterator[str]:
    run, display = runs[-1], runs[-1].get("display") or {}
    if state.status == RUNNING and state.quiet_s > QUIET_S:
        minutes = round(state.quiet_s / 60)
        yield f"nothing written for {minutes} min: a long break, or the session has crashed"
    if run.get("override"):
        yield f"checks were overridden: {run['override']}"
    if run.get("repaired_copy"):
        yield "a damaged last line of the log was repaired; a copy was kept"
    if "llvmpipe" in str(display.get("renderer", "")).lower():
        yield "the screen is drawn by software, not by a graphics card"
    if display and not display.get("waits_for_vertical_blank", True):
        yield "the screen does not wait for its refresh"
    if run.get("response_source") == "keyboard-event":
        yield "reaction times are those of the frame: the keyboard is not read by psychtoolbox"
    if state.frames and state.dropped_frames / state.frames > MANY_DROPPED:
        share = 100 * state.dropped_frames / state.frames
        yield f"{share:.1f} % of frames were dropped"
    answered = sum(bool(row.get("choice")) for row in rows)
    if state.share_a is not None and answered >= FEW:
        share_a = state.share_a
        if max(share_a, 1 - share_a) > ONE_SIDED:
            yield f"{100 * max(share_a, 1 - share_a):.0f} % of answers are on one side"
    if rules and rules.catch_share is not None and state.catch_done:
        right = state.catch_right / state.catch_done
        if right < rules.catch_share:
            yield (
                f"{state.catch_right} of {state.catch_done} catch trials right: below the rule of "
                f"{100 * rules.catch_share:.0f} %, so the session would be excluded"
            )


def now_utc(now_s: float | None = None) -> str:
    """Return a time as ISO 8601 in UTC, to the second."""
    at = (
        datetime.now(timezone.utc) if now_s is None else datetime.fromtimestamp(now_s, timezone.utc)
    )
    return at.isoformat(timespec="seconds")
