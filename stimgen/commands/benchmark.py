"""The command that measures how fast this machine is."""

from __future__ import annotations

import argparse

from conditions.errors import BadInput, nearest
from stimgen.commands.options import Commands, add_device

PARTS = ("limit", "decode", "sweep", "memory", "render", "occlusion", "ranks", "demo")
"""What ``bench`` measures, in order."""


def add_benchmark(commands: Commands) -> None:
    """Add ``bench``."""
    bench = commands.add_parser("bench", help="measure how fast this machine is")
    bench.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all if none")
    add_device(bench)
    bench.add_argument("--repeats", type=int, default=3, help="times that each way is measured")
    bench.add_argument(
        "--processor-time",
        action="store_true",
        help="count one thread's time on the processor, where other programs share it",
    )
    bench.set_defaults(run=_bench)


def _bench(arguments: argparse.Namespace) -> None:
    import torch

    from stimgen.benchmark.figures import Bench, machine, table
    from stimgen.networks.devices import pick_device

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
        print("Convolutions are no faster in bf16 here, so nothing else is measured in it.")
