"""Fewer images at a time once a device's memory has run out."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from tqdm import tqdm

from conditions.errors import BadInput


class Halving:
    """Calls functions of images, with half as many whenever memory runs out, and from then on."""

    def __init__(self) -> None:
        self.most: int | None = None

    def __call__(
        self, function: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor
    ) -> torch.Tensor:
        """Return what a function gives for images, saying so where their number was halved.

        Parameters
        ----------
        function
            Takes images and returns as many rows, each from its own image.
        images
            At least one.

        Raises
        ------
        BadInput
            If the memory does not hold what one image needs.
        """
        while True:
            size = min(self.most or len(images), len(images))
            try:
                return torch.cat([function(part) for part in torch.split(images, size)])
            except torch.OutOfMemoryError:
                if size == 1:
                    raise BadInput("the device's memory does not hold one image's pass") from None
            # Not before the error is gone, for it holds on to what the failed pass had.
            torch.cuda.empty_cache()
            self.most = size // 2
            told = f"{size} images at a time do not fit into memory; going on with {self.most}"
            tqdm.write(told, file=sys.stderr)
