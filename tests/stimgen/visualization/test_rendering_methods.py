"""What every method of rendering must do, whatever its images are made of."""

import dataclasses
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from stimgen.networks.network import Network
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.prior_settings import (
    BlurSettings,
    GradientBlurSettings,
    PatchColourSettings,
    PriorSettings,
)
from stimgen.studies.synthetic_settings import (
    GeneratorSettings,
    MacoSettings,
    StopSettings,
    SyntheticSettings,
)
from stimgen.visualization.ascend import ascend
from stimgen.visualization.generator_prior import Generator
from stimgen.visualization.goals import Goal
from stimgen.visualization.parametrization import Start
from stimgen.visualization.priors import penalty, total_variation
from stimgen.visualization.rendering_methods import open_method
from stimgen.visualization.saved_state import SavedState
from tests.stimgen.visualization.test_generator_prior import ToyGenerator
from unitscope.errors import BadInput

PRE = ActivationSettings()
PRIORS = PriorSettings(
    total_variation=0.1,
    high_frequency=0.1,
    l2=0.1,
    l6=0.1,
    patch_colour=PatchColourSettings(0.1, 8),
    gradient_blur=GradientBlurSettings(1.0, 0.2),
    gradient_octaves=2,
)
SETTINGS = {
    method: SyntheticSettings(
        method=method,  # type: ignore[arg-type]
        generator=GeneratorSettings(first_step=0.5),
        maco=MacoSettings(crops=4, first_side=0.9, last_side=0.6, noise_sd=0.02),
        steps=12,
        image_px=48,
        margin_px=4,
        jitter_px=(4, 2),
        learning_rate=0.1,
        diversity_weight=0,
        priors=dataclasses.replace(
            PRIORS, blur=BlurSettings(0.3, 2) if method in ("fourier", "pixels") else None
        ),
    )
    for method in ("fourier", "pixels", "generator", "maco")
}
every_method = pytest.mark.parametrize("method", SETTINGS)


def start_of(settings: SyntheticSettings, network: Network) -> Start:
    module = ToyGenerator().eval().requires_grad_(False)
    frequency = np.hypot(np.fft.fftfreq(48)[:, None], np.fft.rfftfreq(48)[None, :])
    magnitude = np.stack([0.2 / np.maximum(frequency, 1 / 48)] * 3)
    return open_method(
        settings,
        network,
        generator=Generator(module, ToyGenerator.code_shape, module.code_sd, "toy"),
        magnitude=magnitude,
    )


def goal(network: Network, channel: int, pole: str, *seeds: int) -> Goal:
    return Goal(network.unit("late", "", channel), pole, seeds)


@every_method
def test_both_poles_are_reached(toy: Network, method: str) -> None:
    settings = dataclasses.replace(SETTINGS[method], priors=PriorSettings(), steps=20)
    goals = [goal(toy, 5, "max", 1, 2), goal(toy, 5, "min", 1, 2)]
    made = ascend(toy, goals, settings, PRE, start=start_of(settings, toy))
    high, low = (toy.activations(group[:, :3], ["late"], "pre", "mean")[:, 5] for group in made)
    assert (low < high).all()


@every_method
def test_an_image_does_not_depend_on_its_company(toy: Network, method: str) -> None:
    # Rounding depends on the company, and many steps of a chaotic optimisation would magnify it, of
    # MACO, whose first steps are as large as its last, already two.
    steps = 1 if method == "maco" else 4
    settings = dataclasses.replace(SETTINGS[method], diversity_weight=0.5, steps=steps)
    start = start_of(settings, toy)
    alone = ascend(toy, [goal(toy, 5, "max", 1, 2)], settings, PRE, start=start)
    early = Goal(toy.unit("early", "", 3), "min", (8, 9))
    company = [goal(toy, 2, "min", 6, 7), goal(toy, 5, "max", 1, 2), early]
    together = ascend(toy, company, settings, PRE, start=start)
    torch.testing.assert_close(together[1], alone[0], atol=1e-3, rtol=0)


