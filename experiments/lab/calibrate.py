"""The command that calibrates a monitor, step by step."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from experiments.lab.calibration import (
    MAX_RESIDUAL,
    Geometry,
    Reading,
    fit_guns,
    plot_calibration,
    read_readings,
    save_monitor,
    write_readings,
)
from experiments.lab.photometer import GUNS, find_photometer
from experiments.runner import machine_options
from unitscope.errors import BadInput
from unitscope.places import DATA, shown

CALIBRATIONS = DATA / "calibrations"

CARD_TOLERANCE = 0.02
"""Largest difference between the entered width and the width by the card, as a share."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "name", help="name of the monitor in PsychoPy, for --monitor of the sessions"
    )
    parser.add_argument("--width-cm", type=float, help="width of the visible area")
    parser.add_argument("--distance-cm", type=float, help="viewing distance")
    machine_options.add_window(parser)
    parser.add_argument(
        "--readings", type=Path, help="CSV of luminances to use instead of measuring"
    )
    parser.add_argument(
        "--photometer",
        help="simulated, simulated:2.4 or package.module:factory (default: type the readings)",
    )
    parser.add_argument("--port", help="port of the photometer")
    parser.add_argument("--levels", type=int, default=9, help="number of fields per gun")
    parser.add_argument("--grey-only", action="store_true", help="measure grey only, for all guns")
    parser.add_argument(
        "--settle-s", type=float, default=0.5, help="time from the onset of a field to its reading"
    )
    parser.add_argument(
        "--card", action="store_true", help="check the width with a bank card first"
    )
    parser.add_argument(
        "--max-residual",
        type=float,
        default=MAX_RESIDUAL,
        help="largest accepted residual, as a share of the range",
    )
    parser.add_argument(
        "--out", type=Path, default=CALIBRATIONS, help="folder for the readings and the plot"
    )


def calibrate(arguments: argparse.Namespace, ask: Callable[[str], str] = input) -> None:
    """Measure or read luminances, fit them, and save them as a PsychoPy monitor."""
    width_cm = _asked(arguments.width_cm, "width of the visible area in cm", ask)
    distance_cm = _asked(arguments.distance_cm, "viewing distance in cm", ask)
    size = _size(arguments.size)
    if arguments.readings:
        readings = read_readings(arguments.readings)
        fit_guns(readings, arguments.max_residual)
    else:
        readings = []
    if not readings or arguments.card or size is None:
        readings, size = _in_window(arguments, readings, size, width_cm)
    geometry = Geometry(*size, width_cm, distance_cm)
    fits = fit_guns(readings, arguments.max_residual)
    calibration = save_monitor(arguments.name, geometry, readings, fits)
    stem = f"{_file_name(arguments.name)}_{calibration.replace(' ', '_').replace(':', '-')}"
    write_readings(readings, arguments.out / f"{stem}.csv")
    plot_calibration(
        readings, fits, f"{arguments.name}, {calibration}", arguments.out / f"{stem}.png"
    )
    for gun, fit in fits.items():
        print(
            f"{gun:6} {fit.minimum_cd_m2:7.2f} to {fit.maximum_cd_m2:7.2f} cd/m2, "
            f"gamma {fit.gamma:.2f}, largest residual {100 * fit.worst_residual:.1f} %"
        )
    print(
        f"saved calibration {calibration!r} of monitor {arguments.name!r}; "
        f"readings and plot in {shown(arguments.out)}"
    )


def _in_window(
    arguments: argparse.Namespace,
    readings: list[Reading],
    size: tuple[int, int] | None,
    width_cm: float,
) -> tuple[list[Reading], tuple[int, int]]:
    # Cannot be imported without a display.
    from experiments.display.window import find_screens
    from experiments.lab.luminance_fields import LuminanceFields, levels

    at_levels = levels(arguments.levels)
    photometer = None
    if arguments.photometer:
        photometer = find_photometer(arguments.photometer, arguments.port)
    find_screens()
    with LuminanceFields(arguments.screen, size) as fields:
        if arguments.card:
            _check_width(
                width_cm, fields.size_px[0], fields.compare_card(fields.size_px[0] / width_cm)
            )
        if not readings:
            guns = GUNS[:1] if arguments.grey_only else GUNS
            readings = fields.measure(guns, at_levels, photometer, arguments.settle_s)
        return readings, fields.size_px


def _check_width(width_cm: float, width_px: int, px_per_cm: float) -> None:
    """Refuse a width that does not agree with a bank card held against the screen."""
    by_card_cm = width_px / px_per_cm
    if abs(by_card_cm / width_cm - 1) > CARD_TOLERANCE:
        raise BadInput(
            f"by the card the screen is {by_card_cm:.1f} cm wide, but {width_cm:.1f} cm was "
            "entered; measure the visible area again (without the frame)"
        )


def _asked(value: float | None, what: str, ask: Callable[[str], str]) -> float:
    if value is not None:
        return value
    if not sys.stdin.isatty() and ask is input:
        option = "--width-cm" if what.startswith("width") else "--distance-cm"
        raise BadInput(f"the {what} is missing: give {option}")
    text = ask(f"{what}: ")
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise BadInput(f"{what}: found {text!r}, expected a number") from None


def _size(text: str | None) -> tuple[int, int] | None:
    from experiments.display.window import parse_size

    return parse_size(text) if text else None


def _file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
