"""Command line: check and import logs, and write reports."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analysis.load import Log, load_log
from conditions.errors import BadInput, run_command
from conditions.places import shown


def _report(arguments: argparse.Namespace) -> None:
    from analysis.report import write_report
    from analysis.results import Settings

    settings = Settings(ci_unit="paper" if arguments.paper else "crossed")
    written = write_report(arguments.data, arguments.out, settings, arguments.design)
    print("\n".join(written.sentences))
    print(f"report: {shown(written.page)}, with figures, tables and results.json beside it")


def _import(arguments: argparse.Namespace) -> None:
    from analysis.imports import import_logs
    from analysis.mapping import read_mapping

    done = import_logs(arguments.files, read_mapping(arguments.mapping), arguments.out)
    rows = f"{done.n_rows} rows of {done.n_participants} participants"
    print(f"imported {rows} into {shown(done.out)}; {done.left_out} rows left out by the mapping")
    for flag, number in done.flags.items():
        print(f"{number} rows flagged {flag}")


def _check(arguments: argparse.Namespace) -> None:
    log = load_log(arguments.data)
    for sentence in log.warnings:
        print(f"warning: {sentence}")
    print(_summary(log))


def _export(arguments: argparse.Namespace) -> None:
    from analysis.export import export
    from analysis.export_bids import write_bids
    from analysis.export_psychds import write_psychds

    if not (arguments.bids or arguments.psychds):
        raise BadInput("export: give --bids DIR, --psychds DIR or both")
    for out, write in ((arguments.bids, write_bids), (arguments.psychds, write_psychds)):
        if out:
            print(f"exported to {shown(export(arguments.data, out, write))}")


def _summary(log: Log) -> str:
    states = log.sessions["session_state"].value_counts()
    kinds = ", ".join(
        f"{kind} {number}" for kind, number in log.sessions["observer_kind"].value_counts().items()
    )
    return (
        f"{log.design}: {len(log.sessions)} sessions ({kinds}; {states.get('completed', 0)} "
        f"completed, {states.get('unfinished', 0)} unfinished), {len(log.trials)} trials, "
        "every cell valid"
    )


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="write one page with all results of a study")
    report.add_argument("data", type=Path, help="folder data/<design>, a session, or a trials.csv")
    report.add_argument("--out", type=Path, help="folder of the report (default: reports/<design>)")
    report.add_argument("--design", help="name or file (default: the shipped one named in the log)")
    report.add_argument(
        "--paper", action="store_true", help="intervals of 2 SEM over participants, as in papers"
    )
    report.set_defaults(run=_report)
    bring = commands.add_parser("import", help="bring external logs into our format")
    bring.add_argument("files", type=Path, nargs="+", metavar="FILE", help="CSV file")
    bring.add_argument("--mapping", required=True, help="name of a shipped mapping, or a YAML file")
    bring.add_argument("--out", type=Path, required=True, help="folder to write")
    bring.set_defaults(run=_import)
    out = commands.add_parser("export", help="write logs in a format that others read")
    out.add_argument("data", type=Path, help="folder data/<design>, or a session")
    out.add_argument("--bids", type=Path, metavar="DIR", help="new folder for BIDS")
    out.add_argument("--psychds", type=Path, metavar="DIR", help="new folder for Psych-DS")
    out.set_defaults(run=_export)
    check = commands.add_parser("check", help="check logs without analysing them")
    check.add_argument("data", type=Path, help="folder data/<design>, a session, or a trials.csv")
    check.set_defaults(run=_check)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns its exit code."""
    return run_command(parser(), lambda arguments: arguments.run(arguments), argv)


if __name__ == "__main__":
    sys.exit(main())
