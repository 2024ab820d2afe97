import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stimgen.networks.registry import load_network
from stimgen.networks.stem import StemConv2d, gradient_of_image, replace_stem_convolutions


@pytest.mark.parametrize(
    ("side", "stride", "padding", "height", "width"),
    [
        (7, 2, 3, 33, 40),
        (7, 2, 2, 32, 33),
        (4, 4, 0, 34, 35),
        (3, 2, 0, 31, 30),
        (11, 4, 2, 50, 51),
        (5, 3, 4, 20, 20),
        (1, 2, 0, 9, 9),
        (2, 3, 0, 11, 12),
        (3, 1, 1, 20, 21),
    ],
)
def test_the_gradient_is_torchs(
    side: int, stride: int, padding: int, height: int, width: int
) -> None:
    image = torch.randn(2, 3, height, width, dtype=torch.double, requires_grad=True)
    weight = torch.randn(5, 3, side, side, dtype=torch.double)
    result = F.conv2d(image, weight, None, stride, padding)
    of_result = torch.randn_like(result)
    (expected,) = torch.autograd.grad(result, image, of_result)
    found = gradient_of_image(of_result, weight, image.shape[-2:], stride, padding)
    torch.testing.assert_close(found, expected)


def make_module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3), nn.ReLU(), nn.Conv2d(8, 4, 3, 2))


def test_a_module_computes_as_before_with_weights_that_are_frozen_or_not() -> None:
    plain, quick = make_module(), make_module()
    replace_stem_convolutions(quick)
    assert isinstance(quick[0], StemConv2d)  # type: ignore[index]
    assert type(quick[2]) is nn.Conv2d  # type: ignore[index]
    for is_frozen in (True, False):
        found = []
        for module in (plain, quick):
            module.requires_grad_(not is_frozen)
            module.zero_grad()
            image = torch.linspace(-1, 1, 2 * 3 * 20 * 20).view(2, 3, 20, 20).requires_grad_()
            module(image).square().sum().backward()
            found.append((image.grad, module[0].weight.grad))  # type: ignore[index]
        torch.testing.assert_close(found[0], found[1])
        assert (found[1][1] is None) == is_frozen
    assert plain.state_dict().keys() == quick.state_dict().keys()


def test_a_network_may_lower_its_own_precision() -> None:
    plain, quick = make_module().requires_grad_(False), make_module().requires_grad_(False)
    replace_stem_convolutions(quick)
    found = []
    for module in (plain, quick):
        image = torch.linspace(-1, 1, 2 * 3 * 20 * 20).view(2, 3, 20, 20).requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            lowered = module(image)
        lowered.float().square().sum().backward()
        found.append(image.grad)
    torch.testing.assert_close(found[1], found[0], rtol=0.05, atol=0.02)


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(3, 8, 3),
        nn.Conv2d(8, 8, 3, 2),
        nn.Conv2d(3, 6, 3, 2, groups=3),
        nn.Conv2d(3, 8, 3, 2, dilation=2),
        nn.Conv2d(3, 8, (3, 5), 2),
        nn.Conv2d(3, 8, 3, 2, 1, padding_mode="reflect"),
    ],
)
def test_other_convolutions_are_left_alone(conv: nn.Conv2d) -> None:
    module = nn.Sequential(conv)
    replace_stem_convolutions(module)
    assert module[0] is conv


def test_networks_begin_with_one() -> None:
    kinds = [type(part) for part in load_network("googlenet", "random").module.modules()]
    assert kinds.count(StemConv2d) == 1
