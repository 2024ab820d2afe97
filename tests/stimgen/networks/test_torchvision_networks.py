import copy
import re
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import models

from stimgen.networks.network import Network, reduce_map
from stimgen.networks.registry import load_network, network_layers
from stimgen.networks.torchvision_networks import load_module, torchvision_names
from stimgen.networks.weights import randomise
from unitscope.errors import BadInput

FAMILIES = {
    "resnet18": 64,
    "vgg11_bn": 32,
    "mobilenet_v3_small": 64,
    "efficientnet_b0": 64,
    "densenet121": 64,
    "squeezenet1_1": 64,
    "shufflenet_v2_x0_5": 64,
    "mnasnet0_5": 64,
    "regnet_y_400mf": 64,
    "inception_v3": 96,
    "convnext_tiny": 64,
    "swin_t": 64,
    "swin_v2_t": 64,
    "vit_b_32": 64,
    "maxvit_t": None,
}
LARGE = ("vgg11_bn", "vit_b_32", "maxvit_t")


def with_statistics(name: str, input_px: int | None) -> nn.Module:
    """Build a network with batch norms that folding must respect, as they left the trainer."""
    module, _, _ = load_module(name, "random", 3, input_px)
    generator = torch.Generator().manual_seed(4)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1, generator=generator)
            part.running_var.uniform_(0.5, 2, generator=generator)
            part.weight.data.uniform_(0.5, 1, generator=generator)
    return module.eval()


