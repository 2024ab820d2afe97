"""The checks of machine, window and keyboard that precede every session."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from experiments.display.serial_box import SerialBox
from experiments.display.window import Display
from experiments.lab import findings
from experiments.lab.findings import FAILED, OK, Finding
from experiments.runner.placements import placements
from experiments.runner.responses import ResponseSource
from experiments.runner.session import Session
from experiments.runner.tasks import make_trial
from unitscope.errors import BadInput

EMPTY_FRAMES = 30
LOADED_FRAMES = 60
PRESS_LIMIT_S = 20.0


def preflight(
    session: Session, display: Display, source: ResponseSource, data: Path, *, press: bool = False
) -> list[Finding]:
    """Check everything that opening the session did not check already (its table and images).

    Parameters
    ----------
    session
        An open session; it is not changed.
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
        findings.judge_renderer(display.facts),
        findings.judge_refresh(list(_intervals(display, EMPTY_FRAMES)), not display.paced),
        findings.judge_layout(_refused(session, display), session.design.layout, display.screen),
        findings.judge_load(_loaded(session, display), display.frame_s),
        findings.judge_monitor(
            display.facts.get("monitor"), (display.screen.width_px, display.screen.height_px)
        ),
        findings.judge_distance(
            display.facts.get("monitor"), session.facts["runs"][-1].get("viewing_distance_cm")
        ),
        findings.judge_keyboard(source.name, session.facts["runs"][-1]),
    ]
    if SerialBox.name in source.name:
        found.append(findings.judge_box(session.design, source.name))
    if press:
        found.append(findings.judge_press(*_pressed(display, source)))
    found += [
        findings.judge_disk(*measure_disk(data)),
        findings.judge_programs(running_programs()),
        findings.judge_power(is_plugged()),
    ]
    n_images = len(session.images)
    found.append(Finding("stimuli", OK, f"{n_images} images present and unchanged"))
    lasted_s = time.perf_counter() - began_s
    found.append(findings.judge_clock(_offset_s(display) - offset_s, lasted_s))
    return found


def require(session: Session, display: Display, source: ResponseSource, *, lenient: bool) -> None:
    """Run the checks, note them in the session's record, and refuse the session if one failed.

    Parameters
    ----------
    session, display, source
        As for :func:`preflight`.
    lenient
        Whether a failed check is only a warning.

    Raises
    ------
    BadInput
        Naming every failed check, with advice.
    """
    found = preflight(session, display, source, session.request.data)
    session.note({"preflight": findings.plain(found)})
    odd = [one for one in found if one.status != OK]
    failed = [one for one in odd if one.status == FAILED]
    if failed and not lenient:
        said = "; ".join(f"{one.name}: {one.found} ({one.advice})" for one in failed)
        raise BadInput(f'checks failed: {said}; or give --override "reason", or --pilot to test')
    if odd:
        print(findings.table(odd), file=sys.stderr)


def _offset_s(display: Display) -> float:
    return display.now() - time.perf_counter()


def _intervals(display: Display, frames: int, draw: Any = None) -> Iterator[float]:
    # The time before the first flip is not a frame interval.
    previous_s: float | None = None
    for _ in range(frames + 1):
        if draw:
            draw()
        display.pace()
        flip_s = float(display.win.flip())
        if previous_s is not None:
            yield flip_s - previous_s
        previous_s = flip_s


def _refused(session: Session, display: Display) -> str:
    """Return why the trials do not fit the screen; empty where they do."""
    try:
        placements(session.rows, session.design, display.screen)
    except BadInput as error:
        return str(error)
    return ""


def _loaded(session: Session, display: Display) -> Sequence[float]:
    """Return the frame intervals while the first trial's images are drawn."""
    # Cannot be imported without a display.
    from psychopy import visual

    from experiments.display.drawing import WindowCanvas
    from experiments.screens.trials import TrialScreens

    row = next(row for row in session.rows if row.get("trial_role") != "repeat")
    trial = make_trial(row, session.design, display.frame_s, None)
    screens = TrialScreens(
        WindowCanvas(display.win),
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
        # The load is a trial's, but its images must not be seen before the session.
        cover.draw()

    return list(_intervals(display, LOADED_FRAMES, draw))


def _pressed(display: Display, source: ResponseSource) -> tuple[str | None, float | None]:
    """Ask for a key press; returns the key and the delay from its time stamp to its arrival."""
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


def running_programs() -> list[str]:
    """Return the names of all running programs, sorted."""
    found = set()
    for process in psutil.process_iter(["name"]):
        found.add(process.info["name"] or "")
    return sorted(found - {""})


def is_plugged() -> bool | None:
    """Return whether the machine is plugged in; None without a battery."""
    read = getattr(psutil, "sensors_battery", None)
    try:
        battery = read() if read else None
    except OSError:  # a container may lack the folder that Linux lists batteries in
        battery = None
    return None if battery is None else bool(battery.power_plugged)


def measure_disk(folder: Path, writes: int = 5) -> tuple[int, float]:
    """Return the free bytes on a folder's disk and the median seconds to write a line durably.

    Raises
    ------
    BadInput
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        took_s = []
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".preflight") as file:
            for _ in range(writes):
                began_s = time.perf_counter()
                file.write(b"x" * 1000 + b"\n")
                file.flush()
                os.fsync(file.fileno())
                took_s.append(time.perf_counter() - began_s)
        return shutil.disk_usage(folder).free, statistics.median(took_s)
    except OSError as error:
        raise BadInput(
            f"{error.filename or folder}: cannot be written ({error.strerror or error})"
        ) from None
