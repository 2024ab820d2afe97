"""The name of each key: the same in designs, on every device and in the log.

Names are those of PsychoPy's Keyboard: a key's position on a US keyboard, in lower case. A key of
the keypad has the name of the key that types the same, so that both mean the same in a session.
"""

from __future__ import annotations

_KEYPAD = {str(digit): str(digit) for digit in range(10)} | {
    "decimal": "period",
    "separator": "comma",
    "enter": "return",
    "space": "space",
    "left": "left",
    "right": "right",
    "up": "up",
    "down": "down",
}

_OTHER_NAMES = {f"num_{name}": key for name, key in _KEYPAD.items()} | {
    " ": "space",
    "enter": "return",  # pyglet's name on some systems
    "esc": "escape",
    "grave": "quoteleft",  # PsychoPy's name on macOS
}


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
