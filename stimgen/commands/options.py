"""Options that several commands share."""

from __future__ import annotations

import argparse
from typing import TypeAlias

# The class has no public name, and takes type arguments in annotations only.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Subcommands of a program; each sets the default ``run`` to the function that runs it."""


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``, which selects where the network runs."""
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add ``--quiet``, which hides progress bars."""
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def add_network_of_set(parser: argparse.ArgumentParser) -> None:
    """Add ``--weights`` and ``--network``, by which the network of a finished set is found."""
    parser.add_argument("--weights", help="path of the checkpoint, if the set was built from one")
    parser.add_argument(
        "--network", help="package.module:function, if the set's network was made by one"
    )
