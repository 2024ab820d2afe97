"""Trials that are shown again, chosen by the confidence that they were answered with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from conditions.design.design import Design
from conditions.design.randomness import generator
from conditions.trials.planning import RepeatOf
from unitscope.errors import BadInput
from unitscope.row_types import TrialRow


def choose_repeat(
    placeholder: TrialRow,
    rows: Sequence[TrialRow],
    confidences: Mapping[int, int | None],
    design: Design,
) -> TrialRow:
    """Choose the trial that a placeholder repeats.

    Borowski et al., ICLR 2021 (arXiv 2010.12606): of each reference condition, some of the trials
    that were answered with the least and with the most confidence are shown again. Equal
    confidences are put in an order that the seed and the participant fix; the least and the most
    confident are the two ends of one ranking, so that they differ where there are enough trials.
    Where the design draws sides, that of the repeated trial is drawn anew.

    Parameters
    ----------
    placeholder
        Row with role ``repeat`` whose ``repeat_of`` is such as ``synthetic-least-1``.
    rows
        Every row of the table.
    confidences
        Number of each completed trial to its confidence, None for a trial without a response,
        which is repeated only where there are no others left.
    design
        Its seed fixes the order.

    Returns
    -------
    TrialRow
        The row that is repeated.

    Raises
    ------
    BadInput
        If ``repeat_of`` cannot be read, or no such trial was completed.
    """
    condition, end, place = _repeat_of(placeholder)
    first = min(
        row["trial_number"]
        for row in rows
        if row["trial_role"] == "repeat" and _repeat_of(row).condition == condition
    )
    candidates = [
        row
        for row in rows
        if row["trial_role"] == "main"
        and row["reference_condition"] == condition
        and row["trial_number"] < first
        and row["trial_number"] in confidences
    ]
    if not candidates:
        raise BadInput(
            f"{design.path}: trial {placeholder['trial_number']} repeats a main trial with "
            f"condition {condition!r}, but none comes before it"
        )
    ranked = _ranked(candidates, confidences, design, condition, end)
    chosen = ranked[(place - 1) % len(ranked)]
    if design.sides == "drawn":
        number = placeholder["trial_number"]
        if generator(design, chosen["participant_number"], "side of repeat", number).integers(2):
            return _with_sides_exchanged(chosen)
    return chosen


def _with_sides_exchanged(row: TrialRow) -> TrialRow:
    """Return a row whose queries have traded their sides."""
    other = {"a": "b", "b": "a"}
    exchanged = dict(row)
    for name, value in row.items():
        head, side, tail = name.partition("_a")
        if side and tail[:1] in ("", "_") and (twin := f"{head}_b{tail}") in row:
            exchanged[name], exchanged[twin] = row[twin], value  # type: ignore[literal-required]
    exchanged["correct_choice"] = other[row["correct_choice"]]
    return cast(TrialRow, exchanged)


def _ranked(
    rows: Sequence[TrialRow],
    confidences: Mapping[int, int | None],
    design: Design,
    condition: str,
    end: str,
) -> list[TrialRow]:
    """Put trials in the order in which they are repeated, those without a response last."""
    rng = generator(design, rows[0]["participant_number"], "repeats", condition)
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    answered = [row for row in shuffled if confidences[row["trial_number"]] is not None]
    rising = sorted(answered, key=lambda row: confidences[row["trial_number"]] or 0)
    ranked = rising if end == "least" else rising[::-1]
    return ranked + [row for row in shuffled if confidences[row["trial_number"]] is None]


def _repeat_of(row: TrialRow) -> RepeatOf:
    found = RepeatOf.read(str(row["repeat_of"]))
    if found is None:
        raise BadInput(
            f"condition table, trial {row['trial_number']}, column 'repeat_of': found "
            f"{row['repeat_of']!r}, expected such as synthetic-least-1"
        )
    return found
