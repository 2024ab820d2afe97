"""The files of a session's record, for those who write and those who read them."""

from __future__ import annotations

import json
from pathlib import Path
from types import UnionType
from typing import Any, TypedDict, cast, get_args, get_origin, get_type_hints

from unitscope.columns import VERSION_COLUMN
from unitscope.errors import BadInput
from unitscope.versions import check_columns_version

TRIALS, FRAMES, RATINGS, SESSION = "trials.csv", "frames.csv", "ratings.csv", "session.json"
NOTES = "notes.csv"

RUNNING, COMPLETED, ABORTED, INTERRUPTED, DECLINED = (
    "running",
    "completed",
    "aborted",
    "interrupted",
    "declined",
)
"""How a run ended: ``running`` stands for a crash once nothing holds the lock."""

PILOT = "pilot"
"""Folder of the logs of pilot runs, beside those of the designs; also their participant."""

FINAL = (COMPLETED, DECLINED)
"""Ends after which a session is never resumed."""


class RunRecord(TypedDict, total=False):
    """What ``session.json`` says of one run of a session."""

    began_utc: str
    ended_utc: str
    end_reason: str
    repaired_copy: str
    shell: str
    override: str
    preflight: list[dict[str, Any]]
    display: dict[str, Any]
    layout_scale: float
    response_source: str
    viewing_distance_cm: float
    keyboards: list[str]
    keyboard_layout: str
    machine: dict[str, Any]
    clock_offset_began_s: float
    clock_offset_ended_s: float
    hooks: list[str]
    page_hidden: list[dict[str, Any]]
    eye_tracker: str


class ImportRecord(TypedDict):
    """What ``session.json`` says of one mapping by which a session was imported."""

    mapping: str
    title: str
    source: str
    note: str
    files: list[str]


class SessionRecord(TypedDict, total=False):
    """What ``session.json`` holds."""

    columns_version: int
    design: str
    design_sha256: str
    participant: str
    session: int
    observer_kind: str
    observer: str | None
    place: str
    end_reason: str
    table: str
    table_sha256: str
    table_edited: bool
    stimulus_set: str
    manifest_sha256: str
    language: str
    left_handed: bool
    texts_sha256: str
    texts_shown: dict[str, list[str]]
    trials: int
    trials_completed: int
    trials_skipped: int
    practice_rounds: int | None
    practice_limits_utc: list[str]
    left_at: dict[str, int]
    consent_utc: str
    declined_utc: str
    instructions_utc: str
    instruction_s: float
    comment: str
    answers: dict[str, str]
    excluded_by_study: bool
    imported: list[ImportRecord]
    runs: list[RunRecord]


def read_session(folder: Path) -> SessionRecord:
    """Read a session's ``session.json``; empty where it is missing.

    Raises
    ------
    BadInput
        If it is no JSON object, its version is newer than this suite, or a fact is of another type.
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
    for name, expected in get_type_hints(SessionRecord).items():
        if name in read and not _is_of(expected, read[name]):
            raise BadInput(
                f"{path}: {name!r} is of type {type(read[name]).__name__}, "
                f"expected {getattr(get_origin(expected) or expected, '__name__', expected)}"
            )
    for name in ("runs", "imported"):
        if not all(isinstance(part, dict) for part in read.get(name, [])):
            raise BadInput(f"{path}: {name!r} holds something else than objects")
    return cast(SessionRecord, read)


def _is_of(expected: Any, value: object) -> bool:
    """Return whether a value of JSON is of a fact's type."""
    if isinstance(expected, UnionType):
        return any(_is_of(one, value) for one in get_args(expected))
    if isinstance(value, bool):
        return expected is bool
    if expected is float:
        return isinstance(value, int | float)
    return isinstance(value, get_origin(expected) or expected)


def whole_lines(content: bytes) -> bytes:
    """Return the lines of a CSV file that grows, without a last one that was cut off."""
    return content[: content.rfind(b"\n") + 1]
