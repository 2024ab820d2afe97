"""Activation maps of a set's occluded base images and of its sharpened references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from stimgen.files import load_npz, read_png, save_npz
from stimgen.networks.network import Network
from stimgen.occlusion.activation_maps import activation_maps
from stimgen.occlusion.patches import Edit, Occlusion, Sharpening, offsets
from stimgen.sets.manifest import SetImage
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.occlusion_settings import OcclusionSettings
from unitscope.errors import BadInput
from unitscope.stimulus_set import sha256_of
from unitscope.vocabulary import Unit

MAPS = "maps"

FEW_POSITIONS = 256
"""Largest number of positions for which full passes are faster than incremental ones."""


@dataclass(frozen=True)
class MapJob:
    """A natural image of a unit, whose activation map is to be computed.

    Parameters
    ----------
    natural
        The image.
    kind
        ``occluded`` for a base image, ``blur`` for a reference.
    """

    natural: SetImage
    kind: str

    @property
    def map_path(self) -> str:
        """Path of the map within the set."""
        return map_path(self.natural.unit, self.kind, self.natural.batch or 0, self.natural.rank)


def map_path(unit: Unit, kind: str, batch: int, rank: int) -> str:
    """Return the path, in a set, of the map of an occluded base image or a blurred reference."""
    place = "" if kind == "occluded" else f"_r{rank:02d}"
    return f"{MAPS}/{unit.name}/{kind}_b{batch:02d}{place}.npz"


def jobs_for(
    naturals: Iterable[SetImage],
    settings: OcclusionSettings,
    n_batches: int,
    only: dict[Unit, tuple[int, ...]] | None = None,
) -> list[MapJob]:
    """Return the maps to compute, unit by unit: each batch's base image, then its references.

    A batch's base image is its most activating image.

    Parameters
    ----------
    naturals
        All natural images of a set.
    settings
        Number of batches, and whether there are blurred references.
    n_batches
        Number of batches of the set, without those of pairs.
    only
        Batches of units that need only some.
    """
    batches: dict[tuple[Unit, int], list[SetImage]] = {}
    n_wanted = min(n_batches, settings.batches or n_batches)
    for image in naturals:
        batch = image.batch if image.batch is not None else n_batches
        wanted = (only or {}).get(image.unit, range(n_wanted))
        if image.pole == "max" and batch < n_batches and batch in wanted:
            batches.setdefault((image.unit, batch), []).append(image)
    jobs = []
    for images in batches.values():
        *references, base = sorted(images, key=lambda image: image.rank)
        jobs.append(MapJob(base, "occluded"))
        jobs += [MapJob(reference, "blur") for reference in references if settings.blur]
    return jobs


def edit_of(kind: str, image: np.ndarray, settings: OcclusionSettings) -> Edit:
    """Return what makes images of a kind, ``occluded`` or ``blur``, from a natural image."""
    if kind == "occluded":
        return Occlusion(image)
    return Sharpening(image, settings.blur_kernel_px, settings.blur_sigma_px)


def n_positions(image: np.ndarray, settings: OcclusionSettings) -> int:
    """Return the number of positions of a patch.

    Raises
    ------
    BadInput
        If the image is not square, or smaller than the patch.
    """
    height, width = image.shape[:2]
    if height != width:
        raise BadInput(f"an image has {width} x {height} px, expected a square to occlude")
    try:
        return len(offsets(width, settings.size_px, settings.stride_px)) ** 2
    except ValueError as error:
        raise BadInput(f"occlusion: {error}") from None


def write_maps(
    network: Network,
    jobs: Sequence[MapJob],
    settings: OcclusionSettings,
    activation: ActivationSettings,
    folder: Path,
    *,
    quiet: bool = False,
) -> None:
    """Write the jobs' maps that the set's folder lacks.

    Parameters
    ----------
    network, jobs, settings, activation
        What to compute, and how.
    folder
        Folder of the set with the jobs' natural images.
    quiet
        Whether to show no progress.
    """
    # Units with the same image share its forward passes.
    groups: dict[tuple[str, str], list[MapJob]] = {}
    for job in jobs:
        if not (folder / job.map_path).exists():
            sha256 = sha256_of(folder / job.natural.path)
            groups.setdefault((job.kind, sha256), []).append(job)
    if not groups:
        return
    total = n_positions(read_png(folder / jobs[0].natural.path), settings) * len(groups)
    with tqdm(total=total, desc="occlude", unit="position", disable=quiet) as progress:
        for group in groups.values():
            save_maps(network, group, settings, activation, folder, progress.update)


def save_maps(
    network: Network,
    jobs: Sequence[MapJob],
    settings: OcclusionSettings,
    activation: ActivationSettings,
    folder: Path,
    report: Callable[[int], object] | None = None,
) -> None:
    """Compute and save the maps of units with the same image."""
    edit = edit_of(jobs[0].kind, read_png(folder / jobs[0].natural.path), settings)
    maps, base = activation_maps(
        network,
        edit,
        [job.natural.unit for job in jobs],
        activation,
        size_px=settings.size_px,
        stride_px=settings.stride_px,
        incremental=n_positions(edit.base, settings) > FEW_POSITIONS,
        report=report,
    )
    for job, values, whole in zip(jobs, maps, base, strict=True):
        saved = {
            "activations": values.astype(np.float32),
            "base_activation": np.float32(whole),
            "size_px": np.int64(settings.size_px),
            "stride_px": np.int64(settings.stride_px),
        }
        save_npz(saved, folder / job.map_path)


class SavedMap(NamedTuple):
    """A unit's activations, rows x columns of positions, and those of the image as it was."""

    activations: np.ndarray
    base_activation: float
    size_px: int
    stride_px: int


def load_map(path: Path) -> SavedMap:
    """Return an activation map of a set.

    Raises
    ------
    BadInput
        If it is not an activation map.
    """
    arrays = load_npz(path, "an activation map")
    try:
        found = SavedMap(
            arrays["activations"].astype(float),
            float(arrays["base_activation"]),
            int(arrays["size_px"]),
            int(arrays["stride_px"]),
        )
    except KeyError as error:
        raise BadInput(f"{path}: not an activation map (it holds no {error})") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"{path}: not an activation map ({error})") from None
    values = found.activations
    if values.ndim != 2 or not values.size or min(found.size_px, found.stride_px) < 1:
        raise BadInput(f"{path}: not an activation map (it has no rows and columns of positions)")
    return found
