"""Checks of numbers in settings."""

from __future__ import annotations


def at_least(name: str, value: float, low: float) -> None:
    """Raise ``ValueError`` unless a setting is so large."""
    if value < low:
        raise ValueError(f"{name} is {value}, expected {low} or more")


def between(name: str, value: float, low: float, high: float) -> None:
    """Raise ``ValueError`` unless a setting lies between two values."""
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, expected {low} to {high}")
