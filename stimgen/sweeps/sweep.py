"""The sweep: find, for every unit, the images that activate it least and most."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from stimgen.files import load_npz, save_npz
from stimgen.loops import has_numba
from stimgen.networks.compute_device import free_gib, memory_gib
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_tensor
from stimgen.studies.build_settings import ActivationSettings, ImagesSettings
from stimgen.sweeps.checkpoints import Checkpoints
from stimgen.sweeps.device_decoder import device_decoder
from stimgen.sweeps.halving import Halving
from stimgen.sweeps.image_reading import Batch, read_batches
from stimgen.sweeps.image_sources import ImageSource
from stimgen.sweeps.ranks import Ranks
from stimgen.sweeps.running import HISTOGRAM_EDGES
from stimgen.sweeps.tally import Tally
from stimgen.sweeps.workers import with_network
from unitscope.errors import BadInput
from unitscope.vocabulary import Unit

BATCH = {"cpu": 32, "cuda": 512}
"""Images in a forward pass, by type of device; larger batches are not faster."""

LITTLE_MEMORY_GIB, LITTLE_BATCH = 20, 128
"""Memory of a CUDA device below which it gets smaller batches."""


def batch_on(device: torch.device) -> int:
    """Return the number of images in a forward pass."""
    if device.type == "cuda":
        return _with_memory(memory_gib(device))
    return BATCH[device.type]


def _with_memory(gib: float) -> int:
    return LITTLE_BATCH if gib < LITTLE_MEMORY_GIB else BATCH["cuda"]


def most_at_once(device: torch.device) -> int | None:
    """Return how many images of a batch pass at a time, all if None.

    What other programs use counts here: parts of a batch round as its halves do, which differs in
    the last digits only, while the division into batches stays the same.
    """
    return _with_memory(free_gib(device)) if device.type == "cuda" else None


_ARRAYS = (
    "top_values",
    "top_indices",
    "bottom_values",
    "bottom_indices",
    "mean",
    "sd",
    "histogram",
)


@dataclass(frozen=True)
class Sweep:
    """Result of a sweep.

    Parameters
    ----------
    units
        Names of the units, one per row of the arrays.
    top_values, top_indices
        Units x k: activations and image indices, the most activating image first.
    bottom_values, bottom_indices
        Units x k: activations and image indices, the least activating image first.
    mean, sd
        Mean and standard deviation over all images, one per unit; exact sums, rounded once.
    histogram
        Units x bins: number of images between successive
        :data:`stimgen.sweeps.running.HISTOGRAM_EDGES`.
    n_images
        Number of images that could be read.
    skipped
        Name and error of each image that could not be read.
    """

    units: tuple[str, ...]
    top_values: np.ndarray
    top_indices: np.ndarray
    bottom_values: np.ndarray
    bottom_indices: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    histogram: np.ndarray
    n_images: int
    skipped: tuple[str, ...] = ()

    def row(self, unit: Unit) -> int:
        """Return the row of a unit."""
        return self.units.index(unit.name)

    def save(self, path: Path) -> None:
        """Write a numpy archive without pickles."""
        arrays = {
            "units": np.array(self.units, dtype=np.str_),
            "n_images": np.array(self.n_images),
            "skipped": np.array(self.skipped, dtype=np.str_),
            "histogram_edges": HISTOGRAM_EDGES,
        }
        save_npz(arrays | {name: getattr(self, name) for name in _ARRAYS}, path)

    @classmethod
    def load(cls, path: Path) -> Sweep:
        """Read what :meth:`save` wrote.

        Raises
        ------
        BadInput
            If it is not such an archive.
        """
        arrays = load_npz(path, "a sweep")
        try:
            return cls(
                units=tuple(arrays["units"].tolist()),
                skipped=tuple(arrays["skipped"].tolist()),
                n_images=int(arrays["n_images"]),
                **{name: arrays[name] for name in _ARRAYS},
            )
        except KeyError as error:
            raise BadInput(f"{path}: not a sweep (it holds no {error})") from None


def sweep(
    network: Network,
    source: ImageSource,
    layers: Sequence[str],
    k: int,
    images: ImagesSettings,
    activation: ActivationSettings,
    *,
    n_poles: int = 2,
    reserve: int = 0,
    batch: int | None = None,
    merge_every: int = 1024,
    checkpoints: Checkpoints | None = None,
    observe: Callable[[Sequence[int], np.ndarray], object] | None = None,
    quiet: bool = False,
) -> Sweep | None:
    """Pass over all images once; memory does not grow with their number.

    Images go through the network in batches of consecutive indices, and statistics are summed
    without rounding. So the result is the same, bit for bit, for any number of ranks and
    interruptions, on devices that compute a batch alike.

    Parameters
    ----------
    network, source
        Network, and the images.
    layers
        Layers whose units are all recorded.
    k
        Number of images to keep at each pole.
    images
        How images are decoded and cropped.
    activation
        How a unit's activation is computed.
    n_poles
        Number of poles for which images will be chosen; no image may be needed at both.
    reserve
        Number of images to keep beyond k, in place of some that show the same.
    batch, merge_every
        Images in a forward pass (by default :func:`batch_on`; halved when memory runs out), and
        between two updates of the statistics.
    checkpoints
        Intermediate results to resume from and to write, and the rank of this process; none, and a
        single process, if None.
    observe
        Called with the indices and activations (images x units) of each batch, before a checkpoint
        counts the batch as done.
    quiet
        Whether to show no progress.

    Returns
    -------
    Sweep or None
        None on all ranks except the first.

    Raises
    ------
    BadInput
        If fewer than k images per pole can be read, an activation is not finite, or decoding on
        CUDA is not available.
    """
    require(len(source), k, n_poles)
    units = tuple(unit.name for unit in network.units(layers))
    batch = batch or batch_on(network.device)
    n_batches = -(-len(source) // batch)
    decoder = device_decoder(images, network.device)
    decode = "cpu" if decoder is None else "cuda"
    kept = k + reserve
    mark = _mark(network, source, units, kept, images, activation, batch, decode)
    ranks = checkpoints.ranks if checkpoints else Ranks()
    tally = Tally(len(units), kept, n_batches, network.device, wait=merge_every)
    done = checkpoints.resume(tally, mark) if checkpoints else tally.done
    left = [n for n in range(ranks.rank, n_batches, ranks.world) if not done[n]]
    is_quiet = quiet or not ranks.is_first
    batches = read_batches(source, images, batch, left, is_quiet, decoder, network.device)

    saved_s = time.monotonic()
    for item, values in recorded(network, layers, activation, batches):
        if not bool(torch.isfinite(values).all()):
            unit = units[int((~values.isfinite()).any(0).nonzero()[0])]
            raise BadInput(f"unit {unit} of network {network.name!r} is not finite for some image")
        if observe is not None:
            observe(item.indices, values.cpu().numpy())
        tally.add(values.T, torch.tensor(item.indices, dtype=torch.int64, device=values.device))
        tally.done[item.number] = True
        tally.skipped.update(item.skipped)
        if checkpoints and time.monotonic() - saved_s >= checkpoints.every_s:
            checkpoints.save(tally, mark)
            saved_s = time.monotonic()
    tally.flush()
    if checkpoints:
        checkpoints.save(tally, mark)
        ranks.wait()
        if not ranks.is_first:
            return None
        tally = Tally(len(units), kept, n_batches, network.device)
        checkpoints.merge(tally, mark)
    require(tally.moments.n, k, n_poles, len(tally.skipped))
    return summary(tally, units)


def recorded(
    network: Network,
    layers: Sequence[str],
    activation: ActivationSettings,
    batches: Iterable[Batch],
) -> Iterator[tuple[Batch, torch.Tensor]]:
    """Run the network on batches and yield each with its activations, images x units.

    Batches that do not fit into memory are processed in halves.
    """
    n_units = len(network.units(layers))
    fitting = Halving(most=most_at_once(network.device))

    def activations(own: Network, images: torch.Tensor) -> torch.Tensor:
        seen = to_tensor(images, own.device)
        return own.activations(seen, layers, activation.side, activation.reduction)

    def record(own: Network, item: Batch) -> tuple[Batch, torch.Tensor]:
        values = fitting(lambda part: activations(own, part), item.images)
        return item, torch.cat([torch.empty((0, n_units), device=own.device), *values])

    yield from with_network(network, record, batches)


def _mark(
    network: Network,
    source: ImageSource,
    units: Sequence[str],
    k: int,
    images: ImagesSettings,
    activation: ActivationSettings,
    batch: int,
    decode: str,
) -> str:
    """Return a hash of everything that determines a sweep, so that no two sweeps are mixed."""
    # By whom images are decoded does not change them.
    cropped = {**dataclasses.asdict(images), "decode": decode}
    del cropped["decode_processes"]
    content = {
        "network": [network.name, network.weights_sha256, network.input_px, network.precision],
        "images": [source.sha256, cropped, batch],
        "kept": [units, k, dataclasses.asdict(activation)],
        # These change rounding.
        "computed": [network.device.type, torch.__version__, has_numba()],
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def summary(tally: Tally, units: tuple[str, ...]) -> Sweep:
    """Return the result of a flushed tally of all images."""
    (top_values, top_indices), (low_values, low_indices) = (
        tally.tops.result(),
        tally.bottoms.result(),
    )
    mean, sd = tally.moments.result()
    return Sweep(
        units=units,
        top_values=top_values,
        top_indices=top_indices,
        bottom_values=low_values,
        bottom_indices=low_indices,
        mean=mean,
        sd=sd,
        histogram=tally.histogram.result(),
        n_images=tally.moments.n,
        skipped=tuple(fault for _, fault in sorted(tally.skipped.items())),
    )


def require(n_images: int, k: int, n_poles: int = 2, n_skipped: int = 0) -> None:
    """Raise an error if there are fewer than k different images for each pole.

    Raises
    ------
    BadInput
        Naming the number of images and the number needed.
    """
    if n_images < n_poles * k:
        unreadable = f" ({n_skipped} more cannot be read)" if n_skipped else ""
        raise BadInput(
            f"found {n_images} images{unreadable}, need at least {n_poles * k}: {k} at each pole; "
            "give more images or lower natural.n_batches"
        )
