"""Build a stimulus set, step by step, so that an interrupted build goes on where it stopped."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml

from conditions.columns import MANIFEST_COLUMNS
from conditions.csv_files import write_csv
from conditions.errors import BadInput
from conditions.settings import read_yaml
from conditions.stimulus_set import MANIFEST, SETTINGS, sha256_of
from conditions.vocabulary import Unit
from stimgen.checkpoints import Checkpoints
from stimgen.exemplars import Exemplar, choose
from stimgen.gallery import write_gallery
from stimgen.images import ImageSource, crop
from stimgen.measure import measure
from stimgen.networks import Network
from stimgen.png import save_png
from stimgen.prefetch import prefetch
from stimgen.ranks import Ranks, local_device
from stimgen.registry import load_network
from stimgen.render import goals_for, render, rendered_path
from stimgen.settings import BuildSettings
from stimgen.sources import open_source
from stimgen.sweep import Sweep, require, sweep
from stimgen.units import choose_units

FORMAT = 1
"""Rises when the same settings give another set, so that no half-built one is mixed up."""

_FINGERPRINT = "fingerprint.json"
_SWEEP = "sweep.npz"
_PARTS = "sweep"
_SECONDS = "seconds.json"
_RENDERED = "rendered"


def pick_device(name: str) -> torch.device:
    """Return a device; ``auto`` takes CUDA where there is one, each rank its own.

    Raises
    ------
    BadInput
        If the device asked for is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = local_device(torch.device(name))
    except RuntimeError:
        raise BadInput(f"no device {name!r}; expected auto, cpu or cuda") from None
    n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= n_devices:
        raise BadInput(f"device {name!r} is not there: torch finds {n_devices} CUDA devices")
    return device


