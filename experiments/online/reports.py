"""What the page reports: raw presses, flips and what else happened, checked before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conditions.design.keys import key_name
from experiments.runner.responses import CLICK

MOST_EVENTS = 2000
"""Events of one report; a page reports after every press."""

LONGEST_S = 1e7
"""Seconds since the page was opened, beyond any session."""

MOST_PX = 20_000
FRAME_S = (1 / 500, 1 / 20)
"""Largest side of a window, and durations of a frame, that are believed."""

_CODES = {
    "Space": "space",
    "Enter": "return",
    "NumpadEnter": "return",
    "Backspace": "backspace",
    "Escape": "escape",
    "ArrowLeft": "left",
    "ArrowRight": "right",
    "ArrowUp": "up",
    "ArrowDown": "down",
    "Minus": "minus",
    "Equal": "equal",
    "BracketLeft": "bracketleft",
    "BracketRight": "bracketright",
    "Semicolon": "semicolon",
    "Quote": "apostrophe",
    "Backquote": "quoteleft",
    "Backslash": "backslash",
    "Comma": "comma",
    "Period": "period",
    "Slash": "slash",
    "NumpadDecimal": "period",
    "Tab": "tab",
    "Delete": "delete",
}


def key_of_code(code: str) -> str:
    """Return the suite's name of a key from the browser's, which is its place on a US keyboard.

    Examples
    --------
    >>> [key_of_code(code) for code in ("KeyF", "Digit1", "Numpad1", "Space", "F10")]
    ['f', '1', '1', 'space', 'f10']
    """
    for prefix in ("Key", "Digit", "Numpad"):
        rest = code.removeprefix(prefix)
        if rest != code and len(rest) == 1:
            return rest.lower()
    return _CODES.get(code) or key_name(code)


def key_pressed(code: str, typed: str = "") -> str:
    """Return the suite's name of a key: the letter or digit that it types, else its place.

    The screen names keys by letters and digits, which stand elsewhere on other keyboards. Digits
    that need shift, as on AZERTY, type something else and go by their place, as do letters of
    other scripts.

    Examples
    --------
    >>> key_pressed("KeyA", "q"), key_pressed("Digit1", "&"), key_pressed("KeyF", "а")
    ('q', '1', 'f')
    """
    if len(typed) == 1 and typed.isascii() and typed.isalnum():
        return typed.lower()
    return key_of_code(code)


class BadReport(Exception):
    """A report that no page of ours sends."""


@dataclass(frozen=True)
class Event:
    """Something that happened on the page.

    Parameters
    ----------
    kind
        ``flip`` (a screen came on), ``late`` (a frame did), ``over`` (the last screen's time is
        over), ``press``, ``text``, ``hidden`` or ``visible`` (the page).
    time_s
        When, in seconds since the page was opened.
    key
        The key that was pressed, or the text that was typed.
    place
        Where a click was.
    screen, frame, interval_s
        Of a flip: the screen's number in the plan; frame of the stage and time since the one
        before, None for the first.
    """

    kind: str
    time_s: float
    key: str = ""
    place: tuple[int, int] | None = None
    screen: int = 0
    frame: int = 0
    interval_s: float | None = None


@dataclass(frozen=True)
class Report:
    """What happened on the page since its last report.

    Parameters
    ----------
    run
        Of the visit that the page belongs to.
    number
        Of the report, from 1; one whose answer was lost is sent again with the same number.
    turn
        Of the plan that the page shows.
    frames, late, largest_s
        Frames of the stage so far, how many of them came late, and the longest interval between
        two.
    events
        In the order of their times.
    """

    run: str
    number: int
    turn: int
    frames: int
    late: int
    largest_s: float | None
    events: tuple[Event, ...]


def read_report(data: object) -> Report:
    """Check a report.

    Raises
    ------
    BadReport
        If anything in it is of another type or range.
    """
    if not isinstance(data, dict):
        raise BadReport("no object")
    events = data.get("events")
    if not isinstance(events, list) or len(events) > MOST_EVENTS:
        raise BadReport("events")
    return Report(
        run=_text(data.get("run"), 64),
        number=_whole(data.get("number")),
        turn=_whole(data.get("turn")),
        frames=_whole(data.get("frames")),
        late=_whole(data.get("late")),
        largest_s=_seconds(data.get("largest_s"), optional=True),
        events=tuple(sorted(map(_event, events), key=lambda event: event.time_s)),
    )


def _event(data: object) -> Event:
    if not isinstance(data, Mapping):
        raise BadReport("an event is no object")
    kind, time_s = data.get("kind"), _seconds(data.get("time_s"))
    assert time_s is not None
    if kind in ("flip", "late"):
        return Event(
            kind,
            time_s,
            screen=_whole(data.get("screen")),
            frame=_whole(data.get("frame")),
            interval_s=_seconds(data.get("interval_s"), optional=True),
        )
    if kind == "press" and data.get("code") == CLICK:
        return Event(kind, time_s, CLICK, (_place(data.get("x")), _place(data.get("y"))))
    if kind == "press":
        typed = _text(data.get("typed", ""), 32)
        return Event(kind, time_s, key_pressed(_text(data.get("code"), 32), typed))
    if kind == "button":
        return Event("press", time_s, _text(data.get("key"), 32))
    if kind == "text":
        return Event(kind, time_s, _text(data.get("text"), 20_000))
    if kind in ("over", "hidden", "visible"):
        return Event(kind, time_s)
    raise BadReport("an event of no kind")


def whole(text: str) -> str:
    """Return a text that can be written: half a character, as cutting one leaves, becomes a ?.

    Examples
    --------
    >>> whole("é" + chr(0xD83D))
    'é?'
    """
    return text.encode(errors="replace").decode()


def _text(value: object, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise BadReport("no text")
    return whole(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise BadReport("no whole number")
    return value


def _place(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**6:
        raise BadReport("no place")
    return value


def _seconds(value: Any, *, optional: bool = False) -> float | None:
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadReport("no time")
    if not 0 <= value <= LONGEST_S:
        raise BadReport("no time")
    return float(value)


def read_px_per_cm(data: Mapping[str, Any]) -> float | None:
    """Check how many pixels a centimetre has by the card; None where none was asked for.

    Raises
    ------
    BadReport
        If no card has that size on any screen.
    """
    px_per_cm = _seconds(data.get("px_per_cm"), optional=True)
    if px_per_cm is not None and not 5 <= px_per_cm <= 500:
        raise BadReport("no card")
    return px_per_cm


def read_arrival(data: Mapping[str, Any]) -> dict[str, Any]:
    """Check what a page says of itself when it begins; returns it by the names of an arrival.

    Raises
    ------
    BadReport
        If anything in it is of another type or range.
    """
    width_px, height_px = _whole(data.get("width_px")), _whole(data.get("height_px"))
    frame_s = _seconds(data.get("frame_s"))
    px_per_cm = read_px_per_cm(data)
    ratio = _seconds(data.get("ratio"))
    assert frame_s is not None
    if not 0 < width_px <= MOST_PX or not 0 < height_px <= MOST_PX:
        raise BadReport("no window")
    # A page that is not drawn regularly, as in the background, says nothing of its screen.
    frame_s = frame_s if FRAME_S[0] <= frame_s <= FRAME_S[1] else 1 / 60
    facts = {
        "size_px": [width_px, height_px],
        "frame_s": frame_s,
        "px_per_cm": px_per_cm,
        "pixel_ratio": ratio,
        "browser": _text(data.get("browser"), 512),
    }
    return {
        "width_px": width_px,
        "height_px": height_px,
        "px_per_cm": px_per_cm,
        "frame_s": frame_s,
        "facts": facts,
    }
