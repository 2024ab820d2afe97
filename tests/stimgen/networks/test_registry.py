import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models
from torchvision.models import GoogLeNet_Weights, googlenet

from stimgen.networks.network import Network
from stimgen.networks.registry import load_network
from stimgen.networks.weights import load_weights, randomise, read_checkpoint
from tests.conftest import some
from unitscope.errors import BadInput

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
SD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


@pytest.fixture(scope="module")
def original() -> nn.Module:
    """torchvision's own network, its batch norms with statistics that folding must respect."""
    module = googlenet(weights=None, aux_logits=False, init_weights=False, transform_input=True)
    randomise(module, 3)
    generator = torch.Generator().manual_seed(4)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.1, generator=generator)
            part.running_var.uniform_(0.5, 2, generator=generator)
    return module.eval()


@pytest.fixture(scope="module")
def checkpoint(original: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "googlenet.pth"
    state = dict(original.state_dict())
    state["aux1.fc1.weight"] = torch.zeros(2)  # published files hold these as well
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def network(checkpoint: Path) -> Iterator[Network]:
    yield load_network("googlenet", str(checkpoint), input_px=64)


def test_units_and_branches_of_googlenet(network: Network) -> None:
    assert len(network.units()) == 5488
    assert network.layers[0].name == "inception3a"
    ends = [branch.channels.stop for branch in network.layer("mixed4a").branches]
    assert ends == [192, 400, 448, 512]
    assert network.unit("mixed5b", "pool", 1000).name == "inception5b-pool-1000"


@torch.no_grad()
def test_folding_keeps_activations(network: Network, original: nn.Module) -> None:
    images = torch.rand(2, 3, 64, 64)
    found: dict[str, Any] = {}
    handles = []
    for i in range(1, 5):
        part = original.get_submodule(f"inception4b.branch{i}" + (".1" if i > 1 else "") + ".bn")
        handles.append(
            part.register_forward_hook(lambda m, x, y, i=i: found.update({i: y.clone()}))
        )
    original((images - MEAN) / SD)
    for handle in handles:
        handle.remove()
    expected = torch.cat([found[i] for i in range(1, 5)], 1)
    ours = network.maps(images, ["mixed4b"])["mixed4b"]
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


def test_the_same_weights_have_the_same_hash_in_any_format(
    network: Network, original: nn.Module, tmp_path: Path
) -> None:
    path = tmp_path / "googlenet.safetensors"
    save_file({key: w.contiguous() for key, w in original.state_dict().items()}, path)
    assert load_network("googlenet", str(path)).weights_sha256 == network.weights_sha256


def test_random_weights_follow_their_seed_and_keep_the_signal() -> None:
    first, again = (load_network("googlenet", "random", seed=1) for _ in range(2))
    other = load_network("googlenet", "random", seed=2)
    assert first.weights_sha256 == again.weights_sha256 != other.weights_sha256
    images = torch.rand(2, 3, 64, 64)
    activations = first.activations(images, ["inception5b"], "pre", "mean")
    assert 0.01 < activations.abs().mean() < 100


@pytest.mark.parametrize("network_name", ["demo", "googlenet"])
def test_unknown_weights(network_name: str) -> None:
    with pytest.raises(BadInput, match="did you mean 'DEFAULT'"):
        load_network(network_name, "DEFAULTS")
    with pytest.raises(BadInput, match="no such checkpoint"):
        load_network(network_name, "missing.pth")


def test_unknown_network() -> None:
    with pytest.raises(BadInput, match="did you mean 'googlenet'"):
        load_network("googelnet")


def test_a_missing_download_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(GoogLeNet_Weights, "get_state_dict", fail)
    with pytest.raises(BadInput, match=r"cannot be downloaded .*no route.*'random'"):
        load_network("googlenet")


def test_weights_that_do_not_fit_are_named() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1))
    state = dict(module.state_dict())
    with pytest.raises(BadInput, match="missing 1.weight"):
        load_weights(module, {k: w for k, w in state.items() if k != "1.weight"}, "file")
    with pytest.raises(BadInput, match="unknown extra"):
        load_weights(module, state | {"extra": torch.zeros(1)}, "file")
    with pytest.raises(BadInput, match="misshapen 0.bias"):
        load_weights(module, state | {"0.bias": torch.zeros(5)}, "file")
    prefixed = {f"net.{key}": weight for key, weight in state.items()}
    with pytest.raises(BadInput, match=r"missing 0.weight, .* 1 more; unknown net.0.weight, "):
        load_weights(module, prefixed, "file")
    with pytest.raises(BadInput, match=r"0.bias holds values that are not finite"):
        load_weights(module, state | {"0.bias": torch.full((4,), torch.nan)}, "file")


