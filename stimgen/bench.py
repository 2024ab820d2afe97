"""How fast stimgen is on this machine: against the usual way, and against the machine's limit."""

from __future__ import annotations

import contextlib
import io
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from conditions.vocabulary import Unit
from stimgen.ascend import Goal, ascend
from stimgen.images import crop
from stimgen.networks import Network
from stimgen.objectives import similarity
from stimgen.prefetch import prefetch
from stimgen.registry import load_network
from stimgen.settings import ActivationSettings, ImagesSettings
from stimgen.sweep import sweep
from stimgen.synthetic_settings import SyntheticSettings
from stimgen.weights import randomise

LAYER = "inception4a"


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    Parameters
    ----------
    work
        What was done.
    rate, unit
        How much of it a second.
    ratio
        Times the rate of the usual way, measured in turns with it; None without one.
    share
        Part of the measured peak of this machine's arithmetic; None where that is no limit.
    """

    work: str
    rate: float
    unit: str
    ratio: float | None = None
    share: float | None = None


def measure_figures(device: torch.device, *, repeats: int = 3) -> Iterator[Figure]:
    """Measure everything, the quickest of some repeats each.

    Parameters
    ----------
    device
        Where the networks run.
    repeats
        Times that each way is measured, in turns.
    """
    peak = peak_flops(device)
    yield Figure("3 x 3 convolutions, the limit", peak / 1e9, "GFLOP/s")
    yield Figure("decoding photographs of 500 x 375", decode_rate(), "images/s")
    network = load_network("googlenet", "random", device=device)
    yield _sweep_figure(network, peak, repeats)
    yield _render_figure(network, peak, repeats)


def peak_flops(device: torch.device) -> float:
    """Return the operations a second of a convolution that suits the machine."""
    images = torch.randn(16, 256, 28, 28, device=device).to(memory_format=torch.channels_last)
    kernel = torch.randn(256, 256, 3, 3, device=device).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        seconds = _quickest(lambda: F.conv2d(images, kernel, padding=1), device, 8)
    return 2 * 16 * 256 * 256 * 9 * 28 * 28 / seconds


def decode_rate(n_images: int = 128) -> float:
    """Return how many JPEG photographs a second are read and cropped by all threads."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    photograph = Image.fromarray(pixels).resize((500, 375), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    photograph.save(file, "JPEG", quality=90)

    def read(_: int) -> np.ndarray:
        with Image.open(io.BytesIO(file.getvalue())) as image:
            return np.asarray(crop(image.convert("RGB"), 256, 224))

    start = time.perf_counter()
    for _ in prefetch(read, range(n_images)):
        pass
    return n_images / (time.perf_counter() - start)


def _sweep_figure(network: Network, peak: float, repeats: int, n_images: int = 96) -> Figure:
    """Compare a sweep of every unit with a hook loop that keeps every activation."""
    source = _Noise(n_images)
    layers = [layer.name for layer in network.layers]
    shown = ImagesSettings(resize_px=224)

    def own() -> None:
        sweep(network, source, layers, 10, shown, ActivationSettings(), quiet=True)

    module = _usual_googlenet(network.device)
    seconds = _in_turns(own, lambda: _hook_loop(module, source, layers), network.device, repeats)
    flops = _flops_forward(module, network.device) * n_images
    return Figure(
        "sweep of GoogLeNet, all units",
        n_images / seconds[0],
        "images/s",
        seconds[1] / seconds[0],
        flops / seconds[0] / peak,
    )


def _render_figure(network: Network, peak: float, repeats: int, steps: int = 4) -> Figure:
    """Compare rendering in batches with the full network and one image at a time."""
    units = [unit for unit in network.units([LAYER]) if unit.branch == "3x3"][:4]
    settings = SyntheticSettings(per_pole=4, steps=steps, image_px=256, margin_px=16)
    goals = [Goal(unit, "max", tuple(range(4))) for unit in units]
    n_images = len(goals) * 4

    def own() -> None:
        ascend(network, goals, settings, ActivationSettings(), 224)

    module = _usual_googlenet(network.device, frozen=False)
    usual_images = 2

    def usual() -> None:
        for unit in units[:usual_images]:
            _render_loop(module, unit, steps, network.device)

    seconds = _in_turns(own, usual, network.device, repeats)
    own_rate = n_images * steps / seconds[0]
    usual_rate = usual_images * steps / seconds[1]
    # A step goes forward and back, the latter to the image only: about twice a forward pass.
    flops = 2 * _flops_forward(module, network.device, LAYER)
    return Figure(
        f"rendering units of {LAYER}",
        own_rate,
        "image steps/s",
        own_rate / usual_rate,
        own_rate * flops / peak,
    )


