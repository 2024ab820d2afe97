"""The figures of a report, in their order."""

from __future__ import annotations

from analysis.report.sections.accuracy_figures import OF_ACCURACY
from analysis.report.sections.choices_figures import OF_CHOICES
from analysis.report.sections.confidence_figures import OF_CONFIDENCE
from analysis.report.sections.matching_figures import OF_MATCHING
from analysis.report.sections.occlusion_figures import OF_OCCLUSION
from analysis.report.sections.reaction_time_figures import OF_REACTION_TIMES
from analysis.report.sections.repeats_figures import ASKED_TWICE

DRAWINGS = (
    *OF_ACCURACY,
    *OF_REACTION_TIMES,
    *OF_CONFIDENCE,
    *OF_OCCLUSION,
    *OF_CHOICES,
    *OF_MATCHING,
    *ASKED_TWICE,
)
