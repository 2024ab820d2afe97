"""What participants read, by language."""

from __future__ import annotations

from dataclasses import dataclass

from conditions.errors import BadInput, nearest
from conditions.places import PACKAGE
from conditions.settings import read_settings

FOLDER = PACKAGE / "texts"


@dataclass(frozen=True)
class Texts:
    """Every text of the screens; names in braces are filled in with ``str.format``."""

    welcome: str
    welcome_horizontal: str
    part: str
    practice: str
    main: str
    one_round: str
    rounds: str
    references_natural: str
    references_synthetic: str
    references_none: str
    resumed: str
    rest: str
    block_score: str
    end: str
    end_hint: str
    go_on: str
    paused: str
    leave: str
    question: str
    title_min: str
    title_max: str
    title_base: str
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
    space: str
    enter: str
    backspace: str

    def key(self, name: str) -> str:
        """Return what a key is called on the screen."""
        names = {"space": self.space, "return": self.enter, "backspace": self.backspace}
        if name in names:
            return names[name]
        return name.upper() if len(name) == 1 else name


def languages() -> list[str]:
    """Return the languages that have a text file, such as ``en``."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_texts(language: str) -> Texts:
    """Read the texts of a language.

    Raises
    ------
    BadInput
        If there is no such language, or its file lacks a text or has one that no screen shows.
    """
    if language not in languages():
        raise BadInput(
            f"no texts for language {language!r}{nearest(language, languages())}; "
            f"found {', '.join(languages())}"
        )
    return read_settings(FOLDER / f"{language}.yaml", Texts)
