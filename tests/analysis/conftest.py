"""Simulated studies: frames for recovery tests, and whole logs on the disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special

from analysis.report.section import Section
from analysis.report.sections import sections_of
from conditions.design.reading import read_design
from conditions.trials.condition_tables import participant_id, write_tables
from conditions.trials.table_maker import TableMaker
from experiments.runner import simulation
from experiments.runner.observers import make_observer, observer_kind
from experiments.runner.request import Request
from experiments.runner.session import Session
from tests.conftest import KINDS_OF_OCCLUSION, write_stimulus_set
from unitscope.columns import FRAME_COLUMNS, log_columns, names
from unitscope.stimulus_set import StimulusSet
from unitscope.tables import write_csv
from unitscope.vocabulary import Unit

FRAME_S = 1 / 60


def simulate_trials(
    rng: np.random.Generator,
    logits: Mapping[str, float],
    *,
    participants: int = 24,
    units: int = 6,
    participant_sd: float = 0.5,
    unit_sd: float = 0.5,
    participant_effect_sd: float = 0.0,
    unit_effect_sd: float = 0.0,
) -> pd.DataFrame:
    """Simulate participants who meet every unit once in every condition.

    The logit of a right answer is the condition's, plus a participant's and a unit's own part,
    plus what a participant and a unit add to each condition.
    """
    ability = rng.normal(0, participant_sd, participants)
    ease = rng.normal(0, unit_sd, units)
    parts = []
    for condition, logit in logits.items():
        ability_here = ability + rng.normal(0, participant_effect_sd, participants)
        ease_here = ease + rng.normal(0, unit_effect_sd, units)
        chance = special.expit(logit + ability_here[:, None] + ease_here[None, :])
        right = rng.random(chance.shape) < chance
        person, unit = np.indices(right.shape)
        parts.append(
            pd.DataFrame(
                {
                    "participant": [f"p{i:03d}" for i in person.ravel()],
                    "unit": [f"u{i:02d}" for i in unit.ravel()],
                    "reference_condition": condition,
                    "correct": right.ravel(),
                    "trial_role": "main",
                }
            )
        )
    return pd.concat(parts, ignore_index=True).astype({"correct": "boolean"})


class StudyWriter:
    """Writes sessions of the demo design as the runner would have logged them.

    Parameters
    ----------
    stimuli
        Folder of a stimulus set.
    data
        Folder of all logs.
    """

    def __init__(self, stimuli: Path, data: Path) -> None:
        self._maker = TableMaker(read_design("demo_two_afc"), StimulusSet.open(stimuli))
        self.folder = data / self._maker.design.name
        self._tables: dict[int, pd.DataFrame] = {}

    def table(self, number: int) -> pd.DataFrame:
        """Return a participant's condition table."""
        if number not in self._tables:
            self._tables[number] = self._maker.table(number)
        return self._tables[number]

    def write_session(
        self,
        participant: str,
        number: int,
        *,
        kind: str = "simulated",
        observer: str | None = "graded",
        share_right: Mapping[str, float] | None = None,
        catch_right: float = 0.95,
        trials: int | None = None,
        end_reason: str = "completed",
        resumed_after: int | None = None,
        windowed: bool = False,
        always: str | None = None,
        session: int = 1,
        seed: int = 0,
    ) -> Path:
        """Write one session and return its folder.

        ``share_right`` is the probability of a right answer by reference condition; ``trials``
        cuts the session short; ``always`` is the only key side pressed.
        """
        rng = np.random.default_rng([seed, number, session])
        chances = share_right or {"none": 0.5, "natural": 0.85, "synthetic": 0.7}
        keys = {answer: key for key, answer in self._maker.design.keys.response.items()}
        clock_s, rows, frames = 5.0, [], []
        began = datetime(2024, 5, 6, 9, tzinfo=timezone.utc) + timedelta(hours=number)
        for row in self.table(number).head(trials).to_dict("records"):
            catch = row["trial_role"] == "catch"
            chance = catch_right if catch else chances[row["reference_condition"]]
            right = bool(rng.random() < chance)
            choice = row["correct_choice"]
            if always is None and not right:
                choice = "b" if choice == "a" else "a"
            choice = always or choice
            right = choice == row["correct_choice"]
            sure = 1 + int(rng.binomial(2, 0.65 if right else 0.35))
            rt_s = float(0.5 + rng.lognormal(0.1 if right else 0.4, 0.45))
            onset_s = clock_s + self._maker.design.durations.fixation_s
            n_frames = round((0.4 + rt_s + 1.1) * 60)
            intervals = rng.normal(FRAME_S, 0.0002, n_frames)
            if windowed:
                intervals[rng.random(n_frames) < 0.001] *= 2
            run = 1 if resumed_after is None or row["trial_number"] <= resumed_after else 2
            rows.append(
                {
                    "participant": participant,
                    "session": session,
                    "run": run,
                    "observer_kind": kind,
                    "observer": observer,
                    **row,
                    "trial_began_utc": (began + timedelta(seconds=clock_s)).isoformat(
                        timespec="milliseconds"
                    ),
                    "fixation_onset_s": clock_s,
                    "onset_s": onset_s,
                    "response_s": onset_s + rt_s,
                    "rt_s": rt_s,
                    "response_key": keys[choice, sure],
                    "choice": choice,
                    "confidence": sure,
                    "correct": right,
                    "timed_out": False,
                    "early_presses": int(rng.random() < 0.02),
                    "paused_s": 0.0,
                    "exposures": 1,
                    "feedback_onset_s": onset_s + rt_s + 0.3,
                    "trial_end_s": onset_s + rt_s + 1.1,
                    "response_source": "keyboard-ptb" if windowed else "simulated",
                    "frames": n_frames,
                    "dropped_frames": int((intervals > 1.5 * FRAME_S).sum()),
                    "largest_frame_interval_s": float(intervals.max()),
                    "photodiode": "off",
                }
            )
            flips = clock_s + np.cumsum(intervals)
            frames += [
                {
                    "run": run,
                    "trial_number": row["trial_number"],
                    "frame": i,
                    "flip_s": flip,
                    "interval_s": interval,
                    "phase": "fixation" if i < 24 else "queries",
                }
                for i, (flip, interval) in enumerate(zip(flips, intervals, strict=True), start=1)
            ]
            clock_s = onset_s + rt_s + 1.2
        folder = self.folder / f"sub-{participant}" / f"ses-{session:02d}"
        folder.mkdir(parents=True)
        frame = pd.DataFrame(rows, columns=names(log_columns("two_afc")))
        write_csv(frame, folder / "trials.csv", log_columns("two_afc"))
        if windowed:
            write_csv(pd.DataFrame(frames), folder / "frames.csv", FRAME_COLUMNS)
        n_runs = 1 if resumed_after is None else 2
        facts: dict[str, Any] = {
            "design": self._maker.design.name,
            "participant": participant,
            "session": session,
            "observer_kind": kind,
            "observer": observer,
            "end_reason": end_reason,
            "trials": len(self.table(number)),
            "runs": [{"end_reason": "completed"}] * n_runs,
        }
        (folder / "session.json").write_text(json.dumps(facts), encoding="utf-8")
        return folder

    def write_demo(self, simulated: int = 24, machines: int = 12) -> Path:
        """Write a study like the demo and return its folder.

        One session was run in a window, one resumed, one left unfinished, one always on one side.
        """
        for i in range(1, simulated + 1):
            self.write_session(
                participant_id(i),
                i,
                windowed=i == 1,
                trials=11 if i == 5 else None,
                end_reason="aborted" if i == 5 else "completed",
                resumed_after=8 if i == 3 else None,
                always="a" if i == 7 else None,
            )
        for i in range(1, machines + 1):
            self.write_session(
                f"m{i:03d}",
                i,
                kind="machine",
                observer="similarity",
                share_right={"none": 0.5, "natural": 0.7, "synthetic": 0.55},
                catch_right=1.0,
                seed=1,
            )
        return self.folder


