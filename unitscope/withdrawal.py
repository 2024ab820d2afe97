"""Participants who withdrew: a mark in their folder, for everything that reads data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypedDict

WITHDRAWN = "withdrawn.json"
"""File in a participant's folder; once the data are deleted, all that lies there."""


class Withdrawal(TypedDict):
    """What ``withdrawn.json`` holds, and nothing of the person: ``data`` were kept or deleted."""

    participant: str
    design: str
    withdrawn_on: str
    data: Literal["kept", "deleted"]


def is_withdrawn(subject: Path) -> bool:
    """Return whether the participant of a folder withdrew, whatever the mark holds."""
    return (subject / WITHDRAWN).is_file()


def read_withdrawal(subject: Path) -> Withdrawal | None:
    """Return how the participant of a folder withdrew, None if they did not."""
    if not is_withdrawn(subject):
        return None
    try:
        read = json.loads((subject / WITHDRAWN).read_text(encoding="utf-8"))
        found = {key: str(read[key]) for key in Withdrawal.__annotations__}
    except (OSError, ValueError, KeyError, TypeError):
        found = {}  # A damaged mark is one all the same.
    return Withdrawal(
        participant=subject.name.removeprefix("sub-"),
        design=subject.parent.name,
        withdrawn_on=found.get("withdrawn_on", ""),
        data="deleted" if found.get("data") == "deleted" else "kept",
    )


def left_out(participants: Iterable[str]) -> str:
    """Return a sentence on participants whose data are not read."""
    names = sorted(participants)
    who = "1 participant has" if len(names) == 1 else f"{len(names)} participants have"
    return f"{who} withdrawn, so their data are left out: {', '.join(names)}"
