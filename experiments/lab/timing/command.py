"""The command that measures the timing of sessions on this machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil

from experiments.lab.timing import photodiode_recording
from experiments.lab.timing.series import Series, joined, table
from experiments.runner import machine_options
from unitscope.disk import write_file
from unitscope.errors import BadInput

TRIALS = {
    "start": (1, 3),
    "onset": (30, 100),
    "keys": (40, 1000),
    "reaction": (20, 100),
    "durations": (10, 50),
    "frames": (40, 200),
    "memory": (100, 1000),
}
"""Measurement to its trials in each way with ``--quick`` and with ``--full``."""

NEEDS_OBSERVER = ("onset", "keys", "reaction")
"""Measurements that need a second process which watches the screen and presses keys."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    long = parser.add_mutually_exclusive_group()
    long.add_argument("--quick", action="store_true", help="few trials, a few minutes (default)")
    long.add_argument("--full", action="store_true", help="as many trials as a report needs")
    parser.add_argument(
        "--measure",
        action="append",
        choices=list(TRIALS),
        help="only this measurement; repeatable",
    )
    parser.add_argument("--trials", type=int, help="trials in each way")
    machine_options.add_window(parser)
    parser.add_argument(
        "--emulate",
        type=float,
        default=60,
        metavar="HZ",
        help="refresh to emulate where flips wait for no screen",
    )
    parser.add_argument("--json", type=Path, help="write all values to this JSON file")
    parser.add_argument(
        "--photodiode",
        type=Path,
        metavar="RECORDING",
        help="analyse a photodiode's recording instead",
    )
    parser.add_argument("--session", type=Path, help="folder of the recorded session")
    parser.add_argument(
        "--threshold",
        type=float,
        help="of the recording (default: half way)",
    )


def timing(arguments: argparse.Namespace) -> None:
    """Measure and print a table; all values go to ``--json``."""
    if arguments.json and arguments.json.exists():
        raise BadInput(f"{arguments.json}: already exists; give another --json")
    if arguments.photodiode or arguments.session:
        if not (arguments.photodiode and arguments.session):
            raise BadInput("--photodiode RECORDING and --session FOLDER go together")
        found = photodiode_recording.analyse(
            arguments.photodiode, arguments.session, arguments.threshold
        )
        print(photodiode_recording.shown(found))
        _write(arguments.json, found)
        return
    if arguments.trials is not None and arguments.trials < 2:
        raise BadInput(f"--trials {arguments.trials}: expected 2 or more")
    counts = _counts(arguments)
    before = machine()
    print(f"{before['processors']} processors, load {before['load']}, {before['system']}")
    series: list[Series] = []
    facts: dict[str, Any] = {"began": before}
    with tempfile.TemporaryDirectory(prefix="unitscope-timing-") as folder:
        try:
            for name, measured in _measured(counts, arguments, Path(folder), facts):
                series += measured
                print(f"{name}: load {machine()['load']}", file=sys.stderr)
        except KeyboardInterrupt:
            print("stopped; the measurements so far:", file=sys.stderr)
    series = joined(series)
    facts["ended"] = machine()
    print(table(series))
    _write(arguments.json, facts | {"series": [one.plain() for one in series]})


def machine() -> dict[str, Any]:
    """Return the state of the machine, which may explain a value."""
    load = [round(value, 2) for value in psutil.getloadavg()]
    return {
        "utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "processors": os.cpu_count(),
        "load": load,
    }


def _counts(arguments: argparse.Namespace) -> dict[str, int]:
    """Return the number of trials of each measurement that was asked for and is possible."""
    wanted = [name for name in TRIALS if not arguments.measure or name in arguments.measure]
    refused = [name for name in wanted if name in NEEDS_OBSERVER]
    reason = None
    if refused:
        from experiments.lab.timing import outside_observer  # needs PsychoPy

        reason = outside_observer.unavailable_reason()
    if reason:
        wanted = [name for name in wanted if name not in refused]
        sentence = f"not measured: {', '.join(refused)}: {reason}"
        if not wanted:
            raise BadInput(sentence)
        print(sentence, file=sys.stderr)
    return {name: arguments.trials or TRIALS[name][arguments.full] for name in wanted}


def _measured(
    counts: dict[str, int], arguments: argparse.Namespace, folder: Path, facts: dict[str, Any]
) -> Any:
    """Yield each measurement's name and series; the window opens after the session starts."""
    # Cannot be imported without a display.
    from psychopy import logging

    from experiments.display.window import find_screens, open_window, parse_size

    logging.console.setLevel(logging.ERROR)
    find_screens()
    if "start" in counts:
        from experiments.lab.timing import session_start

        yield "start", session_start.measure(folder, counts.pop("start"), arguments.size)
    if not counts:
        return
    from experiments.display.keyboard import open_keyboard
    from experiments.lab.timing.measurements import MEASUREMENTS
    from experiments.lab.timing.rig import Rig, install_paced_backend

    install_paced_backend()
    size = parse_size(arguments.size) if arguments.size else None
    display = open_window(full_screen=size is None, size=size, index=arguments.screen)
    try:
        rig = Rig(display, open_keyboard(), folder, arguments.emulate)
        facts["display"] = rig.display.facts | {"emulated": rig.emulates}
        facts["keyboard"] = rig.keyboard.name
        for name, trials in counts.items():
            yield name, MEASUREMENTS[name](rig, trials)
    finally:
        display.close()


def _write(path: Path | None, found: dict[str, Any]) -> None:
    if path:
        write_file(path, json.dumps(found, indent=2) + "\n")
