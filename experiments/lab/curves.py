"""A picture of a monitor's measured and fitted luminance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.lab.calibration import Reading
from experiments.lab.gamma import GammaFit

_INKS = {"grey": "#444444", "red": "#c1272d", "green": "#00803e", "blue": "#1b4fa0"}
_MARKS = {"grey": "o", "red": "s", "green": "^", "blue": "D"}


def plot_calibration(
    readings: Sequence[Reading], fits: Mapping[str, GammaFit], name: str, path: Path
) -> None:
    """Draw every gun's readings with their curve, and below how far they lie off it."""
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
    lower.set(xlabel="level", ylabel="off the curve\n(% of range)")
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
