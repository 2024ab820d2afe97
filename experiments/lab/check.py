"""The command that checks this machine before participants come."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from conditions.design.reading import read_design
from conditions.trials.condition_tables import table_path, write_tables
from experiments.lab import findings
from experiments.lab.findings import FAILED, Finding
from experiments.runner import machine_options
from experiments.runner.request import Request
from experiments.runner.session import Session
from unitscope.disk import write_file
from unitscope.errors import BadInput
from unitscope.places import DATA


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("design", nargs="?", default="demo_two_afc", help="name or YAML file")
    parser.add_argument("--stimuli", type=Path, help="stimulus set (default: the design's)")
    parser.add_argument(
        "--participant",
        type=int,
        default=1,
        help="number; its images are shown",
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of all logs")
    machine_options.add_monitor(parser)
    machine_options.add_window(parser)
    machine_options.add_response_sources(parser)
    parser.add_argument("--no-press", action="store_true", help="do not ask for a key press")
    parser.add_argument("--json", type=Path, help="JSON file for the findings; - prints them")


def check(arguments: argparse.Namespace) -> int:
    """Run every check and print the findings; returns 1 if one failed, else 0."""
    design = read_design(arguments.design)
    if arguments.json and str(arguments.json) != "-" and arguments.json.exists():
        raise BadInput(f"{arguments.json}: already exists; give another --json")
    with tempfile.TemporaryDirectory(prefix="unitscope-check-") as folder:
        # A session in a temporary folder, so that no participant's record is started.
        tables, data = Path(folder) / "tables", Path(folder) / "data"
        write_tables(arguments.design, arguments.stimuli, [arguments.participant], tables)
        request = Request(
            design=design,
            participant="check",
            table=table_path(design, arguments.participant, tables),
            stimuli=arguments.stimuli,
            data=data,
        )
        with Session.open(request) as session:
            found = _in_window(session, arguments)
    if arguments.json:
        text = json.dumps(findings.plain(found), indent=2) + "\n"
        if str(arguments.json) == "-":
            print(text, end="")
        else:
            write_file(arguments.json, text)
    if not arguments.json or str(arguments.json) != "-":
        print(findings.table(found))
    return int(any(one.status == FAILED for one in found))


def _in_window(session: Session, arguments: argparse.Namespace) -> list[Finding]:
    # Cannot be imported without a display.
    from psychopy import logging, monitors

    from experiments.display.devices import open_source
    from experiments.display.window import find_screens, open_window, parse_size

    logging.console.setLevel(logging.ERROR)
    find_screens()
    from experiments.lab.preflight import preflight

    monitor: Any = None
    if arguments.monitor:
        if arguments.monitor not in monitors.getAllMonitors():
            known = ", ".join(sorted(monitors.getAllMonitors())) or "none"
            raise BadInput(f"--monitor {arguments.monitor}: unknown to PsychoPy (known: {known})")
        monitor = monitors.Monitor(arguments.monitor, autoLog=False)
    size = parse_size(arguments.size) if arguments.size else None
    display = open_window(monitor, full_screen=size is None, size=size, index=arguments.screen)
    try:
        if arguments.distance:
            session.note({"viewing_distance_cm": arguments.distance})
        source = open_source(session, display, arguments)
        return preflight(session, display, source, arguments.data, press=not arguments.no_press)
    finally:
        display.close()
