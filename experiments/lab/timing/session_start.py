"""The time from the confirmed dialog to the first trial, each in a new process."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from psychopy import core, plugins

from experiments.display import coder, shell
from experiments.lab.timing.material import Material, make_material
from experiments.lab.timing.series import OURS, PLAIN, Series
from experiments.runner.session import Session
from experiments.runner.stages import stages_of
from unitscope.errors import BadInput, run_command

LIMIT_S = 120


def measure(folder: Path, starts: int, size: str | None) -> list[Series]:
    """Start sessions with 20 images per trial, each in a new process.

    Raises
    ------
    BadInput
        If a session does not reach its first trial.
    """
    make_material(folder, "start", fixation_s=0.1)
    what = "from the confirmed dialog to the first flip of the first trial"
    found = []
    for _ in range(starts):
        for way in (OURS, PLAIN):
            command = [sys.executable, "-m", __name__, str(folder), "--way", way]
            command += ["--size", size] if size else []
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
            if done.returncode:
                said = done.stderr.strip().splitlines()[-1:] or ["no message"]
                raise BadInput(f"a session did not start: {said[0]}")
            took_s, worked_s = json.loads(done.stdout.strip().splitlines()[-1])
            found.append(Series("start", what, way, (took_s,), unit="s"))
            found.append(Series("start", "processor time of the start", way, (worked_s,), unit="s"))
    return found


def _ours(material: Material, arguments: argparse.Namespace) -> tuple[float, float]:
    # A pilot alone is shrunk to a small screen.
    options = ["--pilot", "--participant", "p001", "--table", str(material.table)]
    options += ["--design", str(material.design.path), "--stimuli", str(material.stimuli)]
    options += ["--data", str(material.data)]
    options += ["--size", arguments.size] if arguments.size else []
    own = shell.options("", material.design.name).parse_args(options)
    plugins.activatePlugins()
    # What the script does once the dialog is confirmed, without the pages that participants read.
    began_s = _clocks()
    request = shell.make_request(own, material.design, "p001")
    with Session.open(request) as session:
        display = coder.open_display(own, coder.find_monitor(own), material.design)
        stepper = shell.make_stepper(session, display, own)
        stages = stages_of(session, display.frame_s)
        stage = next(stage for stage in stages if stage.kind == "trial")
        stepper.begin(stage)
        stepper.frame()
        display.win.flip()
        took_s = _since(began_s)
        display.close()
    return took_s


def _plain(material: Material, arguments: argparse.Namespace) -> tuple[float, float]:
    began_s = _clocks()
    from psychopy import visual
    from psychopy.hardware import keyboard

    from conditions.trials.condition_tables import images_of, read_table
    from experiments.display.window import parse_size

    size = parse_size(arguments.size) if arguments.size else (1920, 1080)
    win = visual.Window(size=size, fullscr=not arguments.size, units="pix")
    keyboard.Keyboard(backend="ptb")
    cross = visual.TextStim(win, "+", units="pix", height=30)
    trial = read_table(material.table).head(1)
    [visual.ImageStim(win, image=str(material.stimuli / name)) for name in images_of(trial)]
    cross.draw()
    win.flip()
    took_s = _since(began_s)
    win.close()
    return took_s


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(began_s: tuple[float, float]) -> tuple[float, float]:
    """Return the elapsed wall-clock and processor time in seconds."""
    now_s = _clocks()
    return now_s[0] - began_s[0], now_s[1] - began_s[1]


def _start(arguments: argparse.Namespace) -> None:
    material = make_material(arguments.folder, "start", fixation_s=0.1)
    took_s = (_ours if arguments.way == OURS else _plain)(material, arguments)
    print(json.dumps(took_s))
    core.quit()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--way", choices=(OURS, PLAIN), required=True)
    options.add_argument("--size")
    sys.exit(run_command(options, _start))
