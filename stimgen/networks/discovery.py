"""Find the layers of any network by tracing one forward pass without data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode
from torchvision.models.maxvit import RelativePositionalMultiHeadAttention
from torchvision.models.swin_transformer import (
    PatchMerging,
    PatchMergingV2,
    ShiftedWindowAttention,
    SwinTransformerBlock,
)
from torchvision.models.vision_transformer import EncoderBlock

from stimgen.networks.network import Branch, Layer, Layout, Nonlinearity
from stimgen.networks.substitution import has_hooks, has_own_weights, is_plain, substitute

_LAYOUTS: dict[type[nn.Module], Layout] = {
    EncoderBlock: "tokens",
    SwinTransformerBlock: "maps, channels last",
    ShiftedWindowAttention: "maps, channels last",
    PatchMerging: "maps, channels last",
    PatchMergingV2: "maps, channels last",
}

_LAYOUTS_BY_NAME: dict[str, Layout] = {
    "timm.models.vision_transformer.Block": "tokens",
    "timm.models.swin_transformer.SwinTransformerBlock": "maps, channels last",
}
"""Layouts of the blocks of an optional package."""

_NONLINEARITIES: dict[Callable[..., Any], Nonlinearity] = {
    F.relu: F.relu,
    F.relu_: F.relu,
    torch.relu: F.relu,
    torch.relu_: F.relu,
    torch.Tensor.relu: F.relu,
    torch.Tensor.relu_: F.relu,
    F.relu6: F.relu6,
    F.silu: F.silu,
    F.hardswish: F.hardswish,
    F.gelu: F.gelu,
}
"""Functions that networks call, and their equivalents that do not work in place."""

Value = tuple[int, int]
"""Id of a tensor and its number of in-place changes, which together identify its values."""


@dataclass(frozen=True)
class Discovered:
    """Layers and batch norms found in one forward pass.

    Parameters
    ----------
    layers
        In the order in which they are computed.
    folds
        Paths of each convolution and of the batch norm that alone uses its output.
    """

    layers: tuple[Layer, ...]
    folds: tuple[tuple[str, str], ...]

    def fold(self, module: nn.Module) -> None:
        """Fold the batch norms into their convolutions, in place."""
        for conv_path, norm_path in self.folds:
            conv, norm = module.get_submodule(conv_path), module.get_submodule(norm_path)
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.BatchNorm2d)
            if not has_own_weights(conv):
                continue
            fused = fuse_conv_bn_eval(conv, norm)
            if is_plain(conv) or _computes_the_same(fused, conv, norm):
                substitute(module, conv, fused)
                substitute(module, norm, nn.Identity())


@torch.no_grad()
def _computes_the_same(fused: nn.Conv2d, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> bool:
    """Return whether a convolution of a class of its own is one: it may scale its weights."""
    side = 4 * max(conv.kernel_size) + 4
    maps = torch.randn(2, conv.in_channels, side, side, generator=torch.Generator().manual_seed(0))
    return torch.allclose(fused(maps), norm(conv(maps)), rtol=1e-3, atol=1e-4)


def discover(module: nn.Module, input_px: int, also: Sequence[str] = ()) -> Discovered:
    """Find the layers by a forward pass, which on the ``meta`` device computes shapes only.

    A layer is a convolution, a batch norm that cannot be folded into one, or a block (a module of
    its own class, not a plain sequence), if it runs once, outputs maps of more than one position,
    and its values do not belong to another layer already; if they do, it is an alias of that layer.
    Where a nonlinearity is the only use of its values, or the end of a block, the values before
    it are the layer's pre-activations and those after it its activations.

    Parameters
    ----------
    module
        In evaluation mode.
    input_px
        Side of the images that the network is made for.
    also
        Paths of further modules that are layers if they run once and output maps or tokens.
    """
    trace = _Trace(module)
    device = next((weight.device for weight in module.parameters()), torch.device("cpu"))
    trace.run(torch.zeros(1, 3, input_px, input_px, device=device))
    return _LayerFinder(trace, also).discovered()


@dataclass(frozen=True)
class _Call:
    """A call of a module, with the values of its input and output and the output's shape."""

    path: str
    module: nn.Module
    before: Value | None
    after: Value
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Nonlinear:
    """A call of a nonlinearity, and the leaf module that made it (None if none did)."""

    function: Nonlinearity
    before: Value
    path: str | None
    call: int


