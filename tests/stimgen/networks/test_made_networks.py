"""Networks that a function makes, and timm's, through every command."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import nn

from stimgen.__main__ import main
from stimgen.networks.network import Network
from stimgen.networks.registry import load_network, network_layers, network_names
from tests.conftest import some
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet


class StandardisedConv(nn.Conv2d):
    """Scales its weights, so a batch norm behind it cannot be folded in."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight / self.weight.std((1, 2, 3), keepdim=True)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class PaddedConv(nn.Conv2d):
    """Pads its input itself, on two sides only."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.pad(x, (0, 2, 0, 2)), self.weight, self.bias, self.stride)


class NormAndReLU(nn.BatchNorm2d):
    """A batch norm with its nonlinearity inside, as timm has them."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(super().forward(x))


class Small(nn.Module):
    """A network of somebody's own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = PaddedConv(3, 6, 3, stride=2)
        self.stem_norm = nn.BatchNorm2d(6)
        self.scaled = StandardisedConv(6, 8, 3, padding=1)
        self.scaled_norm = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, 5, 1)
        self.last_norm = NormAndReLU(5)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu6(self.stem_norm(self.stem(x)))
        x = F.silu(self.scaled_norm(self.scaled(x)))
        x = self.pool(self.last_norm(self.last(x)))
        return self.head(x.mean((2, 3)))


def described(module: Any) -> nn.Module:
    """Return a network that says what it takes: images of 32 px, as they are."""
    module.input_px, module.mean, module.sd = 32, (0, 0, 0), (1, 1, 1)
    made: nn.Module = module
    return made


def plain() -> Small:
    """Return the network with statistics that folding must respect."""
    module = Small()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.5, 2)
    return module


def small() -> Small:
    """Return the same, which says all about its input, and prints what loading it did."""
    module: Any = plain()
    module.input_px, module.mean, module.sd = 64, (0.4, 0.5, 0.6), [0.2, 0.3, 0.4]
    print("loaded")
    made: Small = module
    return made


def sized() -> nn.Module:
    """Return a network that takes one size only."""
    module: Any = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.Flatten(2), nn.Linear(64, 64))
    module.input_px, module.mean, module.sd = 64, (0, 0, 0), (1, 1, 1)
    made: nn.Module = module
    return made


def broken() -> nn.Module:
    raise RuntimeError("weights.bin is damaged\nat byte 7")


def no_maps() -> nn.Module:
    return described(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 7)))


def grey_only() -> nn.Module:
    return described(nn.Sequential(nn.Conv2d(1, 4, 3)))


def halves() -> Small:
    return small().half()  # type: ignore[no-any-return]


def named_parts() -> nn.Module:
    """Return a network whose parts have the names of what a module may say."""
    module: Any = plain()
    module.input_px, module.mean, module.layers = 64, (0, 0, 0), nn.ModuleList([module.last])
    module.register_buffer("sd", torch.ones(3))
    made: nn.Module = module
    return made


def own_layers() -> nn.Module:
    module: Any = small()
    module.layers = ["scaled"]
    made: nn.Module = module
    return made


class Written(nn.Module):
    """Calls nonlinearities in every way, and takes a view of maps as they lie in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = (
            nn.Conv2d(3, 4, 4, 4),
            nn.Conv2d(4, 4, 1),
            nn.Conv2d(4, 4, 1),
        )
        self.flat = nn.Linear(4 * 8 * 8, 4 * 4 * 4)
        self.video = nn.Conv3d(4, 5, (1, 1, 1))
        self.last, self.again = nn.Conv2d(5, 3, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.two(self.one(x).relu()).relu_()
        x = F.gelu(self.three(x), approximate="tanh")
        x = self.flat(x.view(len(x), -1)).view(len(x), 4, 4, 4)
        x = self.last(self.video(x[:, :, None])[:, :, 0])
        return {"answer": self.again(self.again(x))}


def written() -> nn.Module:
    module: Any = Written()
    module.input_px, module.mean, module.sd, module.layers = 32, (0, 0, 0), (1, 1, 1), 5
    made: nn.Module = module
    return made


def compiled() -> nn.Module:
    return torch.compile(small())  # type: ignore[return-value]


class Locked(Small):
    """Holds what cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def locked() -> nn.Module:
    return described(Locked())


def scripted() -> nn.Module:
    module: nn.Module = torch.jit.script(nn.Conv2d(3, 4, 3))
    return module


class Dropping(Small):
    """Drops half of its values in each pass."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(F.dropout(x))


def dropping() -> nn.Module:
    return described(Dropping())


def unnormed() -> nn.Module:
    return described(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False))
    )


