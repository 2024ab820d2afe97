"""Activation maps drawn as images, with the patches of the queries framed."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from stimgen.occlusion.patches import Patch

LOW_COLOUR, HIGH_COLOUR = (40, 90, 220), (230, 120, 0)
"""Colours of the frames around the min query's and the max query's patch."""

# From dark to light, so that lightness alone shows the order.
_COLOURS = np.array(
    [(20, 14, 54), (84, 26, 104), (158, 47, 100), (221, 81, 58), (249, 142, 9), (245, 242, 160)]
)


def draw_map(
    image: np.ndarray,
    activations: np.ndarray,
    size_px: int,
    stride_px: int,
    *,
    low: Patch | None = None,
    high: Patch | None = None,
) -> Image.Image:
    """Draw a map over its image, each value at the centre of its patch, dark for low values.

    Parameters
    ----------
    image
        Side x side x 3, 8 bit; shown in grey around the map.
    activations
        Rows x columns, one value per position.
    size_px, stride_px
        Side of the patch and step between positions.
    low, high
        Patches to frame.

    Returns
    -------
    PIL.Image.Image
        RGB, of the image's size.
    """
    grey = Image.fromarray(image).convert("L").convert("RGB")
    shown = Image.blend(grey, Image.new("RGB", grey.size, "white"), 0.45)
    span = float(np.ptp(activations)) or 1.0
    place = (activations - activations.min()) / span * (len(_COLOURS) - 1)
    colours = np.stack(
        [np.interp(place, np.arange(len(_COLOURS)), _COLOURS[:, c]) for c in range(3)], 2
    )
    heat = Image.fromarray(colours.round().astype(np.uint8))
    # A value covers a square of side ``stride_px`` around the centre of its patch.
    width, height = (n * stride_px for n in activations.shape[::-1])
    left = round((size_px - stride_px) / 2)
    shown.paste(heat.resize((width, height), Image.Resampling.NEAREST), (left, left))
    pen = ImageDraw.Draw(shown)
    for patch, colour in ((low, LOW_COLOUR), (high, HIGH_COLOUR)):
        if patch is not None:
            last = patch.size_px - 1
            box = (patch.x_px, patch.y_px, patch.x_px + last, patch.y_px + last)
            pen.rectangle(box, outline="white", width=4)
            pen.rectangle(box, outline=colour, width=3)
    return shown