class _Trace(TorchFunctionMode):
    """Records the module calls and nonlinearities of a forward pass."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.calls: list[_Call] = []
        self.n_calls: Counter[str] = Counter()
        self.n_uses: Counter[Value] = Counter()
        self.nonlinear: dict[Value, _Nonlinear] = {}  # by output
        self._running: list[tuple[str, nn.Module, Value | None]] = []
        self._kept: list[torch.Tensor] = []  # an id is unique only while its object exists

    def run(self, images: torch.Tensor) -> None:
        """Pass images through the network."""
        handles = []
        for path, part in self.module.named_modules():
            handles.append(part.register_forward_pre_hook(self._enter(path)))
            handles.append(part.register_forward_hook(self._leave))
        try:
            with torch.no_grad(), self:
                self.module(images)
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, path: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            first = inputs[0] if inputs else None
            before = self._value(first) if isinstance(first, torch.Tensor) else None
            self._running.append((path, module, before))
            self.n_calls[path] += 1

        return hook

    def _leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        path, _, before = self._running.pop()
        if isinstance(output, torch.Tensor):
            after, shape = self._value(output), tuple(output.shape)
            self.calls.append(_Call(path, module, before, after, shape))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        befores = {self._value(tensor) for tensor in _flat([*args, *kwargs.values()])}
        result = func(*args, **kwargs)
        afters = {self._value(tensor) for tensor in _flat([result])}
        function = _nonlinearity(func, args, kwargs)
        if function is not None:
            (before,) = befores
            path, module, _ = self._running[-1]
            leaf = None if any(module.children()) else path
            after = self._value(result)
            self.nonlinear[after] = _Nonlinear(function, before, leaf, self.n_calls[path] - 1)
        # Reading a shape does not use the values; nor does returning them unchanged, as in dropout.
        if afters - befores:
            self.n_uses.update(befores)
        return result

    def _value(self, tensor: torch.Tensor) -> Value:
        self._kept.append(tensor)
        return id(tensor), tensor._version


def _flat(arguments: Sequence[Any]) -> list[torch.Tensor]:
    found = []
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            found.append(argument)
        elif isinstance(argument, list | tuple):
            found += _flat(argument)
    return found


def _nonlinearity(
    func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> Nonlinearity | None:
    if func is F.hardtanh:  # torch computes its ReLU6 modules by this function
        limits = (*args[1:3], kwargs.get("min_val"), kwargs.get("max_val"))
        return F.relu6 if [x for x in limits if x is not None] == [0, 6] else None
    if func is F.gelu and (kwargs.get("approximate") or "none") != "none":
        return _gelu_by_tanh
    return _NONLINEARITIES.get(func)


def _gelu_by_tanh(x: torch.Tensor) -> torch.Tensor:
    return F.gelu(x, approximate="tanh")


class _LayerFinder:
    """Finds the layers in a trace."""

    def __init__(self, trace: _Trace, also: Sequence[str] = ()) -> None:
        self.trace, self.also = trace, also
        self.layers: dict[Value, Layer] = {}  # by pre-activations
        self.folds: dict[str, str] = {}
        self.after = {n.before: n for n in trace.nonlinear.values() if trace.n_uses[n.before] == 1}
        self.norms = {
            call.before: call
            for call in trace.calls
            if isinstance(call.module, nn.BatchNorm2d)
            and call.before is not None
            and trace.n_uses[call.before] == 1
            and trace.n_calls[call.path] == 1
            and call.module.running_mean is not None
        }
        self.convolutions: dict[Value, str] = {}  # those whose values another class normalises

    def discovered(self) -> Discovered:
        """Return layers in the order of the pass, inner modules before outer ones."""
        for call in self.trace.calls:
            if call.path and self.trace.n_calls[call.path] == 1:
                self._read(call)
        return Discovered(tuple(self.layers.values()), tuple(self.folds.items()))

    def _read(self, call: _Call) -> None:
        ended = self.trace.nonlinear.get(call.after)
        for value in (call.after, ended.before if ended else None):
            if value in self.layers:
                self._add_alias(value, call.path)
                return
        layout = _layout(call)
        if layout is None and call.path in self.also:
            layout = _layout_by_shape(call.shape)
        if layout is None:
            return
        norm = self.norms.get(call.after)
        if isinstance(call.module, nn.Conv2d) and norm is not None and _has_more(norm.module):
            self.convolutions[norm.after] = call.path
        elif isinstance(call.module, nn.Conv2d):
            path = call.path
            if norm is not None:
                self.folds[call.path] = norm.path
                # A convolution of a class of its own may not fold; an identity stays valid.
                path = path if is_plain(call.module) else norm.path
            value = norm.after if norm else call.after
            self._add(call, value, Branch("", range(call.shape[1]), path), layout)
        elif ended is not None and ended.path is not None:
            where = Branch("", range(_n_channels(call, layout)), ended.path, ended.call)
            self._add(call, ended.before, where, layout, ended.function)
        else:
            where = Branch("", range(_n_channels(call, layout)), call.path)
            self._add(call, call.after, where, layout)

    def _add(
        self,
        call: _Call,
        value: Value,
        branch: Branch,
        layout: Layout,
        function: Nonlinearity | None = None,
    ) -> None:
        if function is None and value in self.after:
            function = self.after[value].function
        conv = self.convolutions.get(call.after)
        names = (call.path,) if conv is None else (conv, call.path)
        self.layers[value] = Layer(names[0], (branch,), names[1:], function, layout)

    def _add_alias(self, value: Value | None, path: str) -> None:
        assert value is not None
        old = self.layers[value]
        aliases = (*old.aliases, path)
        self.layers[value] = Layer(old.name, old.branches, aliases, old.nonlinearity, old.layout)


def _has_more(norm: nn.Module) -> bool:
    """Return whether a batch norm also computes something else, such as timm's a nonlinearity."""
    return type(norm) is not nn.BatchNorm2d or has_hooks(norm)


def _layout_by_shape(shape: tuple[int, ...]) -> Layout | None:
    """Return the layout of the output of a module that a user names; None if it has none."""
    if len(shape) == 4:
        return "maps"
    return "tokens" if len(shape) == 3 and shape[1] >= 4 else None


def _layout(call: _Call) -> Layout | None:
    """Return the layout of a module's output maps; None if it is not a layer."""
    module, shape = call.module, call.shape
    by_name = _LAYOUTS_BY_NAME.get(f"{type(module).__module__}.{type(module).__qualname__}")
    if by_name is not None:
        return by_name
    for kind, layout in _LAYOUTS.items():
        if isinstance(module, kind):
            return layout
    if len(shape) != 4 or shape[2] * shape[3] == 1 or "parametrizations" in call.path.split("."):
        return None
    if isinstance(module, nn.Sequential | RelativePositionalMultiHeadAttention):
        return None
    is_block = any(True for _ in module.children())
    return "maps" if is_block or isinstance(module, nn.Conv2d | nn.BatchNorm2d) else None


def _n_channels(call: _Call, layout: Layout) -> int:
    return call.shape[1] if layout == "maps" else call.shape[-1]
