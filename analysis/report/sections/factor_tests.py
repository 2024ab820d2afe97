"""Section: tests of factors over participants, as papers report them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd

from analysis.report.phrasing import MEASURE_NAMES, joined, p_value
from analysis.report.phrasing import factors as factor_names
from analysis.report.section import Block, Number, Section, Sentence, ShownColumn, TableView
from analysis.report.sections.accuracy_by_factor import varying
from analysis.report.study import CHOICE_TASKS, RATINGS_ONLY, Results, Study
from analysis.statistics.anova import anova
from analysis.statistics.distributions import compare_distributions
from analysis.statistics.estimates import significance
from analysis.statistics.level_tests import compare_levels
from analysis.statistics.matching import scores
from analysis.statistics.participant_means import Measure, participant_means, pre_post
from analysis.statistics.rating_means import each_rating
from unitscope.vocabulary import TASKS

DESIGN_FACTORS = ("scheme", "reference_condition", "n_images", "depth", "group")
"""Factors that are crossed with each other."""

UNIT_FACTORS = ("unit_pool", "layer", "branch")
"""Factors of units, each of which is crossed with references and groups, and with schemes."""

PLACE = "place"
"""Where sessions took place: compared over all trials and in each condition, but no factor of the
design."""

MEASURES: dict[str, tuple[Measure, ...]] = {
    **dict.fromkeys(CHOICE_TASKS, ("accuracy", "rt_s", "confidence")),
    "exemplar_matching": ("accuracy", "hit_share", "rt_s"),
    RATINGS_ONLY: (),
}

MAX_SHOWN = 10
"""Tests of a family up to which they are on the page."""


def _compute(study: Study) -> dict[str, pd.DataFrame]:
    measures = MEASURES[study.task]
    trials = study.kept
    if study.task == "exemplar_matching":
        trials = scores(trials)
    units = UNIT_FACTORS if study.task in CHOICE_TASKS else ()
    level = study.settings.level
    is_blind = study.settings.blind is not None
    pairs = partial(_pairs, measures=measures, units=units, level=level, is_blind=is_blind)
    tables = [
        study.per_group(trials, pairs),
        study.per_group(study.ratings, _rating_pairs, level=level),
    ]
    return {
        "anova": study.per_group(trials, _anovas, measures=measures, units=units),
        "confidence_distributions": study.per_group(trials, _distributions),
        "level_tests": pd.concat([t for t in tables if len(t)] or tables[:1], ignore_index=True),
    }


def _anovas(
    trials: pd.DataFrame, measures: Sequence[Measure], units: Sequence[str]
) -> pd.DataFrame:
    """Return the effects of the design's factors, and those of each factor of the units."""
    if trials["participant"].nunique() < 2:
        return pd.DataFrame()
    design = varying(trials, DESIGN_FACTORS)
    models = [("", design, set[str]())]
    for unit in varying(trials, units):
        # Blocks of one scheme and condition are too short for every layer: not all at once.
        models.append((unit, [unit, *(f for f in design if f != "scheme")], {unit}))
        if "scheme" in design:
            crossed = [unit, *(f for f in design if f in ("scheme", "group"))]
            models.append((unit, crossed, {unit, "scheme"}))
    tables = []
    for measure in measures:
        for unit, crossed, of_interest in models:
            means = participant_means(trials, crossed, measure)
            if not crossed or any(means[factor].nunique() < 2 for factor in crossed):
                continue
            found = anova(means, crossed)
            new = [of_interest <= {*effect.split("*")} for effect in found["effect"]]
            found.insert(0, "measure", measure)
            found.insert(1, "unit_factor", unit)
            tables.append(found[new])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _pairs(
    trials: pd.DataFrame,
    measures: Sequence[Measure],
    units: Sequence[str],
    level: float,
    is_blind: bool,
) -> pd.DataFrame:
    """Return the tests of all pairs of levels of each factor: over all trials, and at others'.

    Which condition came before and after the others would tell its name.
    """
    if trials["participant"].nunique() < 2:
        return pd.DataFrame()
    design = varying(trials, DESIGN_FACTORS)
    unit_factors = varying(trials, units)
    outcome = trials["correct"].map({True: "correct", False: "incorrect"})
    trials = trials.assign(outcome=outcome, pre_post="" if is_blind else pre_post(trials))
    tables = []
    for measure in measures:
        for factor in (*design, *unit_factors, *varying(trials, (PLACE,))):
            places = [other for other in design if other != factor]
            if factor in unit_factors:
                places = [o for o in places if o in ("reference_condition", "scheme")]
            elif factor == PLACE:
                places = [o for o in places if o == "reference_condition"]
            for at in ([], *([place] for place in places)):
                tables.append(compare_levels(trials, factor, measure, at, level))
        tables.append(compare_levels(trials, "pre_post", measure, ["reference_condition"], level))
        if measure in ("rt_s", "confidence"):
            tables.append(compare_levels(trials, "outcome", measure, level=level))
    return _families(tables)


