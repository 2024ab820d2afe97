"""Speed of loading logs: from the cache, from the files, and row by row, in one run.

    python benchmarks/load_speed.py [--rows 200000] [--session 1000] [--large 10000000]

Writes sessions of ``--session`` trials into a temporary folder and prints a Markdown table.
``--large`` adds the cache alone with that many rows of nine columns, repeated from those read.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from analysis.logs import cache
from analysis.logs.load import load_log
from analysis.logs.sessions import Log
from unitscope.columns import log_columns, names
from unitscope.tables import write_csv

TRIALS_A_SESSION = 1000
ROWS_OF_THE_LOOP = 2000
COLUMNS = (
    *("participant", "session", "observer_kind", "trial_role", "reference_condition", "unit"),
    *("correct", "confidence", "rt_s"),
)
"""What a comparison of conditions needs."""


def write_logs(folder: Path, rows: int, a_session: int = TRIALS_A_SESSION) -> None:
    """Write sessions of ``a_session`` trials each until there are ``rows`` trials."""
    for participant in range(1, -(-rows // a_session) + 1):
        session = folder / f"sub-p{participant:05d}" / "ses-01"
        session.mkdir(parents=True)
        write_csv(_trials(participant, a_session), session / "trials.csv", log_columns("two_afc"))
        (session / "session.json").write_text(json.dumps(_facts(a_session)), encoding="utf-8")


def _facts(n: int) -> dict[str, Any]:
    run = {
        "began_utc": "2024-05-06T08:55:00.000+00:00",
        "ended_utc": "2024-05-06T11:00:00.000+00:00",
    }
    return {"end_reason": "completed", "trials": n, "trials_completed": n, "runs": [run]}


def _trials(participant: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(participant)
    trial = np.arange(1, n + 1)
    right = rng.random(n) < 0.8
    answer = rng.integers(0, 2, n)
    onset_s = trial * 4.0
    rt_s = np.round(rng.lognormal(0.2, 0.4, n), 4)
    columns: dict[str, Any] = {column.name: "" for column in log_columns("two_afc")}
    columns |= {
        **{"participant": f"p{participant:05d}", "session": 1, "run": 1},
        **{"observer_kind": "simulated", "observer": "graded", "design": "large"},
        **{"design_sha256": "0" * 64, "stimulus_set": "large", "manifest_sha256": "1" * 64},
        **{"task": "two_afc", "participant_number": participant, "trial_number": trial},
        **{"block_number": 1, "block_name": "main", "trial_in_block": trial, "trial_role": "main"},
        "reference_condition": np.array(["natural", "synthetic"])[trial % 2],
        **{"network": "googlenet", "layer": "inception4a", "channel": trial // 2 % 500},
        **{"unit_pool": "main", "batch": 1, "query_a": "a.png", "query_b": "b.png"},
        **{"activation_a": 1.5, "activation_b": 2.5},
        "correct_choice": np.array(["a", "b"])[answer],
        "choice": np.array(["a", "b"])[np.where(right, answer, 1 - answer)],
        **{"trial_began_utc": "2024-05-06T09:00:00.000+00:00", "fixation_onset_s": onset_s - 0.5},
        **{"onset_s": onset_s, "response_s": onset_s + rt_s, "rt_s": rt_s, "correct": right},
        **{"timed_out": False, "early_presses": 0, "paused_s": 0.0, "exposures": 1},
        "trial_end_s": onset_s + 3,
        **{"response_source": "simulated", "frames": 200, "dropped_frames": 0},
        **{"photodiode": "off", "response_key": "f", "confidence": rng.integers(1, 4, n)},
    }
    return pd.DataFrame(columns, index=range(n))[names(log_columns("two_afc"))]


def seconds(work: Callable[[], object]) -> float:
    """Return how long the work takes."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def row_loop(folder: Path) -> float:
    """Return the seconds that a loop over the rows of a data frame takes per row."""
    file = min(folder.glob("sub-*/ses-*/trials.csv"))

    kept: list[dict[str, Any]] = []

    def loop() -> None:
        while len(kept) < ROWS_OF_THE_LOOP:
            for _, row in pd.read_csv(file).iterrows():
                kept.append({name: row[name] for name in row.index})
        pd.DataFrame(kept)

    return seconds(loop) / len(kept)


def large_cache(log: Log, rows: int, folder: Path) -> float:
    """Return the seconds that reading many rows from the cache takes."""
    times = -(-rows // len(log.trials))
    many = pd.concat([log.trials[list(COLUMNS)]] * times, ignore_index=True).iloc[:rows]
    (folder / "logs" / "ses-01").mkdir(parents=True)
    many_log = Log(many, log.sessions)
    cache.load_cached(folder / "logs", lambda _: many_log, folder / "cache")
    return seconds(lambda: cache.load_cached(folder / "logs", _refuse, folder / "cache"))


def _refuse(path: Path) -> Log:
    raise RuntimeError(f"{path}: expected to be read from the cache")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--session", type=int, default=TRIALS_A_SESSION, help="trials of a session")
    parser.add_argument("--large", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        logs, place = Path(name) / "logs", Path(name) / "cache"
        write_logs(logs, given.rows, given.session)
        n = -(-given.rows // given.session) * given.session
        found: list[Log] = []
        plain = seconds(lambda: found.append(load_log(logs, cache=False)))
        log = found[0]
        rows = [
            (f"row by row with pandas ({ROWS_OF_THE_LOOP:,} rows, scaled)", n, row_loop(logs) * n),
            ("the files, every cell checked", n, plain),
            ("the same, and the cache written", n, seconds(lambda: load_log(logs, cache=place))),
            ("the cache, all columns", n, seconds(lambda: load_log(logs, cache=place))),
            (
                f"the cache, {len(COLUMNS)} columns",
                n,
                seconds(lambda: load_log(logs, cache=place, columns=COLUMNS)),
            ),
        ]
        if given.large:
            took_s = large_cache(log, given.large, Path(name) / "large")
            rows.append((f"the cache, {len(COLUMNS)} columns", given.large, took_s))
    print("| from | rows | seconds | rows/s | times the files | times row by row |")
    print("|---|---|---|---|---|---|")
    loop_rate, plain_rate = n / rows[0][2], n / plain
    for what, number, took_s in rows:
        rate = number / took_s
        ratios = f"{rate / plain_rate:.3g} | {rate / loop_rate:.3g}"
        print(f"| {what} | {number:,} | {took_s:.2f} | {rate:,.0f} | {ratios} |")


if __name__ == "__main__":
    main()
