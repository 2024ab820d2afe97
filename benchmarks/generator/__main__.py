"""How fast the generator is on this machine: ``python -m benchmarks.generator``."""

from __future__ import annotations

import argparse
import sys

from stimgen.commands.options import add_device
from unitscope.errors import BadInput, nearest, run_command

PARTS = (
    *("limit", "decode", "sweep", "files", "memory", "render", "occlusion", "map"),
    *("ranks", "demo", "studies"),
)
"""Parts of the benchmark, in order."""

OF_ANY_NETWORK = ("files", "map")
"""Parts that are not compared with the usual way, so that they can be asked of any network."""


def main(argv: list[str] | None = None) -> int:
    """Measure, printing each row of a table; see ``python -m benchmarks.generator --help``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generator", description="Measure how fast this machine is."
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all if none")
    add_device(parser)
    parser.add_argument(
        "--network", help="measure files and map with this network, of any name or function"
    )
    parser.add_argument("--layer", help="layer of that network whose maps are measured")
    parser.add_argument("--repeats", type=int, default=3, help="number of measurements of each way")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="measure the CPU time of one thread, for machines shared with other programs",
    )
    return run_command(parser, _measure, argv)


def _measure(arguments: argparse.Namespace) -> None:
    import torch
    from tqdm import tqdm

    from benchmarks.generator.figures import HEAD, Bench, machine, row
    from benchmarks.generator.own import Asked
    from benchmarks.generator.sides import Clock
    from stimgen.networks.compute_device import pick_device
    from stimgen.networks.network import layer_named
    from stimgen.networks.registry import network_layers

    if arguments.repeats < 1:
        raise BadInput(f"--repeats {arguments.repeats}: expected 1 or more")
    for part in arguments.parts:
        if part not in PARTS:
            raise BadInput(f"no part {part!r} to measure{nearest(part, PARTS)}")
    asked, parts = Asked(), arguments.parts or PARTS
    if arguments.network is not None:
        parts = arguments.parts or OF_ANY_NETWORK
        others = [part for part in parts if part not in OF_ANY_NETWORK]
        if others or arguments.layer is None:
            raise BadInput("--network is for files and map, and needs --layer")
        layers = network_layers(arguments.network)
        asked = Asked(
            arguments.network, layer_named(arguments.network, layers, arguments.layer).name
        )
    device = pick_device(arguments.device)
    if arguments.processor_time:
        torch.set_num_threads(1)
    print(machine(device), flush=True)
    clock: Clock = "processor" if arguments.processor_time else "wall"
    bench = Bench(device, arguments.repeats, clock, asked=asked)
    print(HEAD, flush=True)
    for figure in bench.measure(parts):
        tqdm.write(row(figure), file=sys.stdout)
        sys.stdout.flush()
    if "bf16" not in bench.precisions:
        print("Convolutions are no faster in bf16 here, so nothing else is measured in bf16.")


if __name__ == "__main__":
    sys.exit(main())
