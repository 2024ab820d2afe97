"""A rating on a scale from -100 to 100, moved by keys."""

from __future__ import annotations

import numpy as np

from conditions.design.keys import Keys
from conditions.trials.rating_plan import PlannedRating
from experiments.runner.pages import Panel
from experiments.runner.responses import Press
from experiments.runner.standing import Standing
from unitscope.texts import Texts

UNRATED, RATED = "unrated", "rated"

LOWEST, HIGHEST = -100, 100

STEPS = {"left": -5, "right": 5, "down": -1, "up": 1}
"""How far a key moves the marker."""

JUMPS = {str(digit): 25 * (digit - 5) for digit in range(1, 10)}
"""Where a digit puts the marker: 1 at the left end, 5 in the middle, 9 at the right end."""


class Slider(Standing):
    """Rate a unit's images: the marker appears with the first key and moves until it is confirmed.

    Nothing is preselected, so that every rating was chosen; the first arrow key puts the marker in
    the middle, which is a rating like any other.

    Parameters
    ----------
    rated
        What is rated.
    keys
        The design's keys; the forward key confirms.
    """

    kind = "slider"

    def __init__(self, rated: PlannedRating, keys: Keys) -> None:
        super().__init__(f"rating_{rated.row['moment']}", keys)
        self.rated = rated
        self.value: int | None = None
        self.rt_s: float | None = None

    @property
    def phase(self) -> str:
        """Whether the marker was placed."""
        return UNRATED if self.value is None else RATED

    def panels(self, texts: Texts) -> list[Panel]:
        """Return the images to rate; of several sorts, each has a title."""
        several = len(self.rated.images) > 1
        return [
            Panel(getattr(texts, f"title_{kind}") if several else "", images, 3 if several else 1)
            for kind, images in self.rated.images.items()
        ]

    def _take(self, press: Press) -> bool:
        key = press.key
        if key == self._keys.forward and self.value is not None:
            assert self.onset_s is not None
            self.rt_s = press.time_s - self.onset_s
            return True
        if key in JUMPS:
            self.value = JUMPS[key]
        elif key in STEPS:
            moved = 0 if self.value is None else self.value + STEPS[key]
            self.value = min(HIGHEST, max(LOWEST, moved))
        return False

    def simulate(self, phase: str, rng: np.random.Generator) -> list[Press]:
        """Return the presses of somebody who jumps, corrects a little and confirms."""
        if phase != UNRATED:
            return []
        keys = [str(rng.integers(1, 10)), *rng.choice(list(STEPS), rng.integers(0, 4))]
        presses = [Press(0.5 + 0.2 * i, str(key)) for i, key in enumerate(keys)]
        return [*presses, Press(0.5 + 0.2 * len(keys), self._keys.forward)]