@pytest.fixture
def draw_only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that leaves reports the figures of some names; drawing takes time."""

    def leave(*drawn: str) -> None:
        def own(task: str) -> tuple[Section, ...]:
            return tuple(
                replace(s, drawings=tuple(d for d in s.drawings if d.name in drawn))
                for s in sections_of(task)
            )

        monkeypatch.setattr("analysis.report.report.sections_of", own)

    return leave


@pytest.fixture
def simulate() -> Callable[..., pd.DataFrame]:
    """Simulate trials with known parameters."""
    return simulate_trials


@pytest.fixture
def study(stimulus_set: Path, tmp_path: Path) -> StudyWriter:
    """Write sessions below the test's own folder."""
    return StudyWriter(stimulus_set, tmp_path / "data")


@pytest.fixture(scope="session")
def demo_study(stimulus_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study like the demo, shared and never changed."""
    return StudyWriter(stimulus_set, tmp_path_factory.mktemp("demo") / "data").write_demo()


Runs = tuple[tuple[str, int, int], ...]
USUAL: dict[str, Runs] = {
    "two_afc": (("graded", 1, 6),),
    "occlusion": (("graded", 1, 15), ("centre", 16, 17), ("variance", 21, 22)),
    "exemplar_matching": (("graded", 1, 5),),
}


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the folder of a task's simulated study, never changed."""
    made: dict[str, Path] = {}

    def folder(task: str) -> Path:
        if task not in made:
            made[task] = write_task_study(task, tmp_path_factory.mktemp(task), USUAL[task])
        return made[task]

    return folder


def write_task_study(task: str, folder: Path, runs: Runs) -> Path:
    design = read_design(f"demo_{task}")
    depths = read_design("demo_exemplar_matching").matching.depths.values()  # type: ignore[union-attr]
    layers = [layer for own in depths for layer in own]
    stimuli = write_stimulus_set(
        folder / "set",
        units=[Unit("toy", layers[i % 5], ("1x1", "pool")[i % 2], i) for i in range(15)],
        kinds=KINDS_OF_OCCLUSION if task == "occlusion" else ("natural", "synthetic"),
        size_px=16,
    )
    for observer, first, last in runs:
        numbers = list(range(first, last + 1))
        tables = write_tables(Path(design.path), stimuli, numbers, folder / "tables")
        for number, table in zip(numbers, tables, strict=True):
            request = Request(
                design=design,
                participant=participant_id(number),
                table=table,
                stimuli=stimuli,
                data=folder / "data",
                observer_kind=observer_kind(observer, task),
                observer=observer,
            )
            session = Session.open(request)
            simulation.simulate(session, make_observer(observer, number, session.stimuli.file))
    return folder / "data" / design.name
