"""What hiding each part of an image does to a unit, and the query pairs made from it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from tqdm import tqdm

from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_tensor
from stimgen.occlusion.patch_forward import PatchForward
from stimgen.occlusion.patches import Edit, Occlusion, Patch, Sharpening, apply, offsets
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.occlusion_settings import OcclusionSettings
from stimgen.sweeps.halving import Halving
from stimgen.sweeps.workers import with_network
from unitscope.vocabulary import Unit

_TOLERANCE = {"fp32": 1e-4, "bf16": 3e-2}
"""How far two ways of computing an activation may lie apart, relative to the largest."""


@dataclass(frozen=True)
class QueryPair:
    """The two queries of a base image.

    Parameters
    ----------
    low, high
        Patches whose hiding leaves the unit least and most active.
    low_activation, high_activation, base_activation
        The unit's activations for the queries and for the image with nothing hidden.
    """

    low: Patch
    high: Patch
    low_activation: float
    high_activation: float
    base_activation: float

    @property
    def effect(self) -> float:
        """Relative activation difference; see :func:`relative_difference`."""
        return relative_difference(self.low_activation, self.high_activation, self.base_activation)


def activation_maps(
    network: Network,
    edit: Edit,
    units: Sequence[Unit],
    activation: ActivationSettings | None = None,
    *,
    size_px: int = 90,
    stride_px: int = 2,
    batch: int = 32,
    incremental: bool = True,
    report: Callable[[int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return units' activations for a square image edited at every position of a patch.

    Parameters
    ----------
    network
        Has the units.
    edit
        Such as :class:`~stimgen.occlusion.patches.Occlusion` of the image.
    units
        Share the forward passes, which stop at the last layer needed.
    activation
        What a unit's activation is.
    size_px, stride_px
        Side of the patch and step between positions.
    batch
        Positions in a forward pass; half as many once the device's memory has run out.
    incremental
        Whether to compute only what a patch can change, which is exact. Layers that come after
        attention, and networks that cannot be followed, get whole passes all the same.
    report
        Called with the number of positions done since the last call.

    Returns
    -------
    maps, base : numpy.ndarray
        Units x rows x columns, one value for each position, and each unit's activation for
        ``edit.base``.

    Raises
    ------
    ValueError
        If the image is not square or smaller than the patch.
    """
    wanted = activation or ActivationSettings()
    height, width = edit.base.shape[:2]
    if height != width:
        raise ValueError(f"the image has {width} x {height} px, expected a square")
    places = offsets(width, size_px, stride_px)
    patches = [Patch(x, y, size_px) for y in places for x in places]
    layers = [layer.name for layer in network.layers if layer.name in {u.layer for u in units}]
    columns = _columns(network, layers, units)

    def full(own: Network, images: Sequence[np.ndarray]) -> np.ndarray:
        seen = to_tensor(images, own.device)
        found = own.activations(seen, layers, wanted.side, wanted.reduction)
        return found.cpu().numpy()[:, columns]

    forward = None
    if incremental and _is_local(network, layers):
        # Both ways must agree on the first and the middle position, or the plain one is taken.
        probe = [patches[0], patches[len(patches) // 2]]
        expected = full(network, [apply(edit, patch) for patch in probe])
        tolerance = _TOLERANCE[network.precision]
        try:
            forward = PatchForward(network, edit.base, units, wanted.side, wanted.reduction)
            found = forward(probe, edit.inside(probe))
        except (RuntimeError, ValueError, TypeError, IndexError):
            forward = None
        else:
            largest = np.abs(expected).max()
            if not np.allclose(found, expected, rtol=tolerance, atol=tolerance * largest):
                forward = None
    if incremental and forward is None:
        _say_whole_passes(network.name)

    fitting = Halving("position")

    def work(own: Network, part: Sequence[Patch]) -> np.ndarray:
        def go(some: Sequence[Patch]) -> np.ndarray:
            if forward is None:
                return full(own, [apply(edit, patch) for patch in some])
            return forward(some, edit.inside(some))

        return np.concatenate(fitting(go, part))

    parts = [patches[start : start + batch] for start in range(0, len(patches), batch)]
    done = []
    for values in with_network(network, work, parts):
        done.append(values)
        if report is not None:
            report(len(values))
    maps = np.concatenate(done).T.reshape(len(units), len(places), len(places))
    return maps.astype(np.float64), full(network, [edit.base])[0].astype(np.float64)


def _is_local(network: Network, layers: Sequence[str]) -> bool:
    """Return whether all values come from their surroundings, as far as layouts tell."""
    names = [layer.name for layer in network.layers]
    last = max(names.index(name) for name in layers)
    return all(layer.layout == "maps" for layer in network.layers[: last + 1])


@cache
def _say_whole_passes(name: str) -> None:
    told = f"occlusion in {name}: every position takes a whole pass up to the layer, which is slow"
    tqdm.write(told, file=sys.stderr)


def _columns(network: Network, layers: Sequence[str], units: Sequence[Unit]) -> list[int]:
    starts, start = {}, 0
    for name in layers:
        starts[name] = start
        start += network.layer(name).n_channels
    return [starts[unit.layer] + unit.channel for unit in units]


def activation_map(
    network: Network,
    image: np.ndarray,
    unit: Unit,
    *,
    activation: ActivationSettings | None = None,
    size_px: int = 90,
    stride_px: int = 2,
) -> np.ndarray:
    """Return one unit's activation for each position of an occluding patch, rows x columns."""
    maps, _ = activation_maps(
        network, Occlusion(image), [unit], activation, size_px=size_px, stride_px=stride_px
    )
    return np.asarray(maps[0])


def choose_queries(
    activations: np.ndarray, base_activation: float, settings: OcclusionSettings
) -> QueryPair | None:
    """Choose the positions with the smallest and the largest activation.

    Where ``max_overlap`` forbids that pair, the allowed one with the largest difference is taken.
    Of equal values the first one counts, row by row.

    Parameters
    ----------
    activations
        Rows x columns, a value for each position.
    base_activation
        The unit's activation with nothing hidden.
    settings
        Positions and constraints.

    Returns
    -------
    QueryPair or None
        None if no pair fulfils the constraints or all activations are equal.
    """
    flat = activations.ravel()
    rows, columns = np.divmod(np.arange(flat.size), activations.shape[1])
    rows, columns = rows * settings.stride_px, columns * settings.stride_px
    best: tuple[float, int, int] | None = None
    for low in np.argsort(flat, kind="stable"):
        if best is not None and flat.max() - flat[low] <= best[0]:
            break
        apart_x, apart_y = np.abs(columns - columns[low]), np.abs(rows - rows[low])
        shared = _shared(apart_x, settings.size_px) * _shared(apart_y, settings.size_px)
        allowed = np.where(shared <= settings.max_overlap * settings.size_px**2, flat, -np.inf)
        high = int(allowed.argmax())
        difference = float(allowed[high] - flat[low])
        if difference > (best[0] if best else 0):
            best = difference, int(low), high
    if best is None:
        return None
    low_patch, high_patch = (
        Patch(int(columns[place]), int(rows[place]), settings.size_px) for place in best[1:]
    )
    pair = QueryPair(
        low_patch, high_patch, float(flat[best[1]]), float(flat[best[2]]), base_activation
    )
    if settings.min_effect is not None and not pair.effect >= settings.min_effect:
        return None
    return pair


def _shared(apart_px: np.ndarray, size_px: int) -> np.ndarray:
    return np.clip(size_px - apart_px, 0, None)


def relative_difference(low: float, high: float, base: float) -> float:
    """Return (high - low) / base: NaN for a base of 0, and negative where the base is."""
    return (high - low) / base if base else float("nan")


def sharpen_best(
    network: Network,
    image: np.ndarray,
    unit: Unit,
    settings: OcclusionSettings,
    activation: ActivationSettings | None = None,
    *,
    report: Callable[[int], object] | None = None,
) -> tuple[np.ndarray, Patch, np.ndarray]:
    """Blur an image save for the window that drives the unit most.

    Returns
    -------
    image : numpy.ndarray
        The blurred image with its sharp window, 8 bit.
    window : Patch
        Where it is sharp; of equal positions the first one, row by row.
    activations : numpy.ndarray
        Rows x columns, a value for each position of the window.
    """
    edit = Sharpening(image, settings.blur_kernel_px, settings.blur_sigma_px)
    maps, _ = activation_maps(
        network,
        edit,
        [unit],
        activation,
        size_px=settings.size_px,
        stride_px=settings.stride_px,
        report=report,
    )
    row, column = divmod(int(maps[0].argmax()), maps.shape[2])
    stride = settings.stride_px
    window = Patch(column * stride, row * stride, settings.size_px)
    return apply(edit, window), window, maps[0]


def mix_references(natural: Sequence[str], synthetic: Sequence[str]) -> list[str]:
    """Return the five strongest natural references, then the four strongest synthetic ones.

    Parameters
    ----------
    natural, synthetic
        In ascending order of activation; the base image is not among the natural ones.
    """
    if len(natural) < 5 or len(synthetic) < 4:
        raise ValueError(
            f"got {len(natural)} natural and {len(synthetic)} synthetic references, "
            "expected at least 5 and 4"
        )
    return [*natural[-5:], *synthetic[-4:]]
