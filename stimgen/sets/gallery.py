"""The overview page of a stimulus set: each unit's references, queries and activation maps."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from stimgen.files import read_png
from stimgen.occlusion.map_drawing import draw_map
from stimgen.occlusion.patches import Patch
from stimgen.sets.occlusion_maps import load_map, map_path
from unitscope.disk import write_file
from unitscope.stimulus_set import StimulusSet
from unitscope.vocabulary import POLES, Unit

PAGE = "index.html"

# A browser lays out only the units in view, however many there are.
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; background: #f4f4f4 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2.5rem 0 .3rem }
h3 { font-size: .95rem; font-weight: 600; margin: .8rem 0 .3rem }
nav a { display: inline-block; margin-right: .8rem; white-space: nowrap }
section { content-visibility: auto; contain-intrinsic-size: auto 60rem }
.poles, .trials { display: flex; gap: 1rem 2.5rem; flex-wrap: wrap }
.row { display: flex; gap: 4px; margin-bottom: 4px; align-items: start }
.row span { font-size: 11px; color: #555; font-weight: 400; width: 1.2rem; text-align: right }
figure { margin: 0; width: clamp(40px, 4vw, 112px) }
.trials figure { width: clamp(80px, 7vw, 160px) }
img { width: 100%; aspect-ratio: 1; display: block; background: #ddd }
figcaption { font-size: 11px; color: #555; text-align: center }
.query img { outline: 3px solid #c60; outline-offset: -3px }
"""

_POLE_TITLES = {"min": "least activating", "max": "most activating"}


def write_gallery(folder: Path) -> Path:
    """Write ``index.html`` beside a set's manifest; it refers to the set's own files only.

    The activation maps of occlusion stimuli are drawn as PNG files beside the maps.

    Raises
    ------
    BadInput
        If there is no set in the folder.
    """
    stimuli = StimulusSet.open(folder)
    page = folder / PAGE
    name = folder.name.removeprefix(".").removesuffix(".partial")
    write_file(page, "\n".join(_page(stimuli, escape(name))))
    return page


def _page(stimuli: StimulusSet, name: str) -> Iterator[str]:
    manifest = stimuli.manifest
    has_natural = (manifest["kind"] == "natural").any()
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f"<title>{name}</title>"
    yield f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>\n</head>'
    yield f"<body>\n<h1>Stimulus set {name}</h1>"
    yield (
        f"<p>{len(stimuli.units)} units, {len(manifest)} images. The number below each image "
        "is the unit's activation"
        + ("; the number before a row of natural images is the batch. " if has_natural else ". ")
        + "In a batch of natural images, the framed images are the queries and the others the "
        "references.</p>"
    )
    if (manifest["kind"] == "occluded").any():
        yield (
            "<p>Occlusion: the base image, its queries with the lower and the higher activation, "
            "and the activation map: the activation with the patch centred at each position, dark "
            "for low values. The lower query's patch is framed blue, the higher query's orange.</p>"
        )
    links = (f'<a href="#{quote(unit.name)}">{escape(unit.name)}</a>' for unit in stimuli.units)
    yield "<nav>" + "\n".join(links) + "</nav>"
    columns = ["network", "layer", "branch", "channel"]
    groups = manifest.groupby(columns, sort=False, dropna=False)
    for unit, (_, rows) in zip(stimuli.units, groups, strict=True):
        yield f'<section>\n<h2 id="{quote(unit.name)}">{escape(unit.name)}</h2>'
        for kind in ("natural", "synthetic"):
            yield from _poles(kind, rows[rows["kind"] == kind])
        yield from _occlusion_trials(stimuli, unit, rows)
        yield from _poles("blur", rows[rows["kind"] == "blur"])
        yield "</section>"
    yield "</body>\n</html>\n"


def _poles(kind: str, rows: pd.DataFrame) -> Iterator[str]:
    if rows.empty:
        return
    yield f'<h3>{escape(kind)}</h3>\n<div class="poles">'
    for pole in POLES:
        of_pole = rows[rows["pole"] == pole]
        if of_pole.empty:
            continue
        yield f"<div>\n<p>{_POLE_TITLES[pole]}</p>"
        for batch, images in of_pole.groupby("batch", dropna=False):
            images = images.sort_values("rank")
            query = images["rank"].min() if pole == "min" else images["rank"].max()
            yield '<div class="row">'
            if pd.notna(batch):
                yield f"<span>{batch}</span>"
            for image in images.itertuples():
                yield _figure(image, is_query=kind == "natural" and image.rank == query)
            yield "</div>"
        yield "</div>"
    yield "</div>"


def _occlusion_trials(stimuli: StimulusSet, unit: Unit, rows: pd.DataFrame) -> Iterator[str]:
    rows = rows[rows["kind"].isin(["base", "occluded"])]
    if rows.empty:
        return
    yield '<h3>occlusion</h3>\n<div class="trials">'
    for batch, images in rows.groupby("batch"):
        yield f'<div class="row"><span>{batch}</span>'
        shown = {(row.kind, row.pole): row for row in images.itertuples()}
        order = [("base", "max"), ("occluded", "min"), ("occluded", "max")]
        for place in (place for place in order if place in shown):
            yield _figure(shown[place])
        if all(place in shown for place in order):
            base, low, high = (shown[place] for place in order)
            path = _draw(stimuli, map_path(unit, "occluded", int(batch), 0), base, low, high)
            if path is not None:
                yield (
                    f'<figure><img src="{quote(path)}" alt="" loading="lazy">'
                    "<figcaption>activation map</figcaption></figure>"
                )
        yield "</div>"
    yield "</div>"


def _draw(stimuli: StimulusSet, path: str, base: object, low: object, high: object) -> str | None:
    """Draw a base image's map unless the drawing exists, and return the drawing's path."""
    source = stimuli.file(path)
    if not source.is_file():
        return None
    drawn = source.with_suffix(".png")
    if not drawn.exists():
        found = load_map(source)
        edges = [
            [getattr(row, f"occluder_{name}_px") for name in ("x", "y", "size")]
            for row in (low, high)
        ]
        if any(pd.isna(edge) for own in edges for edge in own):
            return None
        patches = [Patch(*map(int, own)) for own in edges]
        draw_map(
            read_png(stimuli.file(str(base.path))),  # type: ignore[attr-defined]
            found.activations,
            found.size_px,
            found.stride_px,
            low=patches[0],
            high=patches[1],
        ).save(drawn)
    return drawn.relative_to(stimuli.folder).as_posix()


def _figure(image: object, *, is_query: bool = False) -> str:
    path, source, activation = (getattr(image, n) for n in ("path", "source_image", "activation"))
    mark = ' class="query"' if is_query else ""
    title = f' title="{escape(str(source))}"' if pd.notna(source) else ""
    return (
        f"<figure{mark}{title}>"
        f'<img src="{quote(str(path))}" alt="" loading="lazy">'
        f"<figcaption>{activation:.3g}</figcaption></figure>"
    )
