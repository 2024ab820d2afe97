"""Commands that show networks, their units and their layers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stimgen.commands.options import Commands, add_device, add_quiet
from unitscope.places import shown


def add_networks(commands: Commands) -> None:
    """Add ``networks`` and ``units``."""
    networks = commands.add_parser("networks", help="list the names of the networks")
    networks.set_defaults(run=_networks)
    units = commands.add_parser("units", help="list a network's layers, branches and channels")
    units.add_argument("settings", nargs="?", help="settings file whose network is listed")
    units.add_argument(
        "--network", help="its name, or package.module:function; default without settings: demo"
    )
    units.set_defaults(run=_units)


def _networks(arguments: argparse.Namespace) -> None:
    from stimgen.networks.registry import network_names

    for name in network_names():
        print(name)


def _units(arguments: argparse.Namespace) -> None:
    from stimgen.networks.registry import network_layers

    if arguments.settings is None:
        layers = network_layers(arguments.network or "demo")
    else:
        from stimgen.studies.build_settings import read

        wanted = read(arguments.settings).network
        layers = network_layers(arguments.network or wanted.name, wanted.input_px, wanted.layers)
    print("layer,branch,first_channel,last_channel")
    for layer in layers:
        for branch in layer.branches:
            print(f"{layer.name},{branch.name},{branch.channels[0]},{branch.channels[-1]}")
    n_units = sum(layer.n_channels for layer in layers)
    print(f"{n_units} units in {len(layers)} layers", file=sys.stderr)


def add_whole_layers(commands: Commands) -> None:
    """Add ``caricature`` and ``dream``."""
    caricature = commands.add_parser("caricature", help="exaggerate a layer's response to an image")
    caricature.add_argument("image", type=Path, help="the image")
    caricature.add_argument(
        "--cosine-power", type=float, default=1.0, help="higher values stay closer to the image"
    )
    dream = commands.add_parser("dream", help="show what activates a whole layer")
    dream.set_defaults(image=None, cosine_power=1.0)
    for parser in (caricature, dream):
        parser.add_argument(
            "settings", help="settings file, or the name of one that comes with the package"
        )
        parser.add_argument("--layer", required=True, help="name of the layer")
        parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
        parser.add_argument(
            "--side", choices=("pre", "post"), default="post", help="side of its ReLU"
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="seed of the starting noise and the transforms"
        )
        parser.add_argument("--weights", help="published name, 'random' or a checkpoint's path")
        add_device(parser)
        add_quiet(parser)
        parser.set_defaults(run=_draw_layer)


def _draw_layer(arguments: argparse.Namespace) -> None:
    from stimgen.studies.build_settings import read
    from stimgen.visualization.layer_images import save_layer_image

    save_layer_image(
        read(arguments.settings),
        arguments.layer,
        arguments.out,
        arguments.image,
        cosine_power=arguments.cosine_power,
        side=arguments.side,
        weights=arguments.weights,
        seed=arguments.seed,
        device=arguments.device,
        quiet=arguments.quiet,
    )
    print(f"wrote {shown(arguments.out)}")
