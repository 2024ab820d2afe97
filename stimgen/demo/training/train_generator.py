"""Train the demo generator from scratch and write its weights and its card."""

import argparse
import platform
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from stimgen.demo.demo_images import DemoImages
from stimgen.demo.generator import CODE_SIZE, SLOPE, DemoGenerator
from stimgen.demo.training.evaluate import render
from stimgen.demo.training.train_network import HELD_OUT_SEED, TRAINING_SEED
from stimgen.networks.network import Network
from stimgen.networks.registry import load_network
from unitscope.errors import BadInput, run_command

FEATURE_LAYERS = ("inception3a", "inception4a")
CODE_SD = 8.0
"""Mean standard deviation of the code's elements: the length of the first step of an ascent."""

_FEATURE_WEIGHT = 0.1
_BATCH = 32
_PEAK_LEARNING_RATE = 4e-3


class DemoEncoder(nn.Module):
    """Encodes images, so that the generator can be trained to reproduce them."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 48, 64)
        self.downs = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
            )
            for before, after in pairwise(widths)
        )
        self.last = nn.Linear(widths[-1] * 4 * 4, CODE_SIZE)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return codes, shape (images, 192), none below 0, of RGB images in [0, 1]."""
        x = 2 * images - 1
        for down in self.downs:
            x = F.leaky_relu(down(x), SLOPE)
        return F.relu(self.last(x.flatten(1)))


@dataclass(frozen=True)
class GeneratorTraining:
    """Parameters of a training run."""

    n_images: int = 20_000
    n_steps: int = 4_000
    n_held_out: int = 1_000
    seed: int = 0


def train(run: GeneratorTraining) -> tuple[DemoEncoder, DemoGenerator]:
    """Return an encoder and a generator trained together, in evaluation mode.

    Images are encoded and reconstructed. The loss is the unexplained proportion of the variance of
    the pixels plus, with a tenth of the weight, of the demo network's features (Dosovitskiy & Brox,
    NeurIPS 2016, doi:10.48550/arXiv.1602.02644, without the adversarial loss).
    """
    pixels = _pixels(run.n_images, TRAINING_SEED)
    network = load_network("demo")
    torch.manual_seed(run.seed)
    # Convolutions of a few channels run about twice as fast on the CPU in this order.
    encoder = DemoEncoder().train().to(memory_format=torch.channels_last)
    generator = DemoGenerator().train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(
        [*encoder.parameters(), *generator.parameters()], betas=(0.9, 0.99)
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _PEAK_LEARNING_RATE, run.n_steps)
    with tqdm(total=run.n_steps, desc="training", unit="step") as progress:
        for _ in range(run.n_steps):
            images = pixels[torch.randint(run.n_images, (_BATCH,))].float() / 255
            images = images.contiguous(memory_format=torch.channels_last)
            drawn = generator(encoder(images))
            lost = _lost(drawn, images)
            loss = lost + _FEATURE_WEIGHT * _lost_features(network, drawn, images)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            progress.update()
            progress.set_postfix(lost=f"{lost.item():.3f}", refresh=False)
    encoder = encoder.to(memory_format=torch.contiguous_format).eval()
    generator = generator.to(memory_format=torch.contiguous_format).eval()
    _scale_codes(encoder, generator, pixels)
    return encoder, generator


def _pixels(n: int, seed: int) -> torch.Tensor:
    images = DemoImages(n, seed, 64)
    return render(images, lambda indices: tqdm(indices, "rendering", unit="image"))[0]


def _lost(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(found, wanted) / wanted.var()


def _lost_features(network: Network, drawn: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        wanted = network.maps(images, FEATURE_LAYERS, "post")
    found = network.maps(drawn, FEATURE_LAYERS, "post")
    return torch.stack([_lost(found[layer], wanted[layer]) for layer in FEATURE_LAYERS]).sum()


@torch.no_grad()
def _scale_codes(encoder: DemoEncoder, generator: DemoGenerator, pixels: torch.Tensor) -> None:
    """Scale codes to ``CODE_SD``, and give the generator their standard deviations."""
    codes = torch.cat([encoder(batch.float() / 255) for batch in torch.split(pixels, 500)])
    scale = float(CODE_SD / codes.std(0).mean())
    encoder.last.weight.mul_(scale)
    encoder.last.bias.mul_(scale)
    generator.start.weight.div_(scale)
    generator.code_sd.copy_(codes.std(0) * scale)


@torch.no_grad()
def measure(
    encoder: DemoEncoder, generator: DemoGenerator, run: GeneratorTraining
) -> dict[str, object]:
    """Return the figures of the card: variance kept of held-out images, sizes, versions."""
    pixels = _pixels(run.n_held_out, HELD_OUT_SEED)
    network = load_network("demo")
    batches = [batch.float() / 255 for batch in torch.split(pixels, 100)]
    drawn = [generator(encoder(batch)) for batch in batches]
    lost = torch.stack([_lost(*pair) for pair in zip(drawn, batches, strict=True)]).mean()
    features = [
        _lost_features(network, *pair) / len(FEATURE_LAYERS)
        for pair in zip(drawn, batches, strict=True)
    ]
    return {
        "parameters": sum(weights.numel() for weights in generator.parameters()),
        "code_size": CODE_SIZE,
        "training": {
            "images": run.n_images,
            "steps": run.n_steps,
            "image_seed": TRAINING_SEED,
            "network_seed": run.seed,
        },
        "held_out": {
            "images": run.n_held_out,
            "image_seed": HELD_OUT_SEED,
            "pixel_variance_kept": round(1 - lost.item(), 4),
            "feature_variance_kept": round(1 - torch.stack(features).mean().item(), 4),
        },
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__)},
    }


