"""Pass over all images once and keep, for every unit, those that drive it least and most."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from conditions.errors import BadInput
from conditions.vocabulary import Unit
from stimgen.images import ImageSource, crop
from stimgen.networks import Network
from stimgen.prefetch import prefetch
from stimgen.preprocessing import to_tensor
from stimgen.settings import ActivationSettings, ImagesSettings
from stimgen.workers import with_network

_Batch = tuple[list[int], list[np.ndarray]]

_LARGEST_INDEX = 2**32 - 1


class RunningTop:
    """The k largest values of every row and the indices they came with.

    A value and its index are one whole number, so that the result does not depend on the order
    or the grouping in which values arrive; of equal values the one with the smaller index wins.

    Parameters
    ----------
    n_rows
        Number of rows (units).
    k
        How many to keep.
    device
        Where the values arrive.
    """

    def __init__(self, n_rows: int, k: int, device: torch.device | str = "cpu") -> None:
        self.k = k
        self._keys = torch.empty((n_rows, 0), dtype=torch.int64, device=device)

    def add(self, values: torch.Tensor, indices: torch.Tensor) -> None:
        """Take in values (rows x new, float32) that came with indices (new, below 2**32)."""
        keys = torch.cat([self._keys, _keys(values, indices)], 1)
        if keys.shape[1] > self.k:
            keys = keys.topk(self.k, sorted=False).values
        self._keys = keys

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return values (float32) and indices (int64), rows x k, largest first."""
        keys = self._keys.sort(1, descending=True).values.cpu()
        bits = (keys >> 32).to(torch.int32)
        values = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).view(torch.float32)
        return values.numpy(), (_LARGEST_INDEX - (keys & _LARGEST_INDEX)).numpy()


