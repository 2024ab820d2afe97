"""Speed and memory of the mixed models, by the number of sessions, beside lme4.

    python benchmarks/mixed_model_speed.py [--sessions 120 500 2000] [--units 80] [--lme4-up-to 120]

Prints a Markdown table. Every size is measured in a process of its own; lme4 takes turns with it
where Rscript and lme4 are installed, up to ``--lme4-up-to`` sessions, for it takes long. Times are
those of the processor: ours use one thread, so that they are those of the clock where nothing else
runs.
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
right <- as.formula(paste("correct ~ reference_condition +", random))
times <- as.formula(paste("log_rt ~ reference_condition +", random))
tell <- function(model, ...) {
  took <- system.time(fit <- suppressWarnings(suppressMessages(model(...))))
  cat(took[["user.self"]] + took[["sys.self"]], sprintf("%.4f\n", logLik(fit)))
}
tell(glmer, right, trials, binomial)
tell(lmer, times, trials)
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
    """Return seconds and log likelihoods of both models, seconds of a report's, and memory."""
    import resource

    trials = study(sessions, units)
    times = [time.process_time()]
    logistic = mixed_logistic(trials, slopes=SLOPES)
    times.append(time.process_time())
    linear = mixed_linear(trials, "log_rt", slopes=SLOPES)
    times.append(time.process_time())
    mixed_contrasts(trials)
    times.append(time.process_time())
    logistic_s, linear_s, report_s = np.diff(times).tolist()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "logistic_s": logistic_s,
        "logistic_log_likelihood": -logistic.deviance / 2,
        "linear_s": linear_s,
        "linear_log_likelihood": -linear.deviance / 2,
        "report_s": report_s,
        "peak_mib": peak / 1024 ** (2 if sys.platform == "darwin" else 1),
    }


def in_a_process(sessions: int, units: int) -> dict[str, float]:
    """Return what :func:`measure` does in a process of its own."""
    command = [sys.executable, __file__, "--units", str(units), "--measure", str(sessions)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def lme4(sessions: int, units: int) -> dict[str, float]:
    """Return lme4's seconds and log likelihoods; nothing where it is not installed."""
    if not shutil.which("Rscript"):
        return {}
    with tempfile.TemporaryDirectory() as name:
        trials, script = Path(name) / "trials.csv", Path(name) / "lme4.R"
        study(sessions, units).astype({"correct": int}).to_csv(trials, index=False)
        script.write_text(LME4, encoding="utf-8")
        done = subprocess.run(["Rscript", script, trials], capture_output=True, text=True)
    if done.returncode:
        return {}
    keys = ("logistic_s", "logistic_log_likelihood", "linear_s", "linear_log_likelihood")
    return dict(zip(keys, map(float, done.stdout.split()), strict=True))


def compared(model: str, ours: dict[str, float], theirs: dict[str, float]) -> str:
    """Return how long lme4 took, and how much worse the fit is where it stopped."""
    if not theirs:
        return ""
    took_s, likelihood = theirs[f"{model}_s"], theirs[f"{model}_log_likelihood"]
    lower = ours[f"{model}_log_likelihood"] - likelihood
    words = f"{took_s:.3g} s, {took_s / ours[f'{model}_s']:.3g} times"
    return f"{words}; log likelihood lower by {lower:.3g}" if abs(lower) > 0.01 else words


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
        theirs = lme4(sessions, units) if sessions <= arguments.lme4_up_to else {}
        print(
            f"| {sessions:,} | {sessions * TRIALS_A_SESSION:,} "
            f"| {ours['logistic_s']:.3g} | {compared('logistic', ours, theirs)} "
            f"| {ours['linear_s']:.3g} | {compared('linear', ours, theirs)} "
            f"| {ours['report_s']:.3g} | {ours['peak_mib']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
