"""The devices of a session, opened as its design and the command line say."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from conditions.design.keys import LAYOUTS, labels_of
from experiments.display.eye_tracker import EyeTracker
from experiments.display.hook import FlipHook
from experiments.display.keyboard import find_keyboards, open_keyboard, system_layout
from experiments.display.mouse import WindowMouse
from experiments.display.photodiode_patch import PhotodiodePatch
from experiments.display.robot import Robot
from experiments.display.serial_box import SerialBox
from experiments.display.trigger_ports import open_trigger_port
from experiments.display.triggers import TriggerHook
from experiments.display.window import Display
from experiments.runner import machine_options
from experiments.runner.observers import observer_seed
from experiments.runner.responses import Press, ResponseSource
from experiments.runner.session import Session
from unitscope.errors import BadInput
from unitscope.named_functions import find_function

NONE = "none"
"""Port of a device that this machine does not have."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for devices that belong to a machine and not to a study."""
    machine_options.add_response_sources(parser)
    parser.add_argument(
        "--trigger-port",
        metavar="PORT",
        help="port of the triggers; none: no triggers",
    )
    parser.add_argument(
        "--hook",
        action="append",
        default=[],
        metavar="MODULE:FUNCTION",
        help="function of an installed module, called with the window",
    )
    parser.add_argument(
        "--window",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="further argument of PsychoPy's window",
    )
    parser.add_argument(
        "--eye-tracker", type=Path, metavar="FILE", help="YAML file of an ioHub eye tracker"
    )


class Sources:
    """Several response sources as one; its name joins theirs.

    Parameters
    ----------
    sources
        Two or more.
    """

    def __init__(self, *sources: ResponseSource) -> None:
        self._sources = sources
        self.name = "+".join(source.name for source in sources)

    def presses(self) -> list[Press]:
        """Return the presses of all since the last call, earliest first."""
        return sorted(press for source in self._sources for press in source.presses())


def open_source(
    session: Session, display: Display, arguments: argparse.Namespace
) -> ResponseSource:
    """Open the keyboard, and the mouse and the response box if the design has them.

    From then on the session's texts name keys by what is printed on them.

    Parameters
    ----------
    session
        An open session.
    display
        Its window.
    arguments
        What the command line says of this machine.

    Raises
    ------
    BadInput
        If the response box is missing, or no keyboard has the name that was asked for.
    """
    design, box_port = session.design, arguments.box_port
    name = arguments.keyboard or design.keyboard.name
    layout = arguments.keyboard_layout or design.keyboard.layout
    if layout not in LAYOUTS:
        layout = system_layout() or LAYOUTS[0]
    keyboards = find_keyboards(name)
    sources: list[ResponseSource] = [open_keyboard(list(keyboards) if name else (), layout)]
    key_names = labels_of(layout) | session.texts.key_names
    session.texts = replace(session.texts, key_names=key_names)
    session.note({"keyboards": list(keyboards.values()), "keyboard_layout": layout})
    if design.input != "keys":
        sources.append(WindowMouse(display.win))
    if design.response_box.keys and box_port != NONE:
        box = design.response_box
        sources.append(SerialBox(replace(box, port=box_port or box.port)))
    return sources[0] if len(sources) == 1 else Sources(*sources)


def open_hooks(
    session: Session, display: Display, arguments: argparse.Namespace
) -> tuple[FlipHook, ...]:
    """Open the devices that act with the flips; the photodiode's patch is drawn last.

    Raises
    ------
    BadInput
        Naming the device that cannot be opened.
    """
    design, hooks = session.design, []
    try:
        for path in arguments.hook:
            own = find_function(path, "--hook")(display.win)
            if isinstance(own, FlipHook):
                hooks.append(own)
        if arguments.eye_tracker:
            hooks.append(EyeTracker(arguments.eye_tracker, session, display.win))
        if design.triggers.kind != NONE and arguments.trigger_port != NONE:
            triggers = replace(design.triggers, port=arguments.trigger_port or design.triggers.port)
            hooks.append(TriggerHook(triggers, open_trigger_port(triggers)))
        if arguments.robot:
            seed = observer_seed(session.request.participant)
            hooks.append(Robot(session, display, arguments.robot, seed))
        if design.photodiode.on:
            hooks.append(PhotodiodePatch(design.photodiode, display))
    except BaseException:
        for hook in hooks:
            hook.close()
        raise
    if arguments.hook:
        session.note({"hooks": list(arguments.hook)})
    return tuple(hooks)


def window_arguments(design: Mapping[str, Any], options: list[str]) -> dict[str, Any]:
    """Return further arguments of the window: the design's, then those of the command line.

    Parameters
    ----------
    design
        The design's ``window``.
    options
        Each is ``KEY=VALUE``; a value is JSON or else text.
    """
    found = dict(design)
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise BadInput(f"--window {option!r}: expected KEY=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
