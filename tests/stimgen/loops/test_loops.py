import sys
from collections.abc import Iterator

import pytest
import torch

from stimgen import loops


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    loops.has_numba.cache_clear()
    yield
    loops.has_numba.cache_clear()


def test_maps_that_can_be_looped_over() -> None:
    maps = torch.zeros(1, 4, 3, 3).contiguous(memory_format=torch.channels_last)
    assert loops.can_loop_over(maps)
    assert loops.can_loop_over(maps.bfloat16())
    assert not loops.can_loop_over(maps.half())
    assert not loops.can_loop_over(maps.contiguous())
    assert not loops.can_loop_over(maps[0])
    assert not loops.can_loop_over(maps[:0])
    assert not loops.can_loop_over(maps.to("meta"))


@pytest.mark.parametrize("fault", ["missing", "numpy is too new for it"])
def test_without_a_numba_that_works_there_are_no_loops(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "missing":
        monkeypatch.setitem(sys.modules, "numba", None)
    else:
        monkeypatch.delitem(sys.modules, "numba", raising=False)
        monkeypatch.setattr("numpy.__version__", "99.0")
    assert not loops.has_numba()
    assert not loops.can_loop(torch.zeros(1))
