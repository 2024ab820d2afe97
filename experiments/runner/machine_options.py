"""Options of every command that opens a window: what belongs to a machine and not to a study."""

from __future__ import annotations

import argparse

from conditions.design.keys import LAYOUTS
from experiments.runner.request import parse_distance_cm


def add_window(parser: argparse.ArgumentParser) -> None:
    """Add the options for the screen and the size of the window."""
    parser.add_argument("--screen", type=int, default=0, help="number of the screen, from 0")
    parser.add_argument("--size", help="window of this size instead of the full screen: 1920x1080")


def add_monitor(parser: argparse.ArgumentParser) -> None:
    """Add the options for the calibrated monitor and the distance from it."""
    parser.add_argument("--monitor", help="name in PsychoPy's Monitor Center")
    parser.add_argument(
        "--distance",
        type=parse_distance_cm,
        metavar="CM",
        help="distance from the eyes to the screen as measured, compared with the monitor's",
    )


def add_response_sources(parser: argparse.ArgumentParser) -> None:
    """Add the options for the keyboard and the response box."""
    parser.add_argument(
        "--keyboard", metavar="NAME", help="part of the name of the one keyboard that counts"
    )
    parser.add_argument(
        "--keyboard-layout",
        choices=LAYOUTS,
        help="what is printed on its keys (default: as the system has it)",
    )
    parser.add_argument(
        "--box-port",
        metavar="PORT",
        help="serial port of the response box; none: no box",
    )