def _distributions(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the tests of how often each confidence was given."""
    if trials["participant"].nunique() < 2:
        return pd.DataFrame()
    outcome = trials["correct"].map({True: "correct", False: "incorrect"})
    named = trials.assign(outcome=outcome)
    factors = (*varying(trials, DESIGN_FACTORS), "outcome")
    return pd.concat([compare_distributions(named, factor) for factor in factors])


def _rating_pairs(ratings: pd.DataFrame, level: float) -> pd.DataFrame:
    if ratings["participant"].nunique() < 2:
        return pd.DataFrame()
    given = each_rating(ratings)
    given = given[given["moment"] != "difference"]
    return _families([compare_levels(given, "moment", "rating", level=level)])


def _families(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return tables, each a family of Holm's, one below the other, with the families' sizes."""
    counted = [table.assign(n_tests=len(table)) for table in tables if len(table)]
    return pd.concat(counted, ignore_index=True) if counted else pd.DataFrame()


def _blocks(section: Section, results: Results) -> Iterator[Block]:
    for group in results.groups:
        rows = results.of("anova", group)
        if len(rows):
            yield from _sentences(rows[rows["unit_factor"] == ""], group.title, results)
    yield from section.usual_blocks(results)
    tests = results.tables.get("level_tests", pd.DataFrame(columns=["n_tests", "factor"]))
    many = tests.loc[tests["n_tests"] > MAX_SHOWN, "factor"].drop_duplicates()
    if len(many):
        named = joined([factor_names(name, results) for name in many])
        yield Sentence(
            f"More than {MAX_SHOWN} pairs at a time, of {named}, are in tables/level_tests.csv "
            "only.",
            True,
        )


def _sentences(rows: pd.DataFrame, title: str, results: Results) -> Iterator[Block]:
    """Yield, for each measure, the significant effects of the design's factors."""
    level = results.settings.level
    alpha = significance(level)
    for measure, own in rows.groupby("measure", sort=False):
        tested = own[own["reason"] == ""]
        if tested.empty:
            continue
        effects = [
            f"{factor_names(row.effect, results)} F({row.df}, {row.df_error}) = {row.F:.2f}, "
            f"p\u00a0{p_value(row.p_corrected, level)}"
            for row in tested[tested["p_corrected"] < alpha].itertuples(index=False)
        ]
        other = f"no {'other ' if effects else ''}effect has p < {alpha:g}".replace("0.", ".")
        told = [*effects, other] if len(effects) < len(tested) else effects
        first = tested.iloc[0]
        lacking = ""
        if first["n_incomplete"]:
            lacking = f", without {first['n_incomplete']} for whom a cell is missing"
        yield Sentence(
            f"{title}, {MEASURE_NAMES[str(measure)]} (analysis of variance, "
            f"n = {first['n_participants']}{lacking}): {'; '.join(told)}."
        )


def _note(results: Results) -> str:
    """Return what the tests that are there are of, and how they were computed."""
    tests = results.tables.get("level_tests", pd.DataFrame(columns=["measure"]))
    of_trials = "anova" in results.tables or bool((tests["measure"] != "rating").any())
    parts = ["Tests are of participants, each with the mean of their ratings."]
    if of_trials:
        also = ""
        if results.task in CHOICE_TASKS and results.settings.ci_unit == "crossed":
            also = "; the section on differences generalises to new units as well"
        parts = [
            "Tests are of participants, each with the mean of the trials of a cell (reaction "
            "times: the median), so that they generalise to new participants who meet the same "
            f"units{also}."
        ]
    if "anova" in results.tables:
        parts.append(
            "Analysis of variance: type III sums of squares; p is corrected for non-sphericity by "
            "Greenhouse and Geisser’s ε."
        )
    if len(tests):
        parts.append(
            "Pairs: paired t and Wilcoxon’s signed-rank tests (W) where participants met both "
            "levels, else Welch’s t and Mann and Whitney’s tests (U). Without ties and with fewer "
            "than 50 participants rank tests are exact."
        )
    if of_trials and len(tests):
        parts.append(
            "p values of pairs are Holm-corrected over the pairs of a factor, for all trials and "
            "at the levels of each other factor apart, and not over measures."
        )
    parts.append("Participants who lack a cell do not count in a test that needs it.")
    if "confidence_distributions" in results.tables:
        parts.append(
            "Pearson’s χ² of confidences is of single answers and takes them as independent, so "
            "that its p is too small."
        )
    return " ".join(parts)


_EFFECT = (
    ShownColumn("Measure", "measure", "measure"),
    ShownColumn("Effect", "effect", "effect"),
    ShownColumn("F", "F", "number"),
    ShownColumn("df", "df", "count"),
    ShownColumn("df error", "df_error", "count"),
    ShownColumn("ε", "epsilon", "number"),
    ShownColumn("p", "p_corrected", "p"),
    ShownColumn("η² (partial)", "eta_squared_partial", "number"),
    ShownColumn("n", "n_participants", "count"),
)


def _pair_view(measure: Measure, unit: str, how: str) -> TableView:
    return TableView(
        "level_tests",
        f"Pairs of levels: {MEASURE_NAMES[measure]}{unit}",
        (
            ShownColumn("Factor", "factor", "effect"),
            ShownColumn("At", "at"),
            ShownColumn("Levels", "{first} − {second}"),
            ShownColumn("Difference", "difference", how, interval=True),
            ShownColumn("t", "t", "number"),
            ShownColumn("p (t)", "p_holm", "p"),
            ShownColumn("W, U", "rank_statistic", "count"),
            ShownColumn("p (rank)", "p_rank_holm", "p"),
        ),
        rows=f"measure == '{measure}' and n_tests <= {MAX_SHOWN}",
    )


TESTS = Section(
    "tests",
    "Tests of factors over participants",
    _compute,
    numbers=(
        Number(
            "anova",
            "anova.{measure}.{effect}",
            "F",
            "F of an effect (factors joined by *) in an analysis of variance of participants' "
            "means: accuracy, hit_share, rt_s or confidence",
        ),
        Number(
            "level_tests",
            "test.{measure}.{factor}.{at}.{first}-{second}",
            "difference",
            "first minus second level of a factor, mean of participants, with t and rank tests: "
            "over all trials (all) or at one level of another factor",
        ),
        Number(
            "confidence_distributions",
            "confidence_distribution.{factor}",
            "chi_squared",
            "chi-squared of the numbers of answers with each confidence at the levels of a factor",
        ),
    ),
    views=(
        TableView(
            "anova",
            "Analysis of variance: factors of the design",
            _EFFECT,
            rows="unit_factor == ''",
        ),
        TableView(
            "anova",
            "Analysis of variance: factors of the units",
            _EFFECT,
            rows="unit_factor != '' and measure == 'accuracy'",
        ),
        _pair_view("accuracy", ", in percentage points", "points"),
        _pair_view("hit_share", ", in percentage points", "points"),
        _pair_view("rt_s", ", in seconds", "signed"),
        _pair_view("confidence", ", from 1 to 3", "signed"),
        _pair_view("rating", ", from −100 to 100", "signed"),
        TableView(
            "confidence_distributions",
            "Number of answers with each confidence",
            (
                ShownColumn("Factor", "factor", "effect"),
                ShownColumn("Levels", "levels", "effect"),
                ShownColumn("χ²", "chi_squared", "number"),
                ShownColumn("df", "df", "count"),
                ShownColumn("p", "p", "p"),
                ShownColumn("Cramér’s V", "cramers_v", "number"),
                ShownColumn("Answers", "n_trials", "count"),
            ),
        ),
    ),
    note=_note,
    tasks=(*TASKS, RATINGS_ONLY),
    blocks=_blocks,
)
