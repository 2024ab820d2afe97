"""Which trial each task has."""

from __future__ import annotations

from conditions.design.design import Design
from experiments.runner.exemplar_matching import ExemplarMatchingTrial
from experiments.runner.occlusion import OcclusionTrial
from experiments.runner.trial import Trial
from experiments.runner.two_afc import TwoAFCTrial
from unitscope.row_types import TrialRow

TASKS: dict[str, type[Trial]] = {
    trial.task: trial for trial in (TwoAFCTrial, OcclusionTrial, ExemplarMatchingTrial)
}


def make_trial(row: TrialRow, design: Design, frame_s: float, wanted: str | None = None) -> Trial:
    """Make the trial of a row of a condition table; see :class:`Trial`."""
    return TASKS[design.task](row, design, frame_s, wanted)
