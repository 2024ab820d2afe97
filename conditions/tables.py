"""Condition tables: which trials a participant gets, in which order, with which images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conditions.blocks import PlannedBlock
from conditions.columns import names, table_columns
from conditions.csv_files import empty_frame, read_by_task, write_csv
from conditions.design import Design, read_design
from conditions.errors import BadInput
from conditions.matching_tables import matching_rows
from conditions.occlusion_tables import occlusion_cells
from conditions.pictures import Pictures
from conditions.places import STIMULI, TABLES
from conditions.planning import PlannedTrial, plan_trials
from conditions.pools import Pools, pools_of
from conditions.stimulus_set import StimulusSet, sha256_of
from conditions.trial_columns import FILLED_BY_SESSION, IMAGE_NAMES
from conditions.two_afc_tables import two_afc_cells


def participant_id(number: int) -> str:
    """Return the id of a numbered participant: ``p001``."""
    return f"p{number:03d}"


def parse_participants(text: str) -> list[int]:
    """Read participant numbers such as ``1-20`` or ``1,3,7-9``.

    Raises
    ------
    BadInput
        If the text is anything else or a number is below 1.
    """
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise BadInput(f"participants {text!r}: found {part!r}, expected such as 1-20 or 1,3,5")
        numbers.extend(range(int(first), int(last or first) + 1))
    if not numbers or min(numbers) < 1:
        raise BadInput(f"participants {text!r}: expected numbers from 1 on, rising")
    return sorted(set(numbers))


class TableMaker:
    """Makes the condition tables of a design from a stimulus set.

    Parameters
    ----------
    design
        What to show, in which order.
    stimuli
        Holds the images of every unit and batch that the design needs.
    """

    def __init__(self, design: Design, stimuli: StimulusSet) -> None:
        self.design = design
        self.stimuli = stimuli

    @cached_property
    def pools(self) -> Pools:
        """Units of each pool."""
        return pools_of(self.design, self.stimuli)

    @cached_property
    def pictures(self) -> Pictures:
        """Images of the set."""
        return Pictures(self.stimuli)

    def table(self, participant: int) -> pd.DataFrame:
        """Make the trials of one participant.

        Parameters
        ----------
        participant
            Number from 1; fixes group, order, batches and sides.

        Returns
        -------
        pandas.DataFrame
            One row per trial, in order, with the columns of the design's task.

        Raises
        ------
        BadInput
            If the set lacks units or images (naming them) or the participant's number exceeds what
            the design can counterbalance.
        """
        if not 1 <= participant <= self.design.participants:
            raise BadInput(
                f"{self.design.path}: participant {participant} cannot be counterbalanced, "
                f"expected 1 to {self.design.participants}"
            )
        columns = table_columns(self.design.task)
        rows = [
            self._common(participant, number, block) | cells
            for number, (block, cells) in enumerate(self._rows(participant), start=1)
        ]
        table = pd.DataFrame(rows, columns=names(columns), dtype=object)
        return table.astype(empty_frame(columns).dtypes.to_dict())

    def _rows(self, participant: int) -> Iterator[tuple[PlannedBlock, dict[str, Any]]]:
        if self.design.task == "exemplar_matching":
            yield from matching_rows(self.design, self.pools, self.pictures, participant)
            return
        for number, trial in enumerate(plan_trials(self.design, self.pools, participant), start=1):
            yield trial.block, _trial_cells(trial) | self._image_cells(participant, number, trial)

    def _image_cells(self, participant: int, number: int, trial: PlannedTrial) -> dict[str, Any]:
        if trial.role == "repeat":
            return {}
        if self.design.task == "occlusion":
            return occlusion_cells(self.design, self.pictures, trial)
        return two_afc_cells(self.design, self.pictures, participant, number, trial)

    def _common(self, participant: int, number: int, block: PlannedBlock) -> dict[str, Any]:
        return {
            "design": self.design.name,
            "design_sha256": self.design.sha256,
            "stimulus_set": self.stimuli.name,
            "manifest_sha256": self.stimuli.manifest_sha256,
            "task": self.design.task,
            "participant_number": participant,
            "trial_number": number,
            "block_number": block.number,
            "block_name": block.name,
            "reference_condition": block.condition,
            "group": block.group or None,
            "scheme": block.scheme or None,
        }


def _trial_cells(trial: PlannedTrial) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "trial_in_block": trial.trial_in_block,
        "trial_role": trial.role,
        "practice_round": trial.practice_round,
        "repeat_of": trial.repeat_of,
    }
    if trial.unit is not None:
        unit = trial.unit.unit
        cells |= {
            "network": unit.network,
            "layer": unit.layer,
            "branch": unit.branch or None,
            "channel": unit.channel,
            "unit_pool": trial.unit.pool,
            "batch": trial.batch,
        }
    return cells


def make_table(design: Design, stimuli: StimulusSet, participant: int) -> pd.DataFrame:
    """Make the trials of one participant, as :meth:`TableMaker.table` does."""
    return TableMaker(design, stimuli).table(participant)


def table_path(design: Design, participant: int, tables: Path = TABLES) -> Path:
    """Return where a participant's condition table lies."""
    return tables / design.name / f"{participant_id(participant)}.csv"


