"""Replacing modules of a network by others that compute the same."""

from __future__ import annotations

from torch import nn


def substitute(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put a module in the place of another, in each place where that stands in a network.

    Networks may have a module twice, as an attribute and as part of a sequence.
    """
    for path, part in list(network.named_modules(remove_duplicate=False)):
        if part is old:
            network.set_submodule(path, new)


def has_hooks(module: nn.Module) -> bool:
    """Return whether functions that a user registered may change a module's input or output."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def is_plain(conv: nn.Conv2d) -> bool:
    """Return whether a convolution is torch's own, with weights that nothing computes before."""
    return type(conv) is nn.Conv2d and has_own_weights(conv)


def has_own_weights(conv: nn.Conv2d) -> bool:
    """Return whether weights are used as they are, not normalised, masked or changed by hooks."""
    # Weight normalisation and pruning keep other parameters, from which a hook computes the weight.
    return "weight" in conv._parameters and not has_hooks(conv)
