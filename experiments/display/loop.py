"""The Coder scripts' loop: a session's stages in order, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from experiments.display.stepper import Stepper, undisturbed
from experiments.display.window import Display
from experiments.runner.session import Session
from unitscope.records import INTERRUPTED


def run_stages(
    session: Session,
    display: Display,
    stepper: Stepper,
    on_row: Callable[[dict[str, Any]], None],
) -> str:
    """Run what remains of a session; it is finished when this returns.

    Parameters
    ----------
    session
        An open session.
    display
        Its window.
    stepper
        Shows its stages.
    on_row
        Called with every trial's row after it was written.

    Returns
    -------
    str
        How the session ended.
    """
    ended: str | None = None
    try:
        with undisturbed():
            for stage in session.stages(display.frame_s):
                stepper.begin(stage)
                while stepper.frame():
                    display.win.flip()
                row = stepper.end()
                if row:
                    on_row(row)
                if stepper.left:
                    break
    except BaseException:
        ended = INTERRUPTED
        raise
    finally:
        try:
            stepper.close()
        finally:
            session.finish(ended)
    return str(session.facts["end_reason"])
