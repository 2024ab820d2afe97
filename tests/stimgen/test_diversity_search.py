import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.vocabulary import Unit
from stimgen.ascend import Goal
from stimgen.diversity_search import search_diversity
from stimgen.synthetic_settings import SearchSettings

SETTINGS = SearchSettings(lowest=0.1, decades=3, steps=7)


def goal(channel: int) -> Goal:
    return Goal(Unit("toy", "late", "", channel), "max", (1, 2), strongest=0.0)


def search(limits: Sequence[float], rounds: list[int] | None = None) -> list[tuple[float, bool]]:
    """Search where images beat the natural ones up to a weight; the images are the weight."""

    def make(goals: Sequence[Goal]) -> list[float]:
        if rounds is not None:
            rounds.append(len(goals))
        weights = [goal.diversity_weight for goal in goals]
        return [weight for weight in weights if weight is not None]

    def beats(goal: Goal, weight: float) -> bool:
        return weight <= limits[goal.unit.channel]

    goals = [goal(channel) for channel in range(len(limits))]
    found = search_diversity(goals, SETTINGS, make, beats)
    assert all(one.images == one.weight for one in found)
    return [(one.weight, one.beats) for one in found]


@given(st.lists(st.floats(0.1, 99.9), min_size=1, max_size=4))
def test_the_largest_weight_that_passes_is_found(limits: list[float]) -> None:
    for limit, (weight, beats) in zip(limits, search(limits), strict=True):
        # Seven halvings of a decade leave a step of 10 ** (1 / 128).
        assert beats and weight <= limit <= weight * 10 ** (1 / 128) * (1 + 1e-9)


def test_all_weights_and_goals_are_tried_together() -> None:
    rounds: list[int] = []
    search([0.5, 3.0, 40.0], rounds)
    assert rounds == [3 * len(SETTINGS.bracket)] + 7 * [3]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(-1.0, (0.0, False)), (0.05, (0.0, True)), (1e9, (pytest.approx(100.0), True))],
)
def test_beyond_the_bracket_its_end_is_taken(limit: float, expected: tuple[float, bool]) -> None:
    rounds: list[int] = []
    assert search([limit], rounds) == [expected]
    assert sum(rounds) == len(SETTINGS.bracket)


def test_the_bracket_rises_by_tens_after_none() -> None:
    assert SETTINGS.bracket[0] == 0
    assert all(
        math.isclose(10 * low, high)
        for low, high in zip(SETTINGS.bracket[1:], SETTINGS.bracket[2:], strict=False)
    )
