"""The files of a session's record, for those who write and those who read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conditions.errors import BadInput

TRIALS, FRAMES, RATINGS, SESSION = "trials.csv", "frames.csv", "ratings.csv", "session.json"

RUNNING, COMPLETED, ABORTED, INTERRUPTED, DECLINED = (
    "running",
    "completed",
    "aborted",
    "interrupted",
    "declined",
)
"""How a run ended: ``running`` stands for a crash once nothing holds the lock."""

FINAL = (COMPLETED, DECLINED)
"""Ends after which a session is never gone on with."""


def read_session(folder: Path) -> dict[str, Any]:
    """Read a session's ``session.json``; empty where it is missing.

    Raises
    ------
    BadInput
        If it is no JSON object.
    """
    path = folder / SESSION
    if not path.is_file():
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(read, dict):
        raise BadInput(f"{path}: found {type(read).__name__}, expected an object")
    return read