class OneByOne(Small):
    """Takes a single image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.view(1, 3, 32, 32))


def one_by_one() -> nn.Module:
    return described(OneByOne())


class Frozen(Small):
    """Computes without gradients."""

    @torch.no_grad()
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)


def frozen() -> nn.Module:
    return described(Frozen())


def one_layer() -> nn.Module:
    module: Any = small()
    module.layers = "last"
    made: nn.Module = module
    return made


def worded() -> nn.Module:
    module: Any = small()
    module.input_px = "64"
    made: nn.Module = module
    return made


def leaving() -> nn.Module:
    raise SystemExit("no licence")


NOT_A_MODULE = dict


def name_of(function: str) -> str:
    return f"{__name__}:{function}"


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network(name_of("small"))


def test_its_layers_are_found(network: Network) -> None:
    found = {layer.name: (layer.aliases, layer.nonlinearity) for layer in network.layers}
    assert found == {
        "stem": (("stem_norm",), F.relu6),
        "scaled": (("scaled_norm",), F.silu),
        "last": (("last_norm",), F.relu),
    }
    assert network.input_px == 64 and not network.fixed_px


@pytest.mark.parametrize("side", ["pre", "post"])
@torch.no_grad()
def test_activations_are_those_of_the_module(network: Network, side: Any) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = small().eval()
    images = torch.rand(2, 3, 64, 64)
    mean, sd = (torch.tensor(x).view(3, 1, 1) for x in ((0.4, 0.5, 0.6), (0.2, 0.3, 0.4)))
    stem = module.stem_norm(module.stem((images - mean) / sd))
    scaled = module.scaled_norm(module.scaled(F.relu6(stem)))
    last = nn.BatchNorm2d.forward(module.last_norm, module.last(F.silu(scaled)))
    expected = {"stem": stem, "scaled": scaled, "last": last}
    if side == "post":
        after = {"stem": F.relu6, "scaled": F.silu, "last": F.relu}
        expected = {name: after[name](maps) for name, maps in expected.items()}
    maps = network.maps(images, list(expected), side)
    for name in some(expected):
        torch.testing.assert_close(maps[name], expected[name], rtol=1e-4, atol=1e-4)


def test_only_what_can_be_folded_is_folded(network: Network) -> None:
    assert isinstance(network.module.stem_norm, nn.Identity)
    assert isinstance(network.module.scaled_norm, nn.BatchNorm2d)
    assert isinstance(network.module.last_norm, NormAndReLU)


def test_settings_come_before_what_the_module_says() -> None:
    mean, sd = (0.1, 0.1, 0.1), (0.7, 0.8, 0.9)
    own = load_network(name_of("plain"), input_px=48, mean=mean, sd=sd, layers=["last", "pool"])
    assert (own.input_px, own.mean, own.sd) == (48, mean, sd)
    assert [layer.name for layer in own.layers] == ["last", "pool"]
    pooled = own.maps(torch.rand(1, 3, 48, 48), ["last", "pool"])
    torch.testing.assert_close(pooled["pool"], F.max_pool2d(F.relu(pooled["last"]), 2))
    assert load_network(name_of("small"), mean=mean).mean == mean


def test_layers_that_the_module_names() -> None:
    assert [layer.name for layer in network_layers(name_of("own_layers"))] == ["scaled"]
    found = network_layers(name_of("own_layers"), layers=["stem"])
    assert [layer.name for layer in found] == ["stem"]
    assert len(network_layers(name_of("named_parts"))) == 3


def test_names_and_normalisation_of_any_network() -> None:
    own = load_network("demo", mean=(0.5,) * 3, layers=["mixed4a"])
    assert own.mean == (0.5,) * 3 and own.sd == (1.0,) * 3
    assert [layer.name for layer in own.layers] == ["inception4a"]
    with pytest.raises(BadInput, match="'demo' has no layer 'inception9'; did you mean"):
        load_network("demo", layers=["inception9"])


def test_weights(tmp_path: Path, network: Network) -> None:
    again = load_network(name_of("small"))
    assert again.weights_sha256 == network.weights_sha256
    assert load_network(name_of("small"), seed=1).weights_sha256 != network.weights_sha256
    assert load_network(name_of("small"), "random").weights_sha256 != network.weights_sha256
    state = small().state_dict()
    torch.save(state, tmp_path / "own.pth")
    own = load_network(name_of("small"), str(tmp_path / "own.pth"))
    assert torch.equal(own.module.last.weight, state["last.weight"])
    # A classifier of other classes is not used.
    state["head.weight"], state["head.bias"] = torch.ones(9, 5), torch.ones(9)
    torch.save(state, tmp_path / "nine.pth")
    assert load_network(name_of("small"), str(tmp_path / "nine.pth")).layers == own.layers
    torch.save(nn.Conv2d(3, 4, 1).state_dict(), tmp_path / "other.pth")
    with pytest.raises(BadInput, match="other.pth: does not fit the network: missing stem.weight"):
        load_network(name_of("small"), str(tmp_path / "other.pth"))
    assert load_network(name_of("halves")).weights_sha256 != ""


class Trained(Small):
    """Has parameters of all kinds, none of which is as torch made it."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.normed = nn.ConvTranspose2d(3, 3, 1), nn.LayerNorm(32)
        self.looked = nn.MultiheadAttention(4, 1)
        self.place, self.zeros = nn.Parameter(torch.rand(3, 32, 32)), nn.Parameter(torch.zeros(9))
        for name, weight in self.named_parameters():
            if name != "zeros":
                nn.init.uniform_(weight, 4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(self.normed(self.up(x)) + self.place)


def trained() -> nn.Module:
    return described(Trained())


def test_random_weights_replace_all_that_they_can(capsys: pytest.CaptureFixture[str]) -> None:
    own = load_network(name_of("trained"), "random")
    assert "random weights do not replace place\n" in capsys.readouterr().err
    untouched = {n for n, w in own.module.named_parameters() if float(w.min()) >= 4}
    assert untouched == {"place"}
    load_network(name_of("small"), "random")
    assert "random weights" not in capsys.readouterr().err


def test_a_network_of_one_size() -> None:
    assert load_network(name_of("sized")).fixed_px


@torch.no_grad()
def test_a_network_as_it_was_written() -> None:
    network = load_network(name_of("written"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module: Any = written()
    images = torch.rand(2, 3, 32, 32).to(memory_format=torch.channels_last)
    one = module.one(images)
    two = module.two(F.relu(one))
    three = module.three(F.relu(two))
    pre = {"one": one, "two": two, "three": three}
    post = {"one": F.relu(one), "two": F.relu(two), "three": F.gelu(three, approximate="tanh")}
    for side, expected in (("pre", pre), ("post", post)):
        maps = network.maps(images, list(expected), side)  # type: ignore[arg-type]
        for name in some(expected):
            torch.testing.assert_close(maps[name], expected[name], rtol=1e-4, atol=1e-4)
    flat = module.flat(post["three"].flatten(1)).view(2, 4, 4, 4)
    last = module.last(module.video(flat[:, :, None])[:, :, 0])
    torch.testing.assert_close(network.maps(images, ["last"])["last"], last)
    # What runs twice is no layer.
    assert [layer.name for layer in network.layers] == [*pre, "last"]


def test_a_gradient_that_ends_is_told() -> None:
    own = load_network(name_of("frozen"))
    images = torch.rand(1, 3, 32, 32)
    own.maps(images, ["last"])
    with pytest.raises(BadInput, match="layer 'last' of network .* passes no gradient to the im"):
        own.maps(images.requires_grad_(), ["last"])


def test_what_was_compiled_is_the_module() -> None:
    own, compiled = (load_network(name_of(name)) for name in ("small", "compiled"))
    assert own.weights_sha256 == compiled.weights_sha256 and own.layers == compiled.layers


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("nowhere.at_all:make", {}, "is not a function package.module:function (ModuleNotFound"),
        (name_of("nobody"), {}, "is not a function package.module:function (AttributeError"),
        (name_of("MARGIN"), {}, "is not a function"),
        (name_of("broken"), {}, "could not be made (RuntimeError: weights.bin is damaged)"),
        (name_of("leaving"), {}, "could not be made (SystemExit: no licence)"),
        (name_of("scripted"), {}, "cannot be used (RuntimeError"),
        (name_of("locked"), {}, "cannot be copied, as it is for each thread (TypeError: cannot"),
        (name_of("unnormed"), {}, "in each pass or batch, as with dropout that is always on, or"),
        (name_of("one_by_one"), {}, "cannot take two images of 32 px at once (RuntimeError"),
        (name_of("dropping"), {}, "in each pass or batch, as with dropout that is always on"),
        (name_of("worded"), {}, "input_px is '64', expected a whole number"),
        (name_of("one_layer"), {}, "layers is 'last', expected a list of names"),
        (name_of("NOT_A_MODULE"), {}, "makes no torch.nn.Module, but dict"),
        (name_of("no_maps"), {}, "has no layers that output maps"),
        (name_of("grey_only"), {}, "cannot take images of 32 px (RuntimeError"),
        (name_of("plain"), {}, "does not say the side of its images; give network.input_px"),
        (name_of("plain"), {"input_px": 64}, "does not say how its input is normalised"),
        (name_of("named_parts"), {}, "give network.sd, or set sd on the module"),
        (name_of("small"), {"mean": (1, 2)}, "mean is (1.0, 2.0), expected three numbers"),
        (name_of("small"), {"mean": (124, 116, 104)}, "for images in 0..1 (others are divided"),
        (name_of("small"), {"mean": (0, 0, float("-inf"))}, "expected three numbers up to 1"),
        (name_of("small"), {"sd": (1, 0, 1)}, "expected three numbers above 0"),
        (name_of("small"), {"sd": (1, float("nan"), 1)}, "expected three numbers above 0"),
        (name_of("small"), {"layers": ["lost"]}, "has no layer 'lost'; did you mean 'last'?"),
        (name_of("small"), {"layers": ["head"]}, "module 'head' is no layer, as it outputs no"),
        (name_of("written"), {"layers": ["again"]}, "or does not run exactly once in a pass"),
        (name_of("small"), {"weights": "no.pth"}, "no.pth: no such checkpoint"),
    ],
)
def test_a_mistake_gets_a_sentence(name: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as told:
        load_network(name, **more)
    assert message in str(told.value) and "\n" not in str(told.value)


SETTINGS = f"""
name: own
network: {{name: '{name_of("small")}'}}
units: {{sample: {{n: 2, layers: [last]}}}}
images: {{resize_px: 64, crop_px: 64}}
natural: {{n_batches: 2, n_bins: 3}}
synthetic: {{per_pole: 1, steps: 2, image_px: 64, margin_px: 2, jitter_px: [2, 2]}}
"""


def test_every_command_takes_it(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, network = tmp_path / "own.yaml", name_of("small")
    settings.write_text(SETTINGS)

    def run(*argv: object) -> str:
        status = main([str(word) for word in argv])
        shown = capsys.readouterr()
        assert status == 0, shown.err
        return shown.out

    assert "last,,0,4" in run("units", "--network", network).splitlines()
    assert "last,,0,4" in run("units", settings).splitlines()
    options = [settings, "--images", photographs, "--out", tmp_path / "out", "--quiet"]
    run("build", *options, "--dry-run")
    assert "swept 44 images" in run("sweep", *options)
    assert "rendered 4 images" in run("render", *options)
    run("build", *options)
    folder = tmp_path / "out" / "own"
    assert set(StimulusSet.open(folder).manifest["network"]) == {network}
    assert yaml.safe_load((folder / "set.yaml").read_text())["network"]["name"] == network
    assert "no faults" in run("verify", folder, "--network", network, "--quiet")
    occlude = ["occlude", folder, "--network", network, "--size", 20, "--stride", 16, "--quiet"]
    run(*occlude, "--batches", 1)
    assert len(pd.read_csv(tmp_path / "out" / "own-occlusion" / "manifest.csv"))
    run("export", folder, "--layout", "borowski2021", "--out", tmp_path / "layout", "--quiet")
    dream = ["dream", settings, "--layer", "last", "--out", tmp_path / "dream.png", "--quiet"]
    run(*dream)
    assert (tmp_path / "dream.png").is_file()
    # No function is run because a set says so.
    assert main(["verify", str(folder), "--quiet"]) == 2
    assert "run only if you name it yourself: --network" in capsys.readouterr().err
    assert main(["verify", str(folder), "--quiet", "--network", "demo"]) == 2
    assert "not 'demo'" in capsys.readouterr().err


def test_what_a_function_prints_is_not_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["units", "--network", name_of("small")]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("layer,branch") and "loaded" in shown.err


has_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="needs timm")


@has_timm
@pytest.mark.parametrize(
    ("name", "layer", "n", "px"),
    [
        ("timm/resnet18", "layer4.1.conv2", 512, 224),
        ("timm/efficientnet_lite0", "conv_head", 1280, 224),
        ("timm/vit_tiny_patch16_224", "blocks.11", 192, 224),
        ("timm/swin_tiny_patch4_window7_224", "layers.3.blocks.1", 768, 224),
    ],
)
def test_timm(name: str, layer: str, n: int, px: int) -> None:
    own = load_network(name, "random")
    assert own.layer(layer).n_channels == n and own.input_px == px
    maps = own.maps(torch.rand(1, 3, px, px), [layer])[layer]
    assert maps.shape[:2] == (1, n) and maps.shape[2] > 1
    assert name in network_names()


@has_timm
def test_timm_by_one_size() -> None:
    small_px = load_network("timm/vit_tiny_patch16_224", "random", input_px=96)
    assert small_px.input_px == 96 and small_px.fixed_px
    maps = small_px.maps(torch.rand(1, 3, 96, 96), ["blocks.0"])["blocks.0"]
    assert maps.shape[-1] == 6


@has_timm
def test_no_such_network_of_timm() -> None:
    with pytest.raises(BadInput, match="timm has no network 'resnet81'; did you mean 'timm/res"):
        network_layers("timm/resnet81")


@pytest.mark.skipif(importlib.util.find_spec("timm") is not None, reason="timm is installed")
def test_timm_is_asked_for() -> None:
    with pytest.raises(BadInput, match="needs timm: pip install timm"):
        load_network("timm/resnet18", "random")
