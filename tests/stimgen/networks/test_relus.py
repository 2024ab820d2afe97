import pytest
import torch

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


def test_the_way_of_devices_that_are_waited_for_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
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
            outputs = torch.relu(x)
        found.append(torch.autograd.grad(outputs, x, weights)[0])
    assert torch.equal(*found)
    assert found[0][::2].any() and not found[0][4].any()
