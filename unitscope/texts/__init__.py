"""What participants read, by language."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from unitscope.errors import BadInput, nearest
from unitscope.settings import build, read_yaml
from unitscope.texts.of_study import named_texts, own_texts, study_languages

FOLDER = Path(__file__).parent

PAGE_NAMES = (
    "welcome",
    "greeting",
    "network",
    "task",
    "references",
    "example",
    "explanation",
    "answer",
    "ready",
)
"""Pages that a design's ``instructions`` may list; ``welcome`` explains everything on one page."""

OPENING_PAGES = ("welcome", "greeting", "network")
"""Pages that say what images and units are."""

QUESTION_NAMES = ("strategy", "difference")
"""Questions at the end that a design's ``questions`` may list."""


@dataclass(frozen=True)
class Texts:
    """Every text that participants read; names in braces are filled in with ``str.format``.

    Parameters
    ----------
    pages
        Paragraphs of the pages by name; see :meth:`page`.
    key_names
        Names of keys on the screen, where the key's own name is unclear.
    """

    pages: dict[str, str]
    key_names: dict[str, str]
    date: str
    go_on: str
    proceed: str
    go_back: str
    read_again: str
    experimenter: str
    agree: str
    end_hint: str
    one_round: str
    rounds: str
    in_parts: str
    one_picture: str
    pictures: str
    one_unit: str
    units: str
    picture_upper: str
    picture_lower: str
    picture_left: str
    picture_right: str
    example_queries: str
    paused: str
    leave: str
    rating_question: str
    rating_question_both: str
    rating_lowest: str
    rating_highest: str
    rating_unrated: str
    rating_rated: str
    comment_question: str
    comment_hint: str
    comment_full: str
    question: str
    title_min: str
    title_max: str
    title_base: str
    title_natural: str
    title_synthetic: str
    how_sure: str
    question_matching: str
    hits: str
    undo: str
    confirm: str
    sure: str
    unsure: str
    right: str
    wrong: str
    timed_out: str

    def key(self, name: str) -> str:
        """Return the name of a key on the screen."""
        return self.key_names.get(name, name.upper() if len(name) == 1 else name)

    @property
    def sha256(self) -> str:
        """SHA-256 of all texts, before anything is filled in."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def page(self, *names: str) -> str:
        """Return the most specific text of a page.

        Parameters
        ----------
        names
            The page's name and what it is about, the most general first: of ``("task",
            "two_afc", "natural")`` the page ``task_two_afc_natural`` is taken where there is one,
            else ``task_two_afc``, else ``task``.

        Raises
        ------
        BadInput
            If there is no such page.
        """
        for end in range(len(names), 0, -1):
            found = self.pages.get("_".join(names[:end]))
            if found is not None:
                return found
        raise BadInput(f"no text for page {names[0]!r}{nearest(names[0], self.pages)}")


def languages() -> list[str]:
    """Return the languages that have a text file, such as ``en``."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_texts(language: str, study: Path | None = None) -> Texts:
    """Read the texts of a language.

    Parameters
    ----------
    language
        One of :func:`languages`.
    study
        Folder with the texts that a study has in place of ours, one file per language.

    Raises
    ------
    BadInput
        If there is no such language, the study has texts but none in it, or a text is missing,
        unknown or not usable.
    """
    if language not in languages():
        raise BadInput(
            f"no texts for language {language!r}{nearest(language, languages())}; "
            f"found {', '.join(languages())}"
        )
    path = FOLDER / f"{language}.yaml"
    texts = dict(_shipped(path))
    if study is not None:
        path = study / path.name
        for key, value in _own(path, language).items():
            texts[key] = {**texts[key], **value} if isinstance(value, dict) else value
    return build(Texts, texts, str(path))


@cache
def _shipped(path: Path) -> dict[str, Any]:
    """Return the texts of a file of ours, which is read once."""
    return read_yaml(path)


def replaced_texts(study: Path) -> dict[str, list[str]]:
    """Return the names of the texts that a study has in place of ours, by language.

    Raises
    ------
    BadInput
        As for :func:`read_texts`, for any language that it has a file for; or if it has none.
    """
    found = {}
    for language in study_languages(study):
        read_texts(language, study)
        found[language] = [
            name for name, _ in named_texts(_own(study / f"{language}.yaml", language))
        ]
    if not found:
        raise BadInput(f"{study}: no folder of texts, expected files such as {languages()[0]}.yaml")
    return found


def _own(path: Path, language: str) -> dict[str, Any]:
    if not path.is_file():
        there = ", ".join(study_languages(path.parent)) or "none"
        raise BadInput(
            f"{path}: the study has its own texts, but not in language {language!r}; found {there}"
        )
    longest: dict[str, int] = {}
    for known in languages():
        for name, text in named_texts(_shipped(FOLDER / f"{known}.yaml")):
            longest[name] = max(len(text), longest.get(name, 0))
    return own_texts(path, _shipped(FOLDER / f"{language}.yaml"), longest)
