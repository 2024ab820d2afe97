"""Many crops of few photographs, for looking at what units of a network respond to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from stimgen.seeds import shuffled
from stimgen.sweeps.image_sources import ImageFolder
from unitscope.errors import BadInput

Box = tuple[int, int, int, int]

_LEAST_PX = 112
_SCALES = 1.0, 0.7, 0.5, 0.35, 0.25
"""Sides of crops, relative to the photograph's short side."""
_STEP = 0.6
"""Distance of neighbouring crops, relative to their side."""
_LEAST_SD = 0.08
"""Crops with less contrast, in 0..1, show next to nothing."""
_LARGE_PX = 2560
"""Larger photographs, such as panoramas, are cut into parts that count as photographs."""

_STIMULI = "demos/builder/Design Templates/randomisedBlocks/stims"
_SCENES = "demos/coder/iohub/eyetracking/gcCursor/images"
_INSTALLED = {
    "skimage": (
        *(f"data/{name}.png" for name in ("astronaut", "chelsea", "coffee", "color", "ihc")),
        *(f"data/{name}.jpg" for name in ("hubble_deep_field", "retina", "rocket")),
        "data/motorcycle_left.png",
    ),
    "psychopy": (
        *(f"{_STIMULI}/{kind}0{number}.jpg" for kind in ("face", "house") for number in (1, 2, 3)),
        *(f"{_SCENES}/{name}.jpg" for name in ("canal", "fall", "lake", "party", "swimming")),
        "demos/builder/Experiments/BART/assets/background.jpg",
        "demos/builder/Feature Demos/panorama/panImg.jpg",
    ),
    "matplotlib": ("mpl-data/sample_data/grace_hopper.jpg",),
}


@dataclass(frozen=True)
class Crops:
    """Crops of photographs.

    Parameters
    ----------
    images
        8 bit, of one size.
    photographs
        For each the number of its photograph.
    """

    images: list[np.ndarray]
    photographs: np.ndarray


def installed_photographs() -> list[Path]:
    """Return the colour photographs that come with scikit-image, PsychoPy and Matplotlib."""
    found = []
    for package, names in _INSTALLED.items():
        spec = find_spec(package)
        folders = spec.submodule_search_locations if spec else None
        found += [Path(folder) / name for folder in folders or () for name in names]
    return [file for file in found if file.is_file()]


def photographs_in(folders: Sequence[Path]) -> list[Path]:
    """Return all images in some folders."""
    found = []
    for folder in folders:
        source = ImageFolder(folder)
        found += [folder / source.name(i) for i in range(len(source))]
    return found


def crop_photographs(files: Sequence[Path], size_px: int, most: int = 40) -> Crops:
    """Cut photographs into crops of several sizes, at most ``most`` of each, and resize these.

    Crops overlap by no more than 40 % of their side with others of their size.

    Raises
    ------
    BadInput
        If a file is no image, or there are no crops.
    """
    found: list[tuple[int, np.ndarray]] = []
    every = (photograph for file in files for photograph in _parts(file))
    for number, photograph in enumerate(every):
        boxes = shuffled(_boxes(*photograph.size), number)
        crops = (_crop(photograph, box, size_px) for box in boxes)
        with_contrast = (crop for crop in crops if crop.mean(2).std() / 255 >= _LEAST_SD)
        found += [(number, crop) for crop in islice(with_contrast, most)]
    if not found:
        raise BadInput("no photograph has crops with any contrast")
    # Of images that activate a unit equally the first is taken: so not always the same photograph.
    order = shuffled(range(len(found)), "crops")
    return Crops([found[i][1] for i in order], np.array([found[i][0] for i in order]))


def _parts(file: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(file) as image:
            whole = image.convert("RGB")
    except (OSError, ValueError) as error:
        raise BadInput(f"{file}: {error}") from None
    across, down = (max(1, round(side / _LARGE_PX)) for side in whole.size)
    for y in range(down):
        for x in range(across):
            left, right = (whole.width * place // across for place in (x, x + 1))
            top, bottom = (whole.height * place // down for place in (y, y + 1))
            yield whole.crop((left, top, right, bottom))


def _boxes(width: int, height: int) -> Iterator[Box]:
    for scale in _SCALES:
        side = int(scale * min(width, height))
        if side >= _LEAST_PX:
            for top in range(0, height - side + 1, int(_STEP * side)):
                for left in range(0, width - side + 1, int(_STEP * side)):
                    yield left, top, left + side, top + side


def _crop(photograph: Image.Image, box: Box, size_px: int) -> np.ndarray:
    return np.asarray(photograph.resize((size_px, size_px), Image.Resampling.LANCZOS, box))
