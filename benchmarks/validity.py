"""Do intervals cover, and do tests keep their level? Long simulations with known truth.

    python benchmarks/validity.py --studies 400

Prints a Markdown table; ``docs/validity.md`` holds one with its date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

from analysis.contrasts import compare_conditions
from analysis.estimates import CIUnit
from analysis.mixed import mixed_linear, mixed_logistic
from analysis.performance import accuracy

N_PARTICIPANTS, N_UNITS = 20, 20
PARTICIPANT_SD, UNIT_SD, UNIT_SLOPE_SD = 0.5, 0.7, 0.6
LOGIT = 0.8


def study(seed: int, effect: float, unit_slope_sd: float = UNIT_SLOPE_SD) -> pd.DataFrame:
    """Simulate a study of two conditions in which every participant meets every unit twice.

    Parameters
    ----------
    seed
        Fixes participants, units and answers.
    effect
        Difference of the conditions, in logits.
    unit_slope_sd
        How much the difference varies from unit to unit.
    """
    rng = np.random.default_rng(seed)
    of_participant = rng.normal(0, PARTICIPANT_SD, N_PARTICIPANTS)
    of_unit = rng.normal(0, UNIT_SD, N_UNITS)
    slope = effect + rng.normal(0, unit_slope_sd, N_UNITS)
    p, u, c = (index.ravel() for index in np.indices((N_PARTICIPANTS, N_UNITS, 2)).reshape(3, -1))
    logit = LOGIT + of_participant[p] + of_unit[u] + (c - 0.5) * slope[u]
    log_rt = 0.3 + 0.2 * of_participant[p] + 0.15 * of_unit[u] + rng.normal(0, 0.4, len(p))
    return pd.DataFrame(
        {
            "participant": p,
            "unit": u,
            "reference_condition": np.where(c == 1, "natural", "none"),
            "correct": rng.random(len(p)) < 1 / (1 + np.exp(-logit)),
            "log_rt": log_rt,
        }
    )


def expected_accuracy() -> float:
    """Return the accuracy that new participants with new units have on average."""
    rng = np.random.default_rng(0)
    spread = np.sqrt(PARTICIPANT_SD**2 + UNIT_SD**2 + UNIT_SLOPE_SD**2 / 4)
    return float((1 / (1 + np.exp(-rng.normal(LOGIT, spread, 2_000_000)))).mean())


def main() -> None:
    """Run the simulations and print their table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--mixed", type=int, default=100, help="studies for the mixed models")
    arguments = parser.parse_args()
    units: tuple[CIUnit, ...] = ("crossed", "participant", "unit", "trial")
    truth = expected_accuracy()
    covered: dict[str, list[bool]] = {unit: [] for unit in units}
    false_alarms: dict[str, list[bool]] = {unit: [] for unit in units}
    fixed_units: dict[str, list[bool]] = {unit: [] for unit in units}
    for seed in tqdm(range(arguments.studies), desc="intervals and contrasts", unit="study"):
        trials, plain = study(seed, 0.0), study(10_000_000 + seed, 0.0, 0.0)
        for unit in units:
            found = accuracy(trials, (), unit).iloc[0]
            covered[unit].append(bool(found["low"] <= truth <= found["high"]))
            false_alarms[unit].append(bool(compare_conditions(trials, unit)["p"].iloc[0] < 0.05))
            fixed_units[unit].append(bool(compare_conditions(plain, unit)["p"].iloc[0] < 0.05))
    logistic: list[bool] = []
    linear: list[bool] = []
    for seed in tqdm(range(arguments.mixed), desc="mixed models", unit="study"):
        trials = study(20_000_000 + seed, 0.8, 0.0)
        fit = mixed_logistic(trials).coefficients.iloc[1]
        # The second level is compared with the first: none against natural.
        logistic.append(bool(fit["low"] <= -0.8 <= fit["high"]))
        fit = mixed_linear(trials, "log_rt").coefficients.iloc[1]
        linear.append(bool(fit["low"] <= 0 <= fit["high"]))
    print(f"{arguments.studies} studies, {N_PARTICIPANTS} participants x {N_UNITS} units\n")
    heads = ("interval for", "covers new participants and units")
    heads += ("rejects no effect that varies over units", "rejects no effect at all")
    print("| " + " | ".join(heads) + " |")
    print("|---|---|---|---|")
    for unit in units:
        cells = (covered[unit], false_alarms[unit], fixed_units[unit])
        print(f"| {unit} | " + " | ".join(f"{100 * np.mean(cell):.1f} %" for cell in cells) + " |")
    print(f"\nMixed models, {arguments.mixed} studies: intervals of 95 % cover in")
    print(f"{100 * np.mean(logistic):.0f} % (logistic), {100 * np.mean(linear):.0f} % (linear).")


if __name__ == "__main__":
    main()
