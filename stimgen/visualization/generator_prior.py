"""Images of a generator network whose input, the code, is optimised (DGN-AM).

Nguyen, Dosovitskiy, Yosinski, Brox & Clune, NeurIPS 2016, doi:10.48550/arXiv.1605.09304: the images
of a generator look natural, so no other prior is needed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stimgen.networks.compute_device import is_waited_for
from stimgen.networks.preprocessing import resize
from stimgen.networks.weights import hash_weights, load_weights, read_checkpoint
from stimgen.studies.synthetic_settings import GeneratorSettings
from stimgen.visualization.parametrization import Parametrization
from unitscope.errors import BadInput
from unitscope.named_functions import find_function, reason


@dataclass(frozen=True)
class Generator:
    """A frozen network that generates images.

    Parameters
    ----------
    module
        Maps images x code to images x 3 x height x width, red, green and blue in 0..1; other
        values are clipped.
    code_shape
        Shape of one image's code.
    code_sd
        Standard deviation of each element of the code over natural images, of the code's shape;
        None if the code has no bounds.
    weights_sha256
        SHA-256 of all weights.
    """

    module: nn.Module
    code_shape: tuple[int, ...]
    code_sd: torch.Tensor | None
    weights_sha256: str


def load_generator(
    settings: GeneratorSettings, base: Path = Path(), device: torch.device | str = "cpu"
) -> Generator:
    """Load the generator that the settings name, and check it with one image.

    Parameters
    ----------
    settings
        Settings of the generator.
    base
        Folder to which the checkpoint's path is relative.
    device
        Device on which it runs.

    Raises
    ------
    BadInput
        If there is no such function, the weights do not fit, the shape of the code is unknown, or
        the output is not an image that depends on the code.

    Examples
    --------
    >>> generator = load_generator(GeneratorSettings())
    >>> generator.code_shape
    (192,)
    >>> generator.module(torch.zeros(1, 192)).shape
    torch.Size([1, 3, 64, 64])
    """
    module = _make(settings.factory)
    if settings.checkpoint is not None:
        path = str(base / settings.checkpoint)
        load_weights(module, read_checkpoint(path, ()), path)
    module = module.eval().requires_grad_(False).to(device)
    shape = settings.code_shape or tuple(getattr(module, "code_shape", ()))
    if not shape:
        raise BadInput(
            f"synthetic.generator: {settings.factory} has no code_shape; give it in the settings"
        )
    try:
        drawn = module(torch.zeros(1, *shape, device=device, requires_grad=True))
    except Exception as error:
        raise BadInput(
            f"synthetic.generator: {settings.factory} does not accept codes of shape "
            f"{list(shape)} ({error})"
        ) from None
    if not isinstance(drawn, torch.Tensor) or drawn.ndim != 4 or drawn.shape[:2] != (1, 3):
        found = list(drawn.shape) if isinstance(drawn, torch.Tensor) else type(drawn).__name__
        raise BadInput(
            f"synthetic.generator: {settings.factory} outputs {found}, expected images x 3 x "
            "height x width"
        )
    if not drawn.requires_grad or not bool(torch.isfinite(drawn).all()):
        raise BadInput(
            f"synthetic.generator: {settings.factory} outputs images without a gradient, or that "
            "are not finite"
        )
    return Generator(module, shape, _code_sd(settings, module, shape), hash_weights(module))


def _make(factory: str) -> nn.Module:
    function = find_function(factory, "synthetic.generator.factory")
    try:
        made = function()
    except (Exception, SystemExit) as error:  # the user's function may raise anything
        raise BadInput(
            f"synthetic.generator.factory {factory!r} failed ({reason(error)})"
        ) from None
    if not isinstance(made, nn.Module):
        raise BadInput(f"synthetic.generator.factory {factory!r} makes no torch.nn.Module")
    return made


def _code_sd(
    settings: GeneratorSettings, module: nn.Module, shape: tuple[int, ...]
) -> torch.Tensor | None:
    if settings.code_sd is not None:
        return torch.full(shape, settings.code_sd, device=next(iter(module.parameters())).device)
    found = getattr(module, "code_sd", None)
    if isinstance(found, torch.Tensor) and found.shape != shape:
        raise BadInput(
            f"synthetic.generator: {settings.factory} has a code_sd of shape {list(found.shape)}, "
            f"expected that of the code, {list(shape)}"
        )
    return found if isinstance(found, torch.Tensor) else None


class GeneratorImages(Parametrization):
    """Images of a generator, parametrised by their codes.

    Each code starts from noise drawn from its own image's seed. In each step it moves along its
    gradient, divided by the gradient's mean absolute value, is multiplied by ``shrink`` and clipped
    to 0..``bound_sd`` standard deviations, the range of natural images.

    Parameters
    ----------
    seeds
        One per image.
    generator
        The generator.
    settings
        Step lengths and bounds.
    size_px
        Side of the images, to which the generator's output is resized.
    steps
        Number of steps of the optimisation.
    device
        Device of the images.

    Attributes
    ----------
    code
        Images x code, the optimised parameters.

    Examples
    --------
    >>> settings = GeneratorSettings()
    >>> images = GeneratorImages([1, 2], load_generator(settings), settings, size_px=32, steps=8)
    >>> images.code.shape
    torch.Size([2, 192])
    >>> images.images().shape
    torch.Size([2, 3, 32, 32])
    """

    def __init__(
        self,
        seeds: Sequence[int],
        generator: Generator,
        settings: GeneratorSettings,
        *,
        size_px: int,
        steps: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self.size_px = size_px
        self._generator, self._settings, self._steps = generator, settings, steps
        # Drawn by numpy on the CPU, so that every device starts from the same noise.
        shape = generator.code_shape
        start = np.stack([np.random.default_rng(seed).standard_normal(shape) for seed in seeds])
        self.code = torch.tensor(start, dtype=torch.float32, device=device)
        self._bound()
        self.parameters = (self.code.requires_grad_(),)
        self.optimiser = torch.optim.SGD(self.parameters, lr=settings.first_step)
        self._length = torch.zeros((), device=device)
        self.buffers = {}

    def images(self) -> torch.Tensor:
        """Return images x 3 x size x size in 0..1."""
        drawn: torch.Tensor = self._generator.module(self.code)
        return resize(drawn.clamp(0, 1), self.size_px)

    def form(self, step: int) -> Hashable:
        """Return the same for all steps, whose length is a tensor on CUDA."""
        return ()

    def prepare(self, step: int) -> None:
        """Write a step's length, which decreases linearly."""
        first, last = self._settings.first_step, self._settings.last_step
        length = first + (last - first) * step / max(self._steps - 1, 1)
        self.optimiser.param_groups[0]["lr"] = length
        self._length.fill_(length)

    def update(self, step: int) -> None:
        """Make one step along the normalised gradient, shrink the codes and clip them."""
        # Nguyen et al. (2016), for the code y, its gradient g and a step length e that decreases:
        #   y <- clip(shrink (y + e g / mean|g|), 0, bound_sd sd)
        assert self.code.grad is not None
        size = self.code.grad.flatten(1).abs().mean(1).clamp_min(1e-30)
        self.code.grad /= size.view(-1, *[1] * len(self._generator.code_shape))
        if not is_waited_for(self.code.device):
            self.optimiser.step()
        with torch.no_grad():
            if is_waited_for(self.code.device):  # torch's own takes the length from the CPU
                self.code -= self._length * self.code.grad
            self.code *= self._settings.shrink
            self._bound()

    def _bound(self) -> None:
        sd = self._generator.code_sd
        if sd is not None:
            self.code.clamp_(torch.zeros_like(sd), self._settings.bound_sd * sd)
