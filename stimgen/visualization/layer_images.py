"""Images for a whole layer: DeepDream, and caricatures of a given image."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from stimgen.files import enlarge, save_png
from stimgen.networks.compute_device import pick_device
from stimgen.networks.network import Network, Side
from stimgen.networks.preprocessing import to_8bit, to_tensor
from stimgen.networks.registry import load_network
from stimgen.studies.build_settings import BuildSettings
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.sweeps.photographs import crop, read_rgb
from stimgen.visualization.ascend import climb
from stimgen.visualization.objectives import likeness, mean_square
from stimgen.visualization.parametrization import Parametrization
from stimgen.visualization.rendering_methods import open_method
from unitscope.errors import BadInput


def dream(
    network: Network,
    layer: str,
    settings: SyntheticSettings,
    seeds: Sequence[int],
    *,
    side: Side = "post",
    after_step: Callable[[int], object] = lambda n_steps: None,
) -> torch.Tensor:
    """Optimise images for the mean square of a whole layer (Mordvintsev et al., DeepDream, 2015).

    Parameters
    ----------
    network, layer, side
        Layer to activate.
    settings
        Settings of the optimisation; penalties and settings of single units have no effect.
    seeds
        One per image.
    after_step
        Called after each step with the number of steps done.

    Returns
    -------
    torch.Tensor
        Images x 3 x height x width in 0..1, without the margin.

    Examples
    --------
    >>> network = load_network("demo")
    >>> settings = SyntheticSettings(steps=2, image_px=48, margin_px=4, jitter_px=(4, 2))
    >>> dream(network, "inception3a", settings, seeds=[1]).shape
    torch.Size([1, 3, 40, 40])
    """

    def energy(seen: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        return mean_square(network.maps(seen, [layer], side)[layer].float())

    groups = [[seed] for seed in seeds]
    return climb(network, groups, energy, settings, is_fixed=True, after_step=after_step)


def caricature(
    network: Network,
    layer: str,
    reference: torch.Tensor,
    settings: SyntheticSettings,
    seeds: Sequence[int],
    *,
    side: Side = "post",
    cosine_power: float = 1.0,
    after_step: Callable[[int], object] = lambda n_steps: None,
) -> torch.Tensor:
    """Optimise images to exaggerate a layer's response to a given image (Lucid's caricatures).

    Parameters
    ----------
    network, layer, side
        Layer whose response is exaggerated.
    reference
        Given image, 3 x side x side in 0..1, with the side of images without their margin. It
        undergoes the same random transforms as the images.
    settings
        Settings of the optimisation; penalties and settings of single units have no effect.
    seeds
        One per image.
    cosine_power
        See :func:`likeness`.
    after_step
        Called after each step with the number of steps done.

    Returns
    -------
    torch.Tensor
        Images x 3 x height x width in 0..1, without the margin.

    Examples
    --------
    >>> network = load_network("demo")
    >>> settings = SyntheticSettings(steps=2, image_px=48, margin_px=4, jitter_px=(4, 2))
    >>> reference = torch.rand(3, 40, 40)
    >>> caricature(network, "inception3a", reference, settings, seeds=[1]).shape
    torch.Size([1, 3, 40, 40])
    """
    own = open_method(settings, network)
    margin = settings.margin_px
    framed = F.pad(reference[None].to(network.device), [margin] * 4, mode="reflect")

    def start(doubled: Sequence[int]) -> Parametrization:
        return _WithReference(own(doubled[: len(seeds)]), framed)

    def alike(seen: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        maps, wanted = network.maps(seen, [layer], side)[layer].float().chunk(2)
        return likeness(maps, wanted.detach(), cosine_power)

    # The copies of the reference have the images' seeds, and so their transforms.
    groups = [[seed] for seed in (*seeds, *seeds)]
    return climb(
        network, groups, alike, settings, start=start, is_fixed=True, after_step=after_step
    )


def save_layer_image(
    settings: BuildSettings,
    layer: str,
    out: Path,
    image: Path | None = None,
    *,
    side: Side = "post",
    cosine_power: float = 1.0,
    weights: str | None = None,
    seed: int = 0,
    device: str = "auto",
    quiet: bool = False,
) -> None:
    """Write a caricature of an image, or without one a DeepDream image of the layer, as PNG.

    Parameters
    ----------
    settings
        Settings of a build, for the network, the feature visualizations and the image's size.
    layer, side, cosine_power
        See :func:`caricature`.
    out
        File to write; one that is there is not overwritten.
    image
        Photograph, whose central square is used.
    weights
        Replaces the one in the settings.
    seed, device, quiet
        Seed of noise and transforms; device; whether to show no progress.

    Raises
    ------
    BadInput
        If the image cannot be read, ``out`` exists or cannot be written, or the network has no such
        layer.

    Examples
    --------
    >>> import tempfile
    >>> from stimgen.studies.build_settings import NetworkSettings, SampleSettings, UnitsSettings
    >>> settings = BuildSettings(
    ...     name="tiny",
    ...     network=NetworkSettings("demo"),
    ...     units=UnitsSettings(sample=SampleSettings(1)),
    ...     synthetic=SyntheticSettings(steps=1, image_px=48, margin_px=4, jitter_px=(4, 2)),
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     out = Path(folder) / "dream.png"
    ...     save_layer_image(settings, "inception3a", out, quiet=True, device="cpu")
    ...     read_rgb(out).size
    (224, 224)
    """
    if out.exists():
        raise BadInput(f"{out}: already exists; name another file by --out")
    wanted = settings.synthetic
    try:
        opened = read_rgb(image) if image is not None else None
    except (OSError, ValueError) as error:
        raise BadInput(f"{image}: cannot be read ({error})") from None
    named = settings.network
    network = load_network(
        **{**vars(named), "weights": weights or named.weights}, device=pick_device(device)
    )
    name = network.layer(layer).name
    with tqdm(total=wanted.steps, desc="render", unit="step", disable=quiet) as progress:

        def after_step(n_steps: int) -> None:
            progress.update()

        if opened is None:
            made = dream(network, name, wanted, [seed], side=side, after_step=after_step)
        else:
            kept = np.asarray(crop(opened, wanted.kept_px, wanted.kept_px))
            made = caricature(
                network,
                name,
                to_tensor([kept])[0],
                wanted,
                [seed],
                side=side,
                cosine_power=cosine_power,
                after_step=after_step,
            )
    try:
        save_png(enlarge(to_8bit(made)[0], settings.images.crop_px), out)
    except (OSError, ValueError) as error:
        raise BadInput(f"{out}: cannot be written ({error})") from None


class _WithReference(Parametrization):
    """Images followed by as many copies of a constant reference image."""

    def __init__(self, own: Parametrization, reference: torch.Tensor) -> None:
        self._own, self._reference = own, reference
        self.parameters, self.optimiser, self.buffers = own.parameters, own.optimiser, own.buffers

    def form(self, step: int) -> Hashable | None:
        return self._own.form(step)

    def prepare(self, step: int) -> None:
        self._own.prepare(step)

    def images(self) -> torch.Tensor:
        images = self._own.images()
        return torch.cat([images, self._reference.expand_as(images)])

    def update(self, step: int) -> None:
        self._own.update(step)

    def finished(self) -> torch.Tensor:
        return self._own.finished()
