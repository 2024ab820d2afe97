from collections.abc import Sequence

import pytest
import torch

from conditions.errors import BadInput
from stimgen.parts import Parts


def doubled_if_few(most: int, seen: list[int], items: Sequence[int]) -> list[int]:
    seen.append(len(items))
    if len(items) > most:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")
    return [2 * item for item in items]


def test_parts_are_halved_until_they_fit_and_stay_small() -> None:
    seen: list[int] = []
    said: list[str] = []
    parts = Parts(8, "unit", said.append)
    made = parts.work(lambda items: doubled_if_few(3, seen, items), range(10))
    assert made == [2 * item for item in range(10)]
    assert seen == [8, 4, 2, 2, 2, 2, 2]
    assert len(said) == 2 and "going on with 4 instead of 8 units" in said[0]
    assert parts.work(lambda items: doubled_if_few(3, seen, items), range(3)) == [0, 2, 4]
    assert seen[-2:] == [2, 1]


def test_one_item_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BadInput, match="too little memory for one unit"):
        Parts(4, "unit", print).work(lambda items: doubled_if_few(0, [], items), range(4))


def test_nothing_is_no_work() -> None:
    assert Parts(4, "unit", print).work(lambda items: doubled_if_few(0, [], items), []) == []
