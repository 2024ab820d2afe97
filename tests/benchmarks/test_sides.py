import os

import pytest
import torch

from benchmarks.generator.sides import Side, Work, in_turns
from tests.conftest import some
from unitscope.errors import BadInput


def count(step: int) -> Work:
    values = [0]

    def work() -> tuple[int, int, int]:
        values[0] += step
        return values[0], os.getpid(), torch.get_num_threads()

    return work


def fail() -> Work:
    raise BadInput("no such thing")


def end() -> Work:
    def work() -> None:
        os._exit(1)

    return work


def test_ways_take_turns_in_processes_of_their_own() -> None:
    seconds, values = in_turns([(count, (1,)), (count, (10,))], 3)
    assert [value[0] for value in values] == [3, 30]
    assert len({os.getpid(), values[0][1], values[1][1]}) == 3
    assert all(value[2] == torch.get_num_threads() for value in some(values))
    assert min(seconds) >= 0


def test_what_goes_wrong_there_is_raised_here() -> None:
    with pytest.raises(BadInput, match="no such thing"):
        Side((fail, ()), 1)
    with Side((end, ()), 1) as side, pytest.raises(RuntimeError, match="ended"):
        side.run()
