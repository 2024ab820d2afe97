"""A monitor's calibration: measured luminances, their fit and plot, and the PsychoPy monitor."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.lab.gamma import GammaFit, fit_gamma
from experiments.lab.photometer import GUNS
from unitscope.columns import Column
from unitscope.disk import whole_file
from unitscope.errors import BadInput
from unitscope.tables import lines_of, read_csv, write_csv

MAX_RESIDUAL = 0.03
"""Largest residual that is accepted, as a share of the luminance range."""

CARD_WIDTH_CM, CARD_HEIGHT_CM = 8.560, 5.398
"""Size of a bank card (ISO/IEC 7810 ID-1)."""

READING_COLUMNS = (
    Column("gun", "str", "Gun that was lit.", levels=GUNS),
    Column("level", "float", "Level of the field, 0 to 1."),
    Column("luminance_cd_m2", "float", "Measured luminance.", "cd/m2"),
)


@dataclass(frozen=True)
class Reading:
    """One measured field."""

    gun: str
    level: float
    luminance_cd_m2: float


@dataclass(frozen=True)
class Geometry:
    """The visible area of a monitor in pixels and centimetres, and the viewing distance."""

    width_px: int
    height_px: int
    width_cm: float
    distance_cm: float

    def __post_init__(self) -> None:
        for name, low, high in (
            ("width_px", 320, 20_000),
            ("height_px", 200, 20_000),
            ("width_cm", 5, 500),
            ("distance_cm", 10, 1000),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInput(f"{name} is {value:g}, expected {low} to {high}")


def read_readings(path: Path) -> list[Reading]:
    """Read measured luminances from a CSV file with the columns of ``READING_COLUMNS``."""
    table = read_csv(path, READING_COLUMNS)
    readings = [Reading(*map(_plain, row)) for row in table.itertuples(index=False)]
    for line, reading in zip(lines_of(table), readings, strict=True):
        if not 0 <= reading.level <= 1:
            raise BadInput(
                f"{path}, line {line}, column 'level': found {reading.level:g}, expected 0 to 1"
            )
        if reading.luminance_cd_m2 < 0:
            raise BadInput(
                f"{path}, line {line}, column 'luminance_cd_m2': found "
                f"{reading.luminance_cd_m2:g}, expected 0 or more"
            )
    return readings


def _plain(value: Any) -> Any:
    return getattr(value, "item", lambda: value)()


def write_readings(readings: Iterable[Reading], path: Path) -> None:
    """Write measured luminances to a new file."""
    if path.exists():
        raise BadInput(f"{path}: already exists; measured values are never overwritten")
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame([vars(reading) for reading in readings])
    write_csv(frame, path, READING_COLUMNS)


def fit_guns(
    readings: Sequence[Reading], max_residual: float = MAX_RESIDUAL
) -> dict[str, GammaFit]:
    """Fit the curve of every gun; if only grey was measured, all guns share its curve.

    Raises
    ------
    BadInput
        If grey or one of the three colours is missing, or a residual is too large.
    """
    measured = {reading.gun for reading in readings}
    if measured not in ({"grey"}, set(GUNS)):
        missing = [gun for gun in GUNS if gun not in measured]
        raise BadInput(f"no readings of {', '.join(missing)}; measure grey alone or all of {GUNS}")
    fits = {}
    for gun in GUNS:
        ours = [r for r in readings if r.gun == (gun if gun in measured else "grey")]
        try:
            fits[gun] = fit_gamma([r.level for r in ours], [r.luminance_cd_m2 for r in ours])
        except BadInput as error:
            raise BadInput(f"{gun}: {error}") from None
        if fits[gun].worst_residual > max_residual:
            raise BadInput(
                f"{gun}: the largest residual is {100 * fits[gun].worst_residual:.1f} % of the "
                f"range, expected at most {100 * max_residual:.1f} %; is the room dark, the "
                "monitor warm and its dynamic contrast off?"
            )
    return fits


def save_monitor(
    name: str, geometry: Geometry, readings: Sequence[Reading], fits: dict[str, GammaFit]
) -> str:
    """Add a calibration to a PsychoPy monitor and keep the older ones; returns its name."""
    from psychopy import logging, monitors

    logging.console.setLevel(logging.ERROR)
    is_new = name not in monitors.getAllMonitors()
    monitor = monitors.Monitor(name, autoLog=False)
    empty = monitor.currentCalibName if is_new else None  # PsychoPy makes one
    began_s = int(time.time())
    # Calibrations are named by the second; two within one must not replace each other.
    while (calibration := _name(began_s)) in monitor.calibNames:
        began_s += 1
    monitor.newCalib(calibration, width=geometry.width_cm, distance=geometry.distance_cm)
    monitor.setCalibDate(float(began_s))
    monitor.setSizePix([geometry.width_px, geometry.height_px])
    grid = [[fit.minimum_cd_m2, fit.maximum_cd_m2, fit.gamma] for fit in fits.values()]
    monitor.setGammaGrid(np.array(grid))
    monitor.setLineariseMethod(1)
    levels = sorted({reading.level for reading in readings})
    monitor.setLevelsPre(np.array(levels))
    monitor.setLumsPre(np.array([_mean_lums(readings, gun, levels) for gun in GUNS]))
    worst = max(fit.worst_residual for fit in fits.values())
    monitor.setNotes(f"measured by unitscope; largest residual {100 * worst:.2f} % of the range")
    if empty:
        monitor.delCalib(empty)
    monitor.save()
    return calibration


def _name(time_s: float) -> str:
    # PsychoPy takes the last calibration by its name, and begins its own names like this.
    return time.strftime("%Y_%m_%d %H:%M:%S", time.localtime(time_s))


def _mean_lums(readings: Sequence[Reading], gun: str, levels: Sequence[float]) -> list[float]:
    measured = gun if any(r.gun == gun for r in readings) else "grey"
    return [
        float(np.mean([r.luminance_cd_m2 for r in readings if (r.gun, r.level) == (measured, x)]))
        for x in levels
    ]


_INKS = {"grey": "#444444", "red": "#c1272d", "green": "#00803e", "blue": "#1b4fa0"}
_MARKS = {"grey": "o", "red": "s", "green": "^", "blue": "D"}


def plot_calibration(
    readings: Sequence[Reading], fits: Mapping[str, GammaFit], name: str, path: Path
) -> None:
    """Plot every gun's readings with the fitted curve, and the residuals below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 6.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    fine = np.linspace(0, 1, 200)
    for gun, fit in fits.items():
        ours = [r for r in readings if r.gun == gun]
        if not ours:
            continue
        x, y = [r.level for r in ours], np.array([r.luminance_cd_m2 for r in ours])
        span = fit.maximum_cd_m2 - fit.minimum_cd_m2
        upper.plot(fine, fit.luminance_cd_m2(fine), color=_INKS[gun])
        upper.plot(x, y, _MARKS[gun], color=_INKS[gun], label=f"{gun}, gamma {fit.gamma:.2f}", ms=5)
        lower.plot(
            x, 100 * (y - fit.luminance_cd_m2(x)) / span, _MARKS[gun], color=_INKS[gun], ms=4
        )
    upper.set(ylabel="luminance (cd/m²)", title=name)
    upper.legend(frameon=False)
    lower.axhline(0, color="#999999", lw=0.8)
    lower.set(xlabel="level", ylabel="residual\n(% of range)")
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
    with whole_file(path) as file:
        figure.savefig(file, dpi=150, format=path.suffix.removeprefix(".") or "png")
