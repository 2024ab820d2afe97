"""Speed and memory of the mixed models, by the number of sessions, beside lme4.

    python benchmarks/mixed_model_speed.py [--sessions 120 500 2000] [--units 80] [--lme4-up-to 120]

Prints a Markdown table. Every size is measured in a process of its own; lme4 takes turns with it
where Rscript and lme4 are installed, up to ``--lme4-up-to`` sessions, for it takes long.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from analysis.statistics.mixed_contrasts import mixed_contrasts
from analysis.statistics.mixed_models import mixed_linear, mixed_logistic

TRIALS_A_SESSION = 23
CONDITIONS = {"natural": 1.2, "synthetic": 0.6, "none": 0.0}
SD = 0.5
SLOPES = ("reference_condition",)

LME4 = """
suppressMessages(library(lme4))
trials <- read.csv(commandArgs(TRUE)[1])
random <- "(reference_condition | participant) + (reference_condition | unit)"
took <- function(code) system.time(suppressWarnings(suppressMessages(code)))[["elapsed"]]
right <- as.formula(paste("correct ~ reference_condition +", random))
times <- as.formula(paste("log_rt ~ reference_condition +", random))
cat(took(glmer(right, trials, binomial)), took(lmer(times, trials)))
"""


def study(sessions: int, units: int, seed: int = 0) -> pd.DataFrame:
    """Return trials of participants who each meet other units, each in one condition."""
    rng = np.random.default_rng(seed)
    n_conditions = len(CONDITIONS)
    p = np.repeat(np.arange(sessions), TRIALS_A_SESSION)
    c = np.tile(np.arange(TRIALS_A_SESSION) % n_conditions, sessions)
    u = np.concatenate([rng.permutation(units)[:TRIALS_A_SESSION] for _ in range(sessions)])
    of_participants, of_units = (
        rng.normal(0, SD, (n, 1)) + rng.normal(0, SD, (n, n_conditions)) for n in (sessions, units)
    )
    logit = np.array(list(CONDITIONS.values()))[c] + of_participants[p, c] + of_units[u, c]
    log_rt = 0.5 - 0.1 * logit + rng.normal(0, 0.4, len(p))
    return pd.DataFrame(
        {
            "participant": p,
            "unit": u,
            "reference_condition": np.array(list(CONDITIONS))[c],
            "correct": rng.random(len(p)) < 1 / (1 + np.exp(-logit)),
            "log_rt": log_rt,
            "rt_s": np.exp(log_rt),
        }
    )


def measure(sessions: int, units: int) -> dict[str, float]:
    """Return the seconds of both models with slopes, and of all that a report fits; and memory."""
    import resource

    trials = study(sessions, units)
    times = [time.perf_counter()]
    mixed_logistic(trials, slopes=SLOPES)
    times.append(time.perf_counter())
    mixed_linear(trials, "log_rt", slopes=SLOPES)
    times.append(time.perf_counter())
    mixed_contrasts(trials)
    times.append(time.perf_counter())
    logistic_s, linear_s, report_s = np.diff(times).tolist()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mib = peak / 1024 ** (2 if sys.platform == "darwin" else 1)
    return {"logistic": logistic_s, "linear": linear_s, "report": report_s, "mib": mib}


def in_a_process(sessions: int, units: int) -> dict[str, float]:
    """Return what :func:`measure` does in a process of its own."""
    command = [sys.executable, __file__, "--units", str(units), "--measure", str(sessions)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def lme4_s(sessions: int, units: int) -> tuple[float, float] | None:
    """Return lme4's times for both models with slopes, None where it is not installed."""
    if not shutil.which("Rscript"):
        return None
    with tempfile.TemporaryDirectory() as name:
        trials, script = Path(name) / "trials.csv", Path(name) / "lme4.R"
        study(sessions, units).astype({"correct": int}).to_csv(trials, index=False)
        script.write_text(LME4, encoding="utf-8")
        done = subprocess.run(["Rscript", script, trials], capture_output=True, text=True)
    if done.returncode:
        return None
    logistic_s, linear_s = map(float, done.stdout.split())
    return logistic_s, linear_s


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, nargs="+", default=[120, 500, 2000])
    parser.add_argument("--units", type=int, default=80)
    parser.add_argument("--lme4-up-to", type=int, default=120, metavar="SESSIONS")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    units = arguments.units
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, units)))
        return
    print("| sessions | trials | logistic, slopes (s) | lme4 | linear, slopes (s) | lme4 |", end="")
    print(" models of a report (s) | peak memory (MiB) |")
    print("|---|---|---|---|---|---|---|---|")
    for sessions in arguments.sessions:
        ours = in_a_process(sessions, units)
        theirs = lme4_s(sessions, units) if sessions <= arguments.lme4_up_to else None
        ratios = [
            f"{other:.3g} s, {other / own:.3g} times as long" if other else ""
            for own, other in zip(
                (ours["logistic"], ours["linear"]), theirs or (None, None), strict=True
            )
        ]
        print(
            f"| {sessions:,} | {sessions * TRIALS_A_SESSION:,} "
            f"| {ours['logistic']:.3g} | {ratios[0]} | {ours['linear']:.3g} | {ratios[1]} "
            f"| {ours['report']:.3g} | {ours['mib']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
