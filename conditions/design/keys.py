"""The keys of a design, and each key's one name in designs, on every device and in the log.

Names are those of PsychoPy's Keyboard: a key's position on a US keyboard, in lower case. A key of
the keypad has the name of the key that types the same, so that both mean the same in a session.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from unitscope.errors import nearest

_KEYPAD = {str(digit): str(digit) for digit in range(10)} | {
    "decimal": "period",
    "separator": "comma",
    "enter": "return",
    "space": "space",
    "left": "left",
    "right": "right",
    "up": "up",
    "down": "down",
    "home": "home",
    "end": "end",
    "delete": "delete",
}

_OTHER_NAMES = {f"num_{name}": key for name, key in _KEYPAD.items()} | {
    " ": "space",
    "enter": "return",  # pyglet's name on some systems
    "esc": "escape",
    "grave": "quoteleft",  # PsychoPy's name on macOS
}


NAMES = frozenset(
    [
        *"abcdefghijklmnopqrstuvwxyz0123456789",
        *(f"f{number}" for number in range(1, 13)),
        *("space", "return", "backspace", "tab", "escape", "delete", "lshift", "lctrl"),
        *("left", "right", "up", "down", "home", "end", "pageup", "pagedown"),
        *("quoteleft", "minus", "equal", "bracketleft", "bracketright", "backslash"),
        *("semicolon", "apostrophe", "comma", "period", "slash"),
        *("numlock", "num_add", "num_subtract", "num_multiply", "num_divide"),
    ]
)
"""The keys that PsychoPy reports on every system."""

KeyboardLayout = Literal["qwerty", "qwertz", "azerty"]
LAYOUTS = get_args(KeyboardLayout)

_LETTERS = "qwertyuiopasdfghjklzxcvbnm"
_OTHERS = (
    *("quoteleft", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "minus", "equal"),
    *("bracketleft", "bracketright", "backslash", "semicolon", "apostrophe"),
    *("comma", "period", "slash"),
)
_TYPED = {
    "qwerty": ("qwertyuiopasdfghjklzxcvbnm", "`1234567890-=[]\\;',./"),
    "qwertz": ("qwertzuiopasdfghjklyxcvbnm", "^1234567890ß´ü+#öä,.-"),
    "azerty": ("azertyuiopqsdfghjklwxcvbn,", "²&é\"'(-è_çà)=^$*mù;:!"),
}
"""What the keys of a layout type without shift: ``_LETTERS``, then ``_OTHERS``."""


def typed_by(layout: str) -> dict[str, str]:
    """Return what each key of a layout types without shift.

    Examples
    --------
    >>> typed_by("azerty")["q"], typed_by("azerty")["1"], typed_by("qwertz")["semicolon"]
    ('a', '&', 'ö')
    """
    letters, others = _TYPED[layout]
    return dict(zip((*_LETTERS, *_OTHERS), letters + others, strict=True))


def labels_of(layout: str) -> dict[str, str]:
    """Return what is printed on each key of a layout.

    Examples
    --------
    >>> labels_of("azerty")["q"], labels_of("azerty")["1"], labels_of("qwertz")["semicolon"]
    ('A', '1', 'Ö')
    """
    digits = {digit: digit for digit in "0123456789"}
    typed = typed_by(layout) | digits
    return {key: text.upper() if text != "ß" else text for key, text in typed.items()}


def check_key(name: str) -> str:
    """Return the one name of a key that a design names.

    Raises
    ------
    ValueError
        If PsychoPy does not report such a key on every system, with the nearest name.
    """
    known = key_name(name)
    if known in NAMES and name == name.lower():
        return known
    by_character = {character: key for key, character in typed_by("qwerty").items()}
    meant = known if known in NAMES else by_character.get(name, name)
    hint = nearest(meant, sorted(NAMES)) or nearest(meant[:1].lower(), NAMES)
    raise ValueError(
        f"{name!r} is no key that PsychoPy reports{hint or '; expected a name such as f or space'}"
    )


def key_name(name: str) -> str:
    """Return the name by which the suite knows a key.

    Parameters
    ----------
    name
        As psychtoolbox, PsychoPy's window events, pyglet or a design spells it, or the character
        that the key types.

    Examples
    --------
    >>> [key_name(name) for name in ("num_7", "NUM_ENTER", "F", " ")]
    ['7', 'return', 'f', 'space']
    """
    lower = name.lower()
    return _OTHER_NAMES.get(lower, lower)


@dataclass(frozen=True)
class Keys:
    """Keys, by their position on a US keyboard; digits of the keypad count as the other digits.

    Parameters
    ----------
    a, b
        Keys for query a and query b, in the order of confidence 1, 2, 3. Where the confidence is
        asked for in a second step, the first of each is the choice.
    confidence
        Keys for confidence 1, 2, 3 in the second step.
    numbers
        Keys that choose a half row in exemplar matching, from the upper one down.
    undo, confirm
        Undo the last pair, and end the trial, in exemplar matching.
    agree, decline
        Give and refuse consent.
    forward
        Ends a break or an instruction page.
    pause
        Pauses and resumes the session.
    leave
        Asks whether to end the session.
    confirm_leave
        Confirms that.
    note
        Opens a field for a note of the experimenter, after the trial or on the spot.
    experimenter
        Continues where the participant was told to call the experimenter.
    """

    a: tuple[str, str, str] = ("f", "d", "s")
    b: tuple[str, str, str] = ("j", "k", "l")
    confidence: tuple[str, str, str] = ("1", "2", "3")
    numbers: tuple[str, str, str, str, str] = ("1", "2", "3", "4", "5")
    undo: str = "backspace"
    confirm: str = "return"
    agree: str = "1"
    decline: str = "2"
    forward: str = "space"
    pause: str = "p"
    leave: str = "escape"
    confirm_leave: str = "q"
    note: str = "f8"
    experimenter: str = "c"

    def __post_init__(self) -> None:
        for field in fields(self):
            given = getattr(self, field.name)
            named = check_key(given) if isinstance(given, str) else tuple(map(check_key, given))
            object.__setattr__(self, field.name, named)
        always = (self.forward, self.pause, self.leave, self.confirm_leave, self.note)
        # Keys that never count at the same time may be the same.
        for together in (
            (*self.a, *self.b, *always),
            (*self.confidence, *always),
            (*self.numbers, self.undo, self.confirm, *always),
            (self.agree, self.decline, *always),
            (self.experimenter, *always),
        ):
            for key in together:
                if together.count(key) > 1:
                    raise ValueError(f"key {key!r} has two meanings")

    @property
    def response(self) -> dict[str, tuple[str, int]]:
        """Key to (choice, confidence)."""
        sides = (("a", self.a), ("b", self.b))
        return {key: (side, i) for side, row in sides for i, key in enumerate(row, start=1)}
