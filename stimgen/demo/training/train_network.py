"""Train the demo network from scratch and write its weights and its card."""

import argparse
import platform
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision
import yaml
from safetensors.torch import save_file
from torch.nn import functional as F
from tqdm import tqdm

from stimgen.demo.demo_images import HUES, SHAPES, TEXTURES, DemoImages
from stimgen.demo.demo_network import INPUT_PX, DemoNetwork
from stimgen.demo.training.evaluate import FACTORS, accuracy, render, selective_share
from unitscope.errors import BadInput, run_command

TRAINING_SEED = 1
HELD_OUT_SEED = 2
DISPLAY_PX = 224
_BATCH = 64
_PEAK_LEARNING_RATE = 3e-3


@dataclass(frozen=True)
class NetworkTraining:
    """Parameters of a training run."""

    n_images: int = 20_000
    n_epochs: int = 6
    n_held_out: int = 2_000
    seed: int = 0


def train(run: NetworkTraining) -> DemoNetwork:
    """Return a network trained on rendered images, in evaluation mode."""
    images = DemoImages(run.n_images, TRAINING_SEED, INPUT_PX)
    pixels, labels = render(images, lambda indices: tqdm(indices, "rendering", unit="image"))
    torch.manual_seed(run.seed)
    # Convolutions of a few channels run about twice as fast on the CPU in this order.
    network = DemoNetwork().train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    steps_per_epoch = max(run.n_images // _BATCH, 1)
    n_steps = run.n_epochs * steps_per_epoch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _PEAK_LEARNING_RATE, n_steps)
    with tqdm(total=n_steps, desc="training", unit="step") as progress:
        for _ in range(run.n_epochs):
            order = torch.randperm(run.n_images)
            for step in range(steps_per_epoch):
                chosen = order[step * _BATCH : (step + 1) * _BATCH]
                loss = _loss(network, _mirror_half(pixels[chosen].float() / 255), labels[chosen])
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                optimiser.step()
                schedule.step()
                progress.update()
                progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    return network.to(memory_format=torch.contiguous_format).eval()


def _loss(network: DemoNetwork, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    logits = network(images)
    return torch.stack(
        [F.cross_entropy(scores, labels[:, factor]) for factor, scores in enumerate(logits)]
    ).sum()


def _mirror_half(images: torch.Tensor) -> torch.Tensor:
    mirrored = torch.rand(len(images), 1, 1, 1) < 0.5
    images = torch.where(mirrored, images.flip(3), images)
    return images.contiguous(memory_format=torch.channels_last)


def measure(network: DemoNetwork, run: NetworkTraining) -> dict[str, object]:
    """Return the figures of the card: held-out accuracy and selectivity, sizes, versions."""
    images = DemoImages(run.n_held_out, HELD_OUT_SEED, DISPLAY_PX)
    pixels, labels = render(images, lambda indices: tqdm(indices, "held out", unit="image"))
    torch.manual_seed(run.seed)
    untrained = DemoNetwork().eval()
    return {
        "parameters": sum(weights.numel() for weights in network.parameters()),
        "training": {
            "images": run.n_images,
            "epochs": run.n_epochs,
            "image_seed": TRAINING_SEED,
            "network_seed": run.seed,
        },
        "held_out": {
            "images": run.n_held_out,
            "image_seed": HELD_OUT_SEED,
            "rendered_px": DISPLAY_PX,
            "accuracy": _rounded(accuracy(network, pixels, labels)),
        },
        "chance": _rounded(
            {
                "shape": 1 / len(SHAPES),
                "texture": 1 / len(TEXTURES),
                "hue": 1 / len(HUES),
                "joint": 1 / (len(SHAPES) * len(TEXTURES) * len(HUES)),
            }
        ),
        "selective_units": _rounded(
            {
                "trained": selective_share(network, pixels, labels),
                "untrained": selective_share(untrained, pixels, labels),
            }
        ),
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "torchvision": str(torchvision.__version__),
            "numpy": np.__version__,
        },
    }


