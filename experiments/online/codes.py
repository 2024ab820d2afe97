"""The command that lists who took part online, and the completion codes that they were shown."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from pathlib import Path

from conditions.design.design import Design
from conditions.design.reading import read_design
from experiments.online.claims import FINISHED, FOLDER, ListedClaim, listed
from experiments.runner.schedule import cell_of
from unitscope.cells import text_of
from unitscope.disk import FILE_MODE, write_file
from unitscope.errors import BadInput
from unitscope.places import DATA, shown

COLUMNS = ("participant", "state", "code", "cell", "claimed_at", "seen_at")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("design", help="name of a shipped design, or a YAML file")
    parser.add_argument(
        "--person", metavar="ID", help="only who came with this id in their link: whose code it is"
    )
    parser.add_argument("--out", type=Path, help="CSV file to write (default: print it)")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of all logs")


def codes(arguments: argparse.Namespace) -> None:
    """Print or write the places of a study.

    Raises
    ------
    BadInput
        If nobody took part, or not the person who is asked for.
    """
    design = read_design(arguments.design)
    places = listed(arguments.data / FOLDER, design.name, arguments.person)
    if not places:
        raise BadInput(f"nobody with the id {arguments.person} has taken part in {design.name}")
    text = text_of([COLUMNS, *(_row(design, place) for place in places)])
    if arguments.out is None:
        sys.stdout.write(text)
        return
    write_file(arguments.out, text, FILE_MODE)
    print(f"{len(places)} places in {shown(arguments.out)}")


def _row(design: Design, place: ListedClaim) -> tuple[str, ...]:
    claim = place.claim
    cell = ", ".join(f"{name} {value}" for name, value in cell_of(design, claim.number).items())
    # Whoever did not finish has not seen the code, so that it proves nothing.
    code = claim.code if claim.state == FINISHED else ""
    return (claim.participant, claim.state, code, cell, _time(place.claimed_s), _time(place.seen_s))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
