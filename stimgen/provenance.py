"""What a stimulus set was built with, and the network that it was built with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from conditions.errors import BadInput
from conditions.settings import build, read_yaml
from conditions.stimulus_set import SETTINGS
from stimgen.networks import Network
from stimgen.registry import load_network
from stimgen.settings import BuildSettings


@dataclass(frozen=True)
class Provenance:
    """Settings of a set's build, and the SHA-256 of its network's weights."""

    settings: BuildSettings
    weights_sha256: str


def read_provenance(folder: Path) -> Provenance:
    """Read how a set was built.

    Raises
    ------
    BadInput
        If ``set.yaml`` is missing or not what a build writes.
    """
    path = folder / SETTINGS
    facts = read_yaml(path)
    try:
        settings, weights_sha256 = facts["settings"], facts["network"]["weights_sha256"]
    except (KeyError, TypeError):
        settings = None
    if not isinstance(settings, dict):
        raise BadInput(f"{path}: not written by stimgen build (no settings in it)")
    return Provenance(build(BuildSettings, settings, str(path)), str(weights_sha256))


def network_of(folder: Path, weights: str | None, device: torch.device) -> Network:
    """Load the network that a set was built with.

    Parameters
    ----------
    folder
        Of the set.
    weights
        Checkpoint's path, where the set was built from one that lies elsewhere now; None for the
        weights that its settings name.
    device
        Where it shall run.

    Raises
    ------
    BadInput
        If the weights are not those that the set was built with.
    """
    provenance = read_provenance(folder)
    wanted, expected = provenance.settings.network, provenance.weights_sha256
    network = load_network(
        wanted.name,
        weights or wanted.weights,
        seed=wanted.seed,
        input_px=wanted.input_px,
        device=device,
    )
    if network.weights_sha256 != expected:
        raise BadInput(
            f"{folder}: built with other weights than those of {wanted.name} here "
            f"(SHA-256 {expected[:12]}, not {network.weights_sha256[:12]}); give theirs"
        )
    return network
