"""The committed weights do what their card states."""

from pathlib import Path

import pytest
import torch
import yaml
from torchvision.models.googlenet import BasicConv2d, Inception

from stimgen.demo import demo_network
from stimgen.demo.demo_images import DemoImages
from stimgen.demo.demo_network import (
    BLOCKS,
    BRANCHES,
    INPUT_PX,
    WEIGHTS,
    DemoNetwork,
    load_demo_network,
)
from stimgen.demo.training.evaluate import (
    FACTORS,
    accuracy,
    eta_squared,
    render,
    selective_share,
    shrink,
    unit_activations,
)
from tests.conftest import some

N_CHECKED = 300


@pytest.fixture(scope="module")
def card():
    text = WEIGHTS.with_name("CARD.md").read_text(encoding="utf-8")
    return yaml.safe_load(text.split("---\n")[1])


@pytest.fixture(scope="module")
def network():
    return load_demo_network()


@pytest.fixture(scope="module")
def held_out(card):
    stated = card["held_out"]
    return render(DemoImages(N_CHECKED, stated["image_seed"], stated["rendered_px"]))


def test_weights_are_small_and_load_into_evaluation_mode(network, card):
    assert WEIGHTS.stat().st_size < 3_000_000
    assert not any(module.training for module in network.modules())
    assert sum(weights.numel() for weights in network.parameters()) == card["parameters"]
    assert all(weights.isfinite().all() for weights in some(network.state_dict().values()))


def test_blocks_and_branches_are_laid_out_as_in_torchvision(network):
    for block in BLOCKS:
        inception = network.get_submodule(block)
        assert isinstance(inception, Inception)
        assert tuple(name for name, _ in inception.named_children()) == BRANCHES
        for branch in BRANCHES:
            convolution = list(inception.get_submodule(branch).modules())[-3]
            assert isinstance(convolution, BasicConv2d)


def test_units_are_those_of_inception_v1_at_a_quarter_of_its_width(network):
    images = torch.zeros(2, 3, INPUT_PX, INPUT_PX, dtype=torch.uint8)
    activations = unit_activations(network, images)
    assert activations.shape == (2, (256 + 480 + 3 * 512 + 528 + 2 * 832 + 1024) // 4)


def test_there_is_one_score_for_every_level(network):
    with torch.inference_mode():
        logits = network(torch.rand(2, 3, INPUT_PX, INPUT_PX))
    assert logits._fields == FACTORS
    assert [tuple(scores.shape) for scores in logits] == [(2, 6)] * 3


def test_the_card_states_the_accuracy_found_again_on_held_out_images(network, held_out, card):
    found = accuracy(network, *held_out)
    for factor in (*FACTORS, "joint"):
        stated = card["held_out"]["accuracy"][factor]
        standard_error = (stated * (1 - stated) / N_CHECKED) ** 0.5
        assert abs(found[factor] - stated) < 4 * standard_error + 1 / N_CHECKED
    assert found["joint"] > 0.8


@pytest.mark.slow
def test_images_rendered_small_are_named_as_well_as_shrunk_ones(network, held_out, card):
    seed = card["held_out"]["image_seed"]
    rendered_small = render(DemoImages(N_CHECKED, seed, INPUT_PX))
    assert torch.equal(rendered_small[1], held_out[1])
    difference = accuracy(network, *rendered_small)["joint"] - accuracy(network, *held_out)["joint"]
    assert abs(difference) < 0.05


def test_training_images_and_held_out_images_differ(card):
    assert card["training"]["image_seed"] != card["held_out"]["image_seed"]


def test_trained_units_follow_one_factor_more_than_untrained_units(network, held_out, card):
    torch.manual_seed(card["training"]["network_seed"])
    trained = selective_share(network, *held_out)
    untrained = selective_share(DemoNetwork().eval(), *held_out)
    assert trained > untrained + 0.2
    assert trained == pytest.approx(card["selective_units"]["trained"], abs=0.1)
    assert untrained == pytest.approx(card["selective_units"]["untrained"], abs=0.1)


def test_every_factor_has_units_that_follow_it(network, held_out):
    pixels, labels = held_out
    explained = eta_squared(unit_activations(network, pixels), labels)
    best_factor = explained.argmax(0)[explained.amax(0) > 0.25]
    assert (torch.bincount(best_factor, minlength=len(FACTORS)) > 20).all()


def test_eta_squared_of_known_units():
    labels = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    activations = torch.tensor([[1.0, 5, 1], [1, 5, 2], [3, 5, 2], [3, 5, 1]])
    expected = torch.tensor([[1.0, 0, 0], [0, 0, 0]], dtype=torch.float64)
    torch.testing.assert_close(eta_squared(activations, labels), expected)


def test_activations_are_those_before_the_relu(network, held_out):
    activations = unit_activations(network, held_out[0][:20])
    assert (activations < 0).any()
    assert not activations.requires_grad


def test_evaluation_leaves_no_hook_behind(network, held_out):
    unit_activations(network, held_out[0][:2])
    assert not any(module._forward_hooks for module in network.modules())


def test_shrinking_keeps_the_mean_and_the_range():
    images = torch.rand(2, 3, 224, 224)
    small = shrink(images)
    assert small.shape == (2, 3, INPUT_PX, INPUT_PX)
    torch.testing.assert_close(small.mean((2, 3)), images.mean((2, 3)), atol=5e-3, rtol=0)


def test_the_weights_lie_beside_the_module():
    assert WEIGHTS.parent == Path(demo_network.__file__).parent
