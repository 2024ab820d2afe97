"""The condition table of one participant: planned trials and their images, for every task."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pandas as pd

from conditions.design.blocks import PlannedBlock
from conditions.design.design import Design
from conditions.trials.exemplar_matching import matching_rows
from conditions.trials.occlusion import occlusion_cells
from conditions.trials.planning import PlannedTrial, plan_trials
from conditions.trials.two_afc import two_afc_cells
from conditions.trials.unit_pools import Pools, pools_of
from unitscope.columns import COLUMNS_VERSION, VERSION_COLUMN, names, table_columns
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet
from unitscope.tables import dtypes_of


class TableMaker:
    """Makes the condition tables of a design from a stimulus set.

    Parameters
    ----------
    design
        What is shown, and in which order.
    stimuli
        Stimulus set with the images of every unit and batch that the design needs.
    """

    def __init__(self, design: Design, stimuli: StimulusSet) -> None:
        self.design = design
        self.stimuli = stimuli

    @cached_property
    def pools(self) -> Pools:
        """Units of each pool."""
        return pools_of(self.design, self.stimuli)

    def require_place_for(self, participant: int) -> None:
        """Check that the design can counterbalance a participant.

        Raises
        ------
        BadInput
            If it has fewer participants.
        """
        if not 1 <= participant <= self.design.participants:
            raise BadInput(
                f"{self.design.path}: participant {participant} cannot be counterbalanced, "
                f"expected 1 to {self.design.participants}"
            )

    def table(self, participant: int) -> pd.DataFrame:
        """Make the trials of one participant.

        Parameters
        ----------
        participant
            Number from 1; determines group, order, batches and sides.

        Returns
        -------
        pandas.DataFrame
            One row per trial, in order, with the columns of the design's task.

        Raises
        ------
        BadInput
            If the set lacks units or images (naming them), or the design cannot counterbalance so
            many participants.
        """
        self.require_place_for(participant)
        columns = table_columns(self.design.task)
        rows = [
            self._common(participant, number, block) | cells
            for number, (block, cells) in enumerate(self._rows(participant), start=1)
        ]
        table = pd.DataFrame(rows, columns=names(columns), dtype=object)
        return table.astype(dtypes_of(columns))

    def _rows(self, participant: int) -> Iterator[tuple[PlannedBlock, dict[str, Any]]]:
        if self.design.task == "exemplar_matching":
            yield from matching_rows(self.design, self.pools, self.stimuli, participant)
            return
        for number, trial in enumerate(plan_trials(self.design, self.pools, participant), start=1):
            yield trial.block, _trial_cells(trial) | self._image_cells(participant, number, trial)

    def _image_cells(self, participant: int, number: int, trial: PlannedTrial) -> dict[str, Any]:
        if trial.role == "repeat":
            return {}
        if self.design.task == "occlusion":
            return occlusion_cells(self.design, self.stimuli, participant, number, trial)
        return two_afc_cells(self.design, self.stimuli, participant, number, trial)

    def _common(self, participant: int, number: int, block: PlannedBlock) -> dict[str, Any]:
        return {
            VERSION_COLUMN.name: COLUMNS_VERSION,
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
