"""How an external log's columns become ours, as a YAML file says it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from unitscope.columns import Column, imported_columns, names
from unitscope.errors import BadInput, nearest
from unitscope.settings import read_settings
from unitscope.vocabulary import CONDITIONS_OF_TASK

FOLDER = Path(__file__).parent / "mappings"


def plain(cells: pd.Series) -> pd.Series:
    """Return cells without blanks around them, and whole numbers without a decimal point.

    A program that had blank cells beside them wrote 7 as 7.0.
    """
    return cells.str.strip().str.replace(r"^(-?\d+)\.0$", r"\1", regex=True)


def extracted(cells: pd.Series, pattern: str) -> pd.Series:
    """Return what a pattern's one group finds in each cell, missing where it finds nothing.

    Patterns come from files, so that they are matched by RE2, whose time grows with the length of
    a cell only; Python's own engine can take for ever.
    """
    texts = pa.array(cells.tolist(), pa.string(), from_pandas=True)
    there = pc.match_substring_regex(texts, pattern)
    found = pc.replace_substring_regex(texts, f"(?s)^.*?(?:{pattern}).*$", r"\1")
    taken = pc.if_else(there, found, pa.scalar(None, pa.string()))
    return pd.Series(taken.to_pylist(), index=cells.index, dtype="string")


def check_pattern(name: str, pattern: str) -> None:
    """Check that a pattern can be matched and has one group.

    Raises
    ------
    ValueError
        In one sentence.
    """
    try:
        groups = re.compile(pattern).groups
        pc.match_substring_regex(pa.array([""]), pattern)
    except (re.error, pa.ArrowInvalid, OverflowError, RecursionError) as error:
        said = str(error).removeprefix("Invalid regular expression: ")
        raise ValueError(f"{name} {pattern!r} cannot be matched ({said})") from None
    if groups != 1:
        raise ValueError(
            f"{name} {pattern!r} has {groups or 'no'} groups in parentheses, expected one, around "
            "what is taken"
        )


@dataclass(frozen=True)
class Case:
    """A value for the rows whose cells are as said.

    Parameters
    ----------
    when
        Column to the values that it may have; all columns must fit.
    value
        What these rows get.
    column
        Column of the external log whose cell they get instead of a value.
    """

    when: dict[str, tuple[str, ...]]
    value: str | None = None
    column: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.column is None):
            raise ValueError("a case has either value or column")

    def sources(self) -> set[str]:
        """Return the external columns that the case reads."""
        return {*self.when} | ({self.column} if self.column else set())


@dataclass(frozen=True)
class Rule:
    """How one of our columns is filled.

    Parameters
    ----------
    column
        Column of the external log, or ``import_file`` for the name of the file.
    fallback
        Columns whose cells stand in for blank ones, the first that is not blank.
    constant
        The same for all rows, instead of a column.
    cases
        Looked at first, in order; rows that fit none go on to ``column`` or ``constant``.
    pattern
        Regular expression (RE2); its one group is taken from the cell, which stays whole where it
        is not found.
    equals
        Another column; the cell becomes ``True`` where both are the same, else ``False``.
    above
        Another column; the cell becomes ``True`` where its number is the larger, else ``False``.
    values
        Cell to value; other cells stay as they are.
    otherwise
        Value of the cells that ``values`` lacks, instead of themselves; blank ones stay blank.
    expected
        What the column's cells should be; others are kept and flagged.
    scale, add
        Numbers are multiplied, then added to.
    absolute
        Whether the sign of a number is dropped.
    """

    column: str | None = None
    fallback: tuple[str, ...] = ()
    constant: str | None = None
    cases: tuple[Case, ...] = ()
    pattern: str | None = None
    equals: str | None = None
    above: str | None = None
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
        if (self.expected or self.fallback) and self.column is None:
            raise ValueError("expected and fallback go with column")
        if self.equals is not None and self.above is not None:
            raise ValueError("give either equals or above")
        if self.pattern is not None:
            check_pattern("pattern", self.pattern)

    def sources(self) -> set[str]:
        """Return the external columns that the rule reads."""
        read = set[str]().union(*(case.sources() for case in self.cases))
        named = (self.column, *self.fallback, self.equals, self.above)
        return read | {name for name in named if name}

    def apply(self, cells: pd.DataFrame) -> pd.Series:
        """Return our column as text, missing where nothing is known."""
        found = pd.Series(self.constant, index=cells.index, dtype="string")
        if self.column is not None:
            column = cells[self.column]
            for name in self.fallback:
                column = column.mask(column.str.strip() == "", cells[name])
            found = self._of(column, cells)
        for case in reversed(self.cases):
            value = case.value
            if case.column is not None:
                value = self._of(cells[case.column], cells)
            found = found.mask(fitting(cells, case.when), value)
        return found.mask(found == "")

    def _of(self, column: pd.Series, cells: pd.DataFrame) -> pd.Series:
        """Return what the rule makes of a column's cells."""
        found = plain(column)
        found = found.mask(found == "")
        if self.pattern is not None:
            found = extracted(found, self.pattern).fillna(found)
        if self.equals is not None:
            other = plain(cells[self.equals])
            found = (found == other.mask(other == "")).astype("string")
        if self.above is not None:
            numbers, others = (_numbers(one) for one in (found, cells[self.above]))
            found = (numbers > others).astype("string")
        known = found.isin(list(self.values))
        found = found.map(self.values, na_action="ignore").astype("string").where(known, found)
        if self.otherwise is not None:
            found = found.where(known | found.isna(), self.otherwise)
        if self.scale != 1 or self.add != 0 or self.absolute:
            numbers = _numbers(found) * self.scale + self.add
            numbers = numbers.abs() if self.absolute else numbers
            found = numbers.map(lambda number: f"{number:.12g}", na_action="ignore")
        return found.astype("string")