def write(generator: DemoGenerator, figures: dict[str, object], directory: Path) -> None:
    """Write `generator.safetensors`, in half precision, and `GENERATOR.md` into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    state = {
        name: weights.half() if weights.is_floating_point() else weights
        for name, weights in generator.state_dict().items()
    }
    save_file(state, directory / "generator.safetensors")
    front_matter = yaml.safe_dump(figures, sort_keys=False)
    text = f"---\n{front_matter}---\n\n{_CARD}"
    (directory / "GENERATOR.md").write_text(text, encoding="utf-8")


_CARD = f"""# Demo generator

An up-convolutional network (Dosovitskiy & Brox, 2016) that generates RGB images of 64 x 64 pixels
from codes of {CODE_SIZE} numbers. With it feature visualization by a generator (DGN-AM;
[docs](../../docs/feature_visualization_methods.md)) can be tried and tested without a download.

- **Images:** rendered by `stimgen.demo.demo_images`; no photograph and no other data set was used.
- **Training:** an encoder and the generator together, so that the generator reconstructs encoded
  images. The loss is the unexplained proportion of the pixels' variance, plus {_FEATURE_WEIGHT}
  times that of the demo network's features in {" and ".join(FEATURE_LAYERS)}. Adam, one cycle of
  the learning rate with a peak of {_PEAK_LEARNING_RATE}, batches of {_BATCH}.
- **Codes:** rectified, so never negative. They are scaled so that the mean of their standard
  deviations is {CODE_SD:g}; those of the single elements are saved with the weights (`code_sd`).

The figures above are machine-readable: the proportions of the variance of held-out images, and of
their features, that the reconstructions explain.

To train it again, which takes some minutes on one core:

    python -m stimgen.demo.training.train_generator --out my-demo-generator

The images will be the same; the weights differ slightly with the machine, the number of threads
and the versions.

**What it is good for.** Optimised codes (settings `nguyen2016`) of 40 units drawn at random from
inception4a to inception5a, two images per pole: the activations of all 160 images were more
extreme than those of all 3,000 demo images, with a median of 5.9 (max) and 6.4 (min) standard
deviations from the mean, against 3.0 and 3.2 for the most extreme demo image.

**Limits.** Generated images are blurred: hue, rough shape and broad stripes are reproduced, fine
textures hardly, and a faint grid from the up-convolutions may be visible.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    default = GeneratorTraining()
    parser = argparse.ArgumentParser(
        prog="python -m stimgen.demo.training.train_generator",
        description=f"{__doc__} Takes some minutes on one core and overwrites nothing.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for option, metavar, value, what in (
        ("--images", "N", default.n_images, "number of images to train on"),
        ("--steps", "N", default.n_steps, "number of batches"),
        ("--held-out", "N", default.n_held_out, "number of images to test on"),
        ("--seed", "N", default.seed, "of the initial weights and the order"),
    ):
        parser.add_argument(option, type=int, metavar=metavar, default=value, help=what)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("demo-generator"), help="where to write"
    )
    return run_command(parser, _command, argv)


def _command(arguments: argparse.Namespace) -> None:
    for option, least in (("images", _BATCH), ("steps", 1), ("held_out", 2)):
        if getattr(arguments, option) < least:
            name = option.replace("_", "-")
            raise BadInput(f"--{name} is {getattr(arguments, option)}, expected {least} or more")
    for name in ("generator.safetensors", "GENERATOR.md"):
        if (arguments.out / name).exists():
            raise BadInput(
                f"{arguments.out / name} exists already; name another directory by --out"
            )
    run = GeneratorTraining(arguments.images, arguments.steps, arguments.held_out, arguments.seed)
    started_s = time.perf_counter()
    encoder, generator = train(run)
    write(generator, measure(encoder, generator, run), arguments.out)
    minutes = (time.perf_counter() - started_s) / 60
    print(f"Wrote {arguments.out}/generator.safetensors and GENERATOR.md in {minutes:.1f} min")


if __name__ == "__main__":
    sys.exit(main())