def under(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {prefix + key: weight for key, weight in state.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"model": state, "optimizer": {"lr": 0.1}},
        lambda state: {"model_state_dict": state, "epoch": 3},
        lambda state: {"state_dict": under("model.", state), "callbacks": {}},
        lambda state: {"model": {"state_dict": state}},
        lambda state: under("_orig_mod.", state),
        lambda state: under("module._orig_mod.", state),
        lambda state: under("_orig_mod.module.", state),
        lambda state: under("module.", state) | {"n_averaged": torch.tensor(5)},
    ],
)
def test_what_training_programs_wrap_weights_in_is_taken_off(tmp_path: Path, wrap: Any) -> None:
    module = models.squeezenet1_1(weights=None)
    state = dict(module.state_dict())
    torch.save(wrap(state), tmp_path / "wrapped.pth")
    found = read_checkpoint(str(tmp_path / "wrapped.pth"))
    assert list(found) == list(state)
    assert all(torch.equal(found[key], weight) for key, weight in some(state.items()))


@pytest.mark.parametrize("classes", [None, 7])
def test_a_classifier_of_other_classes_or_none_is_not_used(
    tmp_path: Path, classes: int | None
) -> None:
    module = models.resnet18(weights=None)
    expected = load_network("resnet18", saved(tmp_path / "own.pth", dict(module.state_dict())))
    state = {k: w for k, w in module.state_dict().items() if not k.startswith("fc.")}
    if classes:
        state |= {"fc.1.weight": torch.ones(classes, 512), "fc.1.bias": torch.ones(classes)}
    found = load_network("resnet18", saved(tmp_path / "other.pth", state))
    one, other = (net.module.state_dict() for net in (expected, found))
    assert all(torch.equal(one[k], other[k]) for k in some(one) if not k.startswith("fc."))
    with pytest.raises(BadInput, match=r"missing layer1.0.conv1.weight"):
        del state["layer1.0.conv1.weight"]
        load_network("resnet18", saved(tmp_path / "less.pth", state))


def test_a_classifier_that_is_a_layer_is_used(tmp_path: Path) -> None:
    state = dict(models.squeezenet1_1(weights=None, num_classes=7).state_dict())
    with pytest.raises(BadInput, match=r"misshapen classifier.1.weight"):
        load_network("squeezenet1_1", saved(tmp_path / "seven.pth", state))


def saved(path: Path, state: dict[str, torch.Tensor]) -> str:
    torch.save(state, path)
    return str(path)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LFS, "is a Git LFS pointer, not the file itself"),
        (b"\n<!DOCTYPE html><html>404</html>", "is a web page, not a checkpoint"),
    ],
)
def test_what_is_taken_for_a_checkpoint_is_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=message):
        load_network("googlenet", str(tmp_path / name))


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_programs_are_never_run(tmp_path: Path) -> None:
    torch.jit.script(nn.Conv2d(3, 4, 1)).save(str(tmp_path / "program.pt"))
    with pytest.raises(BadInput, match="is a TorchScript program, not a state dict"):
        load_network("googlenet", str(tmp_path / "program.pt"))
    torch.save(nn.Conv2d(3, 4, 1), tmp_path / "whole.pt")
    with pytest.raises(BadInput, match="weights only; save a state dict") as told:
        load_network("googlenet", str(tmp_path / "whole.pt"))
    assert "weights_only=False" not in str(told.value)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"nothing of the sort")
    with pytest.raises(BadInput, match="not a checkpoint"):
        load_network("googlenet", str(path))


def test_a_checkpoint_that_is_no_state_dict_says_what_it_holds(tmp_path: Path) -> None:
    torch.save({"ema": {"weight": torch.zeros(1)}, "epoch": 3}, tmp_path / "training.pt")
    with pytest.raises(BadInput, match=r"other things than weights \('ema', 'epoch'\); save the"):
        load_network("demo", str(tmp_path / "training.pt"))
    torch.save([1], tmp_path / "list.pt")
    with pytest.raises(BadInput, match="is not a state dict, but list"):
        load_network("demo", str(tmp_path / "list.pt"))


def test_demo_network_is_an_inception_network() -> None:
    network = load_network("demo")
    assert network.units() and network.input_px == 64
    assert [b.name for b in network.layer("mixed4c").branches] == ["1x1", "3x3", "5x5", "pool"]
    assert load_network("demo", "random").weights_sha256 != network.weights_sha256
