"""What Coder and Builder share: the options of a session, its devices, and PsychoPy's own files."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from psychopy import data, logging

from conditions.design.design import Design
from conditions.trials.condition_tables import table_path
from experiments.display.devices import add_options, open_hooks, open_source
from experiments.display.screenshots import Screenshots
from experiments.display.stepper import Stepper
from experiments.display.window import Display
from experiments.lab.preflight import require
from experiments.runner import machine_options
from experiments.runner.observers import OBSERVERS, observer_kind
from experiments.runner.request import Request
from experiments.runner.session import PSYCHOPY_FILES, Session
from unitscope.errors import BadInput
from unitscope.places import DATA, folders, shown
from unitscope.records import FINAL, PILOT, read_session


def options(description: str, design: str) -> argparse.ArgumentParser:
    """Return the options of a session; Builder fills some of them from its experiment info.

    Parameters
    ----------
    description
        Description of the script, for ``--help``.
    design
        Default design.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--design", default=design, help=f"name or YAML file of the design (default: {design})"
    )
    parser.add_argument("--participant", help="id (default: a dialog asks)")
    parser.add_argument(
        "--session",
        type=int,
        help="number (default: the unfinished one, else 1; a further one must be asked for)",
    )
    parser.add_argument("--table", type=Path, help="condition table (default: the participant's)")
    parser.add_argument("--stimuli", type=Path, help="stimulus set (default: the table's)")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of all logs")
    parser.add_argument("--language", help="language of the screens (default: the design's)")
    parser.add_argument(
        "--hand",
        choices=("right", "left"),
        help="left: the design's left_handed_keys (default: right, or as the session began)",
    )
    machine_options.add_monitor(parser)
    machine_options.add_window(parser)
    parser.add_argument(
        "--pilot", action="store_true", help="try the session out, in a window on any monitor"
    )
    parser.add_argument(
        "--override", metavar="REASON", help="run despite failed checks; the reason is logged"
    )
    add_options(parser)
    parser.add_argument(
        "--simulate", metavar="OBSERVER", help=f"run without a window: {', '.join(OBSERVERS)}"
    )
    parser.add_argument(
        "--robot", metavar="OBSERVER", help="the same, but pressing real keys in a window (X11)"
    )
    parser.add_argument("--screenshots", type=Path, help="folder for an image of every screen")
    return parser


def make_request(arguments: argparse.Namespace, design: Design, participant: str) -> Request:
    """Turn options into a request for a session; pilot runs are logged in a separate folder."""
    observer = arguments.simulate or arguments.robot
    kind = "person"
    if observer:
        kind = observer_kind(observer, design.task)
    table = arguments.table
    if participant == PILOT and arguments.pilot:
        table = table or table_path(design, 1)
    request = Request(
        design=design,
        participant=participant,
        session=arguments.session,
        table=table,
        stimuli=arguments.stimuli,
        data=arguments.data / PILOT if arguments.pilot else arguments.data,
        observer_kind=kind,
        observer=observer,
        language=arguments.language,
    )
    request = _for_hand(request, arguments.hand)
    is_new = participant == PILOT or request.unfinished is None
    if arguments.pilot and arguments.session is None and is_new:
        # Whoever tries a session out may do so again.
        return replace(request, session=request.next_session)
    return request


def _for_hand(request: Request, hand: str | None) -> Request:
    """Return a request with the keys of a hand; a session that is resumed keeps its own."""
    number = request.session or request.unfinished
    begun = read_session(request.folder(number)) if number else {}
    if hand is None:
        hand = "left" if begun.get("left_handed") else "right"
    try:
        design = request.design.for_hand(hand)
    except ValueError as error:
        raise BadInput(f"--hand {hand}: {error}") from None
    return replace(request, design=design, left_handed=hand == "left")


def check_task(design: Design, task: str) -> None:
    """Refuse a design whose task is not the script's.

    Raises
    ------
    BadInput
        Naming the script of the design's task.
    """
    if design.task != task:
        raise BadInput(
            f"design {design.name} has the task {design.task}, not {task}; run it with "
            f"experiments/{design.task}.py or experiments/{design.task}.psyexp"
        )


def is_lenient(arguments: argparse.Namespace) -> bool:
    """Return whether failed checks and an uncalibrated monitor are accepted."""
    return bool(arguments.pilot or arguments.robot or arguments.override)


def make_stepper(session: Session, display: Display, arguments: argparse.Namespace) -> Stepper:
    """Open the devices of a session and run the checks; returns the stepper.

    Raises
    ------
    BadInput
        If a device is missing, or a check failed and the options do not allow that.
    """
    if arguments.override:
        session.note({"override": arguments.override})
    if arguments.distance:
        session.note({"viewing_distance_cm": arguments.distance})
    source = open_source(session, display, arguments)
    require(session, display, source, lenient=is_lenient(arguments))
    folder = arguments.screenshots
    return Stepper(
        session,
        display,
        source,
        open_hooks(session, display, arguments),
        shrink=bool(arguments.pilot),  # whoever overrides a check shows what was designed
        screenshots=Screenshots(folder, display) if folder else None,
    )


def psychopy_files(session: Session) -> Path:
    """Return the path of PsychoPy's own csv, psydat and log of this run, without the suffix."""
    return session.log.folder / f"{PSYCHOPY_FILES}{session.run:02d}"


def add_row(experiment: data.ExperimentHandler, row: Mapping[str, Any]) -> None:
    """Add a trial's row to PsychoPy's own data."""
    for name, value in row.items():
        experiment.addData(name, value)


def close_psychopy_files(experiment: data.ExperimentHandler) -> None:
    """Write PsychoPy's own files; where the disk refuses them, ours ended the session before."""
    try:
        experiment.close()
        logging.flush()
    except OSError:
        # PsychoPy would try again at exit and print tracebacks after our one sentence.
        experiment.abort()
        logging.root.targets.clear()


def report_start(session: Session) -> None:
    """Print where code, tables and data of a session lie."""
    print(folders(session.request.table_file().parent, session.request.data), flush=True)


def report_end(session: Session) -> None:
    """Print how a session ended and where its record is."""
    folder, facts = shown(session.log.folder), session.facts
    skipped = facts["trials_skipped"]
    note = f" ({skipped} of practice were not needed)" if skipped else ""
    print(
        f"session {session.number} of {session.request.participant}: {facts['end_reason']}, "
        f"{facts['trials_completed']} of {facts['trials']} trials in {folder}{note}"
    )
    if facts["end_reason"] not in FINAL:
        print("start it again to continue with the next trial")
