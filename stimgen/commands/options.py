"""What several commands have in common."""

from __future__ import annotations

import argparse
from typing import TypeAlias

# The class has no public name, and takes type arguments in annotations only.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Commands of a program, to which more are added; each sets ``run`` to what runs it."""


def add_device(parser: argparse.ArgumentParser) -> None:
    """Let a command be told where the network runs."""
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Let a command be told to show no progress."""
    parser.add_argument("--quiet", action="store_true", help="show no progress")
