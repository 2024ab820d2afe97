"""How fast the generator is on this machine: ``python -m benchmarks.generator``."""

from __future__ import annotations

import argparse
import sys

from stimgen.commands.options import add_device
from unitscope.errors import BadInput, nearest, run_command

PARTS = ("limit", "decode", "sweep", "memory", "render", "occlusion", "ranks", "demo")
"""Parts of the benchmark, in order."""


def main(argv: list[str] | None = None) -> int:
    """Measure and print a table; see ``python -m benchmarks.generator --help``."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generator", description="Measure how fast this machine is."
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all if none")
    add_device(parser)
    parser.add_argument("--repeats", type=int, default=3, help="number of measurements of each way")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="measure the CPU time of one thread, for machines shared with other programs",
    )
    return run_command(parser, _measure, argv)


def _measure(arguments: argparse.Namespace) -> None:
    import torch

    from benchmarks.generator.figures import Bench, machine, table
    from stimgen.networks.compute_device import pick_device

    if arguments.repeats < 1:
        raise BadInput(f"--repeats {arguments.repeats}: expected 1 or more")
    for part in arguments.parts:
        if part not in PARTS:
            raise BadInput(f"no part {part!r} to measure{nearest(part, PARTS)}")
    device = pick_device(arguments.device)
    if arguments.processor_time:
        torch.set_num_threads(1)
    print(machine(device), flush=True)
    bench = Bench(device, arguments.repeats, "processor" if arguments.processor_time else "wall")
    print(table(bench.measure(arguments.parts or PARTS)))
    if "bf16" not in bench.precisions:
        print("Convolutions are no faster in bf16 here, so nothing else is measured in bf16.")


if __name__ == "__main__":
    sys.exit(main())
