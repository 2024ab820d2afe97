"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """Something wrong with a set: the file or group it is about, and what is wrong."""

    where: str
    what: str
