"""Activation maps under occlusion or sharpening, and the query pairs chosen from them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from tqdm import tqdm

from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_tensor
from stimgen.occlusion.patch_forward import PatchForward
from stimgen.occlusion.patches import Edit, Patch, offsets
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.occlusion_settings import OcclusionSettings
from stimgen.sweeps.halving import Halving
from stimgen.sweeps.workers import with_network
from unitscope.vocabulary import Unit

_TOLERANCE = {"fp32": 1e-4, "bf16": 3e-2}
"""Largest difference between two computations of an activation, relative to the largest one."""


BATCH = {"cpu": 32, "other": 512}
"""Positions in a forward pass."""


@dataclass(frozen=True)
class QueryPair:
    """The two queries of a base image.

    Parameters
    ----------
    low, high
        Patches whose occlusion leaves the unit least and most active.
    low_activation, high_activation, base_activation
        The unit's activations for the queries and for the unoccluded image.
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
    batch: int | None = None,
    incremental: bool = True,
    report: Callable[[int], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return units' activations for a square image edited at every position of a patch.

    Parameters
    ----------
    network
        Network of the units.
    edit
        Such as :class:`~stimgen.occlusion.patches.Occlusion` of the image.
    units
        Units, which share the forward passes; these stop at the last layer needed.
    activation
        How a unit's activation is computed.
    size_px, stride_px
        Side of the patch and step between positions.
    batch
        Positions in a forward pass, by default :data:`BATCH`; halved when the device's memory runs
        out.
    incremental
        Whether CPUs compute only what a patch can change, which is exact. Layers after attention,
        and networks whose operations cannot be traced, need full passes in any case, and other
        devices are faster with them: the many small windows leave them idle.
    report
        Called with the number of positions done since the last call.

    Returns
    -------
    maps, base : numpy.ndarray
        Units x rows x columns, one value per position, and each unit's activation for
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
    on_cpu = network.device.type == "cpu"
    incremental = incremental and on_cpu
    batch = batch or BATCH["cpu" if on_cpu else "other"]
    base = to_tensor([edit.base], network.device)[0]

    def full(own: Network, some: Sequence[Patch]) -> np.ndarray:
        seen = edited(base, some, to_tensor(list(edit.inside(some)), own.device))
        return passed(own, seen)

    def passed(own: Network, seen: torch.Tensor) -> np.ndarray:
        found = own.activations(seen, layers, wanted.side, wanted.reduction)
        return found.cpu().numpy()[:, columns]

    forward = None
    if incremental and _is_local(network, layers):
        # Unless both computations agree at the first and the middle position, full passes are made.
        probe = [patches[0], patches[len(patches) // 2]]
        expected = full(network, probe)
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
        _warn_of_full_passes(network.name)

    fitting = Halving("position")

    def work(own: Network, part: Sequence[Patch]) -> np.ndarray:
        def go(some: Sequence[Patch]) -> np.ndarray:
            if forward is None:
                return full(own, some)
            return forward(some, edit.inside(some))

        return np.concatenate(fitting(go, part))

    parts = [patches[start : start + batch] for start in range(0, len(patches), batch)]
    done = []
    for values in with_network(network, work, parts):
        done.append(values)
        if report is not None:
            report(len(values))
    maps = np.concatenate(done).T.reshape(len(units), len(places), len(places))
    return maps.astype(np.float64), passed(network, base[None])[0].astype(np.float64)


def edited(base: torch.Tensor, patches: Sequence[Patch], inside: torch.Tensor) -> torch.Tensor:
    """Return copies of an image, each with one patch replaced.

    Parameters
    ----------
    base
        3 x height x width.
    patches, inside
        Patches of one size within the image, and their contents: patches x 3 x size x size.
    """
    images = base.expand(len(patches), *base.shape).clone(memory_format=torch.channels_last)
    along = torch.arange(patches[0].size_px, device=base.device)
    rows, columns = (
        torch.tensor([getattr(patch, edge) for patch in patches], device=base.device)[:, None]
        + along
        for edge in ("y_px", "x_px")
    )
    each = torch.arange(len(patches), device=base.device)[:, None, None]
    images[each, :, rows[:, :, None], columns[:, None, :]] = inside.permute(0, 2, 3, 1)
    return images


def _is_local(network: Network, layers: Sequence[str]) -> bool:
    """Return whether all layers up to the last needed one are maps, hence local."""
    names = [layer.name for layer in network.layers]
    last = max(names.index(name) for name in layers)
    return all(layer.layout == "maps" for layer in network.layers[: last + 1])


@cache
def _warn_of_full_passes(name: str) -> None:
    message = f"occlusion in {name}: every position takes a full pass, which is slow"
    tqdm.write(message, file=sys.stderr)


def _columns(network: Network, layers: Sequence[str], units: Sequence[Unit]) -> list[int]:
    starts, start = {}, 0
    for name in layers:
        starts[name] = start
        start += network.layer(name).n_channels
    return [starts[unit.layer] + unit.channel for unit in units]


def choose_queries(
    activations: np.ndarray, base_activation: float, settings: OcclusionSettings
) -> QueryPair | None:
    """Choose the positions with the smallest and the largest activation.

    If ``max_overlap`` forbids that pair, the allowed pair with the largest difference is chosen.
    Of equal values the first one is used, row by row.

    Parameters
    ----------
    activations
        Rows x columns, one value per position.
    base_activation
        The unit's activation for the unoccluded image.
    settings
        Positions and constraints.

    Returns
    -------
    QueryPair or None
        None if no pair meets the constraints or all activations are equal.
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
    """Return (high - low) / base: NaN if the base is 0, negative if it is negative."""
    return (high - low) / base if base else float("nan")
