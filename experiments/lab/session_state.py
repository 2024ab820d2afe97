"""How one session stands, and what the experimenter should know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from unitscope.exclusion import Verdict
from unitscope.records import RUNNING, RunRecord

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
    lab, design, participant, session
        Which one.
    status
        ``running``, how it ended, ``damaged`` where its log makes no sense, or ``withdrawn`` where
        the data of a participant are left out; then nothing else is known.
    run
        How often it was started.
    observer
        ``person``, or the name of the simulated or machine observer.
    place
        ``lab`` or ``online``.
    done, planned, skipped
        Trials in the log; those of the condition table that will be run; the others, practice that
        was not needed.
    began_utc
        When its last run began.
    quiet_s
        Seconds since anything was written.
    left_s
        Seconds that the trials still to come will take, at the pace so far; None at the start.
    catch_correct, catch_done
        Catch trials answered correctly, and all of them.
    rts_s
        Reaction times so far, in order.
    answered, share_a
        Trials with a choice, and the share of them that chose query a; None before the first.
    frames, dropped_frames
        Frames of all trials, and those dropped.
    accuracy
        Reference condition to (correct, answered) of main trials; empty unless asked for.
    rules_judged, rules_broken, rules_open
        Exclusion rules that can be judged already, those of them that the session breaks so far,
        and those that cannot be judged before more trials are done.
    warnings
        Sentences for the experimenter.
    notes
        Notes of the experimenter, in order, each with its time and trial.
    """

    lab: str
    design: str
    participant: str
    session: int
    status: str
    run: int = 1
    observer: str = ""
    place: str = ""
    done: int = 0
    planned: int = 0
    skipped: int = 0
    began_utc: str = ""
    quiet_s: float = 0.0
    left_s: float | None = None
    catch_correct: int = 0
    catch_done: int = 0
    rts_s: list[float] = field(default_factory=list)
    answered: int = 0
    share_a: float | None = None
    frames: int = 0
    dropped_frames: int = 0
    accuracy: dict[str, tuple[int, int]] = field(default_factory=dict)
    rules_judged: int = 0
    rules_broken: int = 0
    rules_open: int = 0
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def remarks(state: SessionState, run: RunRecord, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield what the experimenter should know of a session, one sentence each.

    Parameters
    ----------
    state
        How it stands.
    run
        What ``session.json`` has of its last run.
    verdicts
        What the exclusion rules say of it.
    """
    display = run.get("display") or {}
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
    if state.share_a is not None and state.answered >= FEW:
        share_a = state.share_a
        if max(share_a, 1 - share_a) > ONE_SIDED:
            yield f"{100 * max(share_a, 1 - share_a):.0f} % of answers are on one side"
    for verdict in verdicts:
        if verdict.outcome == "broken":
            yield f"would be excluded as it stands: {verdict.sentence}"
