"""Compare logged trials with those that the design plans for their participant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.logs.sessions import Log, is_imported
from conditions.design.design import Design
from conditions.design.reading import read_design, shipped_designs
from conditions.trials.table_checks import first_difference
from conditions.trials.table_maker import TableMaker
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet


@dataclass(frozen=True)
class Compared:
    """What a comparison found.

    Parameters
    ----------
    as_planned
        Number of sessions whose every trial is as the design plans it.
    sentences
        Why others were not compared, or differ as their design allows.
    """

    as_planned: int
    sentences: tuple[str, ...]


def compare_with_design(log: Log, design: Design | None, stimuli: Path) -> Compared:
    """Make each participant's condition table again and compare the logged trials with it.

    Parameters
    ----------
    log
        Sessions of one design.
    design
        The design that the log names; None if it is not at hand.
    stimuli
        Folder of the stimulus set. Sessions of other versions of design or set are not compared.

    Raises
    ------
    BadInput
        If a trial is not as planned, though its session has no record of an edited table, naming
        participant, session, trial and column.
    """
    if design is None:
        return Compared(0, (f"trials not compared with their design: no design {log.design!r}",))
    try:
        opened = StimulusSet.open(stimuli)
    except BadInput as error:
        return Compared(0, (f"trials not compared with their design: {error}",))
    maker = TableMaker(design, opened)
    tables: dict[int, pd.DataFrame] = {}
    as_planned = 0
    others: Counter[str] = Counter()
    trials = dict(iter(_by_session(log.trials)))
    for key, facts in _by_session(log.sessions):
        rows = trials.get(key)
        if rows is None:  # ended before its first trial
            continue
        why = _not_comparable(rows, design, opened)
        if why:
            others[why] += 1
            continue
        number = int(rows["participant_number"].iloc[0])
        if number not in tables:
            tables[number] = maker.table(number)
        difference = _difference(rows, tables[number])
        if difference is None:
            as_planned += 1
        elif facts["table_edited"].any():
            others["the condition table was edited, as the design allows"] += 1
        else:
            raise BadInput(
                f"{facts['folder'].iloc[0]}, {difference}, as design {design.name!r} plans it "
                f"with stimulus set {opened.name!r}; the table or the log was edited"
            )
    return Compared(
        as_planned,
        tuple(f"{n} session{'s' * (n > 1)}: {why}" for why, n in sorted(others.items())),
    )


def design_at_hand(log: Log, given: str | None) -> Design | None:
    """Return the design given, or the shipped one that a log names; None if there is none.

    That of the same name may be another for an imported log.
    """
    if given is not None:
        return read_design(given)
    shipped = log.design in shipped_designs() and not is_imported(log)
    return read_design(log.design) if shipped else None


def _by_session(frame: pd.DataFrame) -> Iterator[tuple[Any, pd.DataFrame]]:
    keys = [frame["participant"], frame["session"], frame["observer"].fillna("")]
    return iter(frame.groupby(keys, sort=False))


def _not_comparable(rows: pd.DataFrame, design: Design, stimuli: StimulusSet) -> str:
    for column, at_hand, what in (
        ("design_sha256", design.sha256, "design"),
        ("manifest_sha256", stimuli.manifest_sha256, "stimulus set"),
    ):
        if set(rows[column].dropna()) != {at_hand}:
            return f"not compared with the design, as another version of the {what} is at hand"
    return ""


def _difference(rows: pd.DataFrame, table: pd.DataFrame) -> str | None:
    """Say where logged trials differ from a table; columns filled in the session are left out."""
    numbers = rows["trial_number"].astype("int64")
    unknown = numbers[(numbers < 1) | (numbers > len(table))]
    if len(unknown):
        return f"trial {unknown.iloc[0]}: expected 1 to {len(table)}"
    expected = table.iloc[numbers - 1].reset_index(drop=True)
    logged = rows[list(expected.columns)].reset_index(drop=True)
    # A repeat's other cells are those of the trial that it repeats.
    again = (expected["trial_role"] == "repeat").to_numpy()
    logged = logged.where(expected.notna() | ~again[:, None])
    found = first_difference(logged, expected, numbers.tolist(), "trial")
    return found or _wrong_repeat(rows.reset_index(drop=True), table)


def _wrong_repeat(rows: pd.DataFrame, table: pd.DataFrame) -> str | None:
    """Say which repeat shows other queries than the trial that it is said to repeat."""
    if "query_a" not in rows or "repeated_trial" not in rows:
        return None
    queries = ["query_a", "query_b"]
    for row in rows[rows["repeated_trial"].notna()].to_dict("records"):
        original = table.iloc[int(row["repeated_trial"]) - 1]
        if sorted(row[name] for name in queries) != sorted(original[name] for name in queries):
            return (
                f"trial {row['trial_number']}, column 'query_a': found {row['query_a']!r}, "
                f"expected a query of trial {row['repeated_trial']}, which it repeats"
            )
    return None
