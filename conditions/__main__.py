"""Command line: list and show designs, make and check their condition tables."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from conditions.design.diagram import draw_design
from conditions.design.overview import describe
from conditions.design.reading import read_design, shipped_designs
from conditions.trials.condition_tables import (
    parse_participants,
    read_table,
    tables_are_there,
    write_tables,
)
from conditions.trials.table_checks import TableChecks
from unitscope.disk import write_file
from unitscope.errors import BadInput, run_command
from unitscope.places import STIMULI, TABLES, shown
from unitscope.stimulus_set import StimulusSet


def _make(arguments: argparse.Namespace) -> None:
    participants = parse_participants(arguments.participants)
    written = write_tables(
        arguments.design, arguments.stimuli, participants, arguments.tables, arguments.id
    )
    print(tables_are_there(written))


def _check(arguments: argparse.Namespace) -> None:
    checks: dict[tuple[str, Path], TableChecks] = {}
    for path in arguments.table:
        table = read_table(path)
        design = str(arguments.design or table["design"].iloc[0])
        stimuli = arguments.stimuli or STIMULI / table["stimulus_set"].iloc[0]
        # Made once for all tables of a design, so that each image is read once.
        if (design, stimuli) not in checks:
            checks[design, stimuli] = TableChecks(read_design(design), StimulusSet.open(stimuli))
        edited = checks[design, stimuli].check(table, path)
        cells = "edited, as the design allows" if edited else "every cell as the design makes it"
        print(f"{path}: {len(table)} trials, {cells}, every image present and unchanged")


def _show(arguments: argparse.Namespace) -> None:
    design = read_design(arguments.design)
    participant = arguments.participant
    if not 1 <= participant <= design.participants:
        raise BadInput(f"--participant {participant}: expected 1 to {design.participants}")
    if arguments.out is None:
        print(describe(design, participant))
        return
    if arguments.out.suffix != ".svg":
        raise BadInput(f"{arguments.out}: expected a name that ends in .svg")
    if not arguments.out.parent.is_dir():
        raise BadInput(f"{arguments.out.parent}: no such folder")
    content = draw_design(design, participant)
    write_file(arguments.out, content)
    print(f"diagram of {design.name} in {shown(arguments.out)}")


def _list(arguments: argparse.Namespace) -> None:
    for name in shipped_designs():
        design = read_design(name)
        print(f"{name:32} {design.title}" + (f" ({design.source})" if design.source else ""))


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(prog="python -m conditions", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    make = commands.add_parser("make", help="write the condition tables of participants")
    make.add_argument("design", help="name of a shipped design, or path of a YAML file")
    make.add_argument(
        "--stimuli", type=Path, help="stimulus set (default: the one that the design names)"
    )
    make.add_argument("--participants", required=True, help="numbers such as 1-20 or 1,3,5")
    make.add_argument(
        "--tables", "--out", type=Path, default=TABLES, help="folder of all condition tables"
    )
    make.add_argument(
        "--id", help="id of somebody who takes the place of one numbered participant, such as p007b"
    )
    make.set_defaults(run=_make)
    check = commands.add_parser("check", help="check tables against design and stimulus set")
    check.add_argument("table", type=Path, nargs="+")
    check.add_argument("--design", help="name or file (default: the name in the table)")
    check.add_argument("--stimuli", type=Path, help="stimulus set (default: the one in the table)")
    check.set_defaults(run=_check)
    show = commands.add_parser("show", help="describe a design in words, or draw it")
    show.add_argument("design", help="name of a shipped design, or path of a YAML file")
    show.add_argument(
        "--participant", type=int, default=1, help="participant whose blocks are shown (default: 1)"
    )
    show.add_argument("--out", type=Path, help="SVG file for a diagram instead of text")
    show.set_defaults(run=_show)
    commands.add_parser("list", help="list the shipped designs").set_defaults(run=_list)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns its exit code."""
    return run_command(parser(), lambda arguments: arguments.run(arguments), argv)


if __name__ == "__main__":
    sys.exit(main())
