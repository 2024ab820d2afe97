"""A session as PsychoPy's Coder runs it: dialog, window, devices, trials, files."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from psychopy import core, data, logging, plugins

from conditions.design.design import Design
from conditions.design.reading import read_design
from experiments.display import shell
from experiments.display.devices import window_arguments
from experiments.display.dialog import Question, choose_session
from experiments.display.stepper import run_stages
from experiments.display.window import Display, check_monitor, find_screens, open_window, parse_size
from experiments.runner.observers import make_observer, observer_seed
from experiments.runner.request import Request, parse_distance_cm
from experiments.runner.schedule import schedule
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from unitscope.errors import BadInput, run_command
from unitscope.records import PILOT
from unitscope.row_types import LogRow


def run_script(task: str, description: str | None) -> int:
    """Run one session as the command line asks for it; returns the script's exit code.

    Parameters
    ----------
    task
        Task of the script.
    description
        Of the script, for ``--help``.
    """
    parser = shell.options(description or "", f"demo_{task}")
    return run_command(parser, lambda arguments: _run(task, arguments))


def _run(task: str, arguments: argparse.Namespace) -> None:
    plugins.activatePlugins()
    core.setPilotModeFromArgs()
    monitor = None if arguments.simulate else find_monitor(arguments)
    design = read_design(arguments.design)
    shell.check_task(design, task)
    request = _find_request(arguments, design, monitor)
    if request is None:
        return
    # Everything is checked before a window opens.
    with Session.open(request) as session:
        shell.report_start(session)
        if arguments.simulate:
            seed = observer_seed(request.participant)
            simulate(session, make_observer(arguments.simulate, seed, session.stimuli.file))
        else:
            run_in_window(session, open_display(arguments, monitor, design), arguments)
    shell.report_end(session)


def _find_request(arguments: argparse.Namespace, design: Design, monitor: Any) -> Request | None:
    """Return which session is to run; None if a dialog was cancelled.

    The dialog also asks for what the command line may say and does not.
    """
    participant = arguments.participant
    if participant is None and arguments.pilot:
        participant = PILOT
    if participant is not None:
        return shell.make_request(arguments, design, participant)
    if arguments.simulate:
        raise BadInput("--simulate needs --participant: nobody is there to answer a dialog")
    # A table that is given serves whoever is named.
    scheduled = [] if arguments.table else schedule(design, arguments.data)
    questions = []
    if design.left_handed_keys and arguments.hand is None:
        questions.append(Question("hand", "Leading hand", ("right", "left")))
    if monitor and monitor.getDistance() and arguments.distance is None:
        label = f"Distance from eyes to screen, in cm (calibrated for {monitor.getDistance():g})"
        questions.append(Question("distance", label))

    def request_for(participant: str, answers: Mapping[str, str]) -> Request:
        arguments.hand = answers.get("hand") or arguments.hand
        if answers.get("distance"):
            try:
                arguments.distance = parse_distance_cm(answers["distance"])
            except argparse.ArgumentTypeError as error:
                raise BadInput(str(error)) from None
        return shell.make_request(arguments, design, participant)

    return choose_session(design.title, scheduled, request_for, questions)


def find_monitor(arguments: argparse.Namespace) -> Any:
    """Look for a display and the calibrated monitor that a real session needs.

    Returns
    -------
    psychopy.monitors.Monitor or None
        None where the session may run on an uncalibrated one.
    """
    find_screens()
    if arguments.monitor or not shell.is_lenient(arguments):
        return check_monitor(arguments.monitor)
    return None


def open_display(arguments: argparse.Namespace, monitor: Any, design: Design) -> Display:
    """Open the window: full screen, unless piloting or of a given size."""
    size = parse_size(arguments.size) if arguments.size else None
    return open_window(
        monitor,
        full_screen=not (arguments.pilot or size),
        size=size,
        index=arguments.screen,
        further=window_arguments(design.window, arguments.window),
    )


def run_in_window(session: Session, display: Display, arguments: argparse.Namespace) -> None:
    """Run a session in a window.

    PsychoPy's own csv, psydat and log files are kept beside ours.
    """
    session.note({"shell": "coder"})
    logging.console.setLevel(logging.ERROR)
    with ExitStack() as cleanup:
        cleanup.callback(display.close)
        # A session that is refused here has no files of PsychoPy's either.
        stepper = shell.make_stepper(session, display, arguments)
        files = str(shell.psychopy_files(session))
        experiment = data.ExperimentHandler(
            name=session.design.name,
            dataFileName=files,
            savePickle=True,
            saveWideText=True,
        )
        cleanup.callback(shell.close_psychopy_files, experiment)
        logging.LogFile(f"{files}.log", level=logging.INFO, filemode="a")

        def add_entry(row: LogRow) -> None:
            shell.add_row(experiment, row)
            experiment.nextEntry()

        run_stages(session, display, stepper, add_entry)
