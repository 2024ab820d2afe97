"""What a stimulus set is made from: its network, images, units and goals, found as needed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

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
from unitscope.errors import BadInput
from unitscope.vocabulary import Unit

FORMAT = 2
"""Rises when the same settings give another set, so that no half-built one is mixed up."""


@dataclass
class Ingredients:
    """Everything that decides what a set holds.

    Parameters
    ----------
    settings
        What to build.
    base
        Folder to which paths in the settings are relative.
    images
        Folder, list file or tar shards, where the settings want photographs.
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
        wanted = self.settings.network
        return load_network(
            wanted.name,
            wanted.weights,
            seed=wanted.seed,
            input_px=wanted.input_px,
            precision=wanted.precision,
            device=pick_device(self.device),
        )

    @cached_property
    def generator(self) -> Generator | None:
        """What draws the feature visualizations, where the settings want a generator."""
        wanted = self.settings.synthetic
        if wanted.method != "generator":
            return None
        return load_generator(wanted.generator, self.base, self.network.device)

    @cached_property
    def source(self) -> ImageSource:
        """Where natural images come from."""
        wanted = self.settings.images
        if wanted.source == "demo":
            if self.images is not None:
                raise BadInput(f"{self.settings.name} uses the demo images: leave --images out")
            from stimgen.demo.demo_images import DemoImages

            return DemoImages(wanted.n, wanted.seed, wanted.crop_px)
        if self.images is None:
            raise BadInput(f"{self.settings.name} needs photographs: give a folder with --images")
        return open_source(self.images)

    @cached_property
    def decoder(self) -> DeviceDecoder | None:
        """What decodes photographs on the network's device, where the settings want that."""
        return device_decoder(self.settings.images, self.network.device)

    @cached_property
    def chosen(self) -> UnitChoice:
        """Units of the set, and batches to which some keep."""
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
        """What makes the occlusion stimuli, where the settings want any."""
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
        """Feature visualizations to make, without the units' scales."""
        return self.scaled_goals(None)

    def scaled_goals(self, found: Sweep | None) -> list[Goal]:
        """Return the goals with what a sweep knows of their units."""
        goals = goals_for(self.units, self.settings.synthetic, self.settings.seed, found)
        return [goal for goal in goals if goal.pole in self.settings.poles and goal.seeds]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that decides what the finished set holds."""
        settings = dataclasses.asdict(self.settings)
        # A network is known by its weights, wherever the file lies that they were read from.
        del settings["network"]["weights"]
        del settings["synthetic"]["generator"]["checkpoint"]
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
        """Find mistakes that would else show only after hours of work.

        Raises
        ------
        BadInput
            If a unit, table, baseline, saliency or decoder is not there, or there are too few
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
