"""A page to look at: every unit of a stimulus set with its references and queries."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from conditions.vocabulary import POLES

_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; background: #f4f4f4 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin: 2.5rem 0 .3rem }
h3 { font-size: .95rem; font-weight: 600; margin: .8rem 0 .3rem }
nav a { margin-right: .8rem; white-space: nowrap }
.poles { display: flex; gap: 2.5rem }
.row { display: flex; gap: 4px; margin-bottom: 4px }
figure { margin: 0; width: clamp(40px, 4vw, 112px) }
img { width: 100%; aspect-ratio: 1; display: block; background: #ddd }
figcaption { font-size: 11px; color: #555; text-align: center }
.query img { outline: 3px solid #c60; outline-offset: -3px }
"""

_POLE_TITLES = {"min": "least activating", "max": "most activating"}


def write_gallery(folder: Path, manifest: pd.DataFrame, name: str) -> None:
    """Write ``index.html`` beside a manifest; it needs nothing but the set's own images.

    Parameters
    ----------
    folder
        Of the stimulus set.
    manifest
        With the columns of ``MANIFEST_COLUMNS``.
    name
        Of the set.
    """
    page = "\n".join(_page(manifest, escape(name)))
    (folder / "index.html").write_text(page, encoding="utf-8")


def _page(manifest: pd.DataFrame, name: str) -> Iterator[str]:
    units = list(dict.fromkeys(Path(path).parent.name for path in manifest["path"]))
    folders = manifest["path"].map(lambda path: Path(path).parent.name)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f"<title>{name}</title>"
    yield f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>\n</head>'
    yield f"<body>\n<h1>Stimulus set {name}</h1>"
    yield (
        f"<p>{len(units)} units, {len(manifest)} images. Below each image stands the unit's "
        "activation. In a batch of natural images the framed ones, the least and the most "
        "activating, are the queries; the others are references.</p>"
    )
    links = (f'<a href="#{quote(unit)}">{escape(unit)}</a>' for unit in units)
    yield "<nav>" + "\n".join(links) + "</nav>"
    for unit in units:
        yield f'<h2 id="{quote(unit)}">{escape(unit)}</h2>'
        yield from _unit(manifest[folders == unit])
    yield "</body>\n</html>\n"


def _unit(rows: pd.DataFrame) -> Iterator[str]:
    for kind, of_kind in rows.groupby("kind", sort=False):
        yield f'<h3>{escape(str(kind))}</h3>\n<div class="poles">'
        for pole in POLES:
            of_pole = of_kind[of_kind["pole"] == pole]
            if of_pole.empty:
                continue
            yield f"<div>\n<p>{_POLE_TITLES[pole]}</p>"
            for _, batch in of_pole.groupby("batch", dropna=False):
                yield from _row(batch.sort_values("rank"), kind == "natural", pole)
            yield "</div>"
        yield "</div>"


def _row(batch: pd.DataFrame, has_query: bool, pole: str) -> Iterator[str]:
    query = batch["rank"].min() if pole == "min" else batch["rank"].max()
    yield '<div class="row">'
    for image in batch.itertuples():
        mark = ' class="query"' if has_query and image.rank == query else ""
        title = escape(str(image.source_image)) if pd.notna(image.source_image) else ""
        yield (
            f'<figure{mark} title="{title}">'
            f'<img src="{quote(str(image.path))}" alt="" loading="lazy">'
            f"<figcaption>{image.activation:.3g}</figcaption></figure>"
        )
    yield "</div>"
