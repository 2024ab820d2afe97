"""Observers that are no people, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from experiments.runner.answers import Answer
from experiments.runner.baselines import CentreObserver, NotedBaseline, VarianceObserver
from experiments.runner.imperfect import IdealObserver, LapsingObserver, SideBiasedObserver
from experiments.runner.likeness import find_likeness
from experiments.runner.similarity import SimilarityObserver
from experiments.runner.simulated import ChanceObserver, GradedObserver
from unitscope.errors import BadInput, nearest


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
    "ideal": lambda seed, file: IdealObserver(),
    "lapsing": lambda seed, file: LapsingObserver(seed),
    "side_biased": lambda seed, file: SideBiasedObserver(seed),
    "similarity": SimilarityObserver,
    "centre": lambda seed, file: CentreObserver(file),
    "variance": lambda seed, file: VarianceObserver(file),
    "saliency": lambda seed, file: NotedBaseline("saliency", file),
    "object": lambda seed, file: NotedBaseline("object", file),
}

OBSERVERS = tuple(_MADE_BY)


def make_observer(name: str, seed: int, file: Callable[[str], Path]) -> Observer:
    """Make an observer by name.

    Parameters
    ----------
    name
        One of ``OBSERVERS``, or ``similarity:`` with what compares pictures; see
        :func:`experiments.runner.likeness.find_likeness`.
    seed
        Fixes whatever it draws.
    file
        Turns an image name of the table into its file.

    Raises
    ------
    BadInput
        If there is none of that name.
    """
    kind, _, argument = name.partition(":")
    if kind == SimilarityObserver.name and argument:
        observer = SimilarityObserver(seed, file, find_likeness(argument, file))
        observer.name = name
        return observer
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
    # What compares pictures is looked up when the observer is made; its kind is known before.
    plain = SimilarityObserver.name if name.startswith("similarity:") else name
    observer = make_observer(plain, 0, Path)
    if task not in observer.tasks:
        raise BadInput(
            f"observer {name!r} cannot answer task {task!r}, only {', '.join(observer.tasks)}"
        )
    return observer.kind


def observer_seed(participant: str) -> int:
    """Return the seed of the observer that stands in for a participant."""
    return int.from_bytes(participant.encode(), "big") % 2**31
