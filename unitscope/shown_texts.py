"""What participants were shown to read: a copy of each text, beside the trials of their session."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TypedDict, cast

from unitscope.errors import BadInput
from unitscope.records import SESSION, SessionRecord, whole_lines

TEXTS = "texts.jsonl"


class ShownText(TypedDict):
    """A line of ``texts.jsonl``: a text that came on the screen.

    ``name`` says where, such as ``consent``; ``run`` is the first run of the session that showed
    it; ``sha256`` is that of the text's UTF-8.
    """

    name: str
    language: str
    run: int
    sha256: str
    text: str


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_shown_texts(folder: Path) -> list[ShownText]:
    """Read the copies in a session's folder, without a last line that was cut off.

    Raises
    ------
    BadInput
        If a line is no such text.
    """
    path = folder / TEXTS
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(whole_lines(path.read_bytes()).splitlines(), start=1):
        try:
            read = json.loads(line)
            found.append(cast(ShownText, {key: read[key] for key in ShownText.__annotations__}))
        except (ValueError, KeyError, TypeError):
            raise BadInput(
                f"{path}, line {number}: expected an object with the keys "
                f"{', '.join(ShownText.__annotations__)}"
            ) from None
    return found


def wrong_copies(folder: Path, facts: SessionRecord) -> list[str]:
    """Return a sentence for each copy that is not the text which its session recorded.

    Parameters
    ----------
    folder
        Of the session.
    facts
        Its record, whose ``texts_shown`` has the SHA-256 of every text.
    """
    path = folder / TEXTS
    try:
        copies = read_shown_texts(folder)
    except BadInput as error:
        return [str(error)]
    there = {(one["name"], text_sha256(str(one["text"]))) for one in copies}
    return [
        f"{path}: the copy of {name} is missing or is not the text that was shown "
        f"(its SHA-256 in {SESSION} is {sha256[:12]}...)"
        for name, known in facts.get("texts_shown", {}).items()
        for sha256 in known
        if (name, sha256) not in there
    ]