class _Noise:
    """Images without a cost, so that the network alone is measured."""

    def __init__(self, n_images: int) -> None:
        rng = np.random.default_rng(0)
        self._pictures = [
            Image.fromarray(rng.integers(0, 256, (224, 224, 3), dtype=np.uint8)) for _ in range(8)
        ]
        self._n_images = n_images

    def __len__(self) -> int:
        return self._n_images

    def name(self, index: int) -> str:
        return f"noise-{index}"

    def load(self, index: int) -> Image.Image:
        return self._pictures[index % len(self._pictures)]

    sha256 = ""


def _usual_googlenet(device: torch.device, *, frozen: bool = True) -> nn.Module:
    from torchvision.models import googlenet

    module: nn.Module = googlenet(weights=None, aux_logits=False, init_weights=False)
    randomise(module, 0)
    return module.eval().requires_grad_(not frozen).to(device)


def _hook_loop(module: nn.Module, source: _Noise, layers: Sequence[str], batch: int = 16) -> None:
    """Record as is usual: hooks on the blocks, whole forward passes, everything kept."""
    kept: list[torch.Tensor] = []
    handles = [
        module.get_submodule(layer).register_forward_hook(
            lambda module, inputs, output: kept.append(output.mean((2, 3)).cpu())
        )
        for layer in layers
    ]
    device = next(module.parameters()).device
    with torch.no_grad():
        for start in range(0, len(source), batch):
            pixels = [np.array(source.load(i)) for i in range(start, start + batch)]
            images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255
            module(images.to(device))
    for handle in handles:
        handle.remove()


def _render_loop(module: nn.Module, unit: Unit, steps: int, device: torch.device) -> None:
    """Render as is usual: one image, the whole network, weights that ask for gradients too."""
    image = torch.randn(1, 3, 256, 256, device=device, requires_grad=True)
    optimiser = torch.optim.Adam([image], 0.05)
    found: list[torch.Tensor] = []
    handle = module.get_submodule(unit.layer).register_forward_hook(
        lambda module, inputs, output: found.append(output)
    )
    for _ in range(steps):
        found.clear()
        shifted = torch.roll(torch.sigmoid(image), (3, -2), (2, 3))[..., 16:-16, 16:-16]
        module(shifted)
        loss = similarity(found[0][None])[0] - found[0][:, unit.channel].mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    handle.remove()


class _Enough(Exception):
    """The layer of interest has been computed."""


def _flops_forward(module: nn.Module, device: torch.device, layer: str | None = None) -> float:
    """Return the operations of one image's forward pass, to the end or to a layer."""

    def stop(module: nn.Module, inputs: object, output: object) -> None:
        raise _Enough

    handle = module.get_submodule(layer).register_forward_hook(stop) if layer else None
    try:
        counter = FlopCounterMode(display=False)
        with torch.no_grad(), counter, contextlib.suppress(_Enough):
            module(torch.zeros(1, 3, 224, 224, device=device))
    finally:
        if handle:
            handle.remove()
    return float(counter.get_total_flops())


def _in_turns(
    own: Callable[[], object], usual: Callable[[], object], device: torch.device, repeats: int
) -> tuple[float, float]:
    """Measure two ways in turns, so that both meet the machine in the same state."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for way, kept in zip((own, usual), seconds, strict=True):
            kept.append(_quickest(way, device, 1))
    return min(seconds[0]), min(seconds[1])


def _quickest(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    def run() -> float:
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - start

    return min(run() for _ in range(repeats))


def machine(device: torch.device) -> str:
    """Return one line on the machine and the software that figures were measured with."""
    if device.type == "cuda":
        model = torch.cuda.get_device_name(device)
    else:
        model = f"{platform.machine()}, {torch.get_num_threads()} threads"
    versions = ", ".join(f"{p} {version(p)}" for p in ("unitscope", "torch", "torchvision"))
    return f"{device.type}: {model}; Python {platform.python_version()}, {versions}"


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a Markdown table."""
    lines = ["| work | rate | times the usual way | share of the limit |", "|---|---|---|---|"]
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.1f}"
        share = "" if figure.share is None else f"{100 * figure.share:.0f} %"
        lines.append(f"| {figure.work} | {figure.rate:.1f} {figure.unit} | {ratio} | {share} |")
    return "\n".join(lines)
