"""The sections of the report, one file each; this list is the order of the page.

A section's tables, figures, sentences and numbers stand side by side in its file. The page, the
files beside it and ``results.json`` are all made from this list.
"""

from __future__ import annotations

from analysis.report.section import Section
from analysis.report.sections.accuracy_by_condition import ACCURACY
from analysis.report.sections.accuracy_by_factor import BY_FACTOR
from analysis.report.sections.baseline_comparison import BASELINES
from analysis.report.sections.condition_differences import DIFFERENCES
from analysis.report.sections.confidence_ratings import CONFIDENCE
from analysis.report.sections.crossed_factors import CELLS
from analysis.report.sections.data_quality import QUALITY
from analysis.report.sections.effect_sizes import EFFECT_SIZES
from analysis.report.sections.excluded_sessions import EXCLUSIONS
from analysis.report.sections.exemplar_matching import MATCHING
from analysis.report.sections.factor_tests import TESTS
from analysis.report.sections.intuitiveness import RATED
from analysis.report.sections.metacognition import METACOGNITION
from analysis.report.sections.methods_paragraph import METHODS
from analysis.report.sections.model_contrasts import MODELS
from analysis.report.sections.observer_agreement import AGREEMENT
from analysis.report.sections.preregistered_plan import PREREGISTRATION
from analysis.report.sections.reaction_times import REACTION_TIMES
from analysis.report.sections.reliability_and_repeats import RELIABILITY
from analysis.report.sections.single_units import UNITS
from analysis.report.sections.trial_roles import ROLES

SECTIONS: tuple[Section, ...] = (
    ACCURACY,
    DIFFERENCES,
    BASELINES,
    EFFECT_SIZES,
    AGREEMENT,
    MATCHING,
    BY_FACTOR,
    CELLS,
    TESTS,
    METACOGNITION,
    RELIABILITY,
    ROLES,
    MODELS,
    RATED,
    UNITS,
    REACTION_TIMES,
    CONFIDENCE,
    PREREGISTRATION,
    EXCLUSIONS,
    QUALITY,
    METHODS,
)


def sections_of(task: str) -> tuple[Section, ...]:
    """Return the sections that a task's report has."""
    return tuple(section for section in SECTIONS if task in section.tasks)
