"""Who would meet which unit in which condition, from a design file alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from conditions.design.design import Design
from conditions.trials.exemplar_matching import plan_matching
from conditions.trials.planning import plan_trials
from conditions.trials.unit_pools import pools_of
from unitscope.columns import UNIT_COLUMNS
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet
from unitscope.tables import read_csv
from unitscope.vocabulary import REFERENCE_CONDITIONS


def main_trials_of(design: Design, participants: int) -> pd.DataFrame:
    """Return the main trials that a design plans; no stimulus set is needed.

    Units that the design would draw from a stimulus set have made-up names.

    Parameters
    ----------
    design
        Of a task with one unit a trial.
    participants
        How many take part, from number 1.

    Returns
    -------
    pandas.DataFrame
        One row per main trial, in order: participant (from 0), unit (from 0), condition (its place
        in :func:`conditions_in`).

    Raises
    ------
    BadInput
        If the task has several units a trial, the design counterbalances fewer participants, or a
        pool has too few units.
    """
    if design.task == "exemplar_matching":
        raise BadInput(
            f"{design.path}: a trial of exemplar_matching is about several units; expected a "
            "design of two_afc or occlusion"
        )
    check_participants(design, participants)
    pools = pools_of(design, _stand_in(design))
    conditions = conditions_in(design)
    rows = [
        (participant - 1, trial.unit.unit, conditions.index(trial.block.condition))
        for participant in range(1, participants + 1)
        for trial in plan_trials(design, pools, participant)
        if trial.role == "main" and trial.unit is not None
    ]
    units = {unit: place for place, unit in enumerate(sorted({unit for _, unit, _ in rows}))}
    return pd.DataFrame(
        [(participant, units[unit], condition) for participant, unit, condition in rows],
        columns=["participant", "unit", "condition"],
        dtype=np.int64,
    )


def matching_trials_of(design: Design, participants: int) -> pd.DataFrame:
    """Return the main trials of exemplar matching that a design plans.

    Parameters
    ----------
    design
        Of exemplar matching.
    participants
        How many take part, from number 1.

    Returns
    -------
    pandas.DataFrame
        One row per main trial, in order: participant (from 0), condition (its place in
        :func:`conditions_in`), unit_0, unit_1 ... (from 0), one for each row of images.

    Raises
    ------
    BadInput
        If the design counterbalances fewer participants, or a depth has too few units.
    """
    check_participants(design, participants)
    assert design.matching is not None
    pools = pools_of(design, _stand_in(design))
    conditions = conditions_in(design)
    rows = [
        (number - 1, conditions.index(trial.block.condition), [one.unit for one in trial.units])
        for number in range(1, participants + 1)
        for trial in plan_matching(design, pools, number)
        if trial.block.block.role == "main"
    ]
    known = sorted({unit for _, _, units in rows for unit in units})
    places = {unit: place for place, unit in enumerate(known)}
    return pd.DataFrame(
        [(one, condition, *(places[unit] for unit in units)) for one, condition, units in rows],
        columns=["participant", "condition", *(f"unit_{i}" for i in range(design.matching.n_rows))],
        dtype=np.int64,
    )


def check_participants(design: Design, participants: int) -> None:
    """Refuse more participants than a design counterbalances.

    Raises
    ------
    BadInput
        If there are none, or too many.
    """
    if not 1 <= participants <= design.participants:
        raise BadInput(
            f"{design.path}: {participants} participants cannot be counterbalanced, expected 1 to "
            f"{design.participants}"
        )


def conditions_in(design: Design) -> list[str]:
    """Return the reference conditions of a design's main trials, in the vocabulary's order."""
    return sorted(design.conditions, key=REFERENCE_CONDITIONS.index)


def _stand_in(design: Design) -> StimulusSet:
    """Return a set without images that has the units which the design needs."""
    if design.units.table is not None:
        path = Path(design.path).parent / design.units.table
        columns = UNIT_COLUMNS[1:]
        units = read_csv(path, columns, extra=True)
        units = units[[column.name for column in columns]].drop_duplicates().fillna({"branch": ""})
    else:
        number = sum(design.units.sample.values())
        depths = design.matching.depths.values() if design.matching else [("layer",)]
        layers = [layers[0] for layers in depths for _ in range(number)]
        units = pd.DataFrame({"layer": layers, "branch": "", "channel": range(len(layers))})
    return StimulusSet(Path(design.stimulus_set), units.assign(network="network"))
