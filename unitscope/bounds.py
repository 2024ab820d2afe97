"""Bounds of numbers in settings; values are given by the settings' names, None is not checked."""

from __future__ import annotations


def at_least(low: float, /, **values: float | None) -> None:
    """Refuse values below ``low``.

    Raises
    ------
    ValueError
        With the name, the value and the bound.
    """
    for name, value in values.items():
        if value is not None and value < low:
            raise ValueError(f"{name} is {value}, expected {low} or more")


def inside(low: float, high: float, /, **values: float | None) -> None:
    """Refuse values that are not between ``low`` and ``high``, both excluded.

    Raises
    ------
    ValueError
        With the name, the value and the bounds.
    """
    for name, value in values.items():
        if value is not None and not low < value < high:
            raise ValueError(f"{name} is {value}, expected between {low} and {high}")


def between(low: float, high: float, /, **values: float | None) -> None:
    """Refuse values outside ``low`` to ``high``, both included.

    Raises
    ------
    ValueError
        With the name, the value and the bounds.
    """
    for name, value in values.items():
        if value is not None and not low <= value <= high:
            raise ValueError(f"{name} is {value}, expected {low} to {high}")
