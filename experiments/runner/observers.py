"""Observers that are no people, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from conditions.errors import BadInput, nearest
from experiments.runner.answers import Answer
from experiments.runner.baselines import CentreObserver, VarianceObserver
from experiments.runner.similarity import SimilarityObserver
from experiments.runner.simulated import ChanceObserver, GradedObserver


class Observer(Protocol):
    """Responds to the rows of a condition table."""

    name: str
    kind: str
    tasks: tuple[str, ...]

    def respond(self, row: Mapping[str, Any]) -> Answer:
        """Return the answer to one trial, the same whenever it is asked again."""
        ...


_MADE_BY: dict[str, Callable[[int, Callable[[str], Path]], Observer]] = {
    "graded": lambda seed, file: GradedObserver(seed),
    "chance": lambda seed, file: ChanceObserver(seed),
    "similarity": SimilarityObserver,
    "centre": lambda seed, file: CentreObserver(file),
    "variance": lambda seed, file: VarianceObserver(file),
}

OBSERVERS = tuple(_MADE_BY)


def make_observer(name: str, seed: int, file: Callable[[str], Path]) -> Observer:
    """Make an observer by name.

    Parameters
    ----------
    name
        One of ``OBSERVERS``.
    seed
        Fixes whatever it draws.
    file
        Turns an image name of the table into its file.

    Raises
    ------
    BadInput
        If there is none of that name.
    """
    if name not in _MADE_BY:
        raise BadInput(f"no observer is named {name!r}{nearest(name, OBSERVERS)}")
    return _MADE_BY[name](seed, file)


def observer_kind(name: str, task: str) -> str:
    """Return what kind of observer answers a task.

    Raises
    ------
    BadInput
        If there is none of that name, or it does not know the task.
    """
    observer = make_observer(name, 0, Path)
    if task not in observer.tasks:
        raise BadInput(
            f"observer {name!r} cannot answer task {task!r}, only {', '.join(observer.tasks)}"
        )
    return observer.kind


def observer_seed(participant: str) -> int:
    """Return the seed of the observer that stands in for a participant."""
    return int.from_bytes(participant.encode(), "big") % 2**31
