"""How likely a study is to find a difference, by simulating it from its design."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.planning.analysis_settings import Settings
from analysis.planning.power_choices import ChoiceStudy
from analysis.planning.power_matching import MatchingStudy
from analysis.planning.power_model import Assumptions, Simulated, shares_found
from analysis.planning.trial_structure import conditions_in, main_trials_of
from analysis.statistics.estimates import LEVEL, significance
from conditions.design.design import Design
from unitscope.errors import BadInput, nearest

__all__ = ["Assumptions", "power_table"]


def power_table(
    design: Design,
    assumptions: Assumptions,
    participants: Sequence[int],
    units: Sequence[int | None] = (None,),
    *,
    simulations: int = 500,
    level: float = LEVEL,
    smallest_effect: float | None = None,
    seed: int = 1,
    progress: bool = False,
) -> pd.DataFrame:
    """Simulate studies and count in how many the analysis finds each difference.

    Every pair of reference conditions is tested as
    :func:`analysis.statistics.contrasts.compare_conditions` does it: with crossed intervals, and
    in exemplar matching, where a trial has several units, with those of participants. There all
    rows must be paired correctly, and each condition is also tested against pairing at random, as
    :func:`analysis.statistics.matching.matching_scores` does it.

    Parameters
    ----------
    design
        Says who meets which unit in which condition.
    assumptions
        Has an accuracy for every condition.
    participants
        Numbers of participants, each for studies of its own.
    units
        Numbers of units, drawn from the design's by the seed, each for studies of its own, which
        have fewer trials accordingly; None for all units.
    simulations
        Studies for each combination.
    level
        A p value below ``1 - level`` counts as found.
    smallest_effect
        For the test of equivalence; None for the design's, or where it states none for 0.1.
    seed
        Fixes everything drawn.
    progress
        Whether to show it.

    Returns
    -------
    pandas.DataFrame
        One row per number of participants, of units and pair: participants, units, trials (a
        participant's in a condition, on average), first, second (``chance`` in exemplar matching,
        where it is no condition), difference (assumed), power and
        power_holm (share of studies with p and with Holm-corrected p below ``1 - level``), low and
        high, holm_low and holm_high (their 95 % Wilson intervals), power_equivalence (share in
        which TOST with Holm's correction is significant), untestable (share without a test),
        simulations.

    Raises
    ------
    BadInput
        If the design compares nothing, or a number cannot be used.
    """
    from tqdm import tqdm

    _check(design, assumptions, participants, units, simulations)
    smallest = Settings(smallest_effect=smallest_effect).effect_of_interest(design)
    rows: list[dict[str, object]] = []
    with tqdm(
        total=len(participants) * len(units) * simulations, unit="study", disable=not progress
    ) as bar:
        for number in participants:
            for some in units:
                study = _study(design, number, some, seed, assumptions, smallest)
                found = []
                rng = np.random.default_rng([seed, number, some or 0])
                for p in study.p_values(rng, simulations):
                    found.append(p)
                    bar.update()
                rows += shares_found(study, np.array(found), number, significance(level))
    return pd.DataFrame(rows)


def _check(
    design: Design,
    assumptions: Assumptions,
    participants: Sequence[int],
    units: Sequence[int | None],
    simulations: int,
) -> None:
    conditions = conditions_in(design)
    if len(conditions) < 2 and design.task != "exemplar_matching":
        raise BadInput(
            f"{design.path}: all main trials have reference condition {conditions[0]}, so there "
            "is no difference to look for"
        )
    for name in assumptions.accuracies:
        if name not in conditions:
            raise BadInput(
                f"{design.path}: no main trial has reference condition "
                f"{name!r}{nearest(name, conditions)}; found {', '.join(conditions)}"
            )
    for name in conditions:
        if name not in assumptions.accuracies:
            raise BadInput(f"no accuracy is assumed for reference condition {name!r}")
    for what, number, least in (
        *(("participants", number, 2) for number in participants),
        *(("units", number, 2) for number in units if number is not None),
        ("simulations", simulations, 1),
    ):
        if number < least:
            raise BadInput(f"{what} is {number}, expected {least} or more")


def _study(
    design: Design,
    participants: int,
    units: int | None,
    seed: int,
    assumptions: Assumptions,
    smallest_effect: float,
) -> Simulated:
    if design.task == "exemplar_matching":
        if units is not None:
            raise BadInput(
                "--units: trials of exemplar_matching have several units each, so that they "
                "cannot be thinned out; leave it out"
            )
        return MatchingStudy(design, participants, assumptions, smallest_effect)
    plan = _only(main_trials_of(design, participants), units, seed)
    return ChoiceStudy(plan, conditions_in(design), assumptions, smallest_effect)


def _only(plan: pd.DataFrame, units: int | None, seed: int) -> pd.DataFrame:
    """Return the trials about so many units."""
    if units is None:
        return plan
    known = np.sort(plan["unit"].unique())
    if units > len(known):
        raise BadInput(
            f"units is {units}, expected at most {len(known)}, as the design has no more"
        )
    return plan[plan["unit"].isin(np.random.default_rng(seed).permutation(known)[:units])]
