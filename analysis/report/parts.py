"""The parts of a report, in the order of the page."""

from __future__ import annotations

from analysis.report.part import Part
from analysis.report.sections.choices_report import BY_FACTOR, METACOGNITION, RELIABILITY
from analysis.report.sections.intuitiveness import RATED
from analysis.report.sections.matching_report import MATCHING
from analysis.report.sections.models_report import MODELS
from analysis.report.sections.occlusion_report import AGREEMENT, BASELINES, EFFECT_SIZES

PARTS: tuple[Part, ...] = (
    BASELINES,
    EFFECT_SIZES,
    AGREEMENT,
    MATCHING,
    BY_FACTOR,
    METACOGNITION,
    RELIABILITY,
    MODELS,
    RATED,
)


def parts_of(task: str) -> tuple[Part, ...]:
    """Return the parts that a task's report has."""
    return tuple(part for part in PARTS if task in part.tasks)
