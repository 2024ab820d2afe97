"""Who gets which condition table: one person each, evenly over the cells of the design."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from conditions.trials.condition_tables import participant_id
from unitscope.disk import FILE_MODE, make_folder, replace
from unitscope.errors import BadInput

FOLDER, FILE, KEY = "online", "claims.sqlite", "key"
"""Where, beside the logs, the places of all online studies are kept."""

ACTIVE, FINISHED, SCREENED_OUT, DECLINED, FREED = (
    "active",
    "finished",
    "screened out",
    "declined",
    "freed",
)
"""How far somebody is: ``freed`` where they stayed away for too long."""

TAKES_TABLE = (ACTIVE, FINISHED)
"""Whose tables nobody else gets."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS claims (
    design TEXT NOT NULL,
    number INTEGER NOT NULL,
    participant TEXT NOT NULL,
    person TEXT NOT NULL,
    link TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    code TEXT NOT NULL,
    claimed_s REAL NOT NULL,
    seen_s REAL NOT NULL,
    UNIQUE (design, person),
    UNIQUE (design, participant)
)
"""


class Refused(Exception):
    """Somebody cannot take part.

    Parameters
    ----------
    reason
        Why: the text ``online_REASON`` says it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Claim:
    """Somebody's place in a study.

    Parameters
    ----------
    participant
        Id in the logs: that of the table, with a letter behind it where others had it before.
    number
        Of the condition table.
    state
        How far they are.
    code
        Completion code.
    """

    participant: str
    number: int
    state: str
    code: str


@dataclass(frozen=True)
class ListedClaim:
    """A place, and when it was given and its owner last seen, in seconds since 1970."""

    claim: Claim
    claimed_s: float
    seen_s: float


class Claims:
    """The places of a study, in a file that any number of processes may use.

    Worker ids are kept as keyed hashes alone, here and not in the logs.

    Parameters
    ----------
    folder
        Where the file and its key lie.
    design
        Name of the design.
    cells
        Number of each table that is given out to its cell of the counterbalancing.
    away_s
        Seconds after which somebody who is not seen loses an unfinished place.
    elsewhere
        Other designs whose participants cannot take part.
    """

    def __init__(
        self,
        folder: Path,
        design: str,
        cells: Mapping[int, str],
        away_s: float,
        elsewhere: Sequence[str] = (),
    ) -> None:
        self._design = design
        self._cells = dict(cells)
        self._away_s = away_s
        self._elsewhere = tuple(elsewhere)
        self._path = folder / FILE
        make_folder(folder)
        self._key = _key(folder / KEY)
        with _changing(self._path) as claims:
            claims.execute(_SCHEMA)
        self._path.chmod(FILE_MODE)

    def claim(self, person: str, now_s: float | None = None) -> tuple[Claim, str]:
        """Give somebody a place, or the one that they have; returns it and the secret of its link.

        Places go to the cell with the fewest, and there to the lowest number. A secret that was
        given before is no longer good.

        Raises
        ------
        Refused
            If there is none, they finished, or took part in a design that excludes this one.
        """
        now_s = time.time() if now_s is None else now_s
        who, secret = self._hash(person), secrets.token_urlsafe(18)
        with _changing(self._path) as claims:
            self._free(claims, now_s)
            if self._elsewhere and self._took_part(claims, who, self._elsewhere):
                raise Refused("other_group")
            found = self._of(claims, "person", who)
            if found is None:
                found = self._new(claims, who, now_s)
            elif found.state == FREED:
                found = self._renewed(claims, found, who)
            claims.execute(
                "UPDATE claims SET link = ?, seen_s = ? WHERE design = ? AND person = ?",
                (self._hash(secret), now_s, self._design, who),
            )
        return found, secret

    def at(self, secret: str) -> Claim | None:
        """Return whose link has a secret; no wrong one lets those wait who change something."""
        with _reading(self._path) as claims:
            return self._of(claims, "link", self._hash(secret))

    def seen(self, participant: str, now_s: float | None = None) -> None:
        """Note that somebody is there."""
        now_s = time.time() if now_s is None else now_s
        with _changing(self._path) as claims:
            claims.execute(
                "UPDATE claims SET seen_s = ? WHERE design = ? AND participant = ?",
                (now_s, self._design, participant),
            )

    def settle(self, participant: str, state: str) -> None:
        """Note how somebody's part ended."""
        with _changing(self._path) as claims:
            claims.execute(
                "UPDATE claims SET state = ? WHERE design = ? AND participant = ?",
                (state, self._design, participant),
            )

    def all(self) -> list[Claim]:
        """Return every place that was given, in the order in which it was."""
        with _reading(self._path) as claims:
            rows = claims.execute(
                "SELECT participant, number, state, code FROM claims WHERE design = ? "
                "ORDER BY claimed_s",
                (self._design,),
            )
            return [Claim(*row) for row in rows]

    def _new(self, claims: sqlite3.Connection, who: str, now_s: float) -> Claim:
        number = self._free_number(claims)
        before = claims.execute(
            "SELECT COUNT(*) FROM claims WHERE design = ? AND number = ?", (self._design, number)
        ).fetchone()[0]
        found = Claim(_id(number, before), number, ACTIVE, secrets.token_hex(4).upper())
        claims.execute(
            "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._design,
                number,
                found.participant,
                who,
                secrets.token_hex(16),
                ACTIVE,
                found.code,
                now_s,
                now_s,
            ),
        )
        return found

    def _renewed(self, claims: sqlite3.Connection, found: Claim, who: str) -> Claim:
        """Give back a place that was freed, if nobody else has its table now."""
        taken = claims.execute(
            "SELECT COUNT(*) FROM claims WHERE design = ? AND number = ? AND state IN (?, ?)",
            (self._design, found.number, *TAKES_TABLE),
        ).fetchone()[0]
        if taken:
            raise Refused("used")
        claims.execute(
            "UPDATE claims SET state = ? WHERE design = ? AND person = ?",
            (ACTIVE, self._design, who),
        )
        return Claim(found.participant, found.number, ACTIVE, found.code)

    def _free_number(self, claims: sqlite3.Connection) -> int:
        taken = {
            number
            for (number,) in claims.execute(
                "SELECT number FROM claims WHERE design = ? AND state IN (?, ?)",
                (self._design, *TAKES_TABLE),
            )
        }
        free = [number for number in sorted(self._cells) if number not in taken]
        if not free:
            raise Refused("full")
        given = Counter(self._cells[number] for number in taken if number in self._cells)
        return min(free, key=lambda number: (given[self._cells[number]], number))

    def _free(self, claims: sqlite3.Connection, now_s: float) -> None:
        claims.execute(
            "UPDATE claims SET state = ? WHERE design = ? AND state = ? AND seen_s < ?",
            (FREED, self._design, ACTIVE, now_s - self._away_s),
        )

    def _took_part(self, claims: sqlite3.Connection, who: str, designs: Sequence[str]) -> bool:
        marks = ", ".join("?" * len(designs))
        row = claims.execute(
            f"SELECT 1 FROM claims WHERE person = ? AND design IN ({marks})", (who, *designs)
        ).fetchone()
        return row is not None

    def _of(self, claims: sqlite3.Connection, column: str, value: str) -> Claim | None:
        row = claims.execute(
            f"SELECT participant, number, state, code FROM claims "
            f"WHERE design = ? AND {column} = ?",
            (self._design, value),
        ).fetchone()
        return Claim(*row) if row else None

    def _hash(self, text: str) -> str:
        return _keyed_hash(self._key, text)


