"""What feature visualizations are made for: each unit and pole, with the seeds of its images."""

from __future__ import annotations

from collections.abc import Sequence

from stimgen.seeds import seed_of
from stimgen.sweeps.sweep import Sweep
from stimgen.visualization.ascend import Goal
from stimgen.visualization.synthetic_settings import SyntheticSettings
from unitscope.vocabulary import POLES, Unit


def goals_for(
    units: Sequence[Unit], settings: SyntheticSettings, seed: int, sweep: Sweep | None
) -> list[Goal]:
    """Return the goals of all units: both poles of each, in order.

    Parameters
    ----------
    units, settings
        What to make.
    seed
        Of the set.
    sweep
        Gives the units' standard deviations, where activation counts in these, and the strongest
        natural images, where a search has to beat them.
    """
    return [
        Goal(
            unit,
            pole,
            tuple(seed_of(seed, unit.name, pole, i) for i in range(settings.per_pole)),
            _sd(sweep, unit) if sweep and settings.activation_unit == "sd" else 1.0,
            strongest=_strongest(sweep, unit, pole) if sweep and settings.search else None,
        )
        for unit in units
        for pole in POLES
    ]


def _sd(sweep: Sweep, unit: Unit) -> float:
    row = sweep.row(unit)
    moves = sweep.sd[row] > 1e-6 * abs(sweep.mean[row])
    return float(sweep.sd[row]) if moves else 1.0


def _strongest(sweep: Sweep, unit: Unit, pole: str) -> float:
    values = sweep.top_values if pole == "max" else sweep.bottom_values
    return float(values[sweep.row(unit), 0])
