"""Who took part, apart from what they did: ``data/participants.tsv``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from filelock import FileLock

from experiments.runner.log import FILE_LOCK_S, check_participant, session_folder
from unitscope.cells import read_content, read_sheet, text_of
from unitscope.disk import FILE_MODE, append, make_folder
from unitscope.errors import BadInput
from unitscope.withdrawal import is_withdrawn

FILE = "participants.tsv"

GENDERS = ("female", "male", "other")
HANDS = ("right", "left", "both")
AIDS = ("none", "glasses", "lenses")
AGES = range(1, 121)


@dataclass(frozen=True)
class Demographics:
    """What a participant told of themselves; None is what was not asked or not told.

    Parameters
    ----------
    participant
        Id: letters and digits.
    design
        Design that the id belongs to; the same id in another design may be somebody else.
    age
        In whole years; never a date of birth.
    gender, handedness, visual_aid
        One of ``GENDERS``, ``HANDS``, ``AIDS``.

    Raises
    ------
    BadInput
        If a value is another.
    """

    participant: str
    design: str
    age: int | None = None
    gender: str | None = None
    handedness: str | None = None
    visual_aid: str | None = None

    def __post_init__(self) -> None:
        check_participant(self.participant)
        if self.age is not None and self.age not in AGES:
            raise BadInput(f"age {self.age}: expected {AGES[0]} to {AGES[-1]}")
        for name, known in (("gender", GENDERS), ("handedness", HANDS), ("visual_aid", AIDS)):
            value = getattr(self, name)
            if value is not None and value not in known:
                raise BadInput(f"{name} {value!r}: expected one of {', '.join(known)}")


COLUMNS = tuple(field.name for field in fields(Demographics))


def add_demographics(data: Path, person: Demographics) -> Path:
    """Append a participant to ``participants.tsv``; returns the file.

    Raises
    ------
    BadInput
        If the participant stands there already or the file is another; nothing is written then.
    """
    if is_withdrawn(session_folder(data, person.design, person.participant, 1).parent):
        raise BadInput(f"participant {person.participant} has withdrawn; nothing is recorded")
    make_folder(data)
    path = data / FILE
    with FileLock(data / f".{FILE}.lock", timeout=FILE_LOCK_S, mode=FILE_MODE):
        for line, row in _rows(path):
            if row[:2] == [person.participant, person.design]:
                raise BadInput(
                    f"{path}, line {line}: participant {person.participant} of {person.design} "
                    "stands there already; it is never overwritten"
                )
        header: list[tuple[str, ...]] = [] if path.exists() else [COLUMNS]
        # As in BIDS, what is not known is n/a.
        row = ["n/a" if value is None else value for value in asdict(person).values()]
        append(path, text_of([*header, row], "\t").encode())
    return path


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Return the line and the cells of every participant of a file to which rows can be added."""
    if not path.exists():
        return []
    content = read_content(path)
    sheet = read_sheet(content, path)
    is_ours = content.startswith(text_of([COLUMNS], "\t").encode())
    if tuple(sheet.header) != COLUMNS or not is_ours or not content.endswith(b"\n"):
        raise BadInput(
            f"{path}: expected whole lines with the columns {', '.join(COLUMNS)}, separated by tabs"
        )
    return list(zip(sheet.lines, sheet.rows, strict=True))
