"""What a preregistration fixes, the block at its end that programs read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from analysis.statistics.estimates import CIUnit
from unitscope.cells import read_content
from unitscope.errors import BadInput
from unitscope.settings import build

TO_WRITE = "TO BE WRITTEN BY THE AUTHORS"
"""Marks each passage that no design can give."""

_FENCE = re.compile(r"^```json preregistration\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Preregistration:
    """What can be held against a log, the block at the end of the document.

    Parameters
    ----------
    design, design_sha256
        Name of the design and SHA-256 of its file.
    ci_unit, level, smallest_effect
        As in :class:`analysis.planning.analysis_settings.Settings`.
    exclusions
        Group of participants (empty for everybody) to the sentences of its rules.
    participants
        People who complete a session; None where it was left open.
    """

    design: str
    design_sha256: str
    ci_unit: CIUnit
    level: float
    smallest_effect: float
    exclusions: dict[str, tuple[str, ...]]
    participants: int | None = None


def read_preregistration(path: Path | str) -> Preregistration:
    """Read the block that a preregistration ends with.

    Raises
    ------
    BadInput
        If the file is missing, has no such block or two, or a value in it cannot be.
    """
    try:
        text = read_content(Path(path)).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise BadInput(f"{path}: cannot be read, expected text in UTF-8") from None
    blocks = _FENCE.findall(text)
    if len(blocks) != 1:
        raise BadInput(
            f"{path}: found {len(blocks)} blocks that begin with '```json preregistration', "
            "expected one, as 'python -m analysis preregister' writes it"
        )
    try:
        read = json.loads(blocks[0])
    except ValueError as error:
        raise BadInput(f"{path}: the preregistration's block is not JSON ({error})") from None
    if not isinstance(read, dict):
        raise BadInput(f"{path}: the preregistration's block is no object")
    return build(Preregistration, read, str(path))
