"""Numbers and accuracies that a power simulation is asked for in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from analysis.planning.trial_structure import conditions_in
from conditions.design.design import Design
from unitscope.errors import BadInput


def parse_numbers(what: str, text: str) -> list[int]:
    """Read numbers such as ``30``, ``10,20,40``, ``10-60`` (six of them) or ``10-60:5``.

    Raises
    ------
    BadInput
        If the text is anything else.
    """
    found: set[int] = set()
    for part in text.split(","):
        read = re.fullmatch(r"\s*(\d{1,6})(?:-(\d{1,6})(?::(\d{1,6}))?)?\s*", part)
        if not read or (read[2] and int(read[2]) < int(read[1])) or read[3] == "0":
            raise BadInput(
                f"{what} {text!r}: found {part!r}, expected such as 30, 10-60 or 10-60:5"
            )
        first, last = int(read[1]), int(read[2] or read[1])
        found |= (
            set(range(first, last + 1, int(read[3])))
            if read[3]
            else {round(number) for number in np.linspace(first, last, 6)}
        )
    return sorted(found)


def parse_accuracies(
    given: Sequence[str], design: Design, base: float, effect: float
) -> dict[str, float]:
    """Return each condition's accuracy: as given, else the base; without any, from an effect.

    Parameters
    ----------
    given
        Such as ``natural=0.85``.
    design
        Its first condition, in the vocabulary's order, has the effect.
    base, effect
        Accuracy of the other conditions, and how much higher the first one's is.

    Raises
    ------
    BadInput
        If something else is given.
    """
    conditions = conditions_in(design)
    found = dict.fromkeys(conditions, base)
    if not given:
        return found | {conditions[0]: base + effect}
    for text in given:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise BadInput(f"accuracy {text!r}: expected such as natural=0.85") from None
    return found
