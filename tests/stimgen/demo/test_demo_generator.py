from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from stimgen.demo.demo_images import DemoImages
from stimgen.demo.generator import (
    CODE_SIZE,
    WEIGHTS,
    DemoGenerator,
    load_demo_generator,
)
from stimgen.demo.training import train_generator
from stimgen.demo.training.evaluate import render
from stimgen.demo.training.train_generator import (
    CODE_SD,
    DemoEncoder,
    GeneratorTraining,
    main,
    train,
)
from stimgen.studies.synthetic_settings import GeneratorSettings
from stimgen.visualization.generator_prior import load_generator
from tests.conftest import some

CARD = WEIGHTS.with_name("GENERATOR.md")
TINY = GeneratorTraining(n_images=64, n_steps=4, n_held_out=8)


@pytest.fixture(scope="module")
def tiny() -> tuple[DemoEncoder, DemoGenerator]:
    return train(TINY)


def facts() -> dict[str, object]:
    return yaml.safe_load(CARD.read_text(encoding="utf-8").split("---\n")[1])


def test_codes_lead_to_images() -> None:
    generator = load_demo_generator()
    sd = generator.code_sd
    assert sd.shape == generator.code_shape == (CODE_SIZE,) and (sd >= 0).all()
    assert sd.mean().item() == pytest.approx(CODE_SD, rel=0.01)
    codes = 2 * sd * torch.rand(4, CODE_SIZE, generator=torch.Generator().manual_seed(0))
    images = generator(codes)
    assert images.shape == (4, 3, 64, 64)
    assert images.min() >= 0 and images.max() <= 1 and images.std() > 0.05
    torch.testing.assert_close(generator(codes[2:3]), images[2:3])


def test_the_card_tells_the_truth() -> None:
    found = facts()
    generator = load_demo_generator()
    assert found["parameters"] == sum(weights.numel() for weights in generator.parameters())
    assert found["code_size"] == CODE_SIZE
    assert found["held_out"]["pixel_variance_kept"] > 0.8  # type: ignore[index]
    assert WEIGHTS.stat().st_size < 2_000_000
    assert all(w.dtype != torch.float32 for w in some(load_file(WEIGHTS).values()))


def test_it_is_the_default_generator() -> None:
    found = load_generator(GeneratorSettings())
    assert found.code_shape == (CODE_SIZE,) and found.code_sd is not None


def test_codes_reach_natural_images() -> None:
    """Ascending the likeness to an image leads to it, so codes hold what the images show."""
    generator = load_demo_generator().requires_grad_(False)
    pixels, _ = render(DemoImages(4, 2, 64))
    wanted = pixels.float() / 255
    codes = (0.5 * generator.code_sd).repeat(4, 1).requires_grad_()
    optimiser = torch.optim.Adam([codes], lr=1.0)
    for _ in range(150):
        loss = (generator(codes) - wanted).square().mean((1, 2, 3))
        (codes.grad,) = torch.autograd.grad(loss.sum(), [codes])
        optimiser.step()
    assert (loss / wanted.var((1, 2, 3)) < 0.5).all()


@pytest.mark.slow
def test_training_is_repeatable() -> None:
    # Other tests leave another number of threads, which sums in another order.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        once, again = train(TINY), train(TINY)
    finally:
        torch.set_num_threads(threads)
    for first, second in some(zip(once, again, strict=True)):
        for key, weights in some(first.state_dict().items()):
            assert torch.equal(weights, second.state_dict()[key]), key


@pytest.mark.slow
def test_codes_have_the_agreed_size(tiny: tuple[DemoEncoder, DemoGenerator]) -> None:
    encoder, generator = tiny
    pixels, _ = render(DemoImages(64, train_generator.TRAINING_SEED, 64))
    with torch.no_grad():
        codes = encoder(pixels.float() / 255)
    torch.testing.assert_close(codes.std(0), generator.code_sd, rtol=1e-3, atol=1e-3)
    assert generator.code_sd.mean().item() == pytest.approx(CODE_SD, rel=1e-3)


@pytest.mark.slow
def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--images", "64", "--steps", "2", "--held-out", "8", "--out", str(tmp_path / "new")]
    assert main(given) == 0
    state = load_file(tmp_path / "new" / "generator.safetensors")
    DemoGenerator().load_state_dict(state)
    card = (tmp_path / "new" / "GENERATOR.md").read_text(encoding="utf-8")
    assert card.split("---\n")[2] == CARD.read_text(encoding="utf-8").split("---\n")[2]
    capsys.readouterr()
    assert main(given) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["--steps", "0"]) == 2
    assert "--steps is 0, expected 1 or more" in capsys.readouterr().err
