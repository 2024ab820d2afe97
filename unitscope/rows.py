"""The cells of rows whose columns are numbered, such as references and the halves of rows."""

from __future__ import annotations

from collections.abc import Mapping

from unitscope.columns import MAX_REFERENCES
from unitscope.row_types import TrialRow


def image_of(row: TrialRow, column: str) -> str | None:
    """Return the image of a column; None where the trial shows none there."""
    cells: Mapping[str, object] = row
    found = cells.get(column)
    return str(found) if found else None


def references(row: TrialRow, pole: str) -> list[str]:
    """Return the reference images of a pole."""
    found = (image_of(row, f"reference_{pole}_{place}") for place in range(MAX_REFERENCES))
    return [image for image in found if image]


def half_row(row: TrialRow, side: str, number: int) -> list[str]:
    """Return the images of one ``left`` or ``right`` half of exemplar matching, from 0."""
    found = (image_of(row, f"{side}_{number}_{place}") for place in range(row["n_images"]))
    return [image for image in found if image]


def unit_names(row: TrialRow) -> list[str]:
    """Return the unit of each row of exemplar matching."""
    cells: Mapping[str, object] = row
    return [str(cells[f"unit_{number}"]) for number in range(row["n_rows"])]


def correct_slots(row: TrialRow) -> tuple[int, ...]:
    """Return the correct slot of each row of exemplar matching, from 0."""
    cells: Mapping[str, object] = row
    return tuple(int(str(cells[f"correct_slot_{number}"])) for number in range(row["n_rows"]))
