"""Speed of the analysis, beside that of straightforward code in the same run.

    python benchmarks/analysis_speed.py

Prints a Markdown table. gpboost and metadpy are compared with where they are installed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from load_speed import large_cache, row_loop, write_logs

from analysis.logs.load import load_log
from analysis.report.report import write_report
from analysis.statistics.agreement import Answers, agreement, kappa_matrix
from analysis.statistics.confidence import metacognition
from analysis.statistics.mixed_models import mixed_logistic

DRAWS = 2000
MILLION = 1_000_000


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
    return Answers(correct, groups)


def kappa_pair_by_pair(correct: np.ndarray) -> np.ndarray:
    """Compute the kappa matrix one pair after the other."""
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


def bootstrap_pair_by_pair(correct: np.ndarray, groups: tuple[str, ...], draws: int) -> None:
    """Bootstrap the mean kappa one sample and one pair of groups at a time."""
    kappa, _ = kappa_matrix(correct)
    names = sorted(set(groups))
    members = [np.flatnonzero(np.array(groups) == name) for name in names]
    rng = np.random.default_rng(0)
    for _ in range(draws):
        drawn = [rng.choice(own, len(own)) for own in members]
        for i, one in enumerate(drawn):
            for two in drawn[i:]:
                np.nanmean(kappa[np.ix_(one, two)])


def observer(n: int = 2000) -> pd.DataFrame:
    """Return the choices and confidence of a signal detection observer."""
    rng = np.random.default_rng(0)
    is_b = rng.random(n) < 0.5
    evidence = np.where(is_b, 0.75, -0.75) + rng.normal(0, 1, n)
    sure = 1 + np.searchsorted([0.6, 1.3], np.abs(evidence))
    return pd.DataFrame(
        {
            "choice": np.where(evidence > 0, "b", "a"),
            "correct": (evidence > 0) == is_b,
            "confidence": sure,
        }
    )


def metadpy_s(answers: pd.DataFrame) -> float | None:
    """Return metadpy's time for the same answers, None where it cannot be imported."""
    try:
        from metadpy.mle import metad
    except ImportError:
        return None
    chose_b = answers["choice"] == "b"
    frame = pd.DataFrame(
        {
            "Stimuli": (chose_b == answers["correct"]).astype(int),
            "Responses": chose_b.astype(int),
            "Accuracy": answers["correct"].astype(int),
            "Confidence": answers["confidence"],
        }
    )
    return seconds(lambda: metad(data=frame, nRatings=3, padding=True, verbose=0))


def main() -> None:
    """Measure and print the table."""
    print("| work | seconds | limit (s) | speed-up |")
    print("|---|---|---|---|")

    def row(work: str, took_s: float, most: str = "", other: float | None = None, by: str = ""):
        ratio = f"{other / took_s:.3g} ({by})" if other else by and f"({by} is not installed)"
        print(f"| {work} | {took_s:.3g} | {most} | {ratio} |", flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_logs(folder / "study", 10_000, 200)
        report_s = seconds(lambda: write_report(folder / "study", folder / "report"), 1)
        row("report of 50 participants, 10,000 trials", report_s, "30")
        log = load_log(folder / "study", cache=False)
        load_s = large_cache(log, MILLION, folder / "large")
        loop_s = row_loop(folder / "study") * MILLION
        what = "a million trials loaded (cache, 9 columns)"
        row(what, load_s, "3", loop_s, "pandas, row by row, scaled")
    found, frame, answers = observers(), trials(), observer()
    matrix_s = seconds(lambda: kappa_matrix(found.correct))
    pairs_s = seconds(lambda: kappa_pair_by_pair(found.correct), 1)
    row("kappa matrix of 300 observers", matrix_s, "", pairs_s, "one pair after the other")
    whole_s = seconds(lambda: agreement(found, DRAWS), 1)
    few = DRAWS // 20
    drawn_s = seconds(lambda: bootstrap_pair_by_pair(found.correct, found.groups, few), 1) * 20
    what = "and its intervals with 2,000 bootstrap samples"
    row(what, whole_s, "10", drawn_s, "one sample after the other, scaled")
    mixed_s = seconds(lambda: mixed_logistic(frame))
    row("mixed logistic model of 10,000 trials", mixed_s, "5", gpboost_s(frame), "gpboost")
    slopes_s = seconds(lambda: mixed_logistic(frame, slopes=("reference_condition",)), 1)
    row("the same with correlated slopes over participants and units", slopes_s, "5")
    meta_s = seconds(lambda: metacognition(answers))
    row("meta-d' of 2,000 answers", meta_s, "", metadpy_s(answers), "metadpy")


if __name__ == "__main__":
    main()
