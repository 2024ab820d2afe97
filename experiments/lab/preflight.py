"""The checks before a session, in its own window and under its own load."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.display.screens import TrialScreens
from experiments.display.window import Display
from experiments.lab import checks, machine
from experiments.lab.checks import FAILED, OK, Check
from experiments.runner.responses import ResponseSource
from experiments.runner.session import Session
from experiments.runner.tasks import make_trial
from unitscope.errors import BadInput

EMPTY_FRAMES = 30
LOADED_FRAMES = 60
PRESS_LIMIT_S = 20.0


def preflight(
    session: Session, display: Display, source: ResponseSource, data: Path, *, press: bool = False
) -> list[Check]:
    """Check machine, window, keyboard and load; images and table were checked on opening.

    Parameters
    ----------
    session
        An open session; nothing of it is changed.
    display
        Its window.
    source
        What reads the keyboard.
    data
        Folder that sessions are logged in.
    press
        Whether to ask for a key press.
    """
    began_s, offset_s = time.perf_counter(), _offset_s(display)
    found = [
        checks.judge_renderer(display.facts),
        checks.judge_refresh(list(_intervals(display, EMPTY_FRAMES)), not display.paced),
        checks.judge_load(_loaded(session, display), display.frame_s),
        checks.judge_monitor(
            display.facts.get("monitor"), (display.screen.width_px, display.screen.height_px)
        ),
        checks.judge_keyboard(source.name),
    ]
    if press:
        found.append(checks.judge_press(*_pressed(display, source)))
    found += [
        checks.judge_disk(*machine.disk(data)),
        checks.judge_programs(machine.running_programs()),
        checks.judge_power(machine.is_plugged()),
    ]
    n_images = len(session.images)
    found.append(Check("stimuli", OK, f"{n_images} images present and unchanged"))
    lasted_s = time.perf_counter() - began_s
    found.append(checks.judge_clock(_offset_s(display) - offset_s, lasted_s))
    return found


def require(
    session: Session, display: Display, source: ResponseSource, arguments: argparse.Namespace
) -> None:
    """Run the checks before a session, note them in its record, and refuse it where one failed.

    Pilot runs, robots and overridden sessions are only warned.

    Raises
    ------
    BadInput
        Naming every failed check, with advice.
    """
    found = preflight(session, display, source, session.request.data)
    session.note({"preflight": checks.plain(found)})
    odd = [check for check in found if check.status != OK]
    lenient = bool(arguments.pilot or arguments.robot or arguments.override)
    failed = [check for check in odd if check.status == FAILED]
    if failed and not lenient:
        said = "; ".join(f"{c.name}: {c.found} ({c.advice})" for c in failed)
        raise BadInput(
            f'the pre-flight failed: {said}; or give --override "reason", or --pilot to try out'
        )
    if odd:
        print(checks.table(odd), file=sys.stderr)


def _offset_s(display: Display) -> float:
    return display.now() - time.perf_counter()


def _intervals(display: Display, frames: int, draw: Any = None) -> Iterator[float]:
    # The first flip follows whatever came before; it is no interval.
    previous_s: float | None = None
    for _ in range(frames + 1):
        if draw:
            draw()
        display.pace()
        flip_s = float(display.win.flip())
        if previous_s is not None:
            yield flip_s - previous_s
        previous_s = flip_s


def _loaded(session: Session, display: Display) -> Sequence[float]:
    """Draw the first trial's images as the session will, and return the frame intervals."""
    from psychopy import visual

    row = next(row for row in session.rows if row.get("trial_role") != "repeat")
    trial = make_trial(row, session.design, display.frame_s, None)
    screens = TrialScreens(
        display.win,
        session.design,
        session.texts,
        display.screen,
        session.rows,
        session.stimuli.file,
        shrink=True,
    )
    screens.load(trial)
    phase = trial.answering[0]
    width_px, height_px = display.win.size
    cover = visual.Rect(
        display.win, width=width_px, height=height_px, units="pix", fillColor=display.win.color
    )

    def draw() -> None:
        screens.draw(phase, trial)
        # The work is that of a trial, but nobody shall see its images before their time.
        cover.draw()

    return list(_intervals(display, LOADED_FRAMES, draw))


def _pressed(display: Display, source: ResponseSource) -> tuple[str | None, float | None]:
    """Ask for a key and return it with the time from its stamp until it was seen."""
    from psychopy import visual

    text = visual.TextStim(display.win, "Press any key", units="pix", height=36, color=-1)
    source.presses()
    until_s = display.now() + PRESS_LIMIT_S
    while display.now() < until_s:
        text.draw()
        display.pace()
        display.win.flip()
        for press in source.presses():
            return press.key, display.now() - press.time_s
    return None, None
