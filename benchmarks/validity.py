"""Coverage of intervals and false positives of tests, by long simulations with known truth.

    python benchmarks/validity.py --studies 300
    python benchmarks/validity.py --only kappa reliability

Prints a Markdown table; ``docs/validity.md`` has one with its date.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1]))

from validity_of_choices import CHOICES
from validity_of_estimates import ESTIMATES

CHECKS = CHOICES | ESTIMATES
"""Name of a check to a function that takes a seed and returns what a study found: True, False, or
a number that is averaged."""


def main() -> None:
    """Run the simulations and print their table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--only", nargs="+", choices=sorted(CHECKS), default=list(CHECKS))
    given = parser.parse_args()
    print("| quantity | target | found | studies |")
    print("|---|---|---|---|")
    for name in given.only:
        found: dict[tuple[str, str], list[float]] = defaultdict(list)
        for seed in tqdm(range(given.studies), desc=name, unit="study", file=sys.stderr):
            for key, value in CHECKS[name](seed).items():
                found[key].append(value)
        for (what, wanted), values in found.items():
            known = np.array(values, float)[np.isfinite(np.array(values, float))]
            share = all(isinstance(value, bool | np.bool_) for value in values)
            text = f"{100 * known.mean():.1f} %" if share else f"{known.mean():.3f}"
            print(f"| {what} | {wanted} | {text} | {len(known)} |", flush=True)


if __name__ == "__main__":
    main()
