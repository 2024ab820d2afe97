"""Command line: check and import logs, and write reports."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analysis.logs.sessions import Log
from unitscope.disk import check_empty
from unitscope.errors import BadInput, run_command
from unitscope.places import STIMULI, shown


def _report(arguments: argparse.Namespace) -> None:
    from analysis.planning.analysis_settings import Settings
    from analysis.report.report import write_report

    settings = Settings(
        ci_unit="paper" if arguments.paper else "crossed",
        smallest_effect=_smallest_effect(arguments),
        blind=arguments.blind,
        models=not arguments.no_models,
        sessions=arguments.sessions,
        shrunk=arguments.shrunk,
    )
    written = write_report(
        arguments.data,
        arguments.out,
        settings,
        arguments.design,
        arguments.stimuli,
        arguments.preregistration,
    )
    print("\n".join(written.sentences))
    print(f"report: {shown(written.page)}, with figures, tables and results.json beside it")


def _compare(arguments: argparse.Namespace) -> None:
    from analysis.report.compared_studies import write_comparison

    sentences, written = write_comparison(arguments.data, arguments.names, arguments.out)
    print("\n".join(sentences))
    print("p values are Holm-corrected over the conditions.")
    print(f"comparison: {shown(written)}, also of times and confidence")


def _smallest_effect(arguments: argparse.Namespace) -> float | None:
    effect: float | None = arguments.smallest_effect
    if effect is not None and not 0 < effect < 1:
        raise BadInput(f"--smallest-effect is {effect:g}, expected between 0 and 1")
    return effect


def _smallest_effect_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--smallest-effect",
        type=float,
        help="in accuracy (default: the design's; where it states none, 0.1)",
    )


def _import(arguments: argparse.Namespace) -> None:
    from analysis.logs.imports import import_logs
    from analysis.logs.mapping import read_mapping

    mappings = [read_mapping(name) for name in arguments.mapping]
    done = import_logs(arguments.files, mappings, arguments.out)
    rows = f"{done.n_rows} rows of {done.n_participants} participants in {done.n_sessions} sessions"
    print(f"imported {rows} into {shown(done.out)}; {done.skipped} rows skipped by the mapping")
    for flags, where in (
        (done.flags, ""),
        (done.other_flags, " in practice, catch or repeated trials"),
    ):
        for flag, number in flags.items():
            print(f"{number} rows flagged {flag}{where}")


def _check(arguments: argparse.Namespace) -> None:
    from analysis.logs.planned_trials import compare_with_design, design_at_hand
    from analysis.logs.ratings import load_ratings, load_study
    from analysis.logs.sessions import load_notes
    from analysis.logs.texts_read import damaged_copies, different_texts

    log = load_study(arguments.data)
    ratings = load_ratings(log)
    load_notes(log)
    if len(log.trials):
        stimuli = arguments.stimuli or STIMULI / str(log.trials["stimulus_set"].iloc[0])
        design = design_at_hand(log, arguments.design)
        compared = compare_with_design(log, design, stimuli)
        for sentence in compared.sentences:
            print(sentence)
        if compared.as_planned:
            print(f"sessions with every trial as their design plans it: {compared.as_planned}")
    for sentence in (*log.warnings, *damaged_copies(log), *different_texts(log)):
        print(f"warning: {sentence}")
    print(_summary(log, len(ratings)))


def _export(arguments: argparse.Namespace) -> None:
    from analysis.export.bids import write_bids
    from analysis.export.dataset import export
    from analysis.export.psychds import write_psychds

    if not (arguments.bids or arguments.psychds):
        raise BadInput("export: give --bids DIR, --psychds DIR or both")
    for out, write in ((arguments.bids, write_bids), (arguments.psychds, write_psychds)):
        if out:
            print(f"exported to {shown(export(arguments.data, out, write))}")


def _power(arguments: argparse.Namespace) -> None:
    from analysis.planning.power import Assumptions, power_table
    from analysis.planning.power_options import parse_accuracies, parse_numbers
    from analysis.planning.power_plot import write_power
    from conditions.design.reading import read_design

    if arguments.out and arguments.out.exists():
        check_empty(arguments.out)  # before the long work
    design = read_design(arguments.design)
    accuracies = parse_accuracies(arguments.accuracy, design, arguments.base, arguments.effect)
    sds = ("participant_sd", "unit_sd", "participant_effect_sd", "unit_effect_sd")
    given = {name: getattr(arguments, name) for name in sds if getattr(arguments, name) is not None}
    table = power_table(
        design,
        Assumptions(accuracies, **given),
        parse_numbers("participants", arguments.participants),
        parse_numbers("units", arguments.units) if arguments.units else (None,),
        simulations=arguments.simulations,
        seed=arguments.seed,
        progress=True,
    )
    shown_columns = ["participants", "units", "trials", "first", "second", "difference", "power"]
    print(table[[*shown_columns, "low", "high", "power_holm"]].round(3).to_string(index=False))
    print("Participants are those who are left after exclusions; recruit more.")
    for group, rules in design.exclusions.by_group.items():
        print(f"Kept{f' in group {group}' if group else ''} if:")
        print("\n".join(f"  {rule.sentence}" for rule in rules) or "  (no rule)")
    if arguments.out:
        print(f"power: {shown(write_power(table, arguments.out))}, with a table beside it")


def _preregister(arguments: argparse.Namespace) -> None:
    from analysis.planning.analysis_settings import Settings
    from analysis.planning.preregistration import TO_WRITE
    from analysis.planning.preregistration_document import preregister
    from conditions.design.reading import read_design

    settings = Settings(
        ci_unit="paper" if arguments.paper else "crossed",
        smallest_effect=_smallest_effect(arguments),
    )
    design = read_design(arguments.design)
    out = preregister(design, arguments.out, arguments.participants, settings)
    print(f"preregistration: {shown(out)}; fill in what is marked {TO_WRITE}")


def _summary(log: Log, n_ratings: int) -> str:
    states = log.sessions["session_state"].value_counts()
    kinds = ", ".join(
        f"{kind} {number}" for kind, number in log.sessions["observer_kind"].value_counts().items()
    )
    return (
        f"{log.design}: {len(log.sessions)} sessions ({kinds}; {states.get('completed', 0)} "
        f"completed, {states.get('unfinished', 0)} unfinished), {len(log.trials)} trials, "
        f"{f'{n_ratings} ratings, ' if n_ratings else ''}every cell valid"
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
    report.add_argument(
        "--blind",
        type=int,
        nargs="?",
        const=0,
        metavar="SEED",
        help="letters in place of the conditions' names, shuffled by the seed",
    )
    report.add_argument(
        "--no-models", action="store_true", help="no mixed models, for a quick look at many trials"
    )
    report.add_argument(
        "--stimuli", type=Path, help="stimulus set whose queries.csv has baselines (occlusion)"
    )
    report.add_argument(
        "--sessions",
        choices=("first", "last", "all"),
        default="first",
        help="of participants who took part more than once (default: first)",
    )
    report.add_argument(
        "--shrunk",
        action="store_true",
        help="keep sessions whose images were smaller than designed, on too small a screen",
    )
    _smallest_effect_option(report)
    report.add_argument(
        "--preregistration", type=Path, metavar="FILE.md", help="list what deviates from it"
    )
    report.set_defaults(run=_report)
    compare = commands.add_parser("compare", help="compare the participants of several studies")
    compare.add_argument("data", type=Path, nargs="+", help="folders data/<design>, two or more")
    compare.add_argument(
        "--names",
        nargs="+",
        default=(),
        help="of the studies, such as lay expert (default: folders')",
    )
    compare.add_argument("--out", type=Path, required=True, metavar="FILE.csv", help="new file")
    compare.set_defaults(run=_compare)
    bring = commands.add_parser("import", help="bring external logs into our format")
    bring.add_argument("files", type=Path, nargs="+", metavar="FILE", help="CSV file")
    bring.add_argument(
        "--mapping",
        required=True,
        action="append",
        help="name of a shipped mapping, or a YAML file; repeatable, for trials and their ratings",
    )
    bring.add_argument("--out", type=Path, required=True, help="folder to write")
    bring.set_defaults(run=_import)
    out = commands.add_parser("export", help="write logs in a format that others read")
    out.add_argument("data", type=Path, help="folder data/<design>, or a session")
    out.add_argument("--bids", type=Path, metavar="DIR", help="new folder for BIDS")
    out.add_argument("--psychds", type=Path, metavar="DIR", help="new folder for Psych-DS")
    out.set_defaults(run=_export)
    power = commands.add_parser("power", help="simulate how likely a study finds a difference")
    power.add_argument("design", help="name or file of a design")
    power.add_argument("--participants", default="10-60", help="such as 30, 10-60 or 10-60:5")
    power.add_argument("--units", help="numbers of units, such as 15,45 (default: the design's)")
    power.add_argument("--effect", type=float, default=0.1, help="of the first condition")
    power.add_argument("--base", type=float, default=0.75, help="accuracy of the others")
    power.add_argument(
        "--accuracy", action="append", default=[], metavar="CONDITION=SHARE", help="repeatable"
    )
    for name in ("participant", "unit", "participant-effect", "unit-effect"):
        power.add_argument(f"--{name}-sd", type=float, metavar="LOGITS")
    power.add_argument("--simulations", type=int, default=500, help="studies for each number")
    power.add_argument("--seed", type=int, default=1)
    power.add_argument("--out", type=Path, metavar="DIR", help="new folder for table and figure")
    power.set_defaults(run=_power)
    before = commands.add_parser("preregister", help="write a preregistration from a design")
    before.add_argument("design", help="name or file of a design")
    before.add_argument("--out", type=Path, required=True, metavar="FILE.md", help="new file")
    before.add_argument("--participants", type=int, help="people who are to complete a session")
    _smallest_effect_option(before)
    before.add_argument("--paper", action="store_true", help="as for report")
    before.set_defaults(run=_preregister)
    check = commands.add_parser("check", help="check logs without analysing them")
    check.add_argument("data", type=Path, help="folder data/<design>, a session, or a trials.csv")
    check.add_argument("--design", help="name or file (default: the shipped one named in the log)")
    check.add_argument("--stimuli", type=Path, help="stimulus set (default: the one in the log)")
    check.set_defaults(run=_check)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns its exit code."""
    return run_command(parser(), lambda arguments: arguments.run(arguments), argv)


if __name__ == "__main__":
    sys.exit(main())
