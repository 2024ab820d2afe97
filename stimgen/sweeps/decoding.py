"""How fast photographs are decoded."""

from __future__ import annotations

import time
from io import BytesIO

import numpy as np
from PIL import Image

from stimgen.sweeps.images import crop, read_rgb
from stimgen.sweeps.jpeg import decoder
from stimgen.sweeps.prefetch import prefetch


def decode_rates(n_images: int = 256) -> dict[str, float]:
    """Return how many JPEG photographs a second all threads read and crop, by what reads them."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    photograph = Image.fromarray(pixels).resize((500, 375), Image.Resampling.BICUBIC)
    file = BytesIO()
    photograph.save(file, "JPEG", quality=90)
    data = file.getvalue()

    def read(_: int) -> np.ndarray:
        return np.asarray(crop(read_rgb(BytesIO(data)), 256, 224))

    def rate() -> float:
        start = time.perf_counter()
        for _ in prefetch(read, range(n_images)):
            pass
        return n_images / (time.perf_counter() - start)

    name = "torchcodec" if decoder() else "PIL"
    return {name: max(rate() for _ in range(3))}