def listed(folder: Path, design: str, person: str | None = None) -> list[ListedClaim]:
    """Return the places of a study in the order in which they were given; nothing is changed.

    Parameters
    ----------
    folder
        Where the claims and their key lie.
    design
        Name of the design.
    person
        Only the place of somebody, by the id in their link; None for all.

    Raises
    ------
    BadInput
        If nobody took part there, or the key that tells persons apart is gone.
    """
    path, key = folder / FILE, folder / KEY
    if person is not None and not key.is_file():
        raise BadInput(f"{key} is gone, so that nobody can tell whose a place is")
    rows = []
    if path.is_file():
        with _reading(path) as claims:
            rows = claims.execute(
                "SELECT participant, number, state, code, claimed_s, seen_s, person FROM claims "
                "WHERE design = ? ORDER BY claimed_s",
                (design,),
            ).fetchall()
    if not rows:
        raise BadInput(f"{path}: nobody has taken part in {design} online")
    who = None if person is None else _keyed_hash(key.read_bytes(), person)
    return [
        ListedClaim(Claim(*row[:4]), claimed_s=row[4], seen_s=row[5])
        for row in rows
        if who in (None, row[6])
    ]


def is_known(folder: Path, design: str, participant: str) -> bool:
    """Return whether it is kept, as a keyed hash, who an online participant was."""
    path = folder / FILE
    if not path.is_file():
        return False
    with _reading(path) as claims:
        row = claims.execute(
            "SELECT 1 FROM claims WHERE design = ? AND participant = ? AND code <> ''",
            (design, participant),
        ).fetchone()
    return row is not None


def forget(folder: Path, design: str, participant: str) -> None:
    """Forget who an online participant was, and the completion code.

    The place stays as it is: its table goes to nobody else by this.
    """
    if not is_known(folder, design, participant):
        return
    with _changing(folder / FILE) as claims:
        claims.execute(
            "UPDATE claims SET person = ?, link = ?, code = '' "
            "WHERE design = ? AND participant = ?",
            (secrets.token_hex(32), secrets.token_hex(32), design, participant),
        )


def _keyed_hash(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@contextmanager
def _changing(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield the file for one change: all of it is on the disk afterwards, or none."""
    with _reading(path) as claims:
        claims.execute("PRAGMA synchronous = FULL")
        claims.execute("PRAGMA secure_delete = ON")  # What is forgotten is overwritten.
        claims.execute("BEGIN IMMEDIATE")
        try:
            yield claims
        except BaseException:
            claims.execute("ROLLBACK")
            raise
        claims.execute("COMMIT")


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield the file, which others may read and change at the same time."""
    try:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as claims:
            yield claims
    except sqlite3.Error as error:
        raise BadInput(f"{path}: cannot be used ({error})") from None


def _id(number: int, before: int) -> str:
    """Return the id of somebody who gets a table that so many had before.

    Examples
    --------
    >>> [_id(7, before) for before in (0, 1, 26, 27)]
    ['p007', 'p007b', 'p007aa', 'p007ab']
    """
    letters = ""
    rest = before
    while before and rest >= 0:
        letters = chr(ord("a") + rest % 26) + letters
        rest = rest // 26 - 1
    return participant_id(number) + letters


def _key(path: Path) -> bytes:
    """Return the key of the hashes, made at the first call."""
    if not path.exists():
        replace(path, secrets.token_hex(32).encode())
    return path.read_bytes()
