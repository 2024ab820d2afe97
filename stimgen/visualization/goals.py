"""What feature visualizations are made for: each unit and pole, with the seeds of its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stimgen.seeds import seed_of
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.sweeps.sweep import Sweep
from unitscope.vocabulary import POLES, Unit


@dataclass(frozen=True)
class Goal:
    """Images to make for one unit and pole.

    Parameters
    ----------
    unit, pole
        What to drive, and whether down (``min``) or up (``max``).
    seeds
        One per image; an image depends on its own and, where diversity counts, on those of the
        same goal.
    scale
        Activation that counts as one.
    diversity_weight
        In place of the settings' own.
    strongest
        Activation of the natural image that drives the unit furthest to the pole, where a search
        for the diversity weight needs it.
    """

    unit: Unit
    pole: str
    seeds: tuple[int, ...]
    scale: float = 1.0
    diversity_weight: float | None = None
    strongest: float | None = None

    @property
    def sign(self) -> int:
        """1 where a higher activation is nearer to the pole, -1 where a lower one is."""
        return 1 if self.pole == "max" else -1


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
