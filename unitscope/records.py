"""The files of a session's record, for those who write and those who read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unitscope.columns import VERSION_COLUMN
from unitscope.errors import BadInput
from unitscope.versions import check_columns_version

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


_FACTS: dict[str, tuple[type, ...]] = {
    VERSION_COLUMN.name: (int,),
    "participant": (str,),
    "session": (int,),
    "table_sha256": (str,),
    "end_reason": (str,),
    "trials": (int,),
    "trials_completed": (int,),
    "trials_skipped": (int,),
    "practice_rounds": (int, type(None)),
    "instruction_s": (int, float),
    "comment": (str,),
    "runs": (list,),
}
"""What those facts must be that are ever read again."""


def read_session(folder: Path) -> dict[str, Any]:
    """Read a session's ``session.json``; empty where it is missing.

    Raises
    ------
    BadInput
        If it is no JSON object, its version is newer than this suite, or a fact that is read again
        is of another type.
    """
    path = folder / SESSION
    if not path.is_file():
        return {}
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(read, dict):
        raise BadInput(f"{path}: found {type(read).__name__}, expected an object")
    version = read.get(VERSION_COLUMN.name, 1)
    if isinstance(version, int):
        check_columns_version(version, path)
    for name, types in _FACTS.items():
        if name in read and (not isinstance(read[name], types) or isinstance(read[name], bool)):
            raise BadInput(
                f"{path}: {name!r} is of type {type(read[name]).__name__}, "
                f"expected {types[0].__name__}"
            )
    if not all(isinstance(run, dict) for run in read.get("runs", [])):
        raise BadInput(f"{path}: 'runs' holds something else than objects")
    return read


def whole_lines(content: bytes) -> bytes:
    """Return the lines of a CSV file that grows, without a last one that was cut off."""
    return content[: content.rfind(b"\n") + 1]
