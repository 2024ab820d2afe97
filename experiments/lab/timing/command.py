"""The command that measures how exact this machine's sessions are."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil

from experiments.lab.timing import photodiode
from experiments.lab.timing.series import Series, joined, table
from unitscope.errors import BadInput

QUICK = {
    "start": 1,
    "onset": 30,
    "keys": 40,
    "reaction": 20,
    "durations": 10,
    "frames": 40,
    "memory": 100,
}
FULL = {
    "start": 3,
    "onset": 100,
    "keys": 1000,
    "reaction": 100,
    "durations": 50,
    "frames": 200,
    "memory": 1000,
}
"""Measurement to the number of its trials in each way."""

PRESSING = ("onset", "keys", "reaction")
"""Measurements that need a second process which sees the screen and presses keys."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    long = parser.add_mutually_exclusive_group()
    long.add_argument("--quick", action="store_true", help="few trials, some minutes (default)")
    long.add_argument("--full", action="store_true", help="as many trials as a report should have")
    parser.add_argument(
        "--measure", action="append", choices=list(FULL), help="measure this alone; may be repeated"
    )
    parser.add_argument("--trials", type=int, help="trials in each way, instead of the usual")
    parser.add_argument("--screen", type=int, default=0, help="number of the screen, from 0")
    parser.add_argument("--size", help="window of this size instead of the full screen: 1920x1080")
    parser.add_argument(
        "--emulate", type=float, default=60, metavar="HZ", help="refresh where the screen has none"
    )
    parser.add_argument("--json", type=Path, help="file for all values as JSON")
    parser.add_argument(
        "--photodiode", type=Path, metavar="RECORDING", help="analyse this recording instead"
    )
    parser.add_argument("--session", type=Path, help="session that was recorded")
    parser.add_argument("--threshold", type=float, help="of the recording (default: half way)")


def timing(arguments: argparse.Namespace) -> None:
    """Measure and print a table; all values go to ``--json``."""
    if arguments.json and arguments.json.exists():
        raise BadInput(f"{arguments.json}: is there already; give another --json")
    if arguments.photodiode or arguments.session:
        if not (arguments.photodiode and arguments.session):
            raise BadInput("--photodiode RECORDING and --session FOLDER go together")
        found = photodiode.analyse(arguments.photodiode, arguments.session, arguments.threshold)
        print(photodiode.shown(found))
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
            print("stopped; what was measured until then:", file=sys.stderr)
    series = joined(series)
    facts["ended"] = machine()
    print(table(series))
    _write(arguments.json, facts | {"series": [one.plain() for one in series]})


def machine() -> dict[str, Any]:
    """Return what else may be the reason for a value."""
    load = [round(value, 2) for value in psutil.getloadavg()]
    return {
        "utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "processors": os.cpu_count(),
        "load": load,
    }


def _counts(arguments: argparse.Namespace) -> dict[str, int]:
    """Return the trials of each measurement that is wanted and possible."""
    usual = FULL if arguments.full else QUICK
    wanted = [name for name in usual if not arguments.measure or name in arguments.measure]
    why = None
    if set(wanted) & set(PRESSING):
        from experiments.lab.timing import outside

        why = outside.why_not()
    if why:
        refused = [name for name in wanted if name in PRESSING]
        wanted = [name for name in wanted if name not in PRESSING]
        sentence = f"not measured: {', '.join(refused)}: {why}"
        if not wanted:
            raise BadInput(sentence)
        print(sentence, file=sys.stderr)
    return {name: arguments.trials or usual[name] for name in wanted}


def _measured(
    counts: dict[str, int], arguments: argparse.Namespace, folder: Path, facts: dict[str, Any]
) -> Any:
    """Yield each measurement's name and series; the window opens once sessions were started."""
    # Cannot be imported without a display.
    from psychopy import logging

    from experiments.display.window import find_screens, open_window, parse_size

    logging.console.setLevel(logging.ERROR)
    find_screens()
    if "start" in counts:
        from experiments.lab.timing import start

        yield "start", start.measure(folder, counts.pop("start"), arguments.size)
    if not counts:
        return
    from experiments.display.keyboard import open_keyboard
    from experiments.lab.timing import (
        durations,
        emulation,
        frames,
        keys,
        memory,
        onset,
        reaction,
    )
    from experiments.lab.timing.rig import Rig

    measures: dict[str, Callable[[Rig, int], list[Series]]] = {
        "onset": onset.measure,
        "keys": keys.measure,
        "reaction": reaction.measure,
        "durations": durations.measure,
        "frames": frames.measure,
        "memory": memory.measure,
    }
    emulation.install()
    size = parse_size(arguments.size) if arguments.size else None
    display = open_window(full_screen=size is None, size=size, index=arguments.screen)
    try:
        rig = Rig(display, open_keyboard(), folder, arguments.emulate)
        facts["display"] = rig.display.facts | {"emulated": rig.emulates}
        facts["keyboard"] = rig.keyboard.name
        for name, trials in counts.items():
            yield name, measures[name](rig, trials)
    finally:
        display.close()


def _write(path: Path | None, found: dict[str, Any]) -> None:
    if path:
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
