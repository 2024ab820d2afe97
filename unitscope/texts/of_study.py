"""The texts of a study, in place of those that come with the suite."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unitscope.errors import BadInput, nearest
from unitscope.settings import read_yaml

ANYWHERE = ("trials", "parts", "in_parts", "answer", "leave", "pause", "until")
"""What any page may name, besides what ours names there."""

MAY_BE_LEFT_OUT = ("trials", "parts", "in_parts", "pause")
"""What participants need not be told."""

FIXED_PAGES = ("keys_", "question_", "note")
"""Beginnings of the pages that name nothing but what ours names there."""

BESIDE_OTHERS = ("example", "explanation", "question_", "note")
"""Beginnings of the pages that share the screen, with images or with a field to write in."""

LONGER, SHORTEST = 1.5, 16
"""A text that shares the screen has room for this many times the characters of ours, and for at
least so many; a page of its own goes on to a further screen."""


def study_languages(folder: Path) -> list[str]:
    """Return the languages that a folder of texts has a file for."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def own_texts(path: Path, ours: Mapping[str, Any], longest: Mapping[str, int]) -> dict[str, Any]:
    """Read a study's own texts in a language.

    Parameters
    ----------
    path
        YAML file with some of the keys of our file of that language.
    ours
        What that holds.
    longest
        Characters of our texts by their name, in whichever language has most.

    Returns
    -------
    dict
        The keys of the file.

    Raises
    ------
    BadInput
        If a text is unknown, is none, names something unknown, lacks a name that ours has, or is
        too long for its place.
    """
    own = read_yaml(path)
    for key, value in own.items():
        if key not in ours:
            raise BadInput(f"{path}: unknown text {key!r}{nearest(str(key), ours)}")
        if isinstance(ours[key], dict) and not isinstance(value, dict):
            raise BadInput(f"{path}: {key!r} is {value!r}, expected texts by name")
    original = dict(named_texts(ours))
    for name, text in named_texts(own):
        if name not in original:
            raise BadInput(f"{path}: unknown text {name!r}{nearest(name, original)}")
        if not isinstance(text, str) or not text.strip():
            raise BadInput(f"{path}: {name!r} is {text!r}, expected text")
        _check_names(f"{path}: {name!r}", name, text, original[name])
        most = max(SHORTEST, round(LONGER * longest[name]))
        if not _goes_on(name) and len(text) > most:
            raise BadInput(
                f"{path}: {name!r} has {len(text)} characters, but its place on the screen has "
                f"room for {most}"
            )
    return own


def named_texts(texts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each text with its name, such as ``pages.consent``."""
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", text) for name, text in value.items())
        else:
            yield key, value


def _check_names(where: str, name: str, text: str, ours: str) -> None:
    """Check what stands in braces."""
    needed = _names_in(ours, where)
    allowed = needed
    if _is_page(name) and not _is_page(name, *FIXED_PAGES):
        allowed = needed | set(ANYWHERE)
    found = _names_in(text, where)
    for other in sorted(found - allowed):
        names = ", ".join(f"{{{one}}}" for one in sorted(allowed)) or "nothing"
        raise BadInput(
            f"{where} names {{{other}}}{nearest(other, allowed)}; it may name {names} in braces"
        )
    for missing in sorted(needed - found - set(MAY_BE_LEFT_OUT)):
        raise BadInput(f"{where} lacks {{{missing}}}, which participants need to be told")


def _names_in(text: str, where: str) -> set[str]:
    """Return the names in braces, as they stand there."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise BadInput(f"{where} has a brace too many or too few ({error})") from None
    found = set()
    for _, name, form, conversion in parts:
        if name is not None:
            further = f"!{conversion}" * bool(conversion) + f":{form}" * bool(form)
            found.add(name + further)
    return found


def _is_page(name: str, *beginnings: str) -> bool:
    return name.startswith(tuple(f"pages.{start}" for start in beginnings or ("",)))


def _goes_on(name: str) -> bool:
    """Return whether a text that is too long for a screen goes on to the next."""
    return _is_page(name) and not _is_page(name, *BESIDE_OTHERS)
