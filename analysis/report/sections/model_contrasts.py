"""Section: mixed models of correct answers and reaction times."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.report.section import (
    N_TRIALS,
    Block,
    Number,
    Section,
    Sentence,
    ShownColumn,
    TableView,
)
from analysis.report.study import (
    CHOICE_TASKS,
    GROUP_KEYS,
    Results,
    Study,
)
from analysis.statistics.mixed_contrasts import mixed_contrasts


def _models(study: Study) -> dict[str, pd.DataFrame]:
    if not study.settings.models:
        return {}
    level = study.settings.level
    found = study.per_group(study.kept, mixed_contrasts, level=level)
    return {"mixed_models": found, "mixed_model_fits": _fits(found)}


def _fits(contrasts: pd.DataFrame) -> pd.DataFrame:
    """Return what the contrasts of a model share, a row for each model."""
    columns = ["model", "participant_sd", "unit_sd", "residual_sd", "n_trials", "random_effects"]
    fits = contrasts.loc[contrasts["random_effects"].fillna("") != "", [*GROUP_KEYS, *columns]]
    fits = fits.drop_duplicates(["group", "model"], ignore_index=True)
    return fits.assign(description=fits["model"].map(MODEL_NAMES))


MODEL_NAMES = {
    "right_answers": "correct answers, logistic model",
    "log_rt": "logarithm of the reaction time, linear model",
}
"""Model to its name for readers."""


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    if results.settings.models:
        yield from section.usual_blocks(results)
    else:
        yield Sentence("Not fitted: this report was written with --no-models.")


MODELS = Section(
    "models",
    "Mixed models",
    _models,
    numbers=(
        Number(
            "mixed_models",
            "mixed.{model}.{first}-{second}",
            "difference",
            "difference of two conditions in a mixed model with participants and units: logits "
            "of correct answers (right_answers), or natural logarithm of the reaction time in "
            "seconds (log_rt)",
        ),
    ),
    views=(
        *(
            TableView(
                "mixed_models",
                caption,
                (
                    ShownColumn("First", "first"),
                    ShownColumn("Second", "second"),
                    ShownColumn("Difference", "difference", "signed", interval=True),
                    ShownColumn("t", "t", "number"),
                    ShownColumn("df", "df", "df"),
                    ShownColumn("p (Holm)", "p_holm", "p"),
                    ShownColumn("SD over participants", "participant_difference_sd", "number"),
                    ShownColumn("SD over units", "unit_difference_sd", "number"),
                ),
                rows=f"model == '{model}'",
            )
            for model, caption in (
                ("right_answers", "Correct answers, in logits (logistic mixed model)"),
                ("log_rt", "Logarithm of the reaction time (linear mixed model)"),
            )
        ),
        TableView(
            "mixed_model_fits",
            "Random effects of the mixed models",
            (
                ShownColumn("Model", "description"),
                ShownColumn("SD participants", "participant_sd", "number"),
                ShownColumn("SD units", "unit_sd", "number"),
                N_TRIALS,
                ShownColumn("Random effects", "random_effects"),
            ),
        ),
    ),
    note=(
        "First minus second condition, with random intercepts of participants and units: a "
        "logistic regression of correct answers (Laplace approximation) and a linear regression "
        "of log times (restricted maximum likelihood). Where most participants (units) have "
        "trials in two conditions, at least two in each on average, the differences vary over "
        "them too, with all correlations; where that fit is singular or does not converge, all "
        "conditions share one variance; where that is 0 or does not converge either, there are "
        "intercepts only, shown as a dash. The last table says which, and why. The exponential of "
        "a difference is a ratio of odds or of times. Intervals and p values are those of t with "
        "Satterthwaite's degrees of freedom, in the logistic model of its working response, with "
        "standard errors that are corrected for the numbers of participants and units, and at most "
        "twice the degrees of freedom of either; p values are Holm-corrected over the pairs of a "
        "model."
    ),
    tasks=CHOICE_TASKS,
    blocks=_blocks,
)
