"""Smaller batches once a device has run out of memory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from tqdm import tqdm

from unitscope.errors import BadInput

Result = TypeVar("Result")


class Halving:
    """Applies functions to parts of items, and halves the parts whenever memory runs out.

    Parameters
    ----------
    what
        Name of an item, for messages.
    most
        Largest number of items at a time; all if None.
    """

    def __init__(self, what: str = "image", most: int | None = None) -> None:
        self.what = what
        self.most = most

    def __call__(self, function: Callable[[Any], Result], items: Any) -> list[Result]:
        """Return the result for each part of the items; a message is printed if parts are halved.

        Parameters
        ----------
        function
            Takes a part of the items.
        items
            A sequence or a tensor of any length.

        Raises
        ------
        BadInput
            If a single item does not fit into memory.
        """
        results: list[Result] = []
        done = 0
        while done < len(items):
            part = items[done : done + (self.most or len(items))]
            try:
                results.append(function(part))
            except torch.OutOfMemoryError:
                pass  # the error keeps the failed pass's tensors alive until this block ends
            else:
                done += len(part)
                continue
            torch.cuda.empty_cache()
            if len(part) == 1:
                raise BadInput(f"one {self.what} does not fit into the device's memory")
            self.most = len(part) // 2
            told = f"{len(part)} {self.what}s at a time do not fit into memory; continuing with "
            tqdm.write(f"{told}{self.most}", file=sys.stderr)
        return results
