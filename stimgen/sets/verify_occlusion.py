"""Check a set's occlusion stimuli: every picture against its base, its map and its place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stimgen.networks.network import Precision
from stimgen.networks.rounding import agree
from stimgen.occlusion.activation_maps import choose_queries
from stimgen.occlusion.occlusion_maps import load_map, map_path
from stimgen.occlusion.occlusion_settings import OcclusionSettings
from stimgen.occlusion.patches import Edit, Occlusion, Patch, Sharpening, apply
from stimgen.png import read_png
from stimgen.sets.faults import Fault
from stimgen.sets.manifest import Picture, pictures_of
from stimgen.settings import BuildSettings
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet

Found = dict[tuple[str, str, int], tuple[Picture, float]]
"""Pictures and their activations of one unit and batch by kind, pole and rank."""


def verify_occlusion(stimuli: StimulusSet, settings: BuildSettings) -> Iterator[Fault]:
    """Yield the faults of a set's base, occluded and blurred images.

    The base is its batch's strongest natural image, unchanged; each query is the base with a patch
    inside it under the mean colour of what it covers; the patches are those that the saved map
    gives, at the activations in the manifest; the lower query's is below the higher one's.
    """
    wanted = settings.occlusion
    groups: dict[tuple[str, int], Found] = {}
    activations = stimuli.manifest["activation"].tolist()
    for picture, activation in zip(pictures_of(stimuli.manifest), activations, strict=True):
        if picture.batch is not None:
            group = groups.setdefault((picture.unit.name, picture.batch), {})
            # There is one base and one query of a pole: their ranks say nothing.
            rank = picture.rank if picture.kind in ("natural", "blur") else 0
            group[picture.kind, picture.pole, rank] = (picture, float(activation))
    for (unit, batch), found in groups.items():
        if not any(kind in ("base", "occluded", "blur") for kind, _, _ in found):
            continue
        if wanted is None:
            yield Fault(f"{unit}, batch {batch}", "has occlusion stimuli that no setting asks for")
            continue
        try:
            precision = settings.network.precision
            yield from _trial(stimuli, found, wanted, precision, f"{unit}, batch {batch}")
            yield from _blurred(stimuli, found, wanted, precision)
        except BadInput as error:
            yield Fault(f"{unit}, batch {batch}", str(error))


def _trial(
    stimuli: StimulusSet,
    found: Found,
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
    picture = read_png(stimuli.file(base.path))
    yield from _base(stimuli, found, base, picture)
    values, mapped = load_map(stimuli.file(map_path(base.unit, "occluded", base.batch or 0, 0)))
    if not agree(base_activation, mapped, precision):
        yield Fault(base.path, f"activation is {base_activation:g}, but its map says {mapped:g}")
    pair = choose_queries(values, mapped, settings)
    for (query, activation), patch, expected in zip(
        queries,
        (pair.low, pair.high) if pair else (None, None),
        (pair.low_activation, pair.high_activation) if pair else (np.nan, np.nan),
        strict=True,
    ):
        if query.patch != patch:
            yield Fault(query.path, f"hides {_place(query.patch)}, its map gives {_place(patch)}")
        elif not agree(activation, expected, precision):
            yield Fault(query.path, f"activation is {activation:g}, its map says {expected:g}")
        yield from _edited(stimuli, query, Occlusion(picture))
    if not queries[0][1] < queries[1][1]:
        low, high = (activation for _, activation in queries)
        yield Fault(where, f"the lower query's activation {low:g} is not below {high:g}")


def _base(
    stimuli: StimulusSet, found: Found, base: Picture, picture: np.ndarray
) -> Iterator[Fault]:
    ranks = [rank for kind, pole, rank in found if (kind, pole) == ("natural", "max")]
    if not ranks:
        yield Fault(base.path, "its batch has no natural max images")
        return
    strongest, _ = found["natural", "max", max(ranks)]
    if not np.array_equal(picture, read_png(stimuli.file(strongest.path))):
        yield Fault(base.path, f"is not the picture {strongest.path}")


def _blurred(
    stimuli: StimulusSet, found: Found, settings: OcclusionSettings, precision: Precision
) -> Iterator[Fault]:
    for (kind, _, rank), (blurred, activation) in found.items():
        if kind != "blur":
            continue
        if ("natural", "max", rank) not in found:
            yield Fault(blurred.path, "there is no natural image of its rank")
            continue
        picture = read_png(stimuli.file(found["natural", "max", rank][0].path))
        kernel, sigma = settings.blur_kernel_px, settings.blur_sigma_px
        yield from _edited(stimuli, blurred, Sharpening(picture, kernel, sigma))
        path = map_path(blurred.unit, "blur", blurred.batch or 0, rank)
        values, _ = load_map(stimuli.file(path))
        if not agree(activation, float(values.max()), precision):
            yield Fault(
                blurred.path, f"activation is {activation:g}, its map says {values.max():g}"
            )


def _edited(stimuli: StimulusSet, query: Picture, edit: Edit) -> Iterator[Fault]:
    patch = query.patch
    side = edit.base.shape[0]
    if patch is None or min(patch.x_px, patch.y_px) < 0:
        yield Fault(query.path, "has no patch inside the picture")
    elif max(patch.x_px, patch.y_px) + patch.size_px > side:
        yield Fault(query.path, f"its patch leads beyond the picture of {side} px")
    elif not np.array_equal(read_png(stimuli.file(query.path)), apply(edit, patch)):
        what = "hidden under its mean colour" if query.kind == "occluded" else "sharp"
        yield Fault(query.path, f"is not its base with {_place(patch)} {what}")


def _place(patch: Patch | None) -> str:
    if patch is None:
        return "no patch"
    return f"the {patch.size_px} px at x {patch.x_px}, y {patch.y_px}"
