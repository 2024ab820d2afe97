"""ReLUs after max pools instead of before them: fewer values to go through."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

_POOLED = {"conv1": "maxpool1", "conv3": "maxpool2"}
"""Stem convolutions of GoogLeNet's shape, and the max pool that takes their output."""


def pool_before_relu(module: nn.Module) -> None:
    """Let the stem's convolutions be pooled before their ReLU, in place.

    The maximum of rectified values is the rectified maximum: activations and gradients stay the
    same bit for bit. Only where a ReLU blocks a whole image is redirecting its gradient (see
    :class:`stimgen.networks.relus.RedirectedRelus`) about the pooled values.

    Parameters
    ----------
    module
        Its stem's parts are called as torchvision calls them; weights keep their names.
    """
    parts = dict(module.named_children())
    for conv, pool in _POOLED.items():
        if conv in parts and pool in parts:
            # Without the ReLU that torchvision's convolutions end in.
            module.set_submodule(conv, nn.Sequential(OrderedDict(parts[conv].named_children())))
            module.set_submodule(pool, nn.Sequential(parts[pool], nn.ReLU(inplace=True)))
