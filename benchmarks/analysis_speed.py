"""How fast the analysis is, against the plain way in the same run.

    python benchmarks/analysis_speed.py

Prints a Markdown table. gpboost is compared with where it is installed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from analysis.agreement import Answers, agreement, kappa_matrix
from analysis.mixed import mixed_logistic


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the shortest time of some repeats."""
    times = []
    for _ in range(repeats):
        began_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - began_s)
    return min(times)


def observers(n_observers: int = 300, n_items: int = 180, seed: int = 0) -> Answers:
    """Return answers of observers in six groups, each having met nine tenths of the items."""
    rng = np.random.default_rng(seed)
    correct = (rng.random((n_observers, n_items)) < 0.7).astype(float)
    correct[rng.random(correct.shape) < 0.1] = np.nan
    groups = tuple(f"group {i % 6}" for i in range(n_observers))
    return Answers(correct, groups, tuple(map(str, range(n_observers))))


def kappa_pair_by_pair(correct: np.ndarray) -> np.ndarray:
    """Compute the kappa matrix as is usual: one pair after the other."""
    n_observers = len(correct)
    kappa = np.full((n_observers, n_observers), np.nan)
    for i in range(n_observers):
        for j in range(i + 1, n_observers):
            both = np.isfinite(correct[i]) & np.isfinite(correct[j])
            one, two = correct[i, both], correct[j, both]
            expected = one.mean() * two.mean() + (1 - one.mean()) * (1 - two.mean())
            if expected < 1:
                kappa[i, j] = kappa[j, i] = ((one == two).mean() - expected) / (1 - expected)
    return kappa


def trials(n_participants: int = 50, n_units: int = 40, repeats: int = 5) -> pd.DataFrame:
    """Return 10,000 trials with crossed effects."""
    rng = np.random.default_rng(0)
    p = np.repeat(np.arange(n_participants), n_units * repeats)
    u = np.tile(np.repeat(np.arange(n_units), repeats), n_participants)
    c = rng.integers(0, 3, len(p))
    logit = 0.5 + np.array([0, 0.8, -0.3])[c]
    logit = logit + rng.normal(0, 0.6, n_participants)[p] + rng.normal(0, 0.8, n_units)[u]
    right = rng.random(len(p)) < 1 / (1 + np.exp(-logit))
    condition = np.array(["natural", "none", "synthetic"])[c]
    return pd.DataFrame(
        {"participant": p, "unit": u, "reference_condition": condition, "correct": right}
    )


def gpboost_s(frame: pd.DataFrame) -> float | None:
    """Return gpboost's time for the same model, None where it is not installed."""
    try:
        import gpboost
    except ImportError:
        return None
    x = pd.get_dummies(frame["reference_condition"], drop_first=True).to_numpy(float)
    x = np.column_stack([np.ones(len(x)), x])
    groups, y = frame[["participant", "unit"]].to_numpy(), frame["correct"].to_numpy(float)

    def fit() -> None:
        gpboost.GPModel(group_data=groups, likelihood="bernoulli_logit").fit(y=y, X=x)

    return seconds(fit)


def main() -> None:
    """Measure and print the table."""
    found, frame = observers(), trials()
    matrix_s = seconds(lambda: kappa_matrix(found.correct))
    pairs_s = seconds(lambda: kappa_pair_by_pair(found.correct), 1)
    whole_s = seconds(lambda: agreement(found, 2000), 1)
    mixed_s = seconds(lambda: mixed_logistic(frame))
    other_s = gpboost_s(frame)
    print("| work | seconds | times the usual way |")
    print("|---|---|---|")
    print(f"| kappa matrix of 300 observers | {matrix_s:.3f} | {pairs_s / matrix_s:.0f} |")
    print(f"| and its intervals with 2,000 bootstraps | {whole_s:.2f} | |")
    ratio = f"{other_s / mixed_s:.1f} (gpboost)" if other_s else ""
    print(f"| mixed logistic model of 10,000 trials | {mixed_s:.2f} | {ratio} |")


if __name__ == "__main__":
    main()
