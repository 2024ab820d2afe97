"""Export of a set's images to the folder layouts of earlier studies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from stimgen.networks.made_networks import is_made
from stimgen.networks.network import Layer
from stimgen.networks.registry import network_layers
from stimgen.sets.manifest import SetImage, set_images
from unitscope.disk import whole_folder
from unitscope.errors import BadInput, nearest
from unitscope.stimulus_set import StimulusSet

Layout = Callable[[SetImage, dict[str, Layer]], str | None]
"""Returns the path of an image in the layout, or None if it has no place there."""


def borowski2021(image: SetImage, layers: dict[str, Layer]) -> str | None:
    """Return ``layer_<layer>/kernel_size_<branch>/channel_<n>/...`` for an image.

    Natural images are ``natural_images/batch_<b>/<pole>_<rank>.png``, feature visualizations
    ``optimized_images/<pole>_<rank>.png``; n is the channel's index in its branch (our reading of
    Borowski et al., 2021).
    """
    unit = image.unit
    parts = [f"layer_{unit.layer}"]
    first = 0
    if unit.branch:
        branch = next(b for b in layers[unit.layer].branches if b.name == unit.branch)
        first = branch.channels.start
        parts += [f"kernel_size_{unit.branch}"]
    parts += [f"channel_{unit.channel - first}"]
    if image.kind == "natural":
        parts += ["natural_images", f"batch_{image.batch}"]
    elif image.kind == "synthetic" and image.batch is None:
        parts += ["optimized_images"]
    else:
        return None
    return "/".join([*parts, f"{image.pole}_{image.rank}.png"])


LAYOUTS: dict[str, Layout] = {"borowski2021": borowski2021}


def _layers(network: str) -> tuple[Layer, ...]:
    if is_made(network):
        raise BadInput(f"the manifest has branches of network {network!r}, which has none")
    return network_layers(network)


def export(stimuli: StimulusSet, layout: str, out: Path, *, quiet: bool = False) -> tuple[int, int]:
    """Copy a set's images into a new folder.

    Parameters
    ----------
    stimuli
        The set, which is not changed.
    layout
        A name in ``LAYOUTS``.
    out
        Folder to create.
    quiet
        Whether to show no progress.

    Returns
    -------
    n_copied, n_excluded : int
        Number of images copied, and number of those without a place in the layout.

    Raises
    ------
    BadInput
        If there is no such layout, or the folder already exists or cannot be written.
    """
    if layout not in LAYOUTS:
        raise BadInput(
            f"no layout {layout!r}, expected one of {', '.join(LAYOUTS)}{nearest(layout, LAYOUTS)}"
        )
    if out.exists():
        raise BadInput(f"{out}: already exists; give another folder with --out")
    images = set_images(stimuli.manifest)
    layers = {
        layer.name: layer
        for network in sorted({image.unit.network for image in images if image.unit.branch})
        for layer in _layers(network)
    }
    n_copied = 0
    with whole_folder(out) as folder:
        paths = stimuli.manifest["path"]
        for image, path in tqdm(
            zip(images, paths, strict=True),
            total=len(images),
            desc="export",
            unit="image",
            disable=quiet,
        ):
            place = LAYOUTS[layout](image, layers)
            if place is None:
                continue
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(stimuli.file(path), target)
            except FileNotFoundError:
                raise BadInput(
                    f"{stimuli.file(path)}: is missing, although it is in the manifest"
                ) from None
            n_copied += 1
    return n_copied, len(images) - n_copied
