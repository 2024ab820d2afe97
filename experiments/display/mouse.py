"""The mouse as a response source: every click, timed by the frame that received it."""

from __future__ import annotations

from typing import Any

from psychopy import logging

from experiments.runner.responses import CLICK, Press


class WindowMouse:
    """Clicks of the left button by the window's events, timed by the frame.

    The window queues every click, so that one shorter than a frame is not missed.

    Parameters
    ----------
    win
        The window.
    """

    name = "mouse-frame"

    def __init__(self, win: Any) -> None:
        self._win = win
        self._clicks: list[Press] = []
        win.winHandle.push_handlers(on_mouse_press=self._note)

    def presses(self) -> list[Press]:
        """Return the clicks since the last call, earliest first."""
        self._win.winHandle.dispatch_events()
        clicks, self._clicks = self._clicks, []
        return clicks

    def _note(self, x: int, y: int, button: int, modifiers: int) -> None:
        from pyglet.window import mouse  # cannot be imported without a display

        if button == mouse.LEFT:
            # Events are in the system's points, which may differ from the window's pixels.
            in_points, in_px = self._win.winHandle.get_size(), self._win.size
            place = tuple(
                int((at + 0.5) / whole * px) - int(px) // 2
                for at, whole, px in zip((x, y), in_points, in_px, strict=True)
            )
            time_s = float(logging.defaultClock.getTime())
            self._clicks.append(Press(time_s, CLICK, (place[0], place[1])))
