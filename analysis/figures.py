"""The figures of a report, in their order."""

from __future__ import annotations

from analysis.accuracy_figures import OF_ACCURACY
from analysis.choices_figures import OF_CHOICES
from analysis.confidence_figures import OF_CONFIDENCE
from analysis.matching_figures import OF_MATCHING
from analysis.occlusion_figures import OF_OCCLUSION
from analysis.reaction_time_figures import OF_REACTION_TIMES
from analysis.repeats_figures import ASKED_TWICE

DRAWINGS = (
    *OF_ACCURACY,
    *OF_REACTION_TIMES,
    *OF_CONFIDENCE,
    *OF_OCCLUSION,
    *OF_CHOICES,
    *OF_MATCHING,
    *ASKED_TWICE,
)
