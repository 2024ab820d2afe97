import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stimgen.__main__ import main
from stimgen.networks.network import Network
from stimgen.sets.measure import measure
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.synthetic_settings import SearchSettings, SyntheticSettings
from stimgen.visualization.diversity_search import search_diversity
from stimgen.visualization.goals import Goal
from stimgen.visualization.render import read_found, render, rendered_path
from tests.conftest import some
from unitscope.settings import read_yaml
from unitscope.stimulus_set import StimulusSet
from unitscope.vocabulary import POLES, Unit

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
        for low, high in some(zip(SETTINGS.bracket[1:], SETTINGS.bracket[2:], strict=False))
    )


DEMO = """
name: searched
network: {name: demo}
units: {sample: {n: 2, layers: [inception4b, inception4d]}}
images: {source: demo, n: 60, resize_px: 64, crop_px: 64}
natural: {n_batches: 3, n_bins: 10}
synthetic:
  per_pole: 3
  plain_per_pole: 1
  steps: 40
  stop: {at_least: 20, window: 5, tolerance: 0.1}
  image_px: 48
  margin_px: 2
  jitter_px: [2, 2]
  start_sd: 0.08
  decay: 1.5
  learning_rate: 0.1
  activation_unit: raw
  search: {lowest: 0.01, decades: 2, steps: 2}
"""


def test_plain_images_need_not_beat_the_natural_ones(toy: Network, tmp_path: Path) -> None:
    settings = SyntheticSettings(
        per_pole=2,
        plain_per_pole=1,
        steps=3,
        image_px=48,
        margin_px=4,
        jitter_px=(4, 2),
        activation_unit="raw",
        search=SearchSettings(lowest=0.01, decades=1, steps=1),
    )
    unit = toy.unit("late", "", 5)

    def rendered(folder: str, seeds: tuple[int, ...], strongest: float) -> tuple[list[float], bool]:
        one = Goal(unit, "max", seeds, strongest=strongest)
        to = tmp_path / folder
        render(toy, [one], settings, ActivationSettings(), 40, to, quiet=True)
        files = [(rendered_path(to, one, index), unit) for index in range(2)]
        values = measure(toy, files, ActivationSettings(), quiet=True).tolist()
        return values, read_found(to, [one])[0]["beats"]

    # With one diverse image the weight changes nothing; the weaker seed is made the plain one.
    values, _ = rendered("either", (1, 2), 0.0)
    weak, strong = (seed for _, seed in sorted(zip(values, (1, 2), strict=True)))
    low, high = sorted(values)
    assert low < high
    assert rendered("plain", (strong, weak), (low + high) / 2)[1]
    assert not rendered("diverse", (weak, strong), (low + high) / 2)[1]


@pytest.mark.slow
def test_a_set_says_which_weights_were_found(tmp_path: Path) -> None:
    settings = tmp_path / "searched.yaml"
    settings.write_text(DEMO)
    assert main(["build", str(settings), "--out", str(tmp_path), "--quiet"]) == 0
    found = read_yaml(tmp_path / "searched" / "set.yaml")["diversity"]
    manifest = StimulusSet.open(tmp_path / "searched").manifest
    assert [(one["unit"], one["pole"]) for one in found] == [
        (unit, pole) for unit in dict.fromkeys(one["unit"] for one in found) for pole in POLES
    ]
    assert any(one["diversity_weight"] > 0 for one in found)
    plain = read_yaml(tmp_path / "searched" / "set.yaml")["plain"]
    assert [(one["unit"], one["pole"]) for one in plain] == [
        (one["unit"], one["pole"]) for one in found
    ]
    for one in plain:
        rows = manifest[manifest["seed"].isin(one["seeds"])]
        assert len(rows) == 1 and rows["pole"].item() == one["pole"]
        assert rows["path"].item().split("/")[1] == one["unit"]
    for one in found:
        own = manifest[
            manifest["path"].str.contains(f"/{one['unit']}/") & (manifest["pole"] == one["pole"])
        ]
        sign = 1 if one["pole"] == "max" else -1
        kinds = {kind: sign * rows["activation"] for kind, rows in own.groupby("kind")}
        # The strongest may be the plain one; the weakest, then, is a diverse one.
        assert (kinds["synthetic"].min() > kinds["natural"].max()) == one["beats"]
