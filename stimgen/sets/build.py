"""Build a stimulus set in steps, so that an interrupted build resumes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from stimgen.networks.rounding import agree_anywhere
from stimgen.sets.build_inputs import BuildInputs
from stimgen.sets.exemplars import Exemplar, choose, save_naturals
from stimgen.sets.gallery import write_gallery
from stimgen.sets.manifest import SetImage, manifest_of
from stimgen.sets.measure import measure
from stimgen.sets.partial import TEMPORARY, PartialFolder
from stimgen.sets.provenance import provenance_of, write_provenance
from stimgen.sets.synthetics import candidates_of, rank_synthetics
from stimgen.sets.verify import require_sound
from stimgen.sweeps.activation_table import ActivationTable
from stimgen.sweeps.checkpoints import Checkpoints
from stimgen.sweeps.ranks import Ranks
from stimgen.sweeps.same_images import SameImages
from stimgen.sweeps.sweep import Sweep, sweep
from stimgen.sweeps.unit_statistics import write_statistics
from stimgen.visualization.parametrization import Start
from stimgen.visualization.render import render
from stimgen.visualization.rendering_methods import open_method
from stimgen.visualization.spectrum import SPECTRUM, estimate_spectrum
from unitscope.columns import MANIFEST_COLUMNS
from unitscope.errors import BadInput
from unitscope.set_checksums import write_checksums
from unitscope.settings import read_yaml
from unitscope.stimulus_set import MANIFEST, SETTINGS
from unitscope.tables import write_csv

_SWEEP = "sweep.npz"
_PARTS = "sweep"
_TABLE = "activations.npy"
_RENDERED = "rendered"


@dataclass
class Build(BuildInputs):
    """The steps of a build.

    Under torchrun all ranks share the sweep and the rendering; rank 0 does everything else.

    Parameters
    ----------
    settings, base, images, device, quiet
        See :class:`~stimgen.sets.build_inputs.BuildInputs`.
    out
        Folder in which the set's folder is created.
    """

    out: Path = Path("stimuli")
    _is_swept: bool = field(default=False, init=False, repr=False)

    @property
    def folder(self) -> Path:
        """Folder of the finished set."""
        return self.out / self.settings.name

    @cached_property
    def partial(self) -> PartialFolder:
        """Folder of the set until it is finished."""
        return PartialFolder(self.folder)

    @property
    def rendered(self) -> Path:
        """Folder of the feature visualizations until they are ranked."""
        return self.partial.path / _RENDERED

    @cached_property
    def ranks(self) -> Ranks:
        """Rank of this process among those that torchrun started."""
        return Ranks.join(self.network.device)

    def is_done(self) -> bool:
        """Return whether the same set already exists.

        Raises
        ------
        BadInput
            If there is another set or folder.
        """
        with self.partial.writing():
            if not self.folder.exists():
                return False
        provenance = self.folder / SETTINGS
        if not provenance.is_file() or not (self.folder / MANIFEST).is_file():
            raise BadInput(
                f"{self.folder}: already exists and is not a stimulus set; give another --name"
            )
        if read_yaml(provenance).get("fingerprint") != self.fingerprint:
            raise BadInput(
                f"{self.folder}: contains a set that was built with other settings, weights or "
                "images; give this one another name with --name, or remove that folder"
            )
        return True

    def run(self) -> Path:
        """Build the set unless it exists, and return its folder."""
        with self._working():
            if self.ranks.agree(self.is_done):
                return self.folder
            found = self.sweep()
            # Too few images for the selection must be reported before hours of rendering.
            chosen = self._choose(found)
            self.render()
            if not self.ranks.is_first:
                return self.folder
            with self.partial.timed("natural"):
                naturals = save_naturals(
                    self.source, self.settings.images, chosen, self.partial.path, self.decoder
                )
            with self.partial.timed("measure"):
                rows = self._measure(naturals, [exemplar for _, exemplar in chosen])
            occlusion: dict[str, Any] | None = None
            if self.occluder is not None:
                with self.partial.timed("occlusion"):
                    made = self.occluder.run(naturals, self.partial.path)
                rows += made.rows
                occlusion = made.facts
            manifest = manifest_of(rows, self.units)
            write_csv(manifest, self.partial.path / MANIFEST, MANIFEST_COLUMNS)
            write_statistics(found, self.units, self.partial.path)
            facts = provenance_of(self, found, occlusion, self.rendered, self.partial.seconds)
            write_provenance(facts, self.partial.path)
            write_gallery(self.partial.path)
            require_sound(self.partial.path, self.settings, quiet=self.quiet)
            leftovers = (_SWEEP, _RENDERED, _PARTS, _TABLE)
            write_checksums(self.partial.path, (*leftovers, *TEMPORARY))
            self.partial.finish(*leftovers)
        return self.folder

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Let only rank 0 write, and report what cannot be written."""
        if not self.ranks.is_first:
            yield
            return
        self.check()
        with self.partial.locked(), self.partial.writing():
            yield

    def sweep(self) -> Sweep:
        """Return the sweep, made now or by an earlier run."""
        with self._working():
            self._ensure_sweep()
            return Sweep.load(self.partial.path / _SWEEP)

    def _ensure_sweep(self) -> None:
        """Run the sweep, with all ranks, unless it exists."""
        if self._is_swept:
            return
        if self.ranks.agree(self._lacks_sweep):
            self.ranks.take_cores(shared=True)
            with self._timed("sweep"):
                self._sweep_share()
            self.ranks.take_cores(shared=False)
            self.ranks.wait()
        self._is_swept = True

    def _lacks_sweep(self) -> bool:
        self.partial.open(self._mark)
        if self.table is not None:
            self.table.create(len(self.source))
        return not (self.partial.path / _SWEEP).exists()

    @property
    def _mark(self) -> str:
        """What an interrupted build must have been begun with to be gone on with."""
        return f"{self.fingerprint} {self.source.times}"

    @cached_property
    def table(self) -> ActivationTable | None:
        """Activations for every image, if queries by percentile need them."""
        if self.settings.natural.queries is None:
            return None
        places = {u.name: place for place, u in enumerate(self.network.units(self.layers))}
        columns = [places[unit.name] for unit in self.units]
        return ActivationTable(self.partial.path / _TABLE, columns)

    def _sweep_share(self) -> None:
        checkpoints = Checkpoints(self.partial.path / _PARTS, self.ranks)
        found = sweep(
            self.network,
            self.source,
            self.layers,
            self.settings.natural.n_extremes,
            self.settings.images,
            self.settings.activation,
            n_poles=len(self.settings.poles),
            reserve=self.settings.natural.n_extremes,
            checkpoints=checkpoints,
            observe=self.table.record if self.table else None,
            quiet=self.quiet,
        )
        if found is not None:
            found.save(self.partial.path / _SWEEP)
            checkpoints.clear()

    def render(self) -> Path:
        """Render the missing feature visualizations, and return their folder."""
        wanted = self.settings.synthetic
        with self._working():
            found = None
            if self.goals and wanted.needs_sweep:
                self._ensure_sweep()
                found = Sweep.load(self.partial.path / _SWEEP)
            if self.ranks.is_first:
                self.partial.open(self._mark)
            self.ranks.wait()
            self.ranks.take_cores(shared=True)
            with self._timed("render"):
                render(
                    self.network,
                    self.scaled_goals(found),
                    wanted,
                    self.settings.activation,
                    self.settings.images.crop_px,
                    self.rendered,
                    start=self._method(),
                    ranks=self.ranks,
                    quiet=self.quiet,
                )
            self.ranks.take_cores(shared=False)
            self.ranks.wait()
        return self.rendered

    def _method(self) -> Start:
        """Return what starts the parametrization of the feature visualizations."""
        wanted = self.settings.synthetic
        spectrum = None
        if wanted.method == "maco" and self.goals:
            # Rank 0 computes it, and the others read it.
            if self.ranks.is_first:
                spectrum = self._spectrum()
            self.ranks.wait()
            spectrum = spectrum if self.ranks.is_first else self._spectrum()
        return open_method(wanted, self.network, generator=self.generator, magnitude=spectrum)

    def _spectrum(self) -> np.ndarray:
        return estimate_spectrum(
            self.source,
            self.settings.images,
            self.settings.synthetic.image_px,
            self.settings.synthetic.maco.n_images,
            self.partial.path / SPECTRUM,
            quiet=self.quiet,
        )

    def _timed(self, step: str) -> AbstractContextManager[None]:
        return self.partial.timed(step) if self.ranks.is_first else nullcontext()

    def _choose(self, found: Sweep) -> list[Any]:
        wanted, seed = self.settings.natural, self.settings.seed
        precision = self.settings.network.precision
        shown = SameImages(self.source, self.settings.images, precision, self.decoder)
        return [
            (unit, exemplar)
            for place, unit in enumerate(self.units)
            for exemplar in choose(
                found,
                unit,
                wanted,
                self.settings.poles,
                seed,
                self.table.of_unit(place, found.n_images) if self.table else None,
                shown,
            )
        ]

    def _measure(self, naturals: list[SetImage], exemplars: list[Exemplar]) -> list[dict[str, Any]]:
        folder = self.partial.path
        candidates = candidates_of(self.goals, self.rendered)
        files = [(folder / image.path, image.unit) for image in naturals]
        files += [(candidate.file, candidate.goal.unit) for candidate in candidates]
        values = measure(self.network, files, self.settings.activation, quiet=self.quiet).tolist()
        n = len(naturals)
        for image, exemplar, value in zip(naturals, exemplars, values[:n], strict=True):
            if not agree_anywhere(value, exemplar.activation, self.network.precision):
                raise BadInput(
                    f"{image.source_image}: activates {image.unit.name} by {value:g}, but by "
                    f"{exemplar.activation:g} in the sweep; if it was changed since, remove "
                    f"{folder} and build the set again"
                )
        measured = list(zip(naturals, values[:n], strict=True))
        measured += rank_synthetics(candidates, values[n:], folder)
        return [image.row(folder, value) for image, value in measured]
