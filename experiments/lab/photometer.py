"""Photometers: a simulated one, PsychoPy's, and a lab's own, by name."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from unitscope.errors import BadInput
from unitscope.named_functions import find_function

GUNS = ("grey", "red", "green", "blue")

_SHARES = {"grey": 1.0, "red": 0.21, "green": 0.72, "blue": 0.07}


class Photometer(Protocol):
    """Measures the field on the screen."""

    name: str

    def read_cd_m2(self, gun: str, level: float) -> float:
        """Return the luminance of the field that is shown, whose gun and level are given."""
        ...


class SimulatedPhotometer:
    """Reads the luminance of a simulated monitor with a known gamma, with some noise.

    Parameters
    ----------
    gamma
        The monitor's exponent.
    noise
        Standard deviation of a reading, as a share of it.
    seed
        Of the noise.
    """

    name = "simulated"

    def __init__(self, gamma: float = 2.2, noise: float = 0.005, seed: int = 0) -> None:
        self._gamma = gamma
        self._noise = noise
        self._rng = np.random.default_rng(seed)

    def read_cd_m2(self, gun: str, level: float) -> float:
        """Return a reading of a monitor that reaches from 0.3 to 120 cd/m2."""
        exact = 0.3 + 119.7 * _SHARES[gun] * level**self._gamma
        return float(exact * (1 + self._noise * self._rng.standard_normal()))


class _PsychoPyPhotometer:
    """A photometer with PsychoPy's interface."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self.name = type(device).__name__

    def read_cd_m2(self, gun: str, level: float) -> float:
        return float(self._device.getLum())


def find_photometer(name: str, port: str | None = None) -> Photometer:
    """Return a photometer by name.

    Parameters
    ----------
    name
        ``simulated``, ``simulated:2.4`` (its gamma), or ``package.module:factory``; what the
        factory returns has ``read_cd_m2(gun, level)`` or, as PsychoPy's photometers, ``getLum()``.
    port
        Passed to the factory if given.

    Raises
    ------
    BadInput
        If there is no such photometer.
    """
    kind, _, argument = name.partition(":")
    if kind == "simulated":
        try:
            return SimulatedPhotometer(float(argument) if argument else 2.2)
        except ValueError:
            raise BadInput(
                f"photometer {name!r}: expected a number after 'simulated:', such as simulated:2.2"
            ) from None
    factory = find_function(name, "photometer", "simulated or a factory package.module:function")
    device = factory(port) if port else factory()
    if hasattr(device, "read_cd_m2"):
        found: Photometer = device
        return found
    if hasattr(device, "getLum"):
        return _PsychoPyPhotometer(device)
    raise BadInput(f"photometer {name!r} has neither read_cd_m2 nor getLum")
