"""Choose the natural images of each unit, and save them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stimgen.files import save_png
from stimgen.seeds import shuffled
from stimgen.sets.manifest import SetImage
from stimgen.studies.build_settings import ImagesSettings
from stimgen.studies.natural_settings import NaturalSettings, QuerySettings
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.image_reading import Pixels, read_images
from stimgen.sweeps.image_sources import ImageSource
from stimgen.sweeps.prefetch import prefetch
from stimgen.sweeps.same_images import Shown, all_different
from stimgen.sweeps.sweep import Sweep
from unitscope.errors import BadInput
from unitscope.vocabulary import Unit


@dataclass(frozen=True)
class Exemplar:
    """A natural image with its pole, batch and rank, and its activation in the sweep.

    Ranks are the indices of a pole's bins, in ascending order of activation. The query of the max
    pole has the last rank, the query of the min pole rank 0.
    """

    pole: str
    batch: int
    rank: int
    index: int
    activation: float = np.nan


def bin_and_shuffle(
    ascending: Sequence[int],
    n_batches: int,
    n_bins: int,
    *seed: object,
    shuffle_top: bool = True,
) -> list[list[int]]:
    """Divide images into rank bins and deal each bin out to the batches (Borowski et al., 2021).

    Parameters
    ----------
    ascending
        Indices of ``n_batches * n_bins`` images in ascending order of activation.
    n_batches, n_bins
        Number of batches, which is also the size of a bin, and number of bins.
    seed
        Determines, with the images, how each bin is shuffled.
    shuffle_top
        Whether the last bin is shuffled too; if not, batch b of n gets the (n - b)-th most
        activating image.

    Returns
    -------
    list of list of int
        For each batch one image of each bin, in ascending order of activation.
    """
    if len(ascending) != n_batches * n_bins:
        raise ValueError(f"got {len(ascending)} images, expected {n_batches} x {n_bins}")
    bins = [ascending[start : start + n_batches] for start in range(0, len(ascending), n_batches)]
    dealt = [shuffled(images, *seed) for images in bins]
    if not shuffle_top:
        dealt[-1:] = [list(images) for images in bins[-1:]]
    return [list(batch) for batch in zip(*dealt, strict=True)]


def choose(
    sweep: Sweep,
    unit: Unit,
    wanted: NaturalSettings,
    poles: Sequence[str],
    seed: int,
    activations: np.ndarray | None = None,
    shown: Shown = all_different,
) -> list[Exemplar]:
    """Choose a unit's natural images: pole after pole, by batch and rank.

    Parameters
    ----------
    sweep
        Result of the sweep.
    unit, wanted, poles
        Unit, settings and poles.
    seed
        Seed of the set.
    activations
        The unit's activation for every image, NaN where it could not be read; needed for queries
        by percentile.
    shown
        Says which images show the same; of these, one is chosen.

    Raises
    ------
    BadInput
        If there are too few different images, or all activate the unit equally.
    """
    row = sweep.row(unit)
    ends = {
        "max": (sweep.top_indices[row], sweep.top_values[row]),
        "min": (sweep.bottom_indices[row], sweep.bottom_values[row]),
    }
    values = {
        int(index): float(value) for pole in poles for index, value in zip(*ends[pole], strict=True)
    }
    contents = shown(values)
    used: set[int] = set()
    chosen: list[Exemplar] = []
    for pole in poles:
        taken = {contents[index] for index in used}
        extremes = [index for index in ends[pole][0].tolist() if contents[index] not in taken]
        extremes = _different(extremes, contents)[: wanted.n_extremes]
        if len(extremes) < wanted.n_extremes:
            raise BadInput(
                f"natural: of the {len(ends[pole][0])} images that activate {unit.name} "
                f"{'most' if pole == 'max' else 'least'}, {len(extremes)} show something else "
                f"than the others, expected {wanted.n_extremes}; give more images without copies"
            )
        used.update(extremes)
        ascending = extremes if pole == "min" else extremes[::-1]
        batches = _deal(ascending, pole, wanted.n_batches, wanted.n_dealt, wanted, seed, unit)
        if wanted.queries is not None:
            assert activations is not None
            window = _queries(activations, pole, wanted, unit, used, shown)
            used.update(window)
            values |= {index: float(activations[index]) for index in window}
            contents = shown(values)
            queries = shuffled(window, seed, unit.name, pole, "query")
            for batch, query in zip(batches, queries, strict=False):
                batch.insert(0 if pole == "min" else len(batch), query)
        batches += _deal(ascending, pole, wanted.pair_batches, 2, wanted, seed, unit, "pair")
        chosen += [
            Exemplar(pole, batch, rank, index, values[index])
            for batch, indices in enumerate(batches)
            for rank, index in enumerate(indices)
        ]
    _check_order(chosen, unit)
    return chosen


def _queries(
    activations: np.ndarray,
    pole: str,
    wanted: NaturalSettings,
    unit: Unit,
    used: Collection[int],
    shown: Shown,
) -> list[int]:
    """Return the images of the percentile's window, which show something else than those used."""
    assert wanted.queries is not None
    left = activations.copy()
    while True:
        window = rank_window(left, pole, wanted.queries, wanted.n_queries_from)
        if set(used) & set(window):
            raise BadInput(
                f"natural.queries: the {len(window)} images around percentile "
                f"{wanted.queries.percentile:g} overlap with the {len(used)} references of "
                f"{unit.name}; give more images or a percentile closer to 50"
            )
        both = [*used, *window]
        contents = shown({index: float(activations[index]) for index in both})
        different = set(_different(both, contents))
        copies = [index for index in window if index not in different]
        if not copies:
            return window
        left[copies] = np.nan


