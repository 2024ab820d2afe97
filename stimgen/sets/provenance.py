"""The record of how a set was built (``set.yaml``)."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
import yaml

from stimgen.networks.compute_device import device_model
from stimgen.networks.made_networks import is_factory
from stimgen.networks.network import Network
from stimgen.networks.registry import load_network
from stimgen.sets.build_inputs import BuildInputs
from stimgen.studies.build_settings import BuildSettings
from stimgen.sweeps.sweep import Sweep
from stimgen.visualization.render import read_found
from unitscope.disk import write_file
from unitscope.errors import BadInput
from unitscope.settings import build, read_yaml
from unitscope.stimulus_set import SETTINGS
from unitscope.versions import versions


@dataclass(frozen=True)
class Provenance:
    """Settings of a set's build, and the SHA-256 of its network's weights."""

    settings: BuildSettings
    weights_sha256: str


def provenance_of(
    inputs: BuildInputs,
    found: Sweep,
    occlusion: Mapping[str, Any] | None,
    rendered: Path,
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """Return what ``set.yaml`` records about a build.

    Parameters
    ----------
    inputs
        What the set was made from.
    found
        Result of the sweep.
    occlusion
        Entries about the occlusion stimuli; None if there are none.
    rendered
        Folder of the rendered images, which holds what a search for diversity weights found.
    seconds
        Duration of each step.
    """
    settings, network = inputs.settings, inputs.network
    source, generator, device = inputs.source, inputs.generator, network.device
    found_weights = read_found(rendered, inputs.goals)
    return {
        "name": settings.name,
        "fingerprint": inputs.fingerprint,
        "created_utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "network": {
            "name": network.name,
            "weights_sha256": network.weights_sha256,
            "input_px": network.input_px,
        },
        "images": {
            "source": settings.images.source,
            "folder": inputs.images.resolve().name if inputs.images else None,
            "n_found": len(source),
            "n_read": found.n_images,
            "list_sha256": source.sha256,
            "decoded_on": inputs.decoding,
            "skipped": list(found.skipped),
        },
        "units": [unit.name for unit in inputs.units],
        "settings": dataclasses.asdict(settings),
        **({"generator": {"weights_sha256": generator.weights_sha256}} if generator else {}),
        **({"occlusion": dict(occlusion)} if occlusion is not None else {}),
        **({"diversity": found_weights} if found_weights else {}),
        **({"plain": plain} if (plain := _plain_seeds(inputs)) else {}),
        "versions": {
            "python": platform.python_version(),
            **versions("torch", "torchvision", "numpy", "numba", "pillow"),
        },
        "device": {
            "name": str(device),
            "model": device_model(device),
            "threads": torch.get_num_threads(),
        },
        "seconds": dict(seconds),
    }


def write_provenance(facts: Mapping[str, Any], folder: Path) -> None:
    """Write ``set.yaml``."""
    text = yaml.safe_dump(_plain(dict(facts)), sort_keys=False, allow_unicode=True)
    write_file(folder / SETTINGS, text)


def _plain_seeds(inputs: BuildInputs) -> list[dict[str, Any]]:
    """Return the seeds of the images that were optimised without the diversity term."""
    n = inputs.settings.synthetic.plain_per_pole
    if not n:
        return []
    return [
        {"unit": goal.unit.name, "pole": goal.pole, "seeds": list(goal.seeds[-n:])}
        for goal in inputs.goals
    ]


def _plain(value: Any) -> Any:
    """Convert tuples to lists, which YAML can represent."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def read_provenance(folder: Path) -> Provenance:
    """Read how a set was built.

    Raises
    ------
    BadInput
        If ``set.yaml`` is missing or was not written by a build.
    """
    path = folder / SETTINGS
    facts = read_yaml(path)
    try:
        settings, weights_sha256 = facts["settings"], facts["network"]["weights_sha256"]
    except (KeyError, TypeError):
        settings = None
    if not isinstance(settings, dict):
        raise BadInput(f"{path}: not written by stimgen build (it has no settings)")
    return Provenance(build(BuildSettings, settings, str(path)), str(weights_sha256))


def network_of(
    folder: Path, weights: str | None, device: torch.device, named: str | None = None
) -> Network:
    """Load the network that a set was built with.

    Parameters
    ----------
    folder
        Folder of the set.
    weights
        Path of the checkpoint, if it differs from the one in the settings; else None.
    device
        Device of the network.
    named
        The function that made the network, if one did, as the user names it: no function is run
        because a set says so.

    Raises
    ------
    BadInput
        If the weights are not those that the set was built with, or a function made the network
        that the user does not name.
    """
    provenance = read_provenance(folder)
    wanted, expected = provenance.settings.network, provenance.weights_sha256
    if named is None and is_factory(wanted.name):
        raise BadInput(
            f"{folder}: the network was made by the function {wanted.name}, which is run only if "
            f"you name it yourself: --network {wanted.name}"
        )
    if named not in (None, wanted.name) and not (is_factory(named) and is_factory(wanted.name)):
        raise BadInput(f"{folder}: built with network {wanted.name!r}, not {named!r}")
    chosen = {"name": named or wanted.name, "weights": weights or wanted.weights}
    network = load_network(**{**vars(wanted), **chosen}, device=device)
    if network.weights_sha256 != expected:
        raise BadInput(
            f"{folder}: built with other weights than those of {chosen['name']} here "
            f"(SHA-256 {expected[:12]}, not {network.weights_sha256[:12]}); "
            "give them with --weights"
        )
    return network