class Enough(Exception):
    pass


@every_method
def test_interrupted_anywhere_it_ends_the_same(toy: Network, tmp_path: Path, method: str) -> None:
    stop = StopSettings(at_least=4, window=2, tolerance=0.1)
    settings = dataclasses.replace(SETTINGS[method], diversity_weight=0.5, stop=stop)
    goals = [goal(toy, 5, "max", 1, 2), goal(toy, 2, "min", 3, 4)]
    start = start_of(settings, toy)
    whole = ascend(toy, goals, settings, PRE, start=start)
    taken: list[int] = []

    def after_step(n_steps: int) -> None:
        taken.append(n_steps)
        if n_steps in (1, 3, 5, 8) and taken.count(n_steps) == 1:
            raise Enough

    images = None
    while images is None:
        with suppress(Enough):
            saved = SavedState(tmp_path / "some" / "one.npz", every_s=1000)
            images = ascend(
                toy,
                goals,
                settings,
                PRE,
                start=start,
                saved=saved,
                after_step=after_step,
            )
    assert len(taken) >= 4 and taken == sorted(set(taken)), "a step was made twice"
    assert torch.equal(images, whole)


@every_method
def test_what_has_stopped_stays_as_it_is(toy: Network, method: str) -> None:
    stop = StopSettings(at_least=4, window=2, tolerance=1e9)
    settings = dataclasses.replace(SETTINGS[method], stop=stop)
    goals = [goal(toy, 5, "max", 1), goal(toy, 2, "min", 3)]
    start = start_of(settings, toy)
    steps: list[int] = []
    ascend(toy, goals, settings, PRE, start=start, after_step=steps.append)
    assert steps == [1, 2, 3, 4]


@pytest.mark.parametrize("method", ["generator", "maco"])
def test_blur_is_refused_where_there_is_nothing_to_blur(method: str) -> None:
    with pytest.raises(ValueError, match="method .* has neither"):
        dataclasses.replace(SETTINGS[method], priors=PriorSettings(blur=BlurSettings(1.0)))


def test_maco_needs_a_spectrum(toy: Network) -> None:
    with pytest.raises(BadInput, match="natural images"):
        open_method(SETTINGS["maco"], toy)


@pytest.mark.parametrize(
    "priors",
    [
        PriorSettings(total_variation=30.0),
        PriorSettings(high_frequency=30.0),
        PriorSettings(l2=3.0),
        PriorSettings(l6=30.0),
        PriorSettings(patch_colour=PatchColourSettings(3.0, 8)),
    ],
)
def test_a_penalty_makes_less_of_what_it_is_for(toy: Network, priors: PriorSettings) -> None:
    settings = dataclasses.replace(SETTINGS["pixels"], start_sd=0.5, steps=20)

    def measured(which: PriorSettings) -> float:
        own = dataclasses.replace(settings, priors=which)
        made = ascend(toy, [goal(toy, 5, "max", 1, 2)], own, PRE)
        return penalty(made[0], priors).sum().item()

    assert measured(priors) < 0.9 * measured(PriorSettings())


@pytest.mark.parametrize(
    ("method", "priors"),
    [
        ("fourier", PriorSettings(blur=BlurSettings(0.7, 2))),
        ("pixels", PriorSettings(blur=BlurSettings(0.7, 2))),
        ("pixels", PriorSettings(gradient_blur=GradientBlurSettings(3.0, 1.0))),
    ],
)
def test_blurs_make_images_smoother(toy: Network, method: str, priors: PriorSettings) -> None:
    settings = dataclasses.replace(SETTINGS[method], steps=20)
    rough, smooth = (
        total_variation(
            ascend(
                toy,
                [goal(toy, 5, "max", 1, 2)],
                dataclasses.replace(settings, priors=which),
                PRE,
            )
        ).mean()
        for which in (PriorSettings(), priors)
    )
    assert smooth < 0.8 * rough
