"""Two-alternative forced choice: which of two images excites a network's unit more?"""

from __future__ import annotations

import argparse
import sys

from psychopy import core, plugins

from conditions.design.reading import read_design
from experiments.display import dialog, shell
from experiments.runner.session import Session
from unitscope.errors import run_command

TASK = "two_afc"
DESIGN = "demo_two_afc"


def run(arguments: argparse.Namespace) -> None:
    """Run one session, from the dialog to the last trial."""
    plugins.activatePlugins()
    core.setPilotModeFromArgs()
    monitor = None if arguments.simulate else shell.find_monitor(arguments)
    design = read_design(arguments.design)
    shell.check_task(design, TASK)

    # Who takes part: from the command line, or asked for.
    participant = shell.named_participant(arguments)
    if participant is not None:
        request = shell.make_request(arguments, design, participant)
    else:
        participant = dialog.ask_participant(design.title)
        chosen = participant and dialog.choose_session(
            shell.make_request(arguments, design, participant)
        )
        if not chosen:
            return
        request = chosen

    # Everything is checked before a window opens.
    with Session.open(request) as session:
        if arguments.simulate:
            shell.run_simulated(session, arguments.simulate)
        else:
            display = shell.open_display(arguments, monitor, design)
            shell.run_in_window(session, display, arguments)
    shell.report_end(session)


if __name__ == "__main__":
    sys.exit(run_command(shell.options(__doc__ or "", DESIGN), run))
