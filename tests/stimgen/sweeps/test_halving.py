import pytest
import torch

from stimgen.sweeps.halving import Halving
from unitscope.errors import BadInput


class Small:
    """A function that has memory for few images only."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.sizes: list[int] = []

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(images))
        if len(images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 2 * images


def test_a_batch_is_halved_until_it_fits_and_stays_so(capsys: pytest.CaptureFixture[str]) -> None:
    fitting, function, images = Halving(), Small(3), torch.arange(9.0)[:, None]
    assert torch.equal(torch.cat(fitting(function, images)), 2 * images)
    assert function.sizes == [9, 4, 2, 2, 2, 2, 1]
    told = capsys.readouterr().err.splitlines()
    assert "9 images at a time do not fit" in told[0]
    assert told[-1].endswith("continuing with 2")
    function.sizes.clear()
    assert torch.equal(torch.cat(fitting(function, images[:5])), 2 * images[:5])
    assert function.sizes == [2, 2, 1]


def test_what_fits_is_left_whole() -> None:
    function = Small(9)
    Halving()(function, torch.ones(9, 1))
    assert function.sizes == [9]


def test_no_room_for_one_image_is_an_error() -> None:
    with pytest.raises(BadInput, match="one image"):
        Halving()(Small(0), torch.ones(4, 1))


def test_what_is_done_is_not_done_again() -> None:
    made: list[range] = []

    def function(part: range) -> None:
        if made and len(part) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        made.append(part)

    Halving("unit", 3)(function, range(6))
    assert made == [range(3), range(3, 4), range(4, 5), range(5, 6)]
    assert Halving()(function, []) == []
