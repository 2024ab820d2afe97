"""What participants read, by language."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unitscope.errors import BadInput, nearest
from unitscope.settings import read_settings

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
    go_on: str
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


def read_texts(language: str) -> Texts:
    """Read the texts of a language.

    Raises
    ------
    BadInput
        If there is no such language, or its file lacks a text or has an unknown one.
    """
    if language not in languages():
        raise BadInput(
            f"no texts for language {language!r}{nearest(language, languages())}; "
            f"found {', '.join(languages())}"
        )
    return read_settings(FOLDER / f"{language}.yaml", Texts)
