"""Does confidence know when the choice is right? Calibration, type-2 ROC and meta-d'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import integrate, optimize, stats

from analysis.statistics.estimates import LEVEL, CIUnit, not_computable
from analysis.statistics.performance import accuracy
from unitscope.vocabulary import CONFIDENCES

PADDING = 0.5
"""Added to every count, so that an empty cell leaves d' finite (log-linear correction)."""


@dataclass(frozen=True)
class Metacognition:
    """How well confidence tells right from wrong answers.

    Parameters
    ----------
    d_prime, criterion
        Sensitivity and bias of the choices themselves.
    meta_d
        Sensitivity that the confidence shows: the d' of an ideal observer with such confidence.
    m_ratio
        ``meta_d / d_prime``: 1 where confidence uses all that the choice knew.
    auc
        Area under the type-2 ROC, 0.5 where confidence knows nothing.
    n_trials
        What it rests on.
    reason
        Why there is no meta-d' (and, without enough answers, no d'); empty where there is.
    """

    d_prime: float
    criterion: float
    meta_d: float
    m_ratio: float
    auc: float
    n_trials: int
    reason: str = ""


def calibration(
    trials: pd.DataFrame, by: Sequence[str] = ("reference_condition",), ci_unit: CIUnit = "crossed"
) -> pd.DataFrame:
    """Return the share of right answers at each confidence; see :func:`accuracy`."""
    return accuracy(trials[trials["confidence"].notna()], (*by, "confidence"), ci_unit)


def type_2_roc(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the type-2 ROC: high confidence when right against high confidence when wrong.

    Returns
    -------
    pandas.DataFrame
        One row per threshold, the strictest first: at_least (confidence; one more than the highest
        for the first row), hit_rate, false_alarm_rate.
    """
    known = _known(trials)
    right = known["correct"].to_numpy(bool)
    confidence = known["confidence"].to_numpy(float)
    rows = []
    for least in (max(CONFIDENCES) + 1, *sorted(CONFIDENCES, reverse=True)):
        high = confidence >= least
        rows.append(
            {
                "at_least": least,
                "hit_rate": high[right].mean() if right.any() else np.nan,
                "false_alarm_rate": high[~right].mean() if (~right).any() else np.nan,
            }
        )
    return pd.DataFrame(rows)


def area(roc: pd.DataFrame) -> float:
    """Return the area under a type-2 ROC by trapezoids; NaN if all answers are right or wrong."""
    return float(integrate.trapezoid(roc["hit_rate"], roc["false_alarm_rate"]))


def metacognition(trials: pd.DataFrame, padding: float = PADDING) -> Metacognition:
    """Fit meta-d' by maximum likelihood (Maniscalco & Lau, 2012).

    The two queries' sides are the two stimuli: ``a`` and ``b`` is where the right answer stands.

    Parameters
    ----------
    trials
        Answered trials with choice, confidence and correct; of one observer, or of many whose
        answers are pooled.
    padding
        Added to each count.
    """
    known = _known(trials)
    right = known["correct"].to_numpy(bool)
    n_trials = len(known)
    auc = area(type_2_roc(known)) if n_trials else np.nan
    if n_trials < 20:
        return _nothing(n_trials, auc, "there are fewer than 20 answers with a confidence")
    if right.all() or not right.any():
        return _nothing(n_trials, auc, "all answers are right or all wrong")
    if known["choice"].nunique() < 2:
        return _nothing(n_trials, auc, "one side was chosen throughout")
    counts = _counts(known) + padding
    d_prime, criterion, error = _type_1(counts)
    if abs(d_prime) < stats.norm.ppf((1 + LEVEL) / 2) * error:
        why = not_computable("choices may be at chance, so confidence may have nothing to know")
        return Metacognition(d_prime, criterion, np.nan, np.nan, auc, n_trials, why)
    meta_d = _fit(counts, d_prime, criterion)
    return Metacognition(d_prime, criterion, meta_d, meta_d / d_prime, auc, n_trials)


def _known(trials: pd.DataFrame) -> pd.DataFrame:
    return trials[trials["confidence"].notna() & trials["correct"].notna()]


def _nothing(n_trials: int, auc: float, why: str) -> Metacognition:
    nan = float("nan")
    return Metacognition(nan, nan, nan, nan, auc, n_trials, not_computable(why))


def _counts(known: pd.DataFrame) -> np.ndarray:
    """Return stimuli (a, b) x responses, from surely a to surely b."""
    top = max(CONFIDENCES)
    chose_b = (known["choice"] == "b").to_numpy()
    is_b = chose_b == known["correct"].to_numpy(bool)
    confidence = known["confidence"].to_numpy(int)
    response = np.where(chose_b, top - 1 + confidence, top - confidence)
    counts = np.zeros((2, 2 * top))
    np.add.at(counts, (is_b.astype(int), response), 1)
    return counts


def _type_1(counts: np.ndarray) -> tuple[float, float, float]:
    """Return d', criterion and the error of d' (Gourevitch & Galanter, Psychometrika 1967, 32)."""
    top = counts.shape[1] // 2
    number = counts[::-1].sum(1)
    share = counts[::-1, top:].sum(1) / number  # of hits, then of false alarms
    z_hit, z_false = stats.norm.ppf(share)
    variance = share * (1 - share) / (number * stats.norm.pdf([z_hit, z_false]) ** 2)
    return float(z_hit - z_false), float(-(z_hit + z_false) / 2), float(variance.sum() ** 0.5)


def _fit(counts: np.ndarray, d_prime: float, criterion: float) -> float:
    """Maximise the likelihood of confidence given stimulus and response over meta-d'."""
    top = counts.shape[1] // 2
    relative = criterion / d_prime

    def loss(values: np.ndarray) -> float:
        meta_d, steps = values[0], np.exp(values[1:])
        middle = relative * meta_d
        below = middle - np.cumsum(steps[: top - 1])
        above = middle + np.cumsum(steps[top - 1 :])
        edges = np.concatenate([[-np.inf], below[::-1], [middle], above, [np.inf]])
        total = 0.0
        for stimulus, mean in enumerate((-meta_d / 2, meta_d / 2)):
            areas = np.diff(stats.norm.cdf(edges, mean))
            for half in (slice(0, top), slice(top, 2 * top)):
                share = areas[half] / max(areas[half].sum(), 1e-300)
                total -= float(counts[stimulus, half] @ np.log(np.maximum(share, 1e-12)))
        return total

    starts = (np.array([m, *np.log(np.full(2 * (top - 1), 0.5))]) for m in (d_prime, d_prime / 2))
    bounds = [(-8.0, 8.0), *[(-6.0, 3.0)] * (2 * top - 2)]
    found = [optimize.minimize(loss, s, method="L-BFGS-B", bounds=bounds) for s in starts]
    return float(min(found, key=lambda result: result.fun).x[0])
