"""Do work in parts that fit the device's memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from conditions.errors import BadInput

Item = TypeVar("Item")
Result = TypeVar("Result")


class Parts:
    """Sizes of parts, halved for good whenever the device runs out of memory.

    Parameters
    ----------
    size
        Most items in a part.
    what
        Items are called, for messages.
    tell
        Called with a sentence when parts become smaller.
    """

    def __init__(self, size: int, what: str, tell: Callable[[str], object]) -> None:
        self.size = max(1, size)
        self.what = what
        self._tell = tell

    def work(
        self, function: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item]
    ) -> list[Result]:
        """Apply a function, which returns one result per item, to the items part by part.

        Raises
        ------
        BadInput
            If a single item does not fit.
        """
        results: list[Result] = []
        while len(results) < len(items):
            part = items[len(results) : len(results) + self.size]
            try:
                results += function(part)
                continue
            except torch.cuda.OutOfMemoryError:
                pass  # the error holds the tensors; they are free once it is gone
            torch.cuda.empty_cache()
            if len(part) == 1:
                raise BadInput(
                    f"the device has too little memory for one {self.what}; "
                    "lower synthetic.per_pole or synthetic.image_px, or use --device cpu"
                )
            self.size = min(self.size, len(part) // 2)
            self._tell(
                f"the device's memory is full: going on with {self.size} instead of {len(part)} "
                f"{self.what}s at a time"
            )
        return results