def _keys(values: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    # Flipping a negative float's lower bits makes whole numbers sort as the floats do.
    bits = (values.float() + 0.0).contiguous().view(torch.int32)
    sortable = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(torch.int64)
    return (sortable << 32) | (_LARGEST_INDEX - indices.to(torch.int64))


class RunningMoments:
    """Mean and standard deviation of every row, merged as in Chan et al. (1983)."""

    def __init__(self, n_rows: int, device: torch.device | str = "cpu") -> None:
        self.n = 0
        self._mean = torch.zeros(n_rows, dtype=torch.float64, device=device)
        self._squares = torch.zeros_like(self._mean)

    def add(self, values: torch.Tensor) -> None:
        """Take in values, rows x new."""
        values = values.double()
        n, mean = values.shape[1], values.mean(1)
        shift = mean - self._mean
        total = self.n + n
        self._squares += (values - mean[:, None]).square().sum(1)
        self._squares += shift.square() * (self.n * n / total)
        self._mean += shift * (n / total)
        self.n = total

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation (of the images at hand: divided by n)."""
        sd = (self._squares / max(self.n, 1)).sqrt()
        return self._mean.cpu().numpy(), sd.cpu().numpy()


@dataclass(frozen=True)
class Sweep:
    """What a pass over the images found.

    Parameters
    ----------
    units
        Names of the units, one per row of the arrays.
    top_values, top_indices
        Units x k, the most activating image first.
    bottom_values, bottom_indices
        Units x k, the least activating image first.
    mean, sd
        Over all images, one per unit.
    n_images
        Images that could be read.
    skipped
        Name and fault of each image that could not.
    """

    units: tuple[str, ...]
    top_values: np.ndarray
    top_indices: np.ndarray
    bottom_values: np.ndarray
    bottom_indices: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    n_images: int
    skipped: tuple[str, ...] = ()

    def row(self, unit: Unit) -> int:
        """Return the row of a unit."""
        return self.units.index(unit.name)

    def save(self, path: Path) -> None:
        """Write as a numpy archive without pickles, whole or not at all."""
        partial = path.with_name(f".{path.name}.partial")
        with partial.open("wb") as file:
            np.savez(
                file,
                units=np.array(self.units, dtype=np.str_),
                top_values=self.top_values,
                top_indices=self.top_indices,
                bottom_values=self.bottom_values,
                bottom_indices=self.bottom_indices,
                mean=self.mean,
                sd=self.sd,
                n_images=np.array(self.n_images),
                skipped=np.array(self.skipped, dtype=np.str_),
            )
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Sweep:
        """Read what :meth:`save` wrote.

        Raises
        ------
        BadInput
            If it is no such archive.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = dict(archive)
            return cls(
                units=tuple(arrays.pop("units").tolist()),
                skipped=tuple(arrays.pop("skipped").tolist()),
                n_images=int(arrays.pop("n_images")),
                **arrays,
            )
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise BadInput(f"{path}: not a sweep ({error})") from None


def sweep(
    network: Network,
    source: ImageSource,
    layers: Sequence[str],
    k: int,
    images: ImagesSettings,
    activation: ActivationSettings,
    *,
    batch: int = 16,
    merge_every: int = 16,
    quiet: bool = False,
) -> Sweep:
    """Pass over all images once; memory does not grow with their number.

    Parameters
    ----------
    network, source
        What to run over what.
    layers
        Layers whose units are all recorded.
    k
        How many images to keep at each pole.
    images
        How images are cropped.
    activation
        What is recorded.
    batch, merge_every
        Images in a forward pass, and passes between two updates of the tops.
    quiet
        Whether to show no progress.

    Raises
    ------
    BadInput
        If fewer than 2 k images can be read, or an activation is not finite.
    """
    require(len(source), k)
    units = tuple(unit.name for unit in network.units(layers))
    tops = RunningTop(len(units), k, network.device)
    bottoms = RunningTop(len(units), k, network.device)
    moments = RunningMoments(len(units), network.device)
    skipped: list[str] = []
    waiting: list[tuple[torch.Tensor, torch.Tensor]] = []

    def merge() -> None:
        values = torch.cat([values for values, _ in waiting]).T
        indices = torch.cat([indices for _, indices in waiting])
        tops.add(values, indices)
        bottoms.add(-values, indices)
        moments.add(values)
        waiting.clear()

    def record(own: Network, item: _Batch) -> tuple[list[int], torch.Tensor]:
        indices, pictures = item
        pixels = to_tensor(pictures, own.device)
        return indices, own.activations(pixels, layers, activation.side, activation.reduction)

    batches = _batches(source, images, batch, skipped, quiet)
    for indices, values in with_network(network, record, batches):
        if not bool(torch.isfinite(values).all()):
            unit = units[int((~values.isfinite()).any(0).nonzero()[0])]
            raise BadInput(f"unit {unit} of network {network.name!r} is not finite for some image")
        waiting.append((values, torch.tensor(indices, device=values.device)))
        if len(waiting) == merge_every:
            merge()
    if waiting:
        merge()
    require(moments.n, k, len(skipped))
    (top_values, top_indices), (low_values, low_indices) = tops.result(), bottoms.result()
    mean, sd = moments.result()
    return Sweep(
        units=units,
        top_values=top_values,
        top_indices=top_indices,
        bottom_values=0 - low_values,
        bottom_indices=low_indices,
        mean=mean,
        sd=sd,
        n_images=moments.n,
        skipped=tuple(skipped),
    )


def require(n_images: int, k: int, n_skipped: int = 0) -> None:
    """Refuse to choose k images at each pole, none at both, among fewer than 2 k.

    Raises
    ------
    BadInput
        Saying how many images there are and how many are needed.
    """
    if n_images < 2 * k:
        unreadable = f" ({n_skipped} more cannot be read)" if n_skipped else ""
        raise BadInput(
            f"found {n_images} images{unreadable}, need at least {2 * k}: {k} at each pole; "
            "give more images or lower natural.n_batches"
        )


def _batches(
    source: ImageSource, settings: ImagesSettings, batch: int, skipped: list[str], quiet: bool
) -> Iterator[_Batch]:
    def load(index: int) -> tuple[int, np.ndarray | str]:
        try:
            image = crop(source.load(index), settings.resize_px, settings.crop_px)
        except Exception as error:  # decoders raise whatever they like on a broken file
            return index, f"{source.name(index)}: {error}"
        return index, np.asarray(image)

    indices: list[int] = []
    pictures: list[np.ndarray] = []
    loaded = prefetch(load, range(len(source)))
    for index, picture in tqdm(
        loaded, total=len(source), desc="sweep", unit="image", disable=quiet
    ):
        if isinstance(picture, str):
            skipped.append(picture)
            continue
        indices.append(index)
        pictures.append(picture)
        if len(indices) == batch:
            yield indices, pictures
            indices, pictures = [], []
    if indices:
        yield indices, pictures
