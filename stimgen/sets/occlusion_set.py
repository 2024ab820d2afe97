"""Occlusion stimuli added to a copy of a finished set."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from stimgen.networks.network import Network
from stimgen.sets.gallery import write_gallery
from stimgen.sets.manifest import manifest_of, set_images
from stimgen.sets.occlusion_images import Occluder
from stimgen.sets.partial import TEMPORARY, PartialFolder
from stimgen.sets.provenance import read_provenance, write_provenance
from stimgen.sets.verify import require_sound
from stimgen.studies.occlusion_settings import OcclusionSettings
from stimgen.sweeps.unit_statistics import STATISTICS
from unitscope.columns import MANIFEST_COLUMNS
from unitscope.disk import write_file
from unitscope.errors import BadInput
from unitscope.set_checksums import write_checksums
from unitscope.settings import read_yaml
from unitscope.stimulus_set import MANIFEST, SETTINGS, StimulusSet
from unitscope.tables import write_csv

FORMAT = 2
"""Raised when the same input gives other files, so that partial folders are not mixed."""


@dataclass
class OcclusionSet:
    """A copy of a stimulus set with occlusion stimuli, for sets that were built without them.

    Parameters
    ----------
    source
        Set whose most activating natural images become the base images.
    network
        The set's network.
    settings
        Settings of the occlusion stimuli.
    folder
        Folder of the copy.
    base
        Folder to which paths in the settings are relative.
    quiet
        Whether to show no progress.
    """

    source: StimulusSet
    network: Network
    settings: OcclusionSettings
    folder: Path
    base: Path = Path()
    quiet: bool = False

    @cached_property
    def partial(self) -> PartialFolder:
        """Folder of the copy until it is finished."""
        return PartialFolder(self.folder)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that determines the content of the folder."""
        content = {
            "format": FORMAT,
            "manifest_sha256": self.source.manifest_sha256,
            "weights_sha256": self.network.weights_sha256,
            "input_px": self.network.input_px,
            "settings": dataclasses.asdict(self.settings),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def run(self) -> list[str]:
        """Write the folder, and return the base images that allow no query pair.

        Raises
        ------
        BadInput
            If the folder exists or the set is not suitable.
        """
        built = read_provenance(self.source.folder).settings
        if built.occlusion is not None:
            raise BadInput(f"{self.source.folder}: already has occlusion stimuli")
        try:
            settings = dataclasses.replace(built, name=self.folder.name, occlusion=self.settings)
        except ValueError as error:
            raise BadInput(f"{self.source.folder}: {error}") from None
        if self.folder.exists():
            raise BadInput(f"{self.folder}: already exists; give another folder with --out")
        occluder = Occluder(
            self.network,
            built.activation,
            self.settings,
            n_batches=built.natural.n_batches,
            base=self.base,
            quiet=self.quiet,
        )
        _ = occluder.baselines
        with self.partial.locked(), self.partial.writing():
            path = self.partial.path
            self.partial.open(self.fingerprint)
            self._copy(path)
            naturals = [p for p in set_images(self.source.manifest) if p.kind == "natural"]
            made = occluder.run(naturals, path)
            added = manifest_of(made.rows, self.source.units)
            rows = pd.concat([self.source.manifest, added]).to_dict("records")
            write_csv(manifest_of(rows, self.source.units), path / MANIFEST, MANIFEST_COLUMNS)
            facts = read_yaml(self.source.folder / SETTINGS)
            facts |= {
                "name": settings.name,
                "fingerprint": self.fingerprint,
                "settings": dataclasses.asdict(settings),
                "occlusion": made.facts,
                "made_from": {
                    "stimulus_set": self.source.name,
                    "manifest_sha256": self.source.manifest_sha256,
                },
            }
            write_provenance(facts, path)
            write_gallery(path)
            require_sound(path, settings, quiet=self.quiet)
            write_checksums(path, TEMPORARY)
            self.partial.finish()
        return [str(name) for name in made.facts["left_out"]]

    def _copy(self, path: Path) -> None:
        """Copy the set's images that an interrupted run has not copied."""
        wanted = [name for name in self.source.manifest["path"] if not (path / name).exists()]
        if (self.source.folder / STATISTICS).is_file():
            wanted.append(STATISTICS)
        for name in wanted:
            write_file(path / name, (self.source.folder / name).read_bytes(), sync=False)
