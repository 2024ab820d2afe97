"""The live page and the report say the same of whatever sessions a study has."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.logs.load import load_log
from analysis.statistics.kept_sessions import exclusions as excluded_by_rule
from experiments.lab.watch import watch
from unitscope.columns import log_columns, names
from unitscope.exclusion import MEASURES, Exclusions, Thresholds
from unitscope.tables import write_csv

BEGAN = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
COLUMNS = log_columns("two_afc")
NEUTRAL: dict[str, Any] = {"str": "x", "int": 1, "float": 1.0, "bool": False}
BLANK = {c.name: "" if c.blank else c.levels[0] if c.levels else NEUTRAL[c.type] for c in COLUMNS}
BEFORE = "would be excluded as it stands: "

times_s = st.integers(0, 60)
thresholds = {
    "instruction_s": st.none() | times_s,
    "total_s": st.none() | st.tuples(times_s, st.integers(61, 300)),
    "catch_share": st.none() | st.sampled_from([0.5, 0.6, 1.0]),
    "less_used_side": st.none() | st.integers(0, 3),
    "practice_rounds": st.none() | st.integers(1, 3),
}
exclusions = st.builds(
    Exclusions,
    **thresholds,
    groups=st.dictionaries(
        st.sampled_from(["none", "natural"]), st.builds(Thresholds, **thresholds)
    ),
)
trials = st.tuples(
    st.sampled_from(["main", "main", "catch", "practice"]),
    st.sampled_from(["a", "b", ""]),  # empty where the trial timed out
    st.sampled_from(["a", "b"]),
    st.booleans(),  # whether there was a fixation cross
    st.integers(1, 40),  # s that it took
)
runs = st.tuples(st.lists(trials, max_size=12), st.booleans(), st.integers(0, 30))
persons = st.integers(1, 3)
scales = st.sampled_from([None, None, 1.0, 0.8])
sessions = st.tuples(
    st.lists(runs, min_size=1, max_size=3),
    st.sampled_from(["", "none", "natural", "other"]),
    st.sampled_from(["person", "person", "simulated", "machine"]),
    st.sampled_from(["completed", "aborted", "interrupted"]),
    st.none() | st.integers(1, 4),
    times_s,
    scales,
)


def write_session(
    folder: Path, person: int, number: int, session: tuple[Any, ...], always_a: bool
) -> None:
    """Write the files of a session; a run that crashed has no end."""
    its_runs, group, kind, end_reason, rounds, instruction_s, scale = session
    rows, records, now = [], [], BEGAN
    for run, (own, has_crashed, before_s) in enumerate(its_runs, start=1):
        records.append({"began_utc": now.isoformat(timespec="milliseconds")})
        if scale is not None:
            records[-1]["layout_scale"] = scale
        now += timedelta(seconds=before_s)
        for role, choice, correct, has_cross, took_s in own:
            correct = "a" if always_a else correct
            clock_s = 100.0 * run + len(rows)
            cells = BLANK | {
                **{"participant": f"p{person:03d}", "session": number, "run": run},
                **{"observer_kind": kind, "observer": "" if kind == "person" else "chance"},
                **{"design": "study", "task": "two_afc", "group": group, "trial_role": role},
                **{"trial_number": len(rows) + 1, "participant_number": person},
                **{"correct_choice": correct, "choice": choice, "timed_out": not choice},
                **{"correct": (choice == correct) if choice else ""},
                "trial_began_utc": now.isoformat(timespec="milliseconds"),
                "fixation_onset_s": clock_s if has_cross else "",
                **{"onset_s": clock_s + 0.25 * has_cross, "trial_end_s": clock_s + took_s},
            }
            if choice:
                cells |= {"rt_s": 0.25, "response_s": cells["onset_s"] + 0.25, "confidence": 1}
                cells |= {"response_key": "f"}
            rows.append(cells)
            now += timedelta(seconds=took_s)
        now += timedelta(seconds=7)  # a comment
        if not has_crashed:
            records[-1]["ended_utc"] = now.isoformat(timespec="milliseconds")
    folder.mkdir(parents=True)
    write_csv(pd.DataFrame(rows, columns=names(COLUMNS)), folder / "trials.csv", COLUMNS)
    record = {
        **{"design": "study", "participant": f"p{person:03d}", "session": number, "runs": records},
        **{"observer_kind": kind, "observer": None if kind == "person" else "chance"},
        **{"end_reason": end_reason, "trials": len(rows) + 2, "trials_skipped": 2},
        **{"practice_rounds": rounds, "instruction_s": instruction_s},
    }
    (folder / "session.json").write_text(json.dumps(record), encoding="utf-8")


def said_by_the_report(
    study: Path, given: Exclusions
) -> dict[tuple[str, int], tuple[int, list[str]]]:
    """Return how many rules apply to each participant's session, and what it breaks."""
    log = load_log(study, cache=False)
    measures = {
        rule.name: MEASURES[rule.measure].description
        for rules in given.of_study.values()
        for rule in rules
    }
    keys = log.trials[["participant", "session"]].itertuples(index=False, name=None)
    found: dict[tuple[str, int], tuple[int, list[str]]] = {key: (0, []) for key in keys}
    for row in excluded_by_rule(log.trials, given.of_study, log.sessions).itertuples():
        number, broken = found[row.participant, row.session]
        if row.excluded:
            ends = [end for end in (row.at_least, row.at_most) if not pd.isna(end)]
            only = "at least " if pd.isna(row.at_most) else "at most "
            allowed = f"{ends[0]:g} to {ends[-1]:g}" if len(ends) == 2 else f"{only}{ends[0]:g}"
            broken.append(f"{measures[row.rule]}: {row.value:.4g} (the rule is {allowed})")
        found[row.participant, row.session] = number + (not row.reason), broken
    return found


@given(st.lists(st.tuples(persons, sessions), min_size=1, max_size=4), exclusions, st.booleans())
@settings(max_examples=60, deadline=None)
def test_page_and_report_agree(
    own: list[tuple[int, tuple[Any, ...]]], given: Exclusions, always_a: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        study = Path(name) / "study"
        for number, (person, session) in enumerate(own, start=1):
            folder = study / f"sub-p{person:03d}" / f"ses-{number:02d}"
            write_session(folder, person, number, session, always_a)
        page = {
            (state.participant, state.session): (
                state.rules_judged,
                [w.removeprefix(BEFORE) for w in state.warnings if w.startswith(BEFORE)],
            )
            for state in watch("lab", Path(name), {"study": given})
            if state.done
        }
        assert page == (said_by_the_report(study, given) if page else {})
