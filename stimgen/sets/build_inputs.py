"""The inputs of a build: network, images, units and goals, loaded when needed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stimgen.networks.compute_device import pick_device
from stimgen.networks.network import Network
from stimgen.networks.registry import load_network
from stimgen.sets.occlusion_images import Occluder
from stimgen.sets.units import UnitChoice, choose_units
from stimgen.studies.build_settings import BuildSettings
from stimgen.sweeps.device_decoder import DeviceDecoder, device_decoder
from stimgen.sweeps.image_sources import ImageSource, open_source
from stimgen.sweeps.sweep import Sweep, require
from stimgen.visualization.generator_prior import Generator, load_generator
from stimgen.visualization.goals import Goal, goals_for
from stimgen.visualization.render import TOGETHER
from unitscope.errors import BadInput
from unitscope.vocabulary import Unit

_LATER_SETTINGS: dict[str, dict[str, Any]] = {
    "synthetic": {"further_per_pole": (), "transforms": "per_image"},
    "network": {"mean": None, "sd": None, "layers": ()},
}
"""Settings with their defaults that there were not when the first sets of this format were built:
those sets are still the same."""

FORMAT = 2
"""Raised when the same settings give another set, so that partial builds are not mixed."""


@dataclass
class BuildInputs:
    """Everything that determines the content of a set.

    Parameters
    ----------
    settings
        Settings of the build.
    base
        Folder to which paths in the settings are relative.
    images
        Folder, list file or tar shards of photographs, if the settings need them.
    device
        ``auto``, ``cpu`` or ``cuda``.
    quiet
        Whether to show no progress.
    """

    settings: BuildSettings
    base: Path = Path()
    images: Path | None = None
    device: str = "auto"
    quiet: bool = False

    @cached_property
    def network(self) -> Network:
        """The network, on its device."""
        return load_network(**vars(self.settings.network), device=pick_device(self.device))

    @cached_property
    def generator(self) -> Generator | None:
        """Generator of the feature visualizations, if the settings use one."""
        wanted = self.settings.synthetic
        if wanted.method != "generator":
            return None
        return load_generator(wanted.generator, self.base, self.network.device)

    @cached_property
    def source(self) -> ImageSource:
        """Source of the natural images."""
        wanted = self.settings.images
        if wanted.source == "demo":
            if self.images is not None:
                raise BadInput(f"{self.settings.name} uses the demo images: remove --images")
            from stimgen.demo.demo_images import DemoImages

            return DemoImages(wanted.n, wanted.seed, wanted.crop_px)
        if self.images is None:
            raise BadInput(f"{self.settings.name} needs photographs: give a folder with --images")
        return open_source(self.images)

    @cached_property
    def decoder(self) -> DeviceDecoder | None:
        """Decoder of photographs on the network's device, if the settings use one."""
        return device_decoder(self.settings.images, self.network.device)

    @property
    def decoding(self) -> str:
        """Where photographs are decoded: ``cpu`` or ``cuda``."""
        return "cpu" if self.decoder is None else "cuda"

    @cached_property
    def chosen(self) -> UnitChoice:
        """Units of the set, with the batches of units that need only some."""
        return choose_units(self.network, self.settings.units, self.settings.seed, self.base)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Units of the set, in order."""
        return self.chosen.units

    @cached_property
    def layers(self) -> list[str]:
        """Layers of the units, in the network's order."""
        used = {unit.layer for unit in self.units}
        return [layer.name for layer in self.network.layers if layer.name in used]

    @cached_property
    def occluder(self) -> Occluder | None:
        """Makes the occlusion stimuli, if the settings ask for them."""
        if self.settings.occlusion is None:
            return None
        return Occluder(
            self.network,
            self.settings.activation,
            self.settings.occlusion,
            n_batches=self.settings.natural.n_batches,
            only=self.chosen.batches,
            base=self.base,
            quiet=self.quiet,
        )

    @cached_property
    def goals(self) -> list[Goal]:
        """Goals of the feature visualizations, without the units' scales."""
        return self.scaled_goals(None)

    def scaled_goals(self, found: Sweep | None) -> list[Goal]:
        """Return the goals with the scales and extremes of their units, from a sweep."""
        goals = goals_for(self.units, self.settings.synthetic, self.settings.seed, found)
        return [goal for goal in goals if goal.pole in self.settings.poles and goal.seeds]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that determines the finished set."""
        settings = dataclasses.asdict(self.settings)
        # What decodes changes pixels, and "auto" is either.
        settings["images"]["decode"] = self.decoding
        del settings["images"]["decode_processes"]
        # How many images are optimised together does not change what they show.
        settings["synthetic"]["batch"] = settings["synthetic"]["batch"] or TOGETHER
        # A network is identified by its weights, not by the path of its checkpoint.
        del settings["network"]["weights"]
        del settings["synthetic"]["generator"]["checkpoint"]
        for part, defaults in _LATER_SETTINGS.items():
            for key, default in defaults.items():
                if settings[part][key] == default:
                    del settings[part][key]
        content = {
            "format": FORMAT,
            "settings": settings,
            "units": [unit.name for unit in self.units],
            "weights_sha256": self.network.weights_sha256,
            "images_sha256": self.source.sha256,
            "generator_sha256": self.generator.weights_sha256 if self.generator else None,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def check(self) -> None:
        """Check for mistakes that would otherwise be found only after hours of work.

        Raises
        ------
        BadInput
            If a unit, table, baseline, saliency or decoder does not exist, or there are too few
            images.
        """
        natural = self.settings.natural
        require(len(self.source), natural.n_extremes, len(self.settings.poles))
        for unit, batches in self.chosen.batches.items():
            if max(batches) >= natural.n_batches:
                raise BadInput(
                    f"{self.settings.units.table}: unit {unit.name} has batch {max(batches)}, but "
                    f"there are {natural.n_batches}, from 0 (natural.n_batches)"
                )
        _ = self.fingerprint, self.decoder
        if self.occluder is not None:
            _ = self.occluder.baselines
