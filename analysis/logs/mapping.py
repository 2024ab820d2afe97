"""How an external log's columns become ours, as a YAML file says it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from unitscope.columns import Column, imported_columns, names
from unitscope.errors import BadInput, nearest
from unitscope.settings import read_settings

FOLDER = Path(__file__).parent / "mappings"


@dataclass(frozen=True)
class Case:
    """A value for the rows whose cells are as said.

    Parameters
    ----------
    when
        Column to the values that it may have; all columns must fit.
    value
        What these rows get.
    """

    when: dict[str, tuple[str, ...]]
    value: str


@dataclass(frozen=True)
class Rule:
    """How one of our columns is filled.

    Parameters
    ----------
    column
        Column of the external log, or ``import_file`` for the name of the file.
    constant
        The same for all rows, instead of a column.
    cases
        Looked at first, in order; rows that fit none go on to ``column`` or ``constant``.
    pattern
        Regular expression; its first group is taken from the cell, which stays whole without it.
    equals
        Another column; the cell becomes ``True`` where both are the same, else ``False``.
    values
        Cell to value; other cells stay as they are.
    otherwise
        Value of the cells that ``values`` lacks, instead of themselves.
    expected
        What the column's cells should be; others are kept and flagged.
    scale, add
        Numbers are multiplied, then added to.
    absolute
        Whether the sign of a number is dropped.
    """

    column: str | None = None
    constant: str | None = None
    cases: tuple[Case, ...] = ()
    pattern: str | None = None
    equals: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    otherwise: str | None = None
    expected: tuple[str, ...] = ()
    scale: float = 1.0
    add: float = 0.0
    absolute: bool = False

    def __post_init__(self) -> None:
        if self.column is not None and self.constant is not None:
            raise ValueError("give either column or constant")
        if self.column is None and self.constant is None and not self.cases:
            raise ValueError("give column, constant or cases")
        if self.expected and self.column is None:
            raise ValueError("expected goes with column")
        if self.pattern is not None:
            try:
                groups = re.compile(self.pattern).groups
            except re.error as error:
                raise ValueError(f"pattern is no regular expression ({error})") from None
            if groups != 1:
                raise ValueError(f"pattern has {groups} groups, expected 1")

    def sources(self) -> set[str]:
        """Return the external columns that the rule reads."""
        read = {name for case in self.cases for name in case.when}
        return read | {name for name in (self.column, self.equals) if name}

    def apply(self, cells: pd.DataFrame) -> pd.Series:
        """Return our column as text, missing where nothing is known."""
        if self.column is not None:
            found = cells[self.column].str.strip()
        else:
            found = pd.Series(self.constant, index=cells.index, dtype="string")
        if self.pattern is not None:
            taken = found.str.extract(f"^(?:.*?){self.pattern}", expand=False)
            found = taken.fillna(found)
        if self.equals is not None:
            found = (found == cells[self.equals].str.strip()).astype("string")
        known = found.isin(list(self.values))
        found = found.map(self.values, na_action="ignore").astype("string").where(known, found)
        if self.otherwise is not None:
            found = found.where(known, self.otherwise)
        if self.scale != 1 or self.add != 0 or self.absolute:
            found = self._count(found)
        for case in reversed(self.cases):
            fits = pd.Series(True, index=cells.index)
            for name, values in case.when.items():
                fits &= cells[name].str.strip().isin(values)
            found = found.mask(fits, case.value)
        return found.mask(found == "")

    def _count(self, found: pd.Series) -> pd.Series:
        numbers = pd.to_numeric(found, errors="coerce") * self.scale + self.add
        numbers = numbers.abs() if self.absolute else numbers
        return numbers.map(lambda number: f"{number:.12g}", na_action="ignore").astype("string")


@dataclass(frozen=True, eq=False)
class Mapping:
    """How an external log becomes ours; a mapping is equal to itself only.

    Parameters
    ----------
    name, title, source
        What it is, and whose log.
    design
        Name that the imported study gets.
    participant
        Columns that together tell participants apart; they become ``p001`` and so on, in the order
        of the file, so that no id of the outside is kept.
    studies
        Regular expression whose group, found in files' names, tells studies apart that number
        their participants anew.
    columns
        Our column to its rule; a column without one gets a value that says nothing.
    record
        ``trials``, or ``ratings`` for ratings before and after the trials.
    task
        Task of the trials.
    observer_kind
        Who responded; a rule for the column of that name may tell rows apart.
    observer_column
        Column with the names of those that are no people.
    keep
        Column to the values of the rows that are imported; others are counted and skipped.
    long_rt_s
        Longer reaction times are flagged.
    trial_key
        Columns that tell a participant's trials apart, and those by which a repeat names its first
        time.
    repeats
        See ``trial_key``; empty where nothing is repeated.
    note
        What a reader of imported data must know.
    """

    name: str
    title: str
    design: str
    participant: tuple[str, ...]
    columns: dict[str, Rule]
    source: str = ""
    studies: str | None = None
    record: Literal["trials", "ratings"] = "trials"
    task: Literal["two_afc", "occlusion"] = "two_afc"
    observer_kind: Literal["person", "simulated", "machine", "baseline"] = "person"
    observer_column: str | None = None
    keep: dict[str, tuple[str, ...]] = field(default_factory=dict)
    long_rt_s: float = 60.0
    trial_key: tuple[str, ...] = ()
    repeats: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        if not self.participant:
            raise ValueError("participant is empty, expected at least one column")
        known = names(self.ours())
        for name in self.columns:
            if name not in known:
                raise ValueError(f"columns names {name!r}, none of ours{nearest(name, known)}")
        if len(self.repeats) != len(self.trial_key) and self.repeats:
            raise ValueError("repeats and trial_key differ in length")

    def ours(self) -> tuple[Column, ...]:
        """Return the columns that an imported file has."""
        return imported_columns(self.task, self.record)

    def sources(self) -> set[str]:
        """Return the columns that the external log must have."""
        needed = {*self.participant, *self.keep, *self.trial_key, *self.repeats}
        if self.observer_column:
            needed.add(self.observer_column)
        needed = needed.union(*(rule.sources() for rule in self.columns.values()))
        return needed - {"import_file"}


def shipped_mappings() -> list[str]:
    """Return the names of the mappings that come with the suite."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_mapping(name_or_path: str) -> Mapping:
    """Read a mapping by name or path.

    Raises
    ------
    BadInput
        If there is none, naming the nearest shipped one, or it is wrong.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{name_or_path}.yaml"
        if not path.is_file():
            raise BadInput(
                f"no mapping is named {name_or_path!r}{nearest(name_or_path, shipped_mappings())}; "
                f"found {', '.join(shipped_mappings())}, or give a YAML file"
            )
    return read_settings(path, Mapping)
