from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stimgen.networks.relus import RedirectedRelus


def gradient(x: list[list[float]], loss_gradient: float) -> list[list[float]]:
    inputs = torch.tensor(x, requires_grad=True)
    with RedirectedRelus():
        outputs = torch.relu(inputs)
    outputs.backward(torch.full_like(outputs, loss_gradient))
    assert inputs.grad is not None
    return inputs.grad.tolist()


def test_a_blocked_image_gets_the_gradient_that_pushes_it_up() -> None:
    assert gradient([[-1.0, -2.0]], -1.0) == [[-1.0, -1.0]]


def test_a_blocked_image_is_not_pushed_lower() -> None:
    assert gradient([[-1.0, -2.0]], 1.0) == [[0.0, 0.0]]


def test_each_image_is_judged_by_itself() -> None:
    assert gradient([[-1.0, 2.0], [-1.0, -2.0]], -1.0) == [[0.0, -1.0], [-1.0, -1.0]]


def test_values_are_those_of_a_relu_and_inputs_are_left_alone() -> None:
    inputs = torch.tensor([[-1.0, 2.0]])
    for relu in (torch.relu, torch.relu_, torch.nn.functional.relu):
        with RedirectedRelus():
            assert relu(inputs).tolist() == [[0.0, 2.0]]
    assert inputs.tolist() == [[-1.0, 2.0]]


@pytest.mark.parametrize("relu6", [F.relu6, nn.ReLU6(), nn.ReLU6(inplace=True)])
def test_a_relu6_blocks_no_image_either(relu6: Callable[[torch.Tensor], torch.Tensor]) -> None:
    inputs = torch.tensor([[-1.0, 7.0], [-1.0, 3.0], [-1.0, -2.0], [7.0, 8.0]], requires_grad=True)
    with RedirectedRelus():
        outputs = relu6(inputs)
    assert outputs.tolist() == [[0.0, 6.0], [0.0, 3.0], [0.0, 0.0], [6.0, 6.0]]
    up = torch.autograd.grad(outputs, inputs, -torch.ones(4, 2), retain_graph=True)[0]
    assert up.tolist() == [[-1.0, 0.0], [0.0, -1.0], [-1.0, -1.0], [0.0, 0.0]]
    down = torch.autograd.grad(outputs, inputs, torch.ones(4, 2))[0]
    assert down.tolist() == [[0.0, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, 1.0]]


def test_other_bounds_are_left_as_they_are() -> None:
    inputs = torch.tensor([[-3.0, -2.0]], requires_grad=True)
    with RedirectedRelus():
        outputs = F.hardtanh(inputs)
    assert outputs.tolist() == [[-1.0, -1.0]]
    outputs.backward(-torch.ones(1, 2))
    assert inputs.grad is not None and not inputs.grad.any()


@pytest.mark.parametrize("relu", [torch.relu, F.relu6])
def test_the_way_of_devices_that_are_waited_for_is_the_same(
    relu: Callable[[torch.Tensor], torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = torch.Generator().manual_seed(0)
    inputs = torch.randn(6, 3, 4, 4, generator=drawn)
    inputs[::2] = -inputs[::2].abs()  # all of which a ReLU blocks
    weights = torch.randn(6, 3, 4, 4, generator=drawn)
    weights[4] = weights[4].abs()  # and one image that would be pushed lower
    found = []
    for is_waited_for in (False, True):
        monkeypatch.setattr("stimgen.networks.relus.is_waited_for", lambda d, a=is_waited_for: a)
        x = inputs.clone().requires_grad_()
        with RedirectedRelus():
            outputs = relu(x)
        found.append(torch.autograd.grad(outputs, x, weights)[0])
    assert torch.equal(*found)
    assert found[0][::2].any() and not found[0][4].any()