@dataclass
class Build:
    """One build: its parts as they are needed, and the steps that lead to the set.

    Under torchrun all ranks take part in the sweep, and the first one does everything else.

    Parameters
    ----------
    settings
        What to build.
    base
        Folder to which paths in the settings are relative.
    images
        Folder, list file or tar shards, where the settings want photographs.
    out
        Gets a folder with the set's name.
    device
        ``auto``, ``cpu`` or ``cuda``.
    quiet
        Whether to show no progress.
    """

    settings: BuildSettings
    base: Path = Path()
    images: Path | None = None
    out: Path = Path("stimuli")
    device: str = "auto"
    quiet: bool = False
    _has_passed: bool = field(default=False, init=False, repr=False)

    @property
    def folder(self) -> Path:
        """Where the finished set lies."""
        return self.out / self.settings.name

    @property
    def partial(self) -> Path:
        """Where the set lies until it is whole."""
        return self.out / f".{self.settings.name}.partial"

    @cached_property
    def network(self) -> Network:
        """The network, on its device."""
        wanted = self.settings.network
        return load_network(
            wanted.name,
            wanted.weights,
            seed=wanted.seed,
            input_px=wanted.input_px,
            device=pick_device(self.device),
        )

    @cached_property
    def ranks(self) -> Ranks:
        """This process among those that torchrun started."""
        return Ranks.join(self.network.device)

    @cached_property
    def source(self) -> ImageSource:
        """Where natural images come from."""
        wanted = self.settings.images
        if wanted.source == "demo":
            if self.images is not None:
                raise BadInput(f"{self.settings.name} uses the demo images: leave --images out")
            from stimgen.demo.images import DemoImages

            return DemoImages(wanted.n, wanted.seed, wanted.crop_px)
        if self.images is None:
            raise BadInput(f"{self.settings.name} needs photographs: give a folder with --images")
        return open_source(self.images)

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Units of the set, in order."""
        return choose_units(self.network, self.settings.units, self.settings.seed, self.base)

    @cached_property
    def layers(self) -> list[str]:
        """Layers of the units, in the network's order."""
        used = {unit.layer for unit in self.units}
        return [layer.name for layer in self.network.layers if layer.name in used]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that decides what the finished set holds."""
        settings = dataclasses.asdict(self.settings)
        # A network is known by its weights, wherever the file lies that they were read from.
        del settings["network"]["weights"]
        content = {
            "format": FORMAT,
            "settings": settings,
            "units": [unit.name for unit in self.units],
            "weights_sha256": self.network.weights_sha256,
            "images_sha256": self.source.sha256,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def is_done(self) -> bool:
        """Return whether this very set is there already.

        Raises
        ------
        BadInput
            If something else is there.
        """
        with self._writing():
            if not self.folder.exists():
                return False
        provenance = self.folder / SETTINGS
        if not provenance.is_file() or not (self.folder / MANIFEST).is_file():
            raise BadInput(f"{self.folder}: is there already and is no stimulus set; give --name")
        if read_yaml(provenance).get("fingerprint") != self.fingerprint:
            raise BadInput(
                f"{self.folder}: holds a set that was built with other settings, weights or "
                "images; give this one another name with --name, or remove that folder"
            )
        return True

    def run(self) -> Path:
        """Build the set, unless it is there already, and return its folder."""
        if self.ranks.agree(self.is_done):
            return self.folder
        if not self.ranks.is_first:
            self._pass_over()
            return self.folder
        found = self.sweep()
        self.render()
        with self._writing():
            with self._timed("natural"):
                exemplars = self._write_natural(found)
            with self._timed("measure"):
                manifest = self._manifest(exemplars)
            write_csv(manifest, self.partial / MANIFEST, MANIFEST_COLUMNS)
            self._write_provenance(found)
            write_gallery(self.partial, manifest, self.settings.name)
            for leftover in (_FINGERPRINT, _SECONDS, _SWEEP):
                (self.partial / leftover).unlink()
            for leftover in (_RENDERED, _PARTS):
                shutil.rmtree(self.partial / leftover, ignore_errors=True)
            self.partial.rename(self.folder)
        return self.folder

    def sweep(self) -> Sweep:
        """Return the pass over the images, made now or by an earlier run."""
        self._pass_over()
        return Sweep.load(self.partial / _SWEEP)

    def _pass_over(self) -> None:
        """Make the pass over the images, with all ranks, unless it is there."""
        if self._has_passed:
            return
        wanted = self.settings.natural
        k = wanted.n_batches * wanted.n_bins
        require(len(self.source), k)
        with self._writing():
            if self.ranks.agree(self._lacks_sweep):
                self.ranks.take_cores(shared=True)
                with self._timed("sweep"):
                    self._sweep_share(k)
                self.ranks.take_cores(shared=False)
                self.ranks.wait()
        self._has_passed = True

    def _lacks_sweep(self) -> bool:
        self._open_partial()
        return not (self.partial / _SWEEP).exists()

    def _sweep_share(self, k: int) -> None:
        checkpoints = Checkpoints(self.partial / _PARTS, self.ranks)
        found = sweep(
            self.network,
            self.source,
            self.layers,
            k,
            self.settings.images,
            self.settings.activation,
            checkpoints=checkpoints,
            quiet=self.quiet,
        )
        if found is not None:
            found.save(self.partial / _SWEEP)
            checkpoints.clear()

    def render(self) -> Path:
        """Render the feature visualizations that no earlier run has, and return their folder."""
        wanted = self.settings.synthetic
        found = None
        if wanted.activation_unit == "sd" and wanted.per_pole:
            self._pass_over()
            found = Sweep.load(self.partial / _SWEEP) if self.ranks.is_first else None
        if not self.ranks.is_first:
            return self.partial / _RENDERED
        with self._writing():
            self._open_partial()
            folder = self.partial / _RENDERED
            with self._timed("render"):
                render(
                    self.network,
                    goals_for(self.units, wanted, self.settings.seed, found),
                    wanted,
                    self.settings.activation,
                    self.settings.images.crop_px,
                    folder,
                    quiet=self.quiet,
                )
        return folder

    def _open_partial(self) -> None:
        mark = self.partial / _FINGERPRINT
        if self.partial.exists():
            if not mark.is_file() and any(self.partial.iterdir()):
                raise BadInput(f"{self.partial}: not a build's folder; remove it")
            if mark.is_file() and json.loads(mark.read_text()) != self.fingerprint:
                shutil.rmtree(self.partial)
        self.partial.mkdir(parents=True, exist_ok=True)
        if not mark.is_file():
            mark.write_text(json.dumps(self.fingerprint))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = error.filename or self.partial
            raise BadInput(f"{where}: cannot be written ({error.strerror or error})") from None

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        """Add to the seconds that a step took, over all runs of an interrupted build."""
        if not self.ranks.is_first:
            yield
            return
        start = time.monotonic()
        try:
            yield
        finally:
            path = self.partial / _SECONDS
            seconds = json.loads(path.read_text()) if path.exists() else {}
            spent = seconds.get(step, 0.0) + time.monotonic() - start
            path.write_text(json.dumps({**seconds, step: round(spent, 2)}))

    def _write_natural(self, found: Sweep) -> list[tuple[Unit, Exemplar, str]]:
        wanted = self.settings.natural
        chosen = [
            (unit, exemplar, _natural_path(unit, exemplar))
            for unit in self.units
            for exemplar in choose(found, unit, wanted.n_batches, wanted.n_bins, self.settings.seed)
        ]
        paths: dict[int, list[Path]] = {}
        for _, exemplar, path in chosen:
            if not (self.partial / path).exists():
                paths.setdefault(exemplar.index, []).append(self.partial / path)

        def write(index: int) -> None:
            size = self.settings.images
            try:
                image = self.source.load(index)
            except Exception as error:
                name = self.source.name(index)
                raise BadInput(f"image {name} could be read before, but not now: {error}") from None
            picture = np.asarray(crop(image, size.resize_px, size.crop_px))
            for path in paths[index]:
                save_png(picture, path)

        for _ in prefetch(write, paths):
            pass
        return chosen

    def _manifest(self, exemplars: list[tuple[Unit, Exemplar, str]]) -> pd.DataFrame:
        goals = goals_for(self.units, self.settings.synthetic, self.settings.seed, None)
        rendered = [
            (goal, seed, rendered_path(self.partial / _RENDERED, goal, index))
            for goal in goals
            for index, seed in enumerate(goal.seeds)
        ]
        files = [(self.partial / path, unit) for unit, _, path in exemplars]
        files += [(path, goal.unit) for goal, _, path in rendered]
        values = measure(self.network, files, self.settings.activation, quiet=self.quiet)
        rows: list[dict[str, Any]] = [
            _row(unit, "natural", exemplar.pole, exemplar.rank, path, value)
            | {"batch": exemplar.batch, "source_image": self.source.name(exemplar.index)}
            for (unit, exemplar, path), value in zip(exemplars, values, strict=False)
        ]
        measured = list(zip(rendered, values[len(exemplars) :], strict=True))
        for goal in goals:
            ours = sorted((v, seed, path) for (g, seed, path), v in measured if g == goal)
            for rank, (value, seed, source) in enumerate(ours):
                path = f"images/{goal.unit.name}/synthetic_{goal.pole}_r{rank:02d}.png"
                (self.partial / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, self.partial / path)
                row = _row(goal.unit, "synthetic", goal.pole, rank, path, value)
                rows.append(row | {"seed": seed})
        for row in rows:
            row["sha256"] = sha256_of(self.partial / row["path"])
        order = {unit.name: place for place, unit in enumerate(self.units)}
        rows.sort(key=lambda row: order[Path(row["path"]).parent.name])
        frame = pd.DataFrame(rows, columns=[column.name for column in MANIFEST_COLUMNS])
        whole = [column.name for column in MANIFEST_COLUMNS if column.type == "int"]
        return frame.astype(dict.fromkeys(whole, "Int64"))

    def _write_provenance(self, found: Sweep) -> None:
        settings = dataclasses.asdict(self.settings)
        seconds = json.loads((self.partial / _SECONDS).read_text())
        provenance = {
            "name": self.settings.name,
            "fingerprint": self.fingerprint,
            "created_utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "network": {
                "name": self.network.name,
                "weights_sha256": self.network.weights_sha256,
                "input_px": self.network.input_px,
            },
            "images": {
                "source": self.settings.images.source,
                "folder": self.images.resolve().name if self.images else None,
                "n_found": len(self.source),
                "n_read": found.n_images,
                "list_sha256": self.source.sha256,
                "skipped": list(found.skipped),
            },
            "units": [unit.name for unit in self.units],
            "settings": settings,
            "versions": {
                "python": platform.python_version(),
                **{p: version(p) for p in ("unitscope", "torch", "torchvision", "numpy", "pillow")},
            },
            "device": {
                "name": str(self.network.device),
                "model": _device_model(self.network.device),
                "threads": torch.get_num_threads(),
            },
            "seconds": seconds,
        }
        text = yaml.safe_dump(_plain(provenance), sort_keys=False, allow_unicode=True)
        (self.partial / SETTINGS).write_text(text, encoding="utf-8")


def _natural_path(unit: Unit, exemplar: Exemplar) -> str:
    name = f"natural_{exemplar.pole}_b{exemplar.batch:02d}_r{exemplar.rank:02d}.png"
    return f"images/{unit.name}/{name}"


def _row(unit: Unit, kind: str, pole: str, rank: int, path: str, value: float) -> dict[str, Any]:
    return {
        "path": path,
        **dataclasses.asdict(unit),
        "kind": kind,
        "pole": pole,
        "rank": rank,
        "activation": value,
    }


def _plain(value: Any) -> Any:
    """Turn tuples into lists, which is all that YAML knows."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _device_model(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()
