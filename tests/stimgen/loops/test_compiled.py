from typing import Any

import numba
import numpy as np
import pytest

from stimgen.loops import compiled as module
from stimgen.loops.compiled import compiled, inlined


def doubled(values: np.ndarray) -> None:
    for i in range(len(values)):
        values[i] = twice(values[i])


@inlined
def twice(value: float) -> float:
    return value + value


def test_loops_are_kept_on_disk_and_let_others_go_on() -> None:
    loop: Any = compiled(doubled)
    values = np.arange(4.0)
    loop(values)
    assert values.tolist() == [0, 2, 4, 6]
    assert loop.targetoptions["nogil"]
    assert loop.stats.cache_path


def test_without_a_place_to_keep_them_loops_run_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def njit(**options: bool) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function 'doubled': no locator available")
        return numba.njit(**options)

    monkeypatch.setattr(module, "njit", njit)
    loop: Any = compiled(doubled)
    values = np.arange(4.0)
    loop(values)
    assert values.tolist() == [0, 2, 4, 6]
    assert not loop.stats.cache_path
