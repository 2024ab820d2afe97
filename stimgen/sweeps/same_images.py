"""Images that show the same, such as a photograph that lies in two folders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping

import numpy as np

from stimgen.networks.network import Precision
from stimgen.networks.rounding import slack
from stimgen.studies.build_settings import ImagesSettings
from stimgen.sweeps.device_decoder import DeviceDecoder
from stimgen.sweeps.image_reading import read_images
from stimgen.sweeps.image_sources import ImageSource
from unitscope.errors import BadInput

Shown = Callable[[Mapping[int, float]], Mapping[int, Hashable]]
"""From images with a unit's activations to what each shows, which is equal for equal images."""


def all_different(activations: Mapping[int, float]) -> Mapping[int, Hashable]:
    """Return what images show where no two show the same."""
    return {index: index for index in activations}


class SameImages:
    """Finds out which images show the same, after cropping.

    Equal images activate a unit equally, but for rounding, so only images that have a neighbour in
    activation are read, each once.

    Parameters
    ----------
    source, images, precision, decoder
        As for the sweep.
    """

    def __init__(
        self,
        source: ImageSource,
        images: ImagesSettings,
        precision: Precision,
        decoder: DeviceDecoder | None = None,
    ) -> None:
        self._source, self._images, self._decoder = source, images, decoder
        self._slack = slack(precision)
        self._contents: dict[int, bytes] = {}

    def __call__(self, activations: Mapping[int, float]) -> Mapping[int, Hashable]:
        """Return what each image shows: a hash of its pixels, or its index if no other can.

        Raises
        ------
        BadInput
            If an image can no longer be read.
        """
        alike = self._alike(activations)
        unread = [index for index in alike if index not in self._contents]
        for index, pixels in read_images(self._source, self._images, unread, self._decoder):
            if isinstance(pixels, str):
                raise BadInput(f"an image can no longer be read: {pixels}")
            shown = pixels if isinstance(pixels, np.ndarray) else pixels.cpu().numpy()
            self._contents[index] = hashlib.sha256(shown.tobytes()).digest()
        return {**all_different(activations), **{index: self._contents[index] for index in alike}}

    def _alike(self, activations: Mapping[int, float]) -> list[int]:
        """Return the images whose activation is, but for rounding, that of another."""
        indices = np.array(sorted(activations), dtype=np.int64)
        values = np.array([activations[index] for index in indices.tolist()])
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        near = np.diff(ordered) <= self._slack * (1 + np.abs(ordered[:-1]))
        has_neighbour = np.concatenate([near, [False]]) | np.concatenate([[False], near])
        return [int(index) for index in np.sort(indices[order[has_neighbour]])]
