"""Command line of stimgen: ``python -m stimgen build demo``."""

from __future__ import annotations

import argparse
import sys

from stimgen.commands.building import add_building, add_occluding
from stimgen.commands.exploring import add_networks, add_whole_layers
from stimgen.commands.finished import add_finished
from unitscope.errors import BadInput, run_command


def main(argv: list[str] | None = None) -> int:
    """Run a command; see ``python -m stimgen --help``."""
    parser = argparse.ArgumentParser(
        prog="python -m stimgen",
        description="Make stimulus sets: images that activate a network's units most and least.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add_building(commands)
    add_occluding(commands)
    add_finished(commands)
    add_networks(commands)
    add_whole_layers(commands)
    return run_command(parser, _run, argv)


def _run(arguments: argparse.Namespace) -> int | None:
    try:
        code: int | None = arguments.run(arguments)
    except RuntimeError as error:
        # A class of torch, which takes a second to import.
        if type(error).__name__ != "OutOfMemoryError":
            raise
        raise BadInput(
            "the device's memory does not suffice, perhaps because other programs use it; wait for "
            "them, or use --device cpu"
        ) from error
    return code


if __name__ == "__main__":
    sys.exit(main())
