"""The participant's window, its monitor, and its measured frame rate."""

from __future__ import annotations

import copy
import inspect
import itertools
import os
import platform
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psychopy import logging, monitors

from conditions.design.device_settings import OWN_ARGUMENTS
from experiments.runner.layout import Screen
from unitscope.errors import BadInput, nearest

NO_VSYNC_HZ = 250
"""A faster refresh means that flips do not wait for the vertical blank."""

PACED_HZ = 60


@dataclass
class Display:
    """An open window and its properties.

    Parameters
    ----------
    win
        The PsychoPy window.
    screen
        Its geometry.
    frame_s
        Nominal duration of a frame, in seconds.
    paced
        Whether ``pace`` waits for multiples of ``frame_s`` because flips do not wait.
    facts
        For ``session.json``.
    """

    win: Any
    screen: Screen
    frame_s: float
    paced: bool
    facts: dict[str, Any] = field(default_factory=dict)
    _next_s: float = 0.0

    def now(self) -> float:
        """Return the time on the clock of flips and key presses, in seconds."""
        return float(logging.defaultClock.getTime())

    def pace(self) -> None:
        """Wait until the next flip is due, where flips do not wait themselves."""
        if self.paced:
            now = self.now()
            if now < self._next_s:
                time.sleep(self._next_s - now)
            self._next_s = max(self._next_s + self.frame_s, now)

    def show_pointer(self, shown: bool, *, centred: bool = False) -> None:
        """Show or hide the mouse pointer, and put it in the middle of the window if asked to."""
        self.win.mouseVisible = shown
        if centred:
            width, height = self.win.winHandle.get_size()
            self.win.winHandle.set_mouse_position(width // 2, height // 2)

    def close(self) -> None:
        """Close the window."""
        self.win.close()


def check_monitor(name: str | None) -> Any:
    """Return a calibrated monitor.

    Raises
    ------
    BadInput
        If none was named, PsychoPy does not know it, or its gamma or size was never measured.
    """
    known = monitors.getAllMonitors()
    if name is None or name not in known:
        found = ", ".join(sorted(known)) or "none"
        what = f"monitor {name!r} is unknown to PsychoPy" if name else "no monitor was named"
        raise BadInput(
            f"{what} (PsychoPy knows {found}); measure it with: "
            "python -m experiments calibrate NAME, and give --monitor NAME; or give "
            '--override "reason", or --pilot'
        )
    monitor = monitors.Monitor(name)
    if monitor.gammaIsDefault():
        raise BadInput(
            f"monitor {name!r} has no measured gamma; measure it with: "
            f'python -m experiments calibrate {name}, or give --override "reason", or --pilot'
        )
    if not monitor.getSizePix():
        raise BadInput(
            f"monitor {name!r} has no size in pixels; measure it with: "
            f"python -m experiments calibrate {name}"
        )
    return monitor


def find_screens() -> list[Any]:
    """Return the screens of this machine.

    Raises
    ------
    BadInput
        If there is no display.
    """
    try:
        from pyglet.canvas import get_display

        return list(get_display().get_screens())
    except Exception as error:  # of pyglet or of the system, without a common base
        raise BadInput(
            f"no window can be opened ({' '.join(str(error).split()) or type(error).__name__}); "
            "is there a display?"
        ) from None


def open_window(
    monitor: Any = None,
    *,
    full_screen: bool,
    size: tuple[int, int] | None = None,
    index: int = 0,
    further: Mapping[str, Any] | None = None,
) -> Display:
    """Open the window and measure its frame rate.

    Parameters
    ----------
    monitor
        PsychoPy monitor, or None for an uncalibrated one.
    full_screen
        Whether to cover the screen.
    size
        Size of the window in pixels; None for the monitor's, or the whole screen.
    index
        Which screen.
    further
        Further arguments of PsychoPy's window.

    Raises
    ------
    BadInput
        If there is no display, the window's size is not that of the calibrated monitor, or a
        further argument is unknown.
    """
    screens = find_screens()
    from psychopy import visual  # cannot be imported without a display

    if not 0 <= index < len(screens):
        raise BadInput(f"screen {index} does not exist, found {len(screens)} from 0")
    whole = (screens[index].width, screens[index].height)
    wanted = size or (tuple(monitor.getSizePix()) if monitor else whole)
    _check_arguments(further or {}, inspect.signature(visual.Window.__init__).parameters)
    # With a frame buffer object, PsychoPy's default, software renderers left the window blank.
    settings: dict[str, Any] = {
        "size": wanted,
        "fullscr": full_screen,
        "screen": index,
        "monitor": _without_gamma(monitor or monitors.Monitor("__blank__", autoLog=False)),
        "units": "pix",
        "color": (0, 0, 0),
        "colorSpace": "rgb",
        "useFBO": False,
        "allowGUI": not full_screen,
        "checkTiming": False,
        "waitBlanking": True,
        "autoLog": False,
        "title": "Unitscope",
    }
    settings |= dict(further or {})
    measured = monitor.getGamma() if monitor and not monitor.gammaIsDefault() else None
    gamma = settings.pop("gamma", measured)
    win = visual.Window(**settings)
    has_gamma = gamma is None or _takes_gamma(win, gamma)
    return adopt_window(win, monitor, full_screen=full_screen, has_gamma=has_gamma)


def open_without_gamma() -> None:
    """Let windows that others open leave their monitor's gamma to :func:`take_over`."""
    from psychopy.visual import Window  # cannot be imported without a display

    def leave(win: Any, gamma: Any) -> None:
        win.__dict__["gamma"], win.useNativeGamma = gamma, True

    Window._setupGamma = leave


def take_over(win: Any, monitor: Any) -> Display:
    """Adopt a window that PsychoPy Builder's script opened, with its monitor or None."""
    own = win.gamma
    if own is None and monitor:
        own = monitor.getGamma()
    has_gamma = own is None or _takes_gamma(win, own)
    return adopt_window(win, monitor, full_screen=bool(win._isFullScr), has_gamma=has_gamma)


def _without_gamma(monitor: Any) -> Any:
    """Return a monitor as before its calibration.

    A window that opens with a gamma which its screen cannot take is left half open.
    """
    plain = copy.copy(monitor)
    plain.gammaIsDefault = lambda: True
    return plain


def _takes_gamma(win: Any, gamma: Any) -> bool:
    """Give an open window its gamma; returns whether the screen takes it."""
    try:
        win.gamma = gamma
    except OSError:
        # Raised by PsychoPy for a display without a gamma table, such as a virtual one.
        return False
    return True


def adopt_window(
    win: Any, monitor: Any = None, *, full_screen: bool, has_gamma: bool = True
) -> Display:
    """Measure the frame rate of an open window.

    Parameters
    ----------
    win
        PsychoPy window.
    monitor
        Its calibrated PsychoPy monitor, or None for an uncalibrated one.
    full_screen
        Whether it covers the screen.
    has_gamma
        Whether the screen could be given the gamma that it should have.

    Raises
    ------
    BadInput
        If the window's size is not that of the calibrated monitor.
    """
    # Without this, a window with a frame buffer object stays blank under software renderers.
    win.depthTest = False
    got = (int(win.size[0]), int(win.size[1]))
    if monitor and full_screen and got != tuple(monitor.getSizePix()):
        win.close()
        raise BadInput(
            f"the window is {got[0]} x {got[1]} px, but monitor {monitor.name!r} was calibrated "
            f"at {monitor.getSizePix()[0]} x {monitor.getSizePix()[1]}; set the screen's resolution"
        )
    win.mouseVisible = not full_screen
    frame_s = _measure_frame_s(win)
    paced = frame_s < 1 / NO_VSYNC_HZ
    screen = Screen(
        *got,
        monitor.getWidth() if monitor else None,
        monitor.getDistance() if monitor else None,
    )
    display = Display(win, screen, 1 / PACED_HZ if paced else frame_s, paced)
    display.facts = _facts(display, monitor, measured_hz=1 / frame_s, full_screen=full_screen)
    if monitor:
        display.facts["monitor"]["gamma_set"] = has_gamma
    return display


def parse_size(text: str) -> tuple[int, int]:
    """Read a window's size, such as ``1920x1080``."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise BadInput(f"--size {text!r}: expected a size such as 1920x1080")
    return int(width), int(height)


def _check_arguments(given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for name in given:
        if name in OWN_ARGUMENTS:
            raise BadInput(f"window argument {name!r} cannot be set: the session sets it")
        if name not in known:
            raise BadInput(f"window argument {name!r} is unknown{nearest(name, known)}")


def _measure_frame_s(win: Any, frames: int = 60, warm_up: int = 15) -> float:
    flips = [float(win.flip()) for _ in range(warm_up + frames)][warm_up:]
    intervals = [later - earlier for earlier, later in itertools.pairwise(flips)]
    return max(statistics.median(intervals), 1e-5)


def _facts(
    display: Display, monitor: Any, *, measured_hz: float, full_screen: bool
) -> dict[str, Any]:
    from pyglet.gl import gl_info

    facts: dict[str, Any] = {
        "width_px": display.screen.width_px,
        "height_px": display.screen.height_px,
        "full_screen": full_screen,
        "measured_hz": round(measured_hz, 3),
        "waits_for_vertical_blank": not display.paced,
        "nominal_frame_s": display.frame_s,
        "renderer": gl_info.get_renderer(),
        "opengl": gl_info.get_version(),
        "window_system": os.environ.get("XDG_SESSION_TYPE", platform.system()),
        "monitor": None,
    }
    if monitor:
        gamma, date_s = monitor.getGammaGrid(), monitor.getCalibDate()
        known = isinstance(date_s, (int, float))
        facts["monitor"] = {
            "name": monitor.name,
            "width_cm": monitor.getWidth(),
            "distance_cm": monitor.getDistance(),
            "size_px": list(monitor.getSizePix()),
            "calibration": monitor.currentCalibName,
            "age_days": round(max(0.0, time.time() - date_s) / 86_400, 1) if known else None,
            "gamma_measured": not monitor.gammaIsDefault(),
            "gamma_grid": gamma.tolist() if gamma is not None else None,
        }
    return facts
