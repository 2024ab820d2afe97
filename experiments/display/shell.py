"""What the Coder scripts share: their options, and one session from start to end."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from psychopy import data, logging

from conditions.columns import log_columns, names
from conditions.design import Design
from conditions.errors import BadInput
from conditions.places import DATA, shown
from conditions.tables import table_path
from experiments.display.keyboard import EventKeyboard, open_keyboard
from experiments.display.robot import Robot
from experiments.display.window import Display, check_monitor, find_screens, open_window
from experiments.runner.log import sessions_of
from experiments.runner.observers import OBSERVERS, make_observer
from experiments.runner.session import Request, Session
from experiments.runner.simulation import simulate

PILOT = "pilot"


def options(description: str, design: str) -> argparse.ArgumentParser:
    """Return the options that every Coder script has.

    Parameters
    ----------
    description
        First sentence of the help.
    design
        Design that is run unless another is asked for.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--design", default=design, help=f"name or YAML file (default: {design})")
    parser.add_argument("--participant", help="id; asked for in a dialog if left out")
    parser.add_argument(
        "--session", type=int, help="number (default: the unfinished, else the next)"
    )
    parser.add_argument("--table", type=Path, help="condition table (default: the participant's)")
    parser.add_argument("--stimuli", type=Path, help="stimulus set (default: the table's)")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of all logs")
    parser.add_argument("--language", help="of the screens (default: the design's)")
    parser.add_argument("--monitor", help="name in PsychoPy's Monitor Center")
    parser.add_argument("--screen", type=int, default=0, help="number of the screen, from 0")
    parser.add_argument("--size", help="window of this size instead of the full screen: 1920x1080")
    parser.add_argument(
        "--pilot", action="store_true", help="in a window, on any monitor, to try things out"
    )
    parser.add_argument(
        "--override", metavar="REASON", help="run on an uncalibrated monitor; the reason is logged"
    )
    parser.add_argument("--simulate", choices=OBSERVERS, help="let an observer do it, no window")
    parser.add_argument("--robot", choices=OBSERVERS, help="let an observer press real keys")
    parser.add_argument("--screenshots", type=Path, help="folder for a picture of every screen")
    return parser


def make_request(arguments: argparse.Namespace, design: Design, participant: str) -> Request:
    """Turn options into a request for a session; pilots are logged in a folder of their own."""
    observer = arguments.simulate or arguments.robot
    kind = "person"
    if observer:
        kind = make_observer(observer, 0, Path).kind
    data, table, session = arguments.data, arguments.table, arguments.session
    if arguments.pilot:
        data = data / PILOT
        if participant == PILOT:
            table = table or table_path(design, 1)
            # Nobody wants to resume a pilot run.
            session = session or max(sessions_of(data, design.name, PILOT), default=0) + 1
    return Request(
        design=design,
        participant=participant,
        session=session,
        table=table,
        stimuli=arguments.stimuli,
        data=data,
        observer_kind=kind,
        observer=observer,
        language=arguments.language,
    )


def observer_seed(participant: str) -> int:
    """Return the seed of the observer that stands in for a participant."""
    return int.from_bytes(participant.encode(), "big") % 2**31


def is_lenient(arguments: argparse.Namespace) -> bool:
    """Return whether the session may run on equipment that no real session should trust."""
    return bool(arguments.pilot or arguments.robot or arguments.override)


def find_monitor(arguments: argparse.Namespace) -> Any:
    """Look for a display and the calibrated monitor that a real session needs.

    Returns
    -------
    psychopy.monitors.Monitor or None
        None where the session may run on an uncalibrated one.
    """
    find_screens()
    if arguments.monitor or not is_lenient(arguments):
        return check_monitor(arguments.monitor)
    return None


def open_display(arguments: argparse.Namespace, monitor: Any) -> Display:
    """Open the window: full screen, unless piloting or of a given size."""
    size = _size(arguments.size) if arguments.size else None
    full_screen = not (arguments.pilot or size)
    display = open_window(monitor, full_screen=full_screen, size=size, index=arguments.screen)
    if display.paced and not is_lenient(arguments):
        display.close()
        raise BadInput(
            "this screen does not wait for its refresh, so onsets would be wrong; switch vertical "
            'synchronisation on, or give --override "reason", or --pilot'
        )
    return display


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise BadInput(f"--size {text!r}: expected such as 1920x1080")
    return int(width), int(height)


def run_simulated(session: Session, name: str) -> None:
    """Run a session without a window."""
    seed = observer_seed(session.request.participant)
    simulate(session, make_observer(name, seed, session.stimuli.file))


def run_in_window(session: Session, display: Display, arguments: argparse.Namespace) -> str:
    """Run a session in a window; returns how it ended.

    PsychoPy's own csv, psydat and log files are kept beside ours.
    """
    # Cannot be imported without a display.
    from experiments.display.loop import Loop
    from experiments.display.screenshots import Screenshots

    psychopy_files = session.log.folder / f"psychopy_run-{session.run:02d}"
    logging.console.setLevel(logging.ERROR)
    handler = data.ExperimentHandler(
        name=session.design.name,
        extraInfo={"participant": session.request.participant, "session": session.number},
        dataFileName=str(psychopy_files),
        savePickle=True,
        saveWideText=True,
    )

    logging.LogFile(f"{psychopy_files}.log", level=logging.INFO, filemode="a")

    def add_entry(row: dict[str, Any]) -> None:
        for name in names(log_columns(session.design.task)):
            handler.addData(name, row[name])
        handler.nextEntry()

    if arguments.override:
        session.note({"override": arguments.override})
    robot = None
    if arguments.robot:
        robot = Robot(session, arguments.robot, observer_seed(session.request.participant))
    try:
        source = open_keyboard()
        if isinstance(source, EventKeyboard) and not is_lenient(arguments):
            raise BadInput(
                "psychtoolbox cannot read the keyboard, so reaction times would be coarse; install "
                'what it lacks, or give --override "reason", or --pilot'
            )
        loop = Loop(
            session,
            display,
            source,
            (robot,) if robot else (),
            shrink=bool(arguments.pilot or arguments.override),
            screenshots=Screenshots(arguments.screenshots, display)
            if arguments.screenshots
            else None,
            on_row=add_entry,
        )
        return loop.run()
    finally:
        display.close()
        if robot:
            robot.close()
        handler.close()
        logging.flush()


def report_end(session: Session) -> None:
    """Print how a session ended and where its record lies."""
    folder, facts = shown(session.log.folder), session.facts
    print(
        f"session {session.number} of {session.request.participant}: {facts['end_reason']}, "
        f"{facts['trials_completed']} of {facts['trials']} trials in {folder}"
    )
    if facts["trials_completed"] < facts["trials"]:
        print("start it again to go on with the next trial")
