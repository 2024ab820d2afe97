"""Verification of a finished stimulus set: files, activations and rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from stimgen.files import read_png
from stimgen.networks.network import Network, Precision
from stimgen.networks.rounding import agree, agree_anywhere, slack
from stimgen.occlusion.activation_maps import choose_queries
from stimgen.occlusion.patches import Edit, Patch, apply
from stimgen.sets.manifest import SetImage, set_images
from stimgen.sets.measure import measure
from stimgen.sets.occlusion_maps import edit_of, load_map, map_path
from stimgen.studies.build_settings import ActivationSettings, BuildSettings
from stimgen.studies.occlusion_settings import OcclusionSettings
from unitscope.disk import OF_FILE_MANAGERS
from unitscope.errors import BadInput, as_sentence
from unitscope.image_files import UNREADABLE, open_image
from unitscope.set_checksums import changed_files
from unitscope.stimulus_set import StimulusSet, sha256_of
from unitscope.vocabulary import Unit

_UNIT = ["network", "layer", "branch", "channel"]


@dataclass(frozen=True)
class Fault:
    """A fault of a set: the file or group concerned, and what is wrong with it."""

    where: str
    what: str

    def __str__(self) -> str:
        """Return both, for readers."""
        return as_sentence(f"{self.where}: {self.what}")


def verify(stimuli: StimulusSet, settings: BuildSettings, *, quiet: bool = False) -> list[Fault]:
    """Check a finished set's files and rules, without its network.

    Every file exists and is unchanged, and images have the same size; there are no files that are
    not in the manifest; no unit has the same image twice, except a base image and its source, and
    an image of one colour and its blurred copy; every unit has the images that the settings ask
    for; activation increases with rank; each batch's min query has a lower activation than its max
    query; occlusion stimuli agree with their base images and maps.

    Parameters
    ----------
    stimuli, settings
        The set, and the settings that it was built with.
    quiet
        Whether to show no progress.
    """
    return [
        *_images_and_rules(stimuli, settings, quiet),
        *(Fault(where, what) for where, what in changed_files(stimuli.folder)),
    ]


def require_sound(folder: Path, settings: BuildSettings, *, quiet: bool = False) -> None:
    """Check a set that has just been written, before it counts as finished.

    Raises
    ------
    BadInput
        Naming the first fault, and the number of others.
    """
    faults = _images_and_rules(StimulusSet.open(folder), settings, quiet)
    if faults:
        others = f" (and {len(faults) - 1} other faults)" if len(faults) > 1 else ""
        raise BadInput(
            f"{folder}: the set is not as it must be: {faults[0]}{others}; it stays unfinished"
        )


def _images_and_rules(stimuli: StimulusSet, settings: BuildSettings, quiet: bool) -> list[Fault]:
    checks: dict[str, Iterator[Fault]] = {
        "files": _changed_files(stimuli),
        "folder": _stray_files(stimuli),
        "repetitions": _repeated_images(stimuli, settings),
        "counts": _missing_images(stimuli, settings),
        "ranks": _misplaced_ranks(stimuli, settings),
        "queries": _unordered_queries(stimuli, settings),
        "occlusion": verify_occlusion(stimuli, settings),
    }
    faults = []
    with tqdm(checks.items(), desc="verify", unit="check", disable=quiet) as progress:
        for name, check in progress:
            progress.set_postfix_str(name)
            faults += list(check)
    return faults


def verify_activations(
    stimuli: StimulusSet,
    network: Network,
    activation: ActivationSettings,
    *,
    quiet: bool = False,
) -> list[Fault]:
    """Measure the activation of every image again and compare it with the manifest."""
    rows = [row for row in stimuli.manifest.itertuples() if stimuli.file(row.path).is_file()]
    files = [(stimuli.file(row.path), _unit_of(row)) for row in rows]
    values = measure(network, files, activation, quiet=quiet)
    return [
        Fault(row.path, f"activation is {value:g}, but {row.activation:g} in the manifest")
        for row, value in zip(rows, values, strict=True)
        if not agree_anywhere(value, row.activation, network.precision)
    ]


def _unit_of(row: object) -> Unit:
    network, layer, branch, channel = (getattr(row, name) for name in _UNIT)
    return Unit(network, layer, "" if pd.isna(branch) else branch, int(channel))


def _changed_files(stimuli: StimulusSet) -> Iterator[Fault]:
    first: tuple[int, int] | None = None
    for row in stimuli.manifest.itertuples():
        file = stimuli.file(row.path)
        if not file.is_file():
            yield Fault(row.path, "is missing")
            continue
        if sha256_of(file) != row.sha256:
            yield Fault(row.path, "has changed: its SHA-256 is not the manifest's")
        try:
            with open_image(file) as image:
                size = image.size
        except UNREADABLE:
            yield Fault(row.path, "cannot be read as an image")
            continue
        first = first or size
        if size != first:
            yield Fault(row.path, f"is {size[0]} x {size[1]} px, others {first[0]} x {first[1]}")


def _stray_files(stimuli: StimulusSet) -> Iterator[Fault]:
    known = set(stimuli.manifest["path"])
    for file in sorted((stimuli.folder / "images").rglob("*")):
        path = file.relative_to(stimuli.folder).as_posix()
        if file.is_file() and path not in known and file.name not in OF_FILE_MANAGERS:
            yield Fault(path, "is not in the manifest")


def _repeated_images(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    # A query among its unit's references would be such a repetition. Base images are natural
    # images, batches of pairs are drawn again from the same images, and an image of one colour
    # stays the same when it is blurred.
    manifest = stimuli.manifest[stimuli.manifest["kind"] != "base"]
    is_pair = (manifest["batch"] >= settings.natural.n_batches).fillna(False)
    is_blurred = (manifest["kind"] == "blur").rename("is_blurred")
    columns = [*(manifest[name] for name in (*_UNIT, "sha256")), is_pair, is_blurred]
    for _, rows in manifest.groupby(columns, dropna=False, sort=False):
        if len(rows) > 1:
            paths = rows["path"].tolist()
            yield Fault(paths[1], f"is the same image as {paths[0]}")


def _missing_images(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    natural = settings.natural
    sizes = dict.fromkeys(range(natural.n_batches), natural.n_bins)
    pairs = range(natural.n_batches, natural.n_batches + natural.pair_batches)
    wanted: list[tuple[str, int | None, int]] = [
        ("natural", batch, n) for batch, n in (sizes | dict.fromkeys(pairs, 2)).items()
    ]
    wanted.append(("synthetic", None, settings.synthetic.per_pole))
    further = enumerate(settings.synthetic.further_per_pole, start=1)
    wanted += [("synthetic", batch, n) for batch, n in further]
    for unit in stimuli.units:
        for pole in settings.poles:
            for kind, batch, n in wanted:
                found = len(stimuli.batch(unit, kind, pole, batch))
                if found != n:
                    where = "" if batch is None else f", batch {batch}"
                    yield Fault(
                        f"{unit.name}{where}", f"has {found} {kind} {pole} images, expected {n}"
                    )


def _misplaced_ranks(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    manifest = stimuli.manifest[stimuli.manifest["kind"].isin(["natural", "synthetic"])]
    for (*_, kind, pole, _), rows in manifest.groupby(
        [*_UNIT, "kind", "pole", "batch"], dropna=False, sort=False
    ):
        ranked = rows.sort_values("rank")
        if ranked["rank"].tolist() != list(range(len(ranked))):
            yield Fault(ranked["path"].iloc[0], "ranks of its batch are not 0, 1, 2, ...")
        if kind == "natural" and settings.natural.queries is not None:
            # Queries by percentile have the rank of a query, but are less extreme than references.
            ranked = ranked.iloc[1:] if pole == "min" else ranked.iloc[:-1]
        # The order of the sweep may differ from the measured order by rounding.
        room = slack(settings.network.precision) * (1 + ranked["activation"].abs())
        falls = ranked["activation"].diff() < -room
        if falls.any():
            yield Fault(
                ranked.loc[falls, "path"].iloc[0], "has a lower activation than the rank below"
            )


def _unordered_queries(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    natural = settings.natural
    for unit in stimuli.units:
        for batch in range(natural.n_batches + natural.pair_batches):
            low, high = (
                [stimulus.activation for stimulus in stimuli.ranked(unit, "natural", pole, batch)]
                for pole in ("min", "max")
            )
            if low and high and not low[0] < high[-1]:
                yield Fault(
                    f"{unit.name}, batch {batch}",
                    f"the min query's activation {low[0]:g} is not below the max query's "
                    f"{high[-1]:g}",
                )


Group = dict[tuple[str, str, int], tuple[SetImage, float]]
"""Images of one unit and batch with their activations, by kind, pole and rank."""


def verify_occlusion(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    """Yield the faults of a set's base, occluded and blurred images.

    The base is its batch's most activating natural image, unchanged; each query is the base with a
    patch replaced by its mean colour; patches and activations are those of the saved map; the lower
    query's activation is below the higher one's.
    """
    wanted = settings.occlusion
    groups: dict[tuple[str, int], Group] = {}
    activations = stimuli.manifest["activation"].tolist()
    for image, activation in zip(set_images(stimuli.manifest), activations, strict=True):
        if image.batch is not None:
            group = groups.setdefault((image.unit.name, image.batch), {})
            # There is one base and one query of a pole, so their ranks carry no information.
            rank = image.rank if image.kind in ("natural", "blur") else 0
            group[image.kind, image.pole, rank] = (image, float(activation))
    for (unit, batch), found in groups.items():
        if not any(kind in ("base", "occluded", "blur") for kind, _, _ in found):
            continue
        if wanted is None:
            yield Fault(
                f"{unit}, batch {batch}", "has occlusion stimuli, which the settings do not ask for"
            )
            continue
        try:
            precision = settings.network.precision
            yield from _trial(stimuli, found, wanted, precision, f"{unit}, batch {batch}")
            yield from _blurred(stimuli, found, wanted, precision)
        except BadInput as error:
            yield Fault(f"{unit}, batch {batch}", str(error))


def _trial(
    stimuli: StimulusSet,
    found: Group,
    settings: OcclusionSettings,
    precision: Precision,
    where: str,
) -> Iterator[Fault]:
    places = [("base", "max", 0), ("occluded", "min", 0), ("occluded", "max", 0)]
    missing = [f"{kind} {pole}" for kind, pole, _ in places if (kind, pole, 0) not in found]
    if missing:
        yield Fault(where, f"lacks its {' and its '.join(missing)} image")
        return
    (base, base_activation), *queries = (found[place] for place in places)
    image = read_png(stimuli.file(base.path))
    yield from _base(stimuli, found, base, image)
    path = map_path(base.unit, "occluded", base.batch or 0, 0)
    values, mapped, *_ = load_map(stimuli.file(path))
    if not agree(base_activation, mapped, precision):
        yield Fault(base.path, f"activation is {base_activation:g}, but {mapped:g} in its map")
    pair = choose_queries(values, mapped, settings)
    for (query, activation), patch, expected in zip(
        queries,
        (pair.low, pair.high) if pair else (None, None),
        (pair.low_activation, pair.high_activation) if pair else (np.nan, np.nan),
        strict=True,
    ):
        if query.patch != patch:
            yield Fault(
                query.path, f"occludes {_place(query.patch)}, but its map gives {_place(patch)}"
            )
        elif not agree(activation, expected, precision):
            yield Fault(query.path, f"activation is {activation:g}, but {expected:g} in its map")
        yield from _edited(stimuli, query, edit_of("occluded", image, settings))
    if not queries[0][1] < queries[1][1]:
        low, high = (activation for _, activation in queries)
        yield Fault(where, f"the lower query's activation {low:g} is not below {high:g}")


def _base(stimuli: StimulusSet, found: Group, base: SetImage, image: np.ndarray) -> Iterator[Fault]:
    ranks = [rank for kind, pole, rank in found if (kind, pole) == ("natural", "max")]
    if not ranks:
        yield Fault(base.path, "its batch has no natural images of the max pole")
        return
    strongest, _ = found["natural", "max", max(ranks)]
    if not np.array_equal(image, read_png(stimuli.file(strongest.path))):
        yield Fault(base.path, f"is not the image {strongest.path}")


def _blurred(
    stimuli: StimulusSet, found: Group, settings: OcclusionSettings, precision: Precision
) -> Iterator[Fault]:
    for (kind, _, rank), (blurred, activation) in found.items():
        if kind != "blur":
            continue
        if ("natural", "max", rank) not in found:
            yield Fault(blurred.path, "there is no natural image with its rank")
            continue
        image = read_png(stimuli.file(found["natural", "max", rank][0].path))
        yield from _edited(stimuli, blurred, edit_of("blur", image, settings))
        path = map_path(blurred.unit, "blur", blurred.batch or 0, rank)
        values = load_map(stimuli.file(path)).activations
        if not agree(activation, float(values.max()), precision):
            yield Fault(
                blurred.path, f"activation is {activation:g}, but {values.max():g} in its map"
            )


def _edited(stimuli: StimulusSet, query: SetImage, edit: Edit) -> Iterator[Fault]:
    patch = query.patch
    side = edit.base.shape[0]
    if patch is None or min(patch.x_px, patch.y_px) < 0:
        yield Fault(query.path, "has no patch inside the image")
    elif max(patch.x_px, patch.y_px) + patch.size_px > side:
        yield Fault(query.path, f"its patch extends beyond the image of {side} px")
    elif not np.array_equal(read_png(stimuli.file(query.path)), apply(edit, patch)):
        what = "replaced by its mean colour" if query.kind == "occluded" else "sharp"
        yield Fault(query.path, f"is not its base with {_place(patch)} {what}")


def _place(patch: Patch | None) -> str:
    if patch is None:
        return "no patch"
    return f"the {patch.size_px} px at x {patch.x_px}, y {patch.y_px}"