def _check_order(chosen: Sequence[Exemplar], unit: Unit) -> None:
    """Check that each batch's query of the max pole activates the unit more than its other."""
    queries: dict[tuple[str, int], float] = {}
    for image in chosen:
        if image.pole == "max" or image.rank == 0:
            queries[image.pole, image.batch] = image.activation
    for (pole, batch), low in queries.items():
        if pole == "min" and not low < queries.get(("max", batch), np.inf):
            raise BadInput(
                f"natural: the images that activate {unit.name} most and least all activate it by "
                f"{low:g}; use another unit or other images"
            )


def _different(indices: Sequence[int], contents: Mapping[int, Hashable]) -> list[int]:
    """Return the images without those that show what one before them does."""
    first: dict[Hashable, int] = {}
    for index in indices:
        first.setdefault(contents[index], index)
    return list(first.values())


def _deal(
    ascending: list[int],
    pole: str,
    n_batches: int,
    n_bins: int,
    wanted: NaturalSettings,
    seed: int,
    unit: Unit,
    *group: str,
) -> list[list[int]]:
    if not n_batches:
        return []
    n = n_batches * n_bins
    part = ascending[:n] if pole == "min" else ascending[len(ascending) - n :]
    keep = pole == "max" and not wanted.shuffle_top_bin
    return bin_and_shuffle(
        part, n_batches, n_bins, seed, unit.name, pole, *group, shuffle_top=not keep
    )


def rank_window(activations: np.ndarray, pole: str, wanted: QuerySettings, width: int) -> list[int]:
    """Return the images around a percentile of activation, in ascending order.

    The window is centred on the image at that percentile of all images ordered by activation (of
    equal ones, the earlier first); the min pole's percentile is 100 minus the max pole's.

    Parameters
    ----------
    activations
        Activation of every image, NaN where it could not be read.
    pole, wanted
        Pole, and settings with the percentile.
    width
        Number of images.

    Raises
    ------
    BadInput
        If the window extends beyond the images or the windows of the poles overlap.
    """
    order = np.argsort(activations, kind="stable")[: np.isfinite(activations).sum()]
    # Counted from the pole's own end, so that the windows of both poles are symmetric.
    from_end = round((len(order) - 1) * (100 - wanted.percentile) / 100)
    start = from_end - width // 2
    if start < 0 or 2 * (start + width) > len(order):
        raise BadInput(
            f"natural.queries: among {len(order)} images there are no {width} around percentile "
            f"{wanted.percentile:g}; give more images"
        )
    window = order[start : start + width]
    if pole == "max":
        window = order[len(order) - start - width : len(order) - start]
    return [int(index) for index in window]


def save_naturals(
    source: ImageSource,
    settings: ImagesSettings,
    chosen: Sequence[tuple[Unit, Exemplar]],
    folder: Path,
    decoder: DeviceDecoder | None = None,
) -> list[SetImage]:
    """Save the natural images that a set's folder lacks, and return all of them.

    Parameters
    ----------
    source, settings
        Which images, and how they are cropped.
    chosen
        Units with their images.
    folder
        Folder of the set.
    decoder
        Decoder that the sweep used, if a device decoded the images.

    Raises
    ------
    BadInput
        If an image can no longer be read.
    """
    images = [
        SetImage(unit, "natural", e.pole, e.rank, e.batch, source.name(e.index))
        for unit, e in chosen
    ]
    files: dict[int, list[Path]] = {}
    for (_, exemplar), image in zip(chosen, images, strict=True):
        file = folder / image.path
        if not file.exists():
            files.setdefault(exemplar.index, []).append(file)

    def save(found: tuple[int, Pixels | str]) -> None:
        index, pixels = found
        if isinstance(pixels, str):
            raise BadInput(f"an image can no longer be read: {pixels}")
        shown = pixels if isinstance(pixels, np.ndarray) else pixels.cpu().numpy()
        for file in files[index]:
            save_png(shown, file)

    for _ in prefetch(save, read_images(source, settings, list(files), decoder)):
        pass
    return images