def _numbers(cells: pd.Series) -> pd.Series:
    return pd.to_numeric(cells, errors="coerce").astype("Float64")


def fitting(cells: pd.DataFrame, when: dict[str, tuple[str, ...]]) -> pd.Series:
    """Return which rows have one of the values in each column."""
    fits = pd.Series(True, index=cells.index)
    for name, values in when.items():
        fits &= plain(cells[name]).isin(values)
    return fits


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
    session
        Columns that together tell a participant's sessions apart; numbered from 1 in the order of
        their cells, numbers by size. Empty where each has one session.
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
    own_conditions
        Whether ``reference_condition`` holds conditions of the study's own, such as ways in which
        an image was changed, in place of ours.
    baselines
        Name of a baseline to the rule that says whether it is correct in a trial (``True`` or
        ``False``); each becomes an observer with the query pairs of the main trials. One whose
        columns are missing is left out.
    excluded
        Rule that says in which trials' sessions the study itself excluded (``True``).
    optional
        Columns that the external log may lack.
    filled
        Columns that are all blank in rows that are no trials; these are counted and skipped.
    missing
        Cells that stand for nothing, such as ``null``.
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
    session: tuple[str, ...] = ()
    record: Literal["trials", "ratings"] = "trials"
    task: Literal["two_afc", "occlusion"] = "two_afc"
    observer_kind: Literal["person", "simulated", "machine", "baseline"] = "person"
    observer_column: str | None = None
    own_conditions: bool = False
    baselines: dict[str, Rule] = field(default_factory=dict)
    excluded: Rule | None = None
    optional: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
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
        if self.studies is not None:
            check_pattern("studies", self.studies)
        for name in sorted(set(self.optional) - self.sources()):
            raise ValueError(f"optional names {name!r}, a column that nothing reads")

    def ours(self) -> tuple[Column, ...]:
        """Return the columns that an imported file has."""
        return tuple(
            replace(column, levels=CONDITIONS_OF_TASK[self.task])
            if column.name == "reference_condition" and not self.own_conditions
            else column
            for column in imported_columns(self.task, self.record)
        )

    def sources(self) -> set[str]:
        """Return the columns that are read of the external log."""
        read = {*self.participant, *self.session, *self.keep, *self.filled}
        read |= {*self.trial_key, *self.repeats}
        if self.observer_column:
            read.add(self.observer_column)
        rules = [*self.columns.values(), *self.baselines.values()]
        rules += [self.excluded] if self.excluded else []
        return read.union(*(rule.sources() for rule in rules)) - {"import_file"}

    def needed(self) -> set[str]:
        """Return the columns that the external log must have."""
        return self.sources() - set(self.optional)

    def named(self, columns: Iterable[str]) -> dict[str, str]:
        """Return the log's columns that are ours but for capitals, each to our spelling."""
        found, wanted = list(columns), self.sources()
        low = [name.lower() for name in found]
        return {
            found[low.index(name.lower())]: name
            for name in sorted(wanted - set(found))
            if low.count(name.lower()) == 1
        }


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
