"""Fewer items at a time once a device's memory has run out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from tqdm import tqdm

from unitscope.errors import BadInput

Result = TypeVar("Result")


class Halving:
    """Calls functions of items, with half as many whenever memory runs out, and from then on.

    Parameters
    ----------
    what
        An item is called, for messages.
    most
        Most items at a time; all if None.
    """

    def __init__(self, what: str = "image", most: int | None = None) -> None:
        self.what = what
        self.most = most

    def __call__(self, function: Callable[[Any], Result], items: Any) -> list[Result]:
        """Return what a function gives for each part of the items, saying so where they shrank.

        Parameters
        ----------
        function
            Takes some of the items.
        items
            A sequence or a tensor of any length.

        Raises
        ------
        BadInput
            If the memory does not hold what one item needs.
        """
        results: list[Result] = []
        done = 0
        while done < len(items):
            part = items[done : done + (self.most or len(items))]
            try:
                results.append(function(part))
            except torch.OutOfMemoryError:
                pass  # it holds on to what the failed pass had, until this block is left
            else:
                done += len(part)
                continue
            torch.cuda.empty_cache()
            if len(part) == 1:
                raise BadInput(f"the device's memory does not hold one {self.what}'s pass")
            self.most = len(part) // 2
            told = f"{len(part)} {self.what}s at a time do not fit into memory; going on with "
            tqdm.write(f"{told}{self.most}", file=sys.stderr)
        return results
