"""Commands that list networks and their units."""

from __future__ import annotations

import argparse
import sys

from stimgen.commands.options import Commands


def add_networks(commands: Commands) -> None:
    """Add ``networks`` and ``units``."""
    networks = commands.add_parser("networks", help="list the networks' names")
    networks.set_defaults(run=_networks)
    units = commands.add_parser("units", help="list a network's layers, branches and channels")
    units.add_argument("--network", default="demo", help="name of the network")
    units.set_defaults(run=_units)


def _networks(arguments: argparse.Namespace) -> None:
    from stimgen.networks.registry import network_names

    for name in network_names():
        print(name)


def _units(arguments: argparse.Namespace) -> None:
    from stimgen.networks.registry import network_layers

    layers = network_layers(arguments.network)
    print("layer,branch,first_channel,last_channel")
    for layer in layers:
        for branch in layer.branches:
            print(f"{layer.name},{branch.name},{branch.channels[0]},{branch.channels[-1]}")
    n_units = sum(layer.n_channels for layer in layers)
    print(f"{n_units} units in {len(layers)} layers", file=sys.stderr)