def _rounded(shares: dict[str, float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in shares.items()}


def write(network: DemoNetwork, figures: dict[str, object], directory: Path) -> None:
    """Write `weights.safetensors` and `CARD.md` into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), directory / "weights.safetensors")
    front_matter = yaml.safe_dump(figures, sort_keys=False)
    (directory / "CARD.md").write_text(f"---\n{front_matter}---\n\n{_CARD}", encoding="utf-8")


_CARD = f"""# Demo network

InceptionV1 (Szegedy et al., 2015) at a quarter of its width, for RGB images of
{INPUT_PX} x {INPUT_PX} pixels with values from 0 to 1. Three linear heads classify the shape, the
texture and the hue of the one large object in an image. With it the whole suite can be tried and
tested without a download.

- **Shapes:** {", ".join(SHAPES)}.
- **Textures:** {", ".join(TEXTURES)}.
- **Hues:** {", ".join(HUES)}.
- **Images:** rendered by `stimgen.demo.demo_images`; no photograph and no other data set was used.
  Training images are rendered at {INPUT_PX} px. Held-out images have another seed, are rendered at
  {DISPLAY_PX} px and are shrunk by antialiased bilinear interpolation, as a sweep does.
- **Training:** AdamW, weight decay 0.01, one cycle of the learning rate with a peak of
  {_PEAK_LEARNING_RATE}, batches of {_BATCH}, images mirrored half of the time, the sum of three
  cross-entropies.

The figures above are machine-readable. `joint` is the proportion of images with all three factors
correct. `selective_units` is the proportion of branch units whose best factor explains more than
.25 of the variance (eta squared) of the spatial mean of their activation before the ReLU, over the
held-out images; `untrained` is the same network at its initial weights.

To train it again, which takes some minutes on two cores:

    python -m stimgen.demo.training.train_network --out my-demo-network

The images will be the same; the weights differ slightly with the machine, the number of threads
and the versions.

There is also a small generator of images for this network: see [its card](GENERATOR.md).

**Limits.** The images are simple, so a unit's preference is easier to see than in a network trained
on photographs, and results with this network say nothing about people or about other networks.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command line."""
    default = NetworkTraining()
    parser = argparse.ArgumentParser(
        prog="python -m stimgen.demo.training.train_network",
        description=f"{__doc__} Takes some minutes on two cores and overwrites nothing.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("demo-network"), help="where to write"
    )
    parser.add_argument(
        "--images",
        type=int,
        metavar="N",
        default=default.n_images,
        help="number of images to train on",
    )
    parser.add_argument(
        "--epochs", type=int, metavar="N", default=default.n_epochs, help="times each image is seen"
    )
    parser.add_argument(
        "--held-out",
        type=int,
        metavar="N",
        default=default.n_held_out,
        help="number of images to test on",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=default.seed,
        help="of the initial weights and the order",
    )
    return run_command(parser, _command, argv)


def _command(arguments: argparse.Namespace) -> None:
    for option, least in (("images", 2), ("epochs", 1), ("held_out", 2)):
        if getattr(arguments, option) < least:
            name = option.replace("_", "-")
            raise BadInput(f"--{name} is {getattr(arguments, option)}, expected {least} or more")
    for name in ("weights.safetensors", "CARD.md"):
        if (arguments.out / name).exists():
            raise BadInput(
                f"{arguments.out / name} exists already; name another directory by --out"
            )
    run = NetworkTraining(arguments.images, arguments.epochs, arguments.held_out, arguments.seed)
    started_s = time.perf_counter()
    network = train(run)
    figures = measure(network, run)
    write(network, figures, arguments.out)
    held_out = figures["held_out"]
    assert isinstance(held_out, dict)
    shares = ", ".join(f"{name} {held_out['accuracy'][name]:.3f}" for name in (*FACTORS, "joint"))
    print(f"Held-out accuracy: {shares}")
    minutes = (time.perf_counter() - started_s) / 60
    print(f"Wrote {arguments.out}/weights.safetensors and CARD.md in {minutes:.1f} min")


if __name__ == "__main__":
    sys.exit(main())
