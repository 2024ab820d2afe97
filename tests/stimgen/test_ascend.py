import dataclasses

import pytest
import torch

from stimgen.ascend import Goal, ascend
from stimgen.networks import Network
from stimgen.objectives import similarity
from stimgen.preprocessing import resize
from stimgen.settings import ActivationSettings
from stimgen.synthetic_settings import SyntheticSettings

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
    start = ascend(toy, goals, dataclasses.replace(SMALL, steps=1), PRE, 40)
    end = ascend(toy, goals, SMALL, PRE, 40)
    assert end.shape == (3, 2, 3, 40, 40)
    for place, (channel, sign) in enumerate([(5, 1), (5, -1), (0, 1)]):
        change = activations(toy, end[place], channel) - activations(toy, start[place], channel)
        assert (sign * change > 0).all()


def test_an_image_does_not_depend_on_its_company(toy: Network) -> None:
    settings = dataclasses.replace(SMALL, diversity_weight=0.5, total_variation_weight=0.1)
    alone = ascend(toy, [goal(toy, 5, "max", 1, 2)], settings, PRE, 40)
    early = Goal(toy.unit("early", "", 3), "min", (8, 9))
    company = [goal(toy, 2, "min", 6, 7), goal(toy, 5, "max", 1, 2), early]
    together = ascend(toy, company, settings, PRE, 40)
    torch.testing.assert_close(together[1], alone[0], atol=1e-3, rtol=0)


def test_diversity_makes_images_differ(toy: Network) -> None:
    def alike(weight: float) -> float:
        settings = dataclasses.replace(SMALL, diversity_weight=weight, steps=20)
        images = ascend(toy, [goal(toy, 5, "max", 1, 2, 3)], settings, PRE, 40)
        maps = toy.maps(resize(images[0], 32), ["late"])["late"]
        return similarity(maps[None]).item()

    assert alike(5.0) < alike(0.0)


def test_steps_are_counted(toy: Network) -> None:
    steps: list[None] = []
    ascend(toy, [goal(toy, 5, "max", 1)], SMALL, PRE, 40, after_step=lambda: steps.append(None))
    assert len(steps) == 12


@pytest.mark.parametrize("reduction", ["max", "centre"])
def test_other_activations_rise_too(toy: Network, reduction: str) -> None:
    activation = ActivationSettings("post", reduction)  # type: ignore[arg-type]
    images = ascend(toy, [goal(toy, 4, "max", 1)], SMALL, activation, 40)
    start = ascend(
        toy, [goal(toy, 4, "max", 1)], dataclasses.replace(SMALL, steps=1), activation, 40
    )
    before, after = (
        toy.activations(i[0], ["late"], "post", activation.reduction)[0, 4] for i in (start, images)
    )
    assert after > before
