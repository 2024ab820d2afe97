import dataclasses
from pathlib import Path

import pytest
import torch

from stimgen.networks.network import Network
from stimgen.networks.preprocessing import resize
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.synthetic_settings import StopSettings, SyntheticSettings
from stimgen.visualization.ascend import ascend
from stimgen.visualization.goals import Goal
from stimgen.visualization.objectives import similarity
from stimgen.visualization.saved_state import SavedState

PRE = ActivationSettings()
SMALL = SyntheticSettings(
    steps=12, image_px=48, margin_px=4, jitter_px=(4, 2), diversity_weight=0, learning_rate=0.1
)


def goal(network: Network, channel: int, pole: str, *seeds: int) -> Goal:
    return Goal(network.unit("late", "", channel), pole, seeds)


def activations(network: Network, images: torch.Tensor, channel: int) -> torch.Tensor:
    return network.activations(images, ["late"], "pre", "mean")[:, channel]


def test_max_rises_and_min_falls(toy: Network) -> None:
    goals = [goal(toy, 5, "max", 1, 2), goal(toy, 5, "min", 3, 4), goal(toy, 0, "max", 5, 6)]
    start = ascend(toy, goals, dataclasses.replace(SMALL, steps=1), PRE)
    end = ascend(toy, goals, SMALL, PRE)
    assert end.shape == (3, 2, 3, 40, 40)
    for place, (channel, sign) in enumerate([(5, 1), (5, -1), (0, 1)]):
        change = activations(toy, end[place], channel) - activations(toy, start[place], channel)
        assert (sign * change > 0).all()


def test_an_image_does_not_depend_on_whether_other_branches_are_needed(toy: Network) -> None:
    own, other = goal(toy, 2, "max", 1), goal(toy, 5, "min", 2)
    alone = [ascend(toy, [one], SMALL, PRE)[0] for one in (own, other)]
    together = ascend(toy, [own, other], SMALL, PRE)
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-3, rtol=0)


def test_diversity_makes_images_differ(toy: Network) -> None:
    def alike(weight: float) -> float:
        settings = dataclasses.replace(SMALL, diversity_weight=weight, steps=20)
        images = ascend(toy, [goal(toy, 5, "max", 1, 2, 3)], settings, PRE)
        maps = toy.maps(resize(images[0], 32), ["late"])["late"]
        return similarity(maps[None]).item()

    assert alike(5.0) < alike(0.0)


def test_steps_are_counted(toy: Network) -> None:
    steps: list[int] = []
    ascend(toy, [goal(toy, 5, "max", 1)], SMALL, PRE, after_step=steps.append)
    assert steps == list(range(1, 13))


def test_a_plain_image_is_made_as_if_it_were_alone(toy: Network) -> None:
    settings = dataclasses.replace(SMALL, diversity_weight=5.0)
    with_plain = dataclasses.replace(settings, per_pole=3, plain_per_pole=1)
    plain = ascend(toy, [goal(toy, 5, "max", 7)], settings, PRE)[0, 0]
    made = ascend(toy, [goal(toy, 5, "max", 1, 2, 7)], with_plain, PRE)[0]
    torch.testing.assert_close(made[2], plain, atol=1e-3, rtol=0)
    diverse = ascend(toy, [goal(toy, 5, "max", 1, 2)], settings, PRE)[0]
    torch.testing.assert_close(made[:2], diverse, atol=1e-3, rtol=0)


def test_goals_may_have_a_diversity_weight_each(toy: Network) -> None:
    settings = dataclasses.replace(SMALL, diversity_weight=5.0)
    own = goal(toy, 5, "max", 1, 2)
    made = ascend(toy, [own, dataclasses.replace(own, diversity_weight=0.0)], settings, PRE)
    for images, weight in zip(made, (5.0, 0.0), strict=True):
        alone = dataclasses.replace(SMALL, diversity_weight=weight)
        torch.testing.assert_close(images, ascend(toy, [own], alone, PRE)[0], atol=1e-3, rtol=0)


def test_a_goal_stops_when_its_own_gradient_is_flat(toy: Network) -> None:
    stop = StopSettings(at_least=6, window=3, tolerance=0.15)
    settings = dataclasses.replace(SMALL, steps=60, stop=stop)
    goals = [goal(toy, channel, "max", channel) for channel in range(7)]
    lengths = []
    together = ascend(toy, goals, settings, PRE)
    for one, image in zip(goals, together, strict=True):
        steps: list[int] = []
        alone = ascend(toy, [one], settings, PRE, after_step=steps.append)
        torch.testing.assert_close(image, alone[0], atol=1e-3, rtol=0)
        lengths.append(steps[-1])
    assert min(lengths) >= 6 and len(set(lengths)) > 1
    never = dataclasses.replace(SMALL, stop=StopSettings(6, 3, 0.0))
    steps = []
    ascend(toy, goals[:1], never, PRE, after_step=steps.append)
    assert steps[-1] == SMALL.steps


def test_what_a_killed_process_left_is_gone_on_with(toy: Network, tmp_path: Path) -> None:
    goals = [goal(toy, 5, "max", 1, 2)]
    whole = ascend(toy, goals, SMALL, PRE)
    path = tmp_path / "one.npz"
    copies: list[bytes] = []

    def keep(n_steps: int) -> None:
        if path.exists():
            copies.append(path.read_bytes())

    ascend(toy, goals, SMALL, PRE, saved=SavedState(path, every_s=0), after_step=keep)
    assert len(copies) == SMALL.steps - 1
    for content in (copies[3], copies[-1], copies[0][:1000]):
        path.write_bytes(content)
        images = ascend(toy, goals, SMALL, PRE, saved=SavedState(path))
        assert torch.equal(images, whole)


@pytest.mark.parametrize("reduction", ["max", "centre"])
def test_other_activations_rise_too(toy: Network, reduction: str) -> None:
    activation = ActivationSettings("post", reduction)  # type: ignore[arg-type]
    images = ascend(toy, [goal(toy, 4, "max", 1)], SMALL, activation)
    start = ascend(toy, [goal(toy, 4, "max", 1)], dataclasses.replace(SMALL, steps=1), activation)
    before, after = (
        toy.activations(i[0], ["late"], "post", activation.reduction)[0, 4] for i in (start, images)
    )
    assert after > before
