"""Metacognitive sensitivity of confidence: calibration, type-2 ROC and meta-d'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy import integrate, optimize, special, stats

from analysis.statistics.estimates import LEVEL, CIUnit, not_computable
from analysis.statistics.intervals import mean_with_interval, proportion_with_interval
from analysis.statistics.performance import accuracy, split
from unitscope.vocabulary import CONFIDENCES

PADDING = 0.5 / len(CONFIDENCES)
"""Added to every count of stimulus, response and confidence, so that no proportion is 0 or 1; over
confidences it adds up to the 0.5 of the log-linear correction (Hautus, Behav. Res. Methods Instrum.
Comput. 1995, 27, 46-51)."""

MIN_ANSWERS = 20
"""Answers with a confidence below which there is no d' of an observer."""

MEASURES = ("d_prime", "meta_d", "m_ratio", "type_2_auc")
"""Columns of an observer's values that are averaged."""


@dataclass(frozen=True)
class Metacognition:
    """How well an observer's confidence tells correct from wrong answers.

    Parameters
    ----------
    d_prime, criterion
        Sensitivity and bias of the choices themselves, d' of a choice between two alternatives.
    meta_d
        The d' of an ideal observer whose confidence discriminates as well as the observed one.
    m_ratio
        Metacognitive efficiency ``meta_d / d_prime``: 1 where confidence uses all the information
        of the choice.
    type_2_auc
        Area under the type-2 ROC, 0.5 without metacognitive sensitivity.
    n_trials
        Number of answers with a confidence.
    reason
        Why there is no meta-d' (and, without enough answers, no d'); empty otherwise.
    """

    d_prime: float
    criterion: float
    meta_d: float
    m_ratio: float
    type_2_auc: float
    n_trials: int
    reason: str = ""


def calibration(
    trials: pd.DataFrame, by: Sequence[str] = ("reference_condition",), ci_unit: CIUnit = "crossed"
) -> pd.DataFrame:
    """Return proportion correct at each confidence; see :func:`accuracy`.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": list("abab"), "unit": "u1"})
    >>> trials = trials.assign(confidence=[1, 1, 3, 3], correct=[True, False, True, True])
    >>> calibration(trials, by=())[["confidence", "proportion"]]
       confidence  proportion
    0           1         0.5
    1           3         1.0
    """
    return accuracy(trials[trials["confidence"].notna()], (*by, "confidence"), ci_unit)


