"""Goals of feature visualizations: images of a unit and pole that are optimised together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from stimgen.seeds import seed_of
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.sweeps.sweep import Sweep
from unitscope.vocabulary import POLES, Unit


@dataclass(frozen=True)
class Goal:
    """The images to render for one unit and pole.

    Parameters
    ----------
    unit, pole
        Unit whose activation is minimised (``min``) or maximised (``max``).
    seeds
        One per image; an image depends on its own seed and, with a diversity term, on the other
        seeds of the goal.
    scale
        Unit of activation, by which activations are divided.
    diversity_weight
        Replaces the one in the settings.
    strongest
        Most extreme activation of a natural image at the pole, for a search for the diversity
        weight.
    batch
        Batch of these images in the set; None for the ``per_pole`` images, from 1 for those of
        ``further_per_pole``.
    """

    unit: Unit
    pole: str
    seeds: tuple[int, ...]
    scale: float = 1.0
    diversity_weight: float | None = None
    strongest: float | None = None
    batch: int | None = None

    @property
    def sign(self) -> int:
        """1 if the activation is maximised, -1 if it is minimised."""
        return 1 if self.pole == "max" else -1


def goals_for(
    units: Sequence[Unit], settings: SyntheticSettings, seed: int, sweep: Sweep | None
) -> list[Goal]:
    """Return the goals of all units, both poles of each, in order; further images come last.

    Parameters
    ----------
    units, settings
        Units, and how their images are rendered.
    seed
        Seed of the set.
    sweep
        Result of the sweep, for the units' standard deviations if activations are divided by them,
        and for the most extreme natural images if a search compares with them.

    Examples
    --------
    >>> unit = Unit("demo", "inception4a", "1x1", 0)
    >>> goals = goals_for([unit], SyntheticSettings(per_pole=2), seed=0, sweep=None)
    >>> [(goal.pole, goal.seeds) for goal in goals]
    [('min', (1868367221, 1903860685)), ('max', (2721317787, 4230009620))]
    """
    main: list[Goal] = []
    further: list[Goal] = []
    for unit in units:
        for pole in POLES:
            seeds = tuple(seed_of(seed, unit.name, pole, i) for i in range(settings.per_pole))
            scale = _sd(sweep, unit) if sweep and settings.activation_unit == "sd" else 1.0
            strongest = _strongest(sweep, unit, pole) if sweep and settings.search else None
            goal = Goal(unit, pole, seeds, scale, strongest=strongest)
            main.append(goal)
            for batch, number in enumerate(settings.further_per_pole, start=1):
                own = (seed_of(seed, unit.name, pole, f"batch {batch}", i) for i in range(number))
                further.append(dataclasses.replace(goal, seeds=tuple(own), batch=batch))
    return [*main, *further]


def _sd(sweep: Sweep, unit: Unit) -> float:
    row = sweep.row(unit)
    moves = sweep.sd[row] > 1e-6 * abs(sweep.mean[row])
    return float(sweep.sd[row]) if moves else 1.0


def _strongest(sweep: Sweep, unit: Unit, pole: str) -> float:
    values = sweep.top_values if pole == "max" else sweep.bottom_values
    return float(values[sweep.row(unit), 0])
