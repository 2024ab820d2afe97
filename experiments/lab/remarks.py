"""What is odd about a session that is watched, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from experiments.lab.exclusion import Standing
from unitscope.records import RUNNING

if TYPE_CHECKING:
    from experiments.lab.watch import SessionState

QUIET_S = 300
"""A running session without a new trial for so long is pointed out."""

MANY_DROPPED = 0.01
"""Share of dropped frames above which a session gets a warning."""

ONE_SIDED = 0.85
"""Share of answers on one side above which a session gets a warning."""

FEW = 8
"""Shares of fewer answers say nothing yet."""


def remarks(
    state: SessionState, run: Mapping[str, Any], judged: Sequence[Standing]
) -> Iterator[str]:
    """Yield what the experimenter should know of a session, one sentence each.

    Parameters
    ----------
    state
        How it stands.
    run
        What ``session.json`` has of its last run.
    judged
        The rules of exclusion that can be judged already.
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
    for one in judged:
        if not one.holds:
            yield f"would be excluded as it stands: {one.sentence}"