def type_2_roc(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the type-2 ROC: rates of high confidence in correct and in wrong answers.

    Returns
    -------
    pandas.DataFrame
        One row per threshold, the strictest first: at_least (confidence; one more than the highest
        for the first row), hit_rate (P(confidence >= at_least | correct)), false_alarm_rate
        (P(confidence >= at_least | wrong)).

    Examples
    --------
    >>> trials = pd.DataFrame({"confidence": [3, 3, 2, 1, 2, 1], "correct": [1, 1, 1, 1, 0, 0]})
    >>> type_2_roc(trials)
       at_least  hit_rate  false_alarm_rate
    0         4      0.00               0.0
    1         3      0.50               0.0
    2         2      0.75               0.5
    3         1      1.00               1.0
    """
    known = _known(trials)
    correct = known["correct"].to_numpy(bool)
    confidence = known["confidence"].to_numpy(float)
    rows = []
    for threshold in (max(CONFIDENCES) + 1, *sorted(CONFIDENCES, reverse=True)):
        high = confidence >= threshold
        rows.append(
            {
                "at_least": threshold,
                "hit_rate": high[correct].mean() if correct.any() else np.nan,
                "false_alarm_rate": high[~correct].mean() if (~correct).any() else np.nan,
            }
        )
    return pd.DataFrame(rows)


def type_2_area(roc: pd.DataFrame) -> float:
    """Return the area under a type-2 ROC by the trapezoidal rule.

    It is NaN if every answer is correct or every answer is wrong.

    Examples
    --------
    >>> type_2_area(pd.DataFrame({"hit_rate": [0, 0.5, 1], "false_alarm_rate": [0, 0.25, 1]}))
    0.625
    """
    return float(integrate.trapezoid(roc["hit_rate"], roc["false_alarm_rate"]))


def metacognition(trials: pd.DataFrame, padding: float = PADDING) -> Metacognition:
    """Fit meta-d' by maximum likelihood (Maniscalco & Lau, Conscious. Cogn. 2012, 21, 422-430).

    The stimuli of signal detection are the sides, ``a`` or ``b``, of the correct query. Both
    queries are shown, so that d' and meta-d' are those of a choice between two alternatives,
    ``(z(H) - z(F)) / sqrt(2)`` (Macmillan & Creelman, Detection Theory, 2nd ed. 2005, chapter 7).

    Parameters
    ----------
    trials
        Answered trials of one observer with choice, confidence and correct. Trials that differ in
        difficulty, as those of other conditions, inflate meta-d'.
    padding
        Added to each count.

    Examples
    --------
    >>> counts = {("a", 1, 1): 40, ("b", 1, 1): 35, ("a", 3, 1): 30, ("b", 3, 1): 35}
    >>> counts |= {("a", 1, 0): 25, ("b", 1, 0): 20, ("a", 3, 0): 5, ("b", 3, 0): 10}
    >>> cells = [cell for cell, number in counts.items() for _ in range(number)]
    >>> found = metacognition(pd.DataFrame(cells, columns=["choice", "confidence", "correct"]))
    >>> round(found.d_prime, 2), round(found.meta_d, 2), round(found.type_2_auc, 2)
    (0.73, 0.65, 0.61)
    """
    known = _known(trials)
    correct = known["correct"].to_numpy(bool)
    n_trials = len(known)
    auc = type_2_area(type_2_roc(known)) if n_trials else np.nan
    if n_trials < MIN_ANSWERS:
        why = f"there are fewer than {MIN_ANSWERS} answers with a confidence"
        return _nothing(n_trials, auc, why)
    if correct.all() or not correct.any():
        return _nothing(n_trials, auc, "every answer is correct or every answer is wrong")
    if known["choice"].nunique() < 2:
        return _nothing(n_trials, auc, "the same side was chosen in all trials")
    counts = _counts(known)
    if not counts.sum(1).all():
        return _nothing(n_trials, auc, "the correct query was on the same side in all trials")
    d_prime, criterion, error = _type_1(counts + padding)
    why = ""
    if d_prime < stats.norm.ppf((1 + LEVEL) / 2) * error:
        why = "d' is not significantly above 0, and meta-d' / d' would divide by about 0"
    elif known["confidence"].nunique() < 2:
        why = "all answers have the same confidence"
    two_alternatives = 2**0.5
    if why:
        found = d_prime / two_alternatives, criterion, np.nan, np.nan
        return Metacognition(*found, auc, n_trials, not_computable(why))
    meta_d = _fit(counts + padding, d_prime, criterion)
    found = d_prime / two_alternatives, criterion, meta_d / two_alternatives, meta_d / d_prime
    return Metacognition(*found, auc, n_trials)


def metacognition_by_participant(
    trials: pd.DataFrame, by: Sequence[str] = ("reference_condition",)
) -> pd.DataFrame:
    """Return each participant's metacognitive sensitivity; see :func:`metacognition`.

    Returns
    -------
    pandas.DataFrame
        One row per combination of the levels of ``by`` and participant: the columns of ``by``,
        participant, and those of :class:`Metacognition`.

    Examples
    --------
    >>> trials = pd.DataFrame({"participant": list("aabb"), "correct": [True, False] * 2})
    >>> trials = trials.assign(choice=list("aaba"), confidence=[3, 1, 2, 2])
    >>> metacognition_by_participant(trials, by=())[["participant", "type_2_auc", "n_trials"]]
      participant  type_2_auc  n_trials
    0           a         1.0         2
    1           b         0.5         2
    """
    rows = [
        levels | asdict(metacognition(part)) for levels, part in split(trials, (*by, "participant"))
    ]
    return pd.DataFrame(rows)


def metacognition_means(
    each: pd.DataFrame,
    by: Sequence[str] = ("reference_condition",),
    ci_unit: CIUnit = "participant",
    level: float = LEVEL,
) -> pd.DataFrame:
    """Return the means of the participants' values, each participant counting once.

    Parameters
    ----------
    each
        From :func:`metacognition_by_participant`.
    by
        Columns; there are rows for each combination of their levels.
    ci_unit
        ``participant`` or ``paper``.
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        For each of :data:`MEASURES` one row per combination: the columns of ``by``, measure, mean,
        low, high (of the type-2 area as of a proportion), lowest, median, highest (of the
        participants), n_participants, n_without (those without a value, whom the mean leaves out),
        reason.

    Examples
    --------
    >>> each = pd.DataFrame({"participant": list("abc"), "type_2_auc": [0.6, 0.7, 0.8]})
    >>> each = each.assign(d_prime=[1.0, 1.5, np.nan], meta_d=np.nan, m_ratio=np.nan)
    >>> each["reason"] = "not computable because the same side was chosen in all trials"
    >>> found = metacognition_means(each, by=())
    >>> found[["measure", "mean", "low", "high", "n_participants", "n_without"]].round(2)
          measure  mean   low  high  n_participants  n_without
    0     d_prime  1.25 -1.93  4.43               2          1
    1      meta_d   NaN   NaN   NaN               0          3
    2     m_ratio   NaN   NaN   NaN               0          3
    3  type_2_auc  0.70  0.42  0.88               3          0
    """
    rows = []
    for measure in MEASURES if len(each) else ():
        # An area lies between 0 and 1, as a proportion does.
        mean = proportion_with_interval if measure == "type_2_auc" else mean_with_interval
        for levels, part in split(each, by):
            own = part[part[measure].notna()]
            values, people = own[measure].to_numpy(float), own["participant"].to_numpy(str)
            found = mean(values, people, np.zeros(len(own)), ci_unit, level)
            places = np.quantile(values, [0, 0.5, 1]).tolist() if len(own) else [np.nan] * 3
            rows.append(
                levels
                | {"measure": measure, "mean": found.value, "low": found.low, "high": found.high}
                | dict(zip(("lowest", "median", "highest"), places, strict=True))
                | {"n_participants": len(own), "n_without": len(part) - len(own)}
                | {"reason": found.reason if len(own) else _nobody(part, measure)}
            )
    return pd.DataFrame(rows)


def _nobody(each: pd.DataFrame, measure: str) -> str:
    """Return why no participant has a value, and how many there are of each cause."""
    causes = each["reason"].str.removeprefix(not_computable(""))
    if measure == "type_2_auc":
        # It needs no minimum of answers, and no choices above chance.
        causes = (each["n_trials"] > 0).map(
            {
                True: "every answer is correct or every answer is wrong",
                False: "no answer has a confidence",
            }
        )
    told = "; ".join(f"{number}: {cause}" for cause, number in causes.value_counts().items())
    return not_computable(f"no participant has a value ({told})")


def _known(trials: pd.DataFrame) -> pd.DataFrame:
    return trials[trials["confidence"].notna() & trials["correct"].notna()]


def _nothing(n_trials: int, auc: float, why: str) -> Metacognition:
    nan = float("nan")
    return Metacognition(nan, nan, nan, nan, auc, n_trials, not_computable(why))


def _counts(known: pd.DataFrame) -> np.ndarray:
    """Return counts, shape (stimuli a and b, responses), from a with highest confidence to b."""
    top = max(CONFIDENCES)
    chose_b = (known["choice"] == "b").to_numpy()
    is_b = chose_b == known["correct"].to_numpy(bool)
    confidence = known["confidence"].to_numpy(int)
    response = np.where(chose_b, top - 1 + confidence, top - confidence)
    counts = np.zeros((2, 2 * top))
    np.add.at(counts, (is_b.astype(int), response), 1)
    return counts


def _type_1(counts: np.ndarray) -> tuple[float, float, float]:
    """Return ``z(H) - z(F)``, the criterion and the standard error of the former.

    With the rates H of hits and F of false alarms, ``d = z(H) - z(F)``,
    ``c = -(z(H) + z(F)) / 2`` and ``var(d) = H (1 - H) / (n_b phi(z(H))^2) + F (1 - F) /
    (n_a phi(z(F))^2)`` (Gourevitch & Galanter, Psychometrika 1967, 32, 25-33).
    """
    top = counts.shape[1] // 2
    number = counts[::-1].sum(1)
    rate = counts[::-1, top:].sum(1) / number  # of hits, then of false alarms
    z_hit, z_false = stats.norm.ppf(rate)
    variance = rate * (1 - rate) / (number * stats.norm.pdf([z_hit, z_false]) ** 2)
    return float(z_hit - z_false), float(-(z_hit + z_false) / 2), float(variance.sum() ** 0.5)


def _fit(counts: np.ndarray, d_prime: float, criterion: float) -> float:
    """Return the meta-d' that maximises the likelihood of confidence given stimulus and response.

    The evidence is normal with mean -meta_d / 2 or meta_d / 2 and variance 1; the type-1 criterion
    keeps its relative place, meta_c / meta_d = c / d'. Of the areas between neighbouring criteria,

        P(confidence = k | stimulus, response) = area_k / sum of the response's areas,

    the log-likelihood is the sum over cells of count times log P.
    """
    top = counts.shape[1] // 2
    relative = criterion / d_prime

    def loss(values: np.ndarray) -> float:
        # The type-2 criteria lie at distances from meta_c that add up exp(steps), so that they
        # stay in order.
        meta_d, steps = values[0], np.exp(values[1:])
        middle = relative * meta_d
        below = middle - np.cumsum(steps[: top - 1])
        above = middle + np.cumsum(steps[top - 1 :])
        edges = np.concatenate([[-np.inf], below[::-1], [middle], above, [np.inf]])
        means = np.array([[-meta_d / 2], [meta_d / 2]])
        areas = np.diff(special.ndtr(edges - means)).reshape(2, 2, top)  # stimulus, response
        p = areas / np.maximum(areas.sum(2, keepdims=True), 1e-300)
        return -float((counts.reshape(2, 2, top) * np.log(np.maximum(p, 1e-12))).sum())

    starts = (np.array([m, *np.log(np.full(2 * (top - 1), 0.5))]) for m in (d_prime, d_prime / 2))
    bounds = [(-8.0, 8.0), *[(-6.0, 3.0)] * (2 * top - 2)]
    found = [optimize.minimize(loss, s, method="L-BFGS-B", bounds=bounds) for s in starts]
    return float(min(found, key=lambda result: result.fun).x[0])
