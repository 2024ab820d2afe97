import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from stimgen.networks.network import Network
from stimgen.networks.weights import randomise
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.synthetic_settings import GeneratorSettings, SyntheticSettings
from stimgen.visualization.ascend import ascend
from stimgen.visualization.generator_prior import Generator, GeneratorImages, load_generator
from stimgen.visualization.goals import Goal
from stimgen.visualization.rendering_methods import open_method
from unitscope.errors import BadInput

PRE = ActivationSettings()
STEPS = 30
SETTINGS = SyntheticSettings(
    method="generator",
    steps=STEPS,
    image_px=32,
    margin_px=0,
    jitter_px=(0, 0),
    scales=(1.0,),
    rotate_deg=0,
    diversity_weight=0,
)


class ToyGenerator(nn.Module):
    code_shape = (5, 2)

    def __init__(self) -> None:
        super().__init__()
        self.draw = nn.ConvTranspose2d(10, 3, 16)
        self.register_buffer("code_sd", torch.linspace(0.1, 1, 10).reshape(5, 2))
        randomise(self, 1)
        nn.init.normal_(self.draw.weight, 0, 0.5, generator=torch.Generator().manual_seed(1))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.draw(codes.reshape(-1, 10, 1, 1)))


def shapeless() -> nn.Module:
    return nn.Linear(10, 3)


class Detached(ToyGenerator):
    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        return super().forward(codes).detach()


def leaving() -> nn.Module:
    raise SystemExit(3)


def no_module() -> int:
    return 3


def factory(name: str) -> str:
    return f"{__name__}:{name}"


@pytest.fixture
def generator() -> Generator:
    return load_generator(GeneratorSettings(factory("ToyGenerator")))


def goal(network: Network, channel: int, pole: str, *seeds: int) -> Goal:
    return Goal(network.unit("late", "", channel), pole, seeds)


def made(
    network: Network,
    generator: Generator,
    *goals: Goal,
    steps: int = STEPS,
    first_step: float = 0.5,
) -> torch.Tensor:
    drawn = GeneratorSettings(first_step=first_step)
    settings = dataclasses.replace(SETTINGS, generator=drawn, steps=steps)
    start = open_method(settings, network, generator=generator)
    return ascend(network, goals, settings, PRE, start=start)


def test_max_rises_and_min_falls(toy: Network, generator: Generator) -> None:
    goals = [goal(toy, 5, "max", 1, 2), goal(toy, 5, "min", 3, 4), goal(toy, 1, "max", 5, 6)]
    # Steps so small that the first one brings no code to the end of its bounds.
    first, last = (
        made(toy, generator, *goals, steps=steps, first_step=0.1) for steps in (1, STEPS)
    )
    assert last.shape == (3, 2, 3, 32, 32)
    for place, (channel, sign) in enumerate([(5, 1), (5, -1), (1, 1)]):
        before, after = (
            toy.activations(each[place], ["late"], "pre", "mean")[:, channel]
            for each in (first, last)
        )
        assert (sign * (after - before) > 0.02).all()


def test_an_image_does_not_depend_on_its_company(toy: Network, generator: Generator) -> None:
    alone = made(toy, generator, goal(toy, 5, "max", 1, 2))
    company = [goal(toy, 2, "min", 6, 7), goal(toy, 5, "max", 1, 2)]
    together = made(toy, generator, *company)
    torch.testing.assert_close(together[1], alone[0], atol=1e-3, rtol=0)
    assert torch.equal(made(toy, generator, goal(toy, 5, "max", 1, 2)), alone)


def test_codes_stay_in_their_bounds(generator: Generator) -> None:
    assert generator.code_sd is not None
    settings = GeneratorSettings(first_step=5.0, last_step=5.0)
    drawn = GeneratorImages([1, 2], generator, settings, size_px=32, steps=4)
    for step in range(4):
        assert (drawn.code >= 0).all() and (drawn.code <= 3 * generator.code_sd).all()
        drawn.code.grad = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(step))
        drawn.prepare(step)
        drawn.update(step)
    assert (drawn.code == 3 * generator.code_sd).any() and (drawn.code == 0).any()


def test_steps_have_the_published_size(generator: Generator) -> None:
    free = dataclasses.replace(generator, code_sd=None)
    settings = GeneratorSettings(first_step=8.0, last_step=2.0, shrink=0.5)
    drawn = GeneratorImages([1, 2], free, settings, size_px=32, steps=3)
    gradient = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(0))
    for step, size in enumerate([8.0, 5.0, 2.0]):
        before = drawn.code.detach().clone()
        # An image's gradient counts by its direction only, whatever the others' size.
        drawn.code.grad = gradient * torch.tensor([1e-6, 1e3]).view(2, 1, 1)
        drawn.prepare(step)
        drawn.update(step)
        moved = drawn.code.detach() / 0.5 - before
        unit = gradient / gradient.abs().mean((1, 2), keepdim=True)
        torch.testing.assert_close(moved, -size * unit, rtol=1e-4, atol=1e-4)


def test_no_gradient_is_no_step(generator: Generator) -> None:
    drawn = GeneratorImages([1], generator, GeneratorSettings(), size_px=32, steps=2)
    drawn.code.grad = torch.zeros_like(drawn.code)
    drawn.update(0)
    assert torch.isfinite(drawn.code).all()


def test_a_checkpoint_is_loaded(tmp_path: Path) -> None:
    other = ToyGenerator()
    nn.init.zeros_(other.draw.weight)
    save_file(other.state_dict(), tmp_path / "zeros.safetensors")
    settings = GeneratorSettings(factory("ToyGenerator"), checkpoint="zeros.safetensors")
    loaded = load_generator(settings, tmp_path)
    assert not loaded.module.draw.weight.any()
    plain = load_generator(GeneratorSettings(factory("ToyGenerator")))
    assert loaded.weights_sha256 != plain.weights_sha256


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        (GeneratorSettings("stimgen.nowhere:make"), "is not a function package.module:function"),
        (GeneratorSettings(factory("nobody")), "is not a function package.module:function"),
        (GeneratorSettings("stimgen"), "is not a function package.module:function"),
        (GeneratorSettings(factory("no_module")), "makes no torch.nn.Module"),
        (GeneratorSettings(factory("leaving")), "failed .SystemExit: 3"),
        (GeneratorSettings(factory("Detached")), "outputs images without a gradient"),
        (GeneratorSettings(factory("shapeless")), "has no code_shape"),
        (
            GeneratorSettings(factory("ToyGenerator"), code_shape=(7,)),
            "does not accept codes of shape",
        ),
        (GeneratorSettings(factory("shapeless"), code_shape=(10,)), "expected images x 3"),
        (GeneratorSettings(factory("ToyGenerator"), code_shape=(10,)), "a code_sd of shape"),
        (GeneratorSettings(factory("ToyGenerator"), checkpoint="no.pt"), "no such checkpoint"),
    ],
)
def test_a_mistake_gets_a_sentence(settings: GeneratorSettings, what: str) -> None:
    with pytest.raises(BadInput, match=what):
        load_generator(settings)


def test_one_bound_for_all_elements() -> None:
    settings = GeneratorSettings(factory("ToyGenerator"), code_sd=0.2)
    assert torch.equal(load_generator(settings).code_sd, torch.full((5, 2), 0.2))
