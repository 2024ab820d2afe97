import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd

from stimgen.__main__ import main
from stimgen.occlusion.map_drawing import HIGH_COLOUR, LOW_COLOUR, draw_map
from stimgen.occlusion.patches import Patch
from stimgen.sets.gallery import write_gallery
from unitscope.columns import MANIFEST_COLUMNS
from unitscope.tables import write_csv


class Closed(HTMLParser):
    """Checks that every element that is opened is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_made_again_the_same(tiny_set: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_set, tmp_path / "tiny")
    page = tmp_path / "tiny" / "index.html"
    before = page.read_text(encoding="utf-8")
    Closed(before)
    page.unlink()
    assert main(["gallery", str(tmp_path / "tiny")]) == 0
    assert page.read_text(encoding="utf-8") == before
    assert main(["gallery", str(tmp_path / "nowhere")]) == 2


def test_ten_thousand_images_make_a_page_of_few_megabytes(tmp_path: Path) -> None:
    rows = [
        {
            "path": f"images/mixed4a-3x3-{channel:04d}/natural_{pole}_b{batch:02d}_r{rank:02d}.png",
            "sha256": f"{channel}{pole}{batch}{rank}",
            "network": "inception_v1",
            "layer": "mixed4a",
            "branch": "3x3",
            "channel": channel,
            "kind": "natural",
            "pole": pole,
            "rank": rank,
            "batch": batch,
            "activation": rank / 7,
            "source_image": f"n01440764/ILSVRC2012_val_{batch:08d}.JPEG",
        }
        for channel in range(25)
        for pole in ("min", "max")
        for batch in range(20)
        for rank in range(10)
    ]
    frame = pd.DataFrame(rows, columns=[column.name for column in MANIFEST_COLUMNS])
    write_csv(frame, tmp_path / "manifest.csv", MANIFEST_COLUMNS)
    page = write_gallery(tmp_path).read_text(encoding="utf-8")
    assert page.count("<img") == page.count('loading="lazy"') == 10_000
    assert len(page) < 4e6
    # Only sections in view are laid out, and each unit is one.
    assert page.count("<section>") == 25 and "content-visibility: auto" in page
    assert set(re.findall('href="#([^"]*)"', page)) == set(re.findall('id="([^"]*)"', page))
    Closed(page)


def test_a_map_is_drawn_where_the_patch_was() -> None:
    image = np.full((60, 60, 3), 200, dtype=np.uint8)
    activations = np.zeros((4, 4))
    activations[1, 2] = 1.0
    plain = np.asarray(draw_map(image, activations, 20, 10)).astype(int)
    assert plain.shape == image.shape
    # Patches begin at 0, 10, 20, 30 px, so their middles lie in squares of 10 px from 5 px on.
    differs = np.argwhere((plain != plain[10, 10]).any(2) & (plain != plain[0, 0]).any(2))
    assert differs.min(0).tolist() == [15, 25] and differs.max(0).tolist() == [24, 34]
    assert plain[20, 30].sum() > plain[10, 10].sum()
    low, high = Patch(0, 0, 20), Patch(40, 20, 20)
    drawn = np.asarray(draw_map(image, activations, 20, 10, low=low, high=high)).astype(int)
    assert tuple(drawn[0, 0]) == LOW_COLOUR and tuple(drawn[20, 59]) == HIGH_COLOUR
    even = np.asarray(draw_map(image, np.ones((4, 4)), 20, 10))
    assert np.isfinite(even).all()
