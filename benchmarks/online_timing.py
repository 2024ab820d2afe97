"""Measure the timing of online sessions in headless Chromium against keys injected from outside.

``python benchmarks/online_timing.py --trials 60`` serves a study, lets a browser take part, and
injects a key into it a while after the images came on. The injection's time by this machine's
clock is compared with the response that was logged.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from conditions.design.reading import find_design, read_design  # noqa: E402
from conditions.trials.condition_tables import write_tables  # noqa: E402
from experiments.online.online_study import OnlineSettings, OnlineStudy  # noqa: E402
from tests.conftest import write_stimulus_set  # noqa: E402
from tests.experiments.online.browser_robot import browser_page, is_over, next_phase, press_on  # noqa: E402
from tests.experiments.online.conftest import served  # noqa: E402
from unitscope.columns import FRAME_COLUMNS, log_columns  # noqa: E402
from unitscope.errors import run_command  # noqa: E402
from unitscope.tables import read_csv  # noqa: E402

FIXATION_S, FEEDBACK_S = 0.5, 0.4


def _study(folder: Path) -> OnlineStudy:
    settings = yaml.safe_load(find_design("demo_two_afc").read_text(encoding="utf-8"))
    settings["name"] = "online_timing"
    settings["durations"] = {
        "fixation_s": FIXATION_S,
        "chosen_s": 0.2,
        "feedback_s": FEEDBACK_S,
        "blank_s": 0.1,
    }
    settings["blocks"]["main_natural"]["trials"] = settings["blocks"]["main_synthetic"]["trials"]
    path = folder / "online_timing.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    stimuli = write_stimulus_set(folder / "toy", size_px=224)
    write_tables(path, stimuli, [1, 2, 3], folder / "tables")
    given = OnlineSettings(tables=folder / "tables", data=folder / "data", stimuli=stimuli)
    return OnlineStudy(read_design(path), [1, 2, 3], given)


def _measure(arguments: argparse.Namespace) -> None:
    rng = np.random.default_rng(0)
    errors_ms: list[float] = []
    fixation_ms: list[float] = []
    feedback_ms: list[float] = []
    framed_ms: list[float] = []
    dropped = frames = 0
    with tempfile.TemporaryDirectory() as made, served(study := _study(Path(made))) as address:
        for person in range(3):
            injected_s: list[float] = []
            with browser_page() as page:
                page.goto(f"{address}?participant=p{person}")
                origin_s = page.evaluate("performance.timeOrigin") / 1000
                now = ("", "")
                while len(injected_s) + len(errors_ms) < arguments.trials:
                    now = next_phase(page, now)
                    if now[1] == "page":
                        if is_over(page):
                            break
                        press_on(page)
                    elif now[1] == "queries":
                        time.sleep(float(rng.uniform(0.3, 0.8)))
                        injected_s.append(time.time() - origin_s)
                        page.keyboard.down("f")
                        page.keyboard.up("f")
                page.wait_for_timeout(1500)
            folder = Path(made) / "data" / "online_timing" / f"sub-p{person + 1:03d}" / "ses-01"
            log = read_csv(folder / "trials.csv", log_columns("two_afc"))
            flips = read_csv(folder / "frames.csv", FRAME_COLUMNS)
            pairs = zip(log["response_s"], injected_s, strict=False)
            errors_ms += [1000 * (logged - then) for logged, then in pairs]
            fixation_ms += list(1000 * (log["onset_s"] - log["fixation_onset_s"] - FIXATION_S))
            blank = flips[flips["phase"] == "blank"].groupby("trial_number")["flip_s"].min()
            shown = log.set_index("trial_number")["feedback_onset_s"]
            feedback_ms += list((1000 * (blank - shown - FEEDBACK_S)).dropna())
            chosen = flips[flips["phase"] == "chosen"].groupby("trial_number")["flip_s"].min()
            answered = log.set_index("trial_number")["response_s"]
            framed_ms += list((1000 * (chosen - answered)).dropna())
            dropped += int(log["dropped_frames"].sum())
            frames += int(log["frames"].sum())
            if len(errors_ms) >= arguments.trials:
                break
        study.close()
    print("| what | number | median | 5 % | 95 % | sd |\n|---|---|---|---|---|---|")
    for what, values in (
        ("logged response minus injection", errors_ms),
        ("fixation minus its duration", fixation_ms),
        ("feedback minus its duration", feedback_ms),
        ("choice framed after the response", framed_ms),
    ):
        low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
        print(
            f"| {what} | {len(values)} | {median:.1f} ms | {low:.1f} ms | {high:.1f} ms "
            f"| {np.std(values):.1f} ms |"
        )
    print(f"{dropped} of {frames} frames were late")


def main() -> int:
    """Run the command line; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    return run_command(parser, _measure)


if __name__ == "__main__":
    sys.exit(main())