def write_tables(
    design: str | Path,
    stimuli: Path | str | None,
    participants: Sequence[int],
    out: Path | None = None,
) -> list[Path]:
    """Write the condition tables of participants: ``<out>/<design>/p001.csv``.

    Parameters
    ----------
    design
        Name or path of the design.
    stimuli
        Folder of the stimulus set; None for the design's usual one.
    participants
        Numbers from 1.
    out
        Folder of all designs' tables; ``conditions/tables`` if None.

    Returns
    -------
    list of pathlib.Path
        The tables, whether written now or found there with the same content.

    Raises
    ------
    BadInput
        If a table with other content is already there; nothing is overwritten and nothing written.
    """
    read = read_design(design)
    opened = StimulusSet.open(stimuli or STIMULI / read.stimulus_set)
    maker = TableMaker(read, opened)
    made = {table_path(read, number, out or TABLES): maker.table(number) for number in participants}
    for path, table in made.items():
        if path.exists() and not _as_text(read_table(path)) == _as_text(table):
            raise BadInput(
                f"{path}: a table with other content is there already (another stimulus set or "
                "version of the design); move it away first, tables are never overwritten"
            )
    for path, table in made.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            write_csv(table, partial, table_columns(read.task))
            partial.replace(path)
    return list(made)


def _as_text(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False))


def read_table(path: Path | str) -> pd.DataFrame:
    """Read a condition table, checking every cell and that trials are numbered in order."""
    table = read_by_task(path, table_columns)
    if table.empty:
        raise BadInput(f"{path}: the table has no trials")
    misplaced = np.flatnonzero(table["trial_number"].to_numpy() != np.arange(1, len(table) + 1))
    if len(misplaced):
        line = int(misplaced[0]) + 2
        raise BadInput(
            f"{path}, line {line}, column 'trial_number': "
            f"found {table['trial_number'].iloc[line - 2]}, expected {line - 1}"
        )
    _check_filled(table, path)
    return table


def _check_filled(table: pd.DataFrame, path: Path | str) -> None:
    """Check that only trials which the session chooses have no images."""
    for name in FILLED_BY_SESSION:
        if name in table:
            wrong = table[name].isna() & (table["trial_role"] != "repeat")
            if wrong.any():
                line = int(np.flatnonzero(wrong.to_numpy())[0]) + 2
                raise BadInput(
                    f"{path}, line {line}, column {name!r}: found '', expected a value, as the "
                    "trial is no repeat"
                )


def check_table(table: pd.DataFrame, path: Path, design: Design, stimuli: StimulusSet) -> None:
    """Check that a table belongs to a design and a stimulus set whose images are all unchanged.

    Raises
    ------
    BadInput
        Naming the first thing that does not fit.
    """
    for column, expected, what in (
        ("design", design.name, "design"),
        ("design_sha256", design.sha256, "version of the design"),
        ("stimulus_set", stimuli.name, "stimulus set"),
        ("manifest_sha256", stimuli.manifest_sha256, "version of the stimulus set"),
    ):
        found = sorted(set(table[column]) - {expected})
        if found:
            raise BadInput(
                f"{path}: made for another {what} ({column} is {found[0]}, expected {expected}); "
                "make it again with: python -m conditions make"
            )
    known = dict(zip(stimuli.manifest["path"], stimuli.manifest["sha256"], strict=True))
    for name in images_of(table):
        if name not in known:
            raise BadInput(f"{path}: image {name!r} is not in {stimuli.folder / 'manifest.csv'}")
        file = stimuli.file(name)
        if not file.is_file():
            raise BadInput(f"{file}: the image is missing, though {path} needs it")
        if sha256_of(file) != known[name]:
            raise BadInput(f"{file}: the image has changed since the stimulus set was built")


def images_of(table: pd.DataFrame) -> list[str]:
    """Return every image that a table shows, each once, sorted."""
    columns = [name for name in IMAGE_NAMES if name in table]
    return sorted({str(name) for column in columns for name in table[column].dropna()})
