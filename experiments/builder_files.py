"""Write the Builder files: ``python -m experiments.builder_files``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from psychopy.experiment import Experiment
from psychopy.experiment.components.code import CodeComponent
from psychopy.experiment.loops import TrialHandler

from unitscope import disk
from unitscope.errors import run_command
from unitscope.places import shown
from unitscope.vocabulary import TASKS

FOLDER = Path(__file__).parent

FLOW = ("consent", "before", "instructions", "block_start", "trial", "block_end", "after", "end")
"""Routines in the order of the flow."""

LOOPS = (("trials", "trial", "trial"), ("blocks", "block_start", "block_end"))
"""Loops from the inside out, with the first and the last routine of each."""

ABOUT = {
    "consent": "The page that asks for consent, where the design has 'consent: true'.",
    "instructions": "Welcome and instruction pages. Their words: unitscope/texts/*.yaml.",
    "before": "Ratings before the trials, where the design has 'ratings'.",
    "block_start": "What the next block is about.",
    "trial": "One row of the condition file. Durations, keys and layout: the design's YAML file.",
    "block_end": "Break, with the block's score where the design has it.",
    "after": "Ratings after the trials and the comment, where the design has them.",
    "end": "Thanks.",
}

FIELDS = {
    "participant": "",
    "session": "",
    "design": "demo_{task}",
    "language": "",
    "distance": "",
    "override|cfg": "",
}
"""Fields of the dialog; each is the Coder scripts' option of the same name."""

SETTINGS = {
    "expName": "unitscope_{task}",
    "Experiment info": str(FIELDS),
    "Data filename": "unitscope.open(expInfo, PILOTING)",
    "Enable Escape": False,
    "Full-screen window": True,
    "Window size (pixels)": [1920, 1080],
    "Units": "pix",
    "blendMode": "nofbo",
    "measureFrameRate": False,
}
"""Settings of the experiment that differ from PsychoPy's defaults."""

LOOP_SETTINGS: dict[str, dict[str, Any]] = {
    "trials": {
        "nReps": 1,
        "loopType": "sequential",
        "conditionsFile": "$condition_file",
        "selectedRows": "$block_rows[blocks.thisN]",
    },
    "blocks": {"nReps": "len(block_rows)", "loopType": "sequential", "isTrials": False},
}

IMPORT = """\
from experiments.display.builder import BuilderSession
unitscope = BuilderSession("{task}")
"""

BEGIN = """\
unitscope.use(win, thisExp)
condition_file = unitscope.condition_file
block_rows = unitscope.block_rows
"""

CODE = {
    "Begin Routine": "{routine}.components.append(unitscope)\nunitscope.begin({arguments})\n",
    "Each Frame": "continueRoutine = unitscope.frame()\n",
    "End Routine": "unitscope.end()\n",
}
"""Code of every routine; that of the trial also opens and ends the session."""


def make_experiment(task: str) -> Any:
    """Return a task's Builder experiment.

    Parameters
    ----------
    task
        Task of the experiment.

    Returns
    -------
    psychopy.experiment.Experiment
    """
    experiment = Experiment()
    for name, value in SETTINGS.items():
        filled = value.replace("{task}", task) if isinstance(value, str) else value
        experiment.settings.params[name].val = filled
    for place, name in enumerate(FLOW):
        routine = experiment.addRoutine(name)
        routine.settings.params["desc"].val = ABOUT[name]
        routine.addComponent(_code(experiment, name, task))
        experiment.flow.addRoutine(routine, place)
    for name, first, last in LOOPS:
        loop = TrialHandler(experiment, name, **LOOP_SETTINGS[name])
        places = {entry.name: place for place, entry in enumerate(experiment.flow)}
        experiment.flow.addLoop(loop, places[first], places[last] + 1)
    return experiment


def _code(experiment: Any, routine: str, task: str) -> Any:
    component = CodeComponent(experiment, routine, name=f"code_{routine}", codeType="Py")
    arguments = f'"{routine}"' + (", trial_number" if routine == "trial" else "")
    for hook, code in CODE.items():
        component.params[hook].val = code.format(routine=routine, arguments=arguments)
    if routine == "trial":
        component.params["Before Experiment"].val = IMPORT.format(task=task)
        component.params["Begin Experiment"].val = BEGIN
        component.params["End Experiment"].val = "unitscope.finish()\n"
    return component


def write_files(folder: Path, tasks: Iterable[str] = TASKS) -> list[Path]:
    """Write a Builder file for each task, replacing existing ones; returns their paths."""
    written: dict[Path, bytes | str] = {}
    for task in tasks:
        path = folder / f"{task}.psyexp"
        with tempfile.TemporaryDirectory() as aside:
            # Saved to another folder first: PsychoPy stores paths relative to the file's folder.
            whole = Path(aside) / path.name
            make_experiment(task).saveToXML(str(whole))
            written[path] = whole.read_bytes()
    disk.write_files(written)
    return list(written)


def _run(arguments: argparse.Namespace) -> None:
    for path in write_files(arguments.out):
        print(f"wrote {shown(path)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m experiments.builder_files", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder (default: experiments)")
    sys.exit(run_command(parser, _run))