def outputs_of_modules(module: nn.Module, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return what every module puts out in a whole pass, in its last call."""
    found = {}

    def hook_for(path: str):
        def hook(part, inputs, output):
            if isinstance(output, torch.Tensor):
                found[path] = output.clone()

        return hook

    for path, part in module.named_modules():
        part.register_forward_hook(hook_for(path))
    with torch.no_grad():
        module(images)
    return found


def as_map(output: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    if output.ndim == 3:  # tokens, of which the first is the class
        rows = output[:, 1:].permute(0, 2, 1)
        return rows.reshape(like.shape)
    return output if output.shape == like.shape else output.permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in FAMILIES],
)
@torch.no_grad()
def test_layers_are_what_the_modules_of_their_names_put_out(name: str, tmp_path: Path) -> None:
    original = with_statistics(name, FAMILIES[name])
    path = tmp_path / "weights.pth"
    torch.save(original.state_dict(), path)
    network = load_network(name, str(path), input_px=FAMILIES[name])
    images = torch.rand(2, 3, network.input_px, network.input_px)
    seen = (images - network._mean) / network._sd
    found = outputs_of_modules(copy.deepcopy(original), seen)
    names = [layer.name for layer in network.layers]
    pre = network.maps(images, names)
    norms = [p for p, part in original.named_modules() if isinstance(part, nn.BatchNorm2d)]
    n_compared = 0
    for layer in network.layers:
        ours = pre[layer.name]
        sides = [ours] if layer.nonlinearity is None else [ours, layer.nonlinearity(ours)]
        folded = any(alias in norms for alias in layer.aliases)
        for alias in (layer.name, *layer.aliases):
            if folded and alias == layer.name:
                continue  # what comes out of the convolution alone is no longer computed
            raw = as_map(found[alias], ours)
            scale = raw.abs().max().clamp_min(1e-3)
            error = min(((raw - side).abs().max() / scale).item() for side in sides)
            assert error < 1e-3, (alias, error)
            n_compared += 1
    assert n_compared >= len(network.layers) / 2


@pytest.mark.parametrize(
    ("name", "norm", "options"),
    [
        ("resnet18", "bn1", {}),
        (
            "inception_v3",
            "Conv2d_1a_3x3.bn",
            {"aux_logits": False, "init_weights": False, "transform_input": True},
        ),
    ],
)
def test_images_are_normalised_as_published_weights_want_them(
    name: str, norm: str, options: dict[str, bool]
) -> None:
    module, px, chosen = load_module(name, "random", 3, 96)
    original = models.get_model(name, weights=None, **options)
    original.load_state_dict(module.state_dict())
    images = torch.rand(2, 3, px, px)
    seen = chosen.transforms()
    mean, sd = (torch.tensor(values).view(3, 1, 1) for values in (seen.mean, seen.std))
    expected = outputs_of_modules(original.eval(), (images - mean) / sd)[norm]
    found = load_network(name, "random", seed=3, input_px=px).maps(images, [norm])[norm]
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_a_residual_block_has_what_enters_its_last_relu() -> None:
    network = load_network("resnet18", "random", input_px=64)
    original, _, _ = load_module("resnet18", "random", 0, 64)
    images = torch.rand(1, 3, 64, 64)
    found = outputs_of_modules(original.eval(), (images - network._mean) / network._sd)
    pre, post = (network.maps(images, ["layer2.0"], side)["layer2.0"] for side in ("pre", "post"))
    assert (pre < 0).any()
    assert torch.equal(post, pre.relu())
    torch.testing.assert_close(post, found["layer2.0"], rtol=1e-3, atol=1e-3)
    assert network.layer("layer4").name == "layer4.1"
    assert network.layer("layer2.0.bn1").name == "layer2.0.conv1"


def test_a_layer_without_a_nonlinearity_has_no_post() -> None:
    network = load_network("resnet18", "random", input_px=64)
    with pytest.raises(BadInput, match="'layer1.0.conv2' .* has no nonlinearity"):
        network.maps(torch.rand(1, 3, 64, 64), ["layer1.0.conv2"], "post")


@pytest.mark.parametrize(
    ("name", "layer", "branch", "n_channels", "nonlinearity"),
    [
        ("resnet18", "layer3.1.conv2", "", 256, None),
        ("vgg11", "features.8", "", 256, "relu"),
        ("mobilenet_v2", "features.18.0", "", 1280, "relu6"),
        ("mobilenet_v3_small", "features.0", "", 16, "hardswish"),
        ("efficientnet_b0", "features.0", "", 32, "silu"),
        ("convnext_tiny", "features.1.0", "", 96, None),
        ("vit_b_16", "encoder.layers.encoder_layer_3", "", 768, None),
        ("swin_t", "features.1.1", "", 96, None),
        ("googlenet", "mixed4a", "3x3", 512, "relu"),
    ],
)
def test_layers_by_name(
    name: str, layer: str, branch: str, n_channels: int, nonlinearity: str | None
) -> None:
    (found,) = (x for x in network_layers(name) if layer in (x.name, *x.aliases))
    assert found.n_channels == n_channels
    assert branch in [b.name for b in found.branches]
    assert getattr(found.nonlinearity, "__name__", None) == nonlinearity


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision_names())
def test_every_classifier_lists_its_layers(name: str) -> None:
    layers = network_layers(name)
    assert len(layers) >= 5
    names = [n for layer in layers for n in (layer.name, *layer.aliases)]
    assert len(names) == len(set(names))
    assert not any("classifier.6" in n or n.endswith("avgpool") for n in names)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "efficientnet_b0", "swin_t"])
def test_activations_are_finite_and_weights_frozen(name: str) -> None:
    network = load_network(name, "random", input_px=64)
    layers = [layer.name for layer in network.layers]
    activations = network.activations(torch.rand(2, 3, 96, 96), layers, "pre", "centre")
    assert activations.shape == (2, len(network.units()))
    assert torch.isfinite(activations).all()
    assert not any(p.requires_grad for p in network.module.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.module.modules())


def modules_run(network: Network, layers: list[str]) -> set[str]:
    """Return the modules that begin to run when layers are asked for."""
    begun: set[str] = set()
    handles = [
        part.register_forward_pre_hook(lambda module, inputs, path=path: begun.add(path))
        for path, part in network.module.named_modules()
    ]
    network.maps(torch.rand(1, 3, 64, 64), layers)
    for handle in handles:
        handle.remove()
    return begun


@pytest.mark.parametrize(
    ("layers", "last"),
    [(["layer2.0.conv1", "layer1.0"], "layer2.0.conv1"), (["layer2.0"], "layer2.0.relu")],
)
def test_the_pass_stops_at_the_deepest_layer(layers: list[str], last: str) -> None:
    network = load_network("resnet18", "random", input_px=64)
    begun = modules_run(network, layers)
    assert last in begun
    assert not any(path.startswith(("layer2.1", "layer3", "fc")) for path in begun)


def test_gradients_reach_the_images_from_tokens() -> None:
    network = load_network("vit_b_32", "random", input_px=64)
    images = torch.rand(1, 3, 80, 80, requires_grad=True)  # brought to the one size it takes
    maps = network.maps(images, ["encoder.layers.encoder_layer_1"])
    (found,) = maps.values()
    assert found.shape == (1, 768, 2, 2)
    reduce_map(found[:, 5], "mean").sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


@torch.no_grad()
def test_patch_tokens_lie_where_their_patches_lie() -> None:
    network = load_network("vit_b_32", "random", input_px=96)
    images = torch.full((2, 3, 96, 96), 0.5)
    images[1, :, :32, 64:] = 1.0
    (maps,) = network.maps(images, ["encoder.layers.encoder_layer_0"]).values()
    change = (maps[1] - maps[0]).abs().sum(0)
    assert change.argmax() == 2  # first row, third column


def test_random_weights_follow_their_seed() -> None:
    first, again, other = (
        load_network("swin_t", "random", seed=seed, input_px=64).weights_sha256
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_building_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_network("squeezenet1_1", "random", input_px=64)
    assert torch.equal(torch.rand(3), expected)


def test_a_published_densenet_spells_its_keys_in_the_old_way(tmp_path: Path) -> None:
    module, _, _ = load_module("densenet121", "random", 0, None)
    pattern = re.compile(r"(denselayer\d+\.(?:norm|conv))([12]\.)")
    state = OrderedDict((pattern.sub(r"\1.\2", k), w) for k, w in module.state_dict().items())
    assert "features.denseblock1.denselayer1.norm.1.weight" in state
    torch.save(state, tmp_path / "densenet121-a639ec97.pth")
    loaded = load_network("densenet121", str(tmp_path / "densenet121-a639ec97.pth"))
    assert loaded.weights_sha256 == load_network("densenet121", "random").weights_sha256


def test_auxiliary_classifiers_are_left_out(tmp_path: Path) -> None:
    whole = models.inception_v3(weights=None, init_weights=False, aux_logits=True)
    randomise(whole, 0)
    assert any(key.startswith("AuxLogits.") for key in whole.state_dict())
    torch.save(whole.state_dict(), tmp_path / "inception_v3.pth")
    loaded = load_network("inception_v3", str(tmp_path / "inception_v3.pth"))
    assert loaded.input_px == 299
    assert not any(key.startswith("AuxLogits.") for key in loaded.module.state_dict())


def test_a_checkpoint_of_another_network_names_keys(tmp_path: Path) -> None:
    path = tmp_path / "resnet34.pth"
    torch.save(models.resnet34(weights=None).state_dict(), path)
    with pytest.raises(BadInput, match=r"unknown layer1\.2\.conv1\.weight, .* and \d+ more$"):
        load_network("resnet18", str(path))


def test_published_weights_are_asked_for_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def fail(self: models.WeightsEnum, **kwargs: object) -> None:
        asked.append((self.name, kwargs["check_hash"]))
        raise OSError("no route")

    monkeypatch.setattr(models.ResNet18_Weights, "get_state_dict", fail)
    for name in ("DEFAULT", "IMAGENET1K_V1"):
        with pytest.raises(BadInput, match=r"cannot be downloaded \(no route\).*'random'"):
            load_network("resnet18", name)
    assert asked == [("IMAGENET1K_V1", True)] * 2
    with pytest.raises(BadInput, match="did you mean 'IMAGENET1K_V1'"):
        load_network("resnet18", "IMAGENET1K_V3")


@pytest.mark.parametrize(
    ("name", "weights", "input_px", "message"),
    [
        ("vit_b_16", "DEFAULT", 64, r"takes images of 224 px only, but input_px is 64"),
        ("vit_b_16", "random", 100, r"cannot take images of 100 px"),
        ("alexnet", "random", 32, r"cannot take images of 32 px"),
    ],
)
def test_images_of_a_size_that_does_not_fit(
    name: str, weights: str, input_px: int, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        load_network(name, weights, input_px=input_px)


def test_a_near_name_is_offered_for_a_layer() -> None:
    network = load_network("squeezenet1_1", "random", input_px=64)
    with pytest.raises(BadInput, match="did you mean 'features.3'"):
        network.unit("feature.3", "", 0)
