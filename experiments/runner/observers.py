"""Simulated, machine and baseline observers, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from experiments.runner.answers import Answer, Choice
from experiments.runner.likeness import find_likeness
from experiments.runner.similarity import SimilarityObserver
from experiments.runner.simulated import (
    ChanceObserver,
    GradedObserver,
    IdealObserver,
    LapsingObserver,
    SideBiasedObserver,
)
from unitscope.errors import BadInput, nearest
from unitscope.queries import QUERIES, QUERY_PAIR, read_queries
from unitscope.row_types import TrialRow


class Observer(Protocol):
    """Responds to the rows of a condition table."""

    name: str
    kind: str
    tasks: tuple[str, ...]

    def respond(self, row: TrialRow) -> Answer:
        """Return the answer to one trial, the same whenever it is asked again."""
        ...


class BaselineObserver:
    """A baseline of the occlusion task, whose answers were computed with the stimulus set.

    Zimmermann et al., NeurIPS 2021 (arXiv 2106.12447): it knows nothing of the unit.

    Parameters
    ----------
    name
        Of the baseline, as in the columns of ``queries.csv``.
    file
        Turns a name relative to the stimulus set into its file.
    """

    kind = "baseline"
    tasks: tuple[str, ...] = ("occlusion",)

    def __init__(self, name: str, file: Callable[[str], Path]) -> None:
        self.name = name
        self._file = file
        self._correct: dict[tuple[object, ...], bool] | None = None

    def respond(self, row: TrialRow) -> Choice:
        """Return the answer to one trial; its confidence is always 1, its time half a second.

        Raises
        ------
        BadInput
            If the stimulus set does not say what the baseline answers to the trial.
        """
        if self._correct is None:
            self._correct = self._read()
        pair = (row["network"], row["layer"], row["channel"], row["batch"])
        if pair not in self._correct:
            raise BadInput(
                f"{self._file(QUERIES)}: has no answer of the baseline {self.name!r} to "
                + ", ".join(f"{name} {value}" for name, value in zip(QUERY_PAIR, pair, strict=True))
            )
        correct = row["correct_choice"]
        return Choice(correct if self._correct[pair] else "ab"[correct == "a"], 1, 0.5)

    def _read(self) -> dict[tuple[object, ...], bool]:
        file = self._file(QUERIES)
        queries = read_queries(file)
        if self.name not in queries:
            raise BadInput(f"{file}: column '{self.name}_correct' is missing")
        known = queries.dropna(subset=[self.name])
        pairs = known[list(QUERY_PAIR)].itertuples(index=False, name=None)
        return dict(zip(pairs, known[self.name].astype(bool), strict=True))


_MADE_BY: dict[str, Callable[[int, Callable[[str], Path]], Observer]] = {
    "graded": lambda seed, file: GradedObserver(seed),
    "chance": lambda seed, file: ChanceObserver(seed),
    "ideal": lambda seed, file: IdealObserver(),
    "lapsing": lambda seed, file: LapsingObserver(seed),
    "side_biased": lambda seed, file: SideBiasedObserver(seed),
    "similarity": SimilarityObserver,
    "centre": lambda seed, file: BaselineObserver("centre", file),
    "variance": lambda seed, file: BaselineObserver("variance", file),
    "saliency": lambda seed, file: BaselineObserver("saliency", file),
    "object": lambda seed, file: BaselineObserver("object", file),
}

OBSERVERS = tuple(_MADE_BY)


def make_observer(name: str, seed: int, file: Callable[[str], Path]) -> Observer:
    """Make an observer by name.

    Parameters
    ----------
    name
        One of ``OBSERVERS``, or ``similarity:`` with what compares images; see
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
    # What compares images is looked up when the observer is made; its kind is known before.
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
