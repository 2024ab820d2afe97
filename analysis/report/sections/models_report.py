"""The part of the report about mixed models of right answers and reaction times."""

from __future__ import annotations

import pandas as pd

from analysis.report.part import GROUP_KEYS, Number, Part, Shown, Study, View
from analysis.report.sections.choices_report import CHOICE_TASKS
from analysis.statistics.mixed_contrasts import mixed_contrasts


def _models(study: Study) -> dict[str, pd.DataFrame]:
    level = study.settings.level
    found = study.per_group(study.kept, mixed_contrasts, level=level)
    return {"mixed_models": found, "mixed_model_fits": _fits(found)}


def _fits(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Return what the contrasts of a model share, a row for each model."""
    columns = ["model", "participant_sd", "unit_sd", "residual_sd", "n_trials", "random_effects"]
    fits = contrasts.loc[contrasts["random_effects"].fillna("") != "", [*GROUP_KEYS, *columns]]
    return fits.drop_duplicates(["group", "model"], ignore_index=True)


MODELS = Part(
    "models",
    "Mixed models",
    _models,
    (
        Number(
            "mixed_models",
            "mixed.{model}.{first}-{second}",
            "difference",
            "difference of two conditions in a mixed model with participants and units: logits of "
            "right_answers, or natural logarithm of the reaction time in seconds (log_rt)",
        ),
    ),
    (
        *(
            View(
                "mixed_models",
                caption,
                (
                    Shown("First", "first"),
                    Shown("Second", "second"),
                    Shown("Difference", "difference", "signed", interval=True),
                    Shown("p (Holm)", "p_holm", "p"),
                    Shown("SD over participants", "participant_difference_sd", "number"),
                    Shown("SD over units", "unit_difference_sd", "number"),
                ),
                rows=f"model == '{model}'",
            )
            for model, caption in (
                ("right_answers", "Right answers, in logits"),
                ("log_rt", "Logarithm of the reaction time"),
            )
        ),
        View(
            "mixed_model_fits",
            "What varies in the mixed models",
            (
                Shown("Model", "model"),
                Shown("SD participants", "participant_sd", "number"),
                Shown("SD units", "unit_sd", "number"),
                Shown("Trials", "n_trials", "count"),
                Shown("Random effects", "random_effects"),
            ),
        ),
    ),
    note="First minus second condition, with random intercepts of participants and units: a "
    "logistic regression of right answers (Laplace approximation) and a linear one of log times "
    "(restricted maximum likelihood). Where most participants (units) were met in two conditions, "
    "with two trials in each on average, the differences vary over them too, with all "
    "correlations; where that fit is singular or does not converge, each condition by the same "
    "variance, and where that is 0 or does not converge either, not at all, which a dash stands "
    "for. The last table says which. "
    "The exponential of a difference is a ratio of odds or of times. Wald intervals; p values are "
    "Holm-corrected over the pairs of a model.",
    tasks=CHOICE_TASKS,
)
