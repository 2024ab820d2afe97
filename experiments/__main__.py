"""Prepare a lab machine, follow its sessions, and simulate observers."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from tqdm import tqdm

from conditions.design.reading import read_design
from conditions.trials.condition_tables import parse_participants, participant_id, table_path
from experiments.lab import calibrate, check, monitor
from experiments.lab.timing import command as timing
from experiments.online import claims, codes, serve
from experiments.runner.demographics import AIDS, GENDERS, HANDS, Demographics, add_demographics
from experiments.runner.log import session_folder, sessions_of
from experiments.runner.notes import add_later
from experiments.runner.observers import OBSERVERS, make_observer, observer_kind
from experiments.runner.request import Request
from experiments.runner.schedule import describe_schedule
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from experiments.runner.withdraw import Withdrawing
from unitscope.errors import BadInput, run_command
from unitscope.places import DATA, REPORTS, TABLES, folders, shown
from unitscope.records import COMPLETED, NOTES, read_session
from unitscope.withdrawal import is_withdrawn


def _simulate(arguments: argparse.Namespace) -> None:
    design = read_design(arguments.design)
    numbers = parse_participants(arguments.participants)
    kind = observer_kind(arguments.observer, design.task)
    print(folders(arguments.tables, arguments.data), flush=True)
    ran = 0
    for number in tqdm(numbers, desc=f"{arguments.observer} observers", unit="session"):
        participant = f"{arguments.ids}{participant_id(number).removeprefix('p')}"
        if COMPLETED in sessions_of(arguments.data, design.name, participant).values():
            continue
        request = Request(
            design=design,
            participant=participant,
            table=table_path(design, number, arguments.tables),
            stimuli=arguments.stimuli,
            data=arguments.data,
            observer_kind=kind,
            observer=arguments.observer,
        )
        session = Session.open(request)
        simulate(session, make_observer(arguments.observer, number, session.stimuli.file))
        ran += 1
    there = len(numbers) - ran
    print(
        f"{ran} sessions of {arguments.observer} observers in "
        f"{shown(arguments.data / design.name)}" + (f"; {there} existed already" * bool(there))
    )


def _demographics(arguments: argparse.Namespace) -> None:
    person = Demographics(
        arguments.participant,
        read_design(arguments.design).name,
        arguments.age,
        arguments.gender,
        arguments.handedness,
        arguments.visual_aid,
    )
    print(f"{person.participant} is in {shown(add_demographics(arguments.data, person))}")


def _schedule(arguments: argparse.Namespace) -> None:
    design = read_design(arguments.design)
    print(describe_schedule(design, arguments.data, arguments.tables))


def _note(arguments: argparse.Namespace) -> None:
    design, participant = read_design(arguments.design), arguments.participant
    subject = session_folder(arguments.data, design.name, participant, 1).parent
    if is_withdrawn(subject):
        raise BadInput(f"participant {participant} has withdrawn; nothing is recorded")
    sessions = sessions_of(arguments.data, design.name, participant)
    number = arguments.session or max(sessions, default=1)
    folder = session_folder(arguments.data, design.name, participant, number)
    if number not in sessions:
        raise BadInput(f"{folder}: there is no session {number} of participant {participant}")
    trials = read_session(folder).get("trials", 0)
    add_later(folder, arguments.text, arguments.trial, trials)
    print(f"noted in {shown(folder / NOTES)}")


def _withdraw(arguments: argparse.Namespace) -> None:
    design, participant = read_design(arguments.design), arguments.participant
    withdrawing = Withdrawing(arguments.data, design.name, participant)
    places = arguments.data / claims.FOLDER
    today = date.today()
    until = design.withdrawal_until
    print("\n".join([f"{participant} of {design.name}:", *withdrawing.what()]))
    if claims.is_known(places, design.name, participant):
        print(f"{shown(places / claims.FILE)}: who came online, as a keyed hash, and the code")
    if until and today > until:
        print(f"the consent page says until {until}, which is over")
    report = REPORTS / design.name
    others = "Reports and exports made before still hold them: delete these or make them anew"
    others += f" (there is {shown(report)})." if report.exists() else "."
    if not arguments.delete:
        withdrawing.mark(today)
        print(f"{participant} is marked as withdrawn: nothing reads these data any more. {others}")
        return
    if not arguments.yes:
        _confirm(participant)
    withdrawing.delete(today)
    claims.forget(places, design.name, participant)
    print(
        f"The data are deleted. What stays is the mark that {participant} withdrew, and the "
        f"condition table, which holds nothing of a person. {others}"
    )


def _confirm(participant: str) -> None:
    """Ask whether to delete; anything but the id means no."""
    try:
        answer = input(f"Delete all of this for good? Type {participant} to confirm: ")
    except EOFError:
        answer = ""
    if answer.strip() != participant:
        raise BadInput("nothing was deleted: the id was not typed, and --yes was not given")


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    top = argparse.ArgumentParser(prog="python -m experiments", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    run = commands.add_parser("simulate", help="let simulated or machine observers run sessions")
    run.add_argument("design", help="name of a shipped design, or a YAML file")
    run.add_argument("--participants", required=True, help="such as 1-20 or 1,3,5")
    run.add_argument(
        "--observer",
        default=OBSERVERS[0],
        help=f"{', '.join(OBSERVERS)}, or similarity:TABLE.csv, similarity:package.module:function",
    )
    run.add_argument("--ids", default="p", help="first letters of their ids (default: p)")
    run.add_argument("--stimuli", type=Path, help="stimulus set (default: the table's)")
    run.add_argument("--tables", type=Path, default=TABLES, help="folder of all condition tables")
    run.add_argument("--data", type=Path, default=DATA, help="folder of all logs")
    run.set_defaults(run=_simulate)
    person = commands.add_parser(
        "demographics", help="record a participant's demographics, apart from the logs"
    )
    person.add_argument("design", help="name of a shipped design, or a YAML file")
    person.add_argument("participant", help="id: letters and digits, never a name")
    person.add_argument("--age", type=int, help="in whole years")
    person.add_argument("--gender", choices=GENDERS)
    person.add_argument("--handedness", choices=HANDS)
    person.add_argument("--visual-aid", choices=AIDS)
    person.add_argument("--data", type=Path, default=DATA, help="folder of all logs")
    person.set_defaults(run=_demographics)
    order = commands.add_parser("schedule", help="say who comes next, and who took part")
    order.add_argument("design", help="name of a shipped design, or a YAML file")
    order.add_argument("--tables", type=Path, default=TABLES, help="folder of all condition tables")
    order.add_argument("--data", type=Path, default=DATA, help="folder of all logs")
    order.set_defaults(run=_schedule)
    word = commands.add_parser("note", help="add an experimenter's note to a session")
    word.add_argument("design", help="name of a shipped design, or a YAML file")
    word.add_argument("participant", help="id")
    word.add_argument("text", help="what happened, in quotes")
    word.add_argument("--session", type=int, help="number (default: the last one)")
    word.add_argument("--trial", type=int, help="trial that it is about (default: all)")
    word.add_argument("--data", type=Path, default=DATA, help="folder of all logs")
    word.set_defaults(run=_note)
    gone = commands.add_parser(
        "withdraw", help="leave out a participant's data from now on, or delete them"
    )
    gone.add_argument("design", help="name of a shipped design, or a YAML file")
    gone.add_argument("participant", help="id")
    gone.add_argument("--delete", action="store_true", help="delete the data for good")
    gone.add_argument("--yes", action="store_true", help="do not ask before deleting")
    gone.add_argument("--data", type=Path, default=DATA, help="folder of all logs")
    gone.set_defaults(run=_withdraw)
    machine = commands.add_parser("check", help="check this machine before participants come")
    check.add_options(machine)
    machine.set_defaults(run=check.check)
    measure = commands.add_parser("calibrate", help="calibrate a monitor and save it for PsychoPy")
    calibrate.add_options(measure)
    measure.set_defaults(run=calibrate.calibrate)
    exact = commands.add_parser("timing", help="measure the timing of sessions on this machine")
    timing.add_options(exact)
    exact.set_defaults(run=timing.timing)
    online = commands.add_parser("serve", help="run a study in participants' browsers")
    serve.add_options(online)
    online.set_defaults(run=serve.serve)
    came = commands.add_parser("codes", help="list who took part online, with completion codes")
    codes.add_options(came)
    came.set_defaults(run=codes.codes)
    page = commands.add_parser("monitor", help="serve a live page about the running sessions")
    monitor.add_options(page)
    page.set_defaults(run=monitor.monitor)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns its exit code."""
    return run_command(parser(), lambda arguments: arguments.run(arguments), argv)


if __name__ == "__main__":
    sys.exit(main())
