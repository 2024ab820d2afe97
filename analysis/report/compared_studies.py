"""Studies compared condition by condition, such as experts with lay participants of two designs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from analysis.logs.load import load_log
from analysis.logs.planned_trials import design_at_hand
from analysis.planning.analysis_settings import Settings
from analysis.report.analyse import groups_of_log, rules_of
from analysis.report.phrasing import p_value, percent, points, with_references
from analysis.report.section import number
from analysis.statistics.estimates import LEVEL
from analysis.statistics.kept_sessions import exclusions, keep
from analysis.statistics.level_tests import compare_levels
from analysis.statistics.participant_means import Measure
from analysis.statistics.performance import conditions_of, main_trials
from unitscope.disk import write_file
from unitscope.errors import BadInput
from unitscope.tables import table_text

MEASURES: tuple[Measure, ...] = ("accuracy", "rt_s", "confidence")


def compare_studies(studies: Mapping[str, pd.DataFrame], level: float = LEVEL) -> pd.DataFrame:
    """Compare the participants of studies in each condition that several of them have.

    Participants of different studies are different people, whatever their ids, so that all tests
    are those of groups: Welch's t and Mann and Whitney's.

    Parameters
    ----------
    studies
        Name to main trials.
    level
        Confidence level.

    Returns
    -------
    pandas.DataFrame
        Rows of :func:`analysis.statistics.level_tests.compare_levels` with the factor ``study``, at
        each condition, for accuracy, times and confidence; p values are Holm-corrected over the
        rows of a measure.

    Examples
    --------
    >>> cells = [(p, c, p != "c") for p in "abc" for c in ("natural", "none")]
    >>> one = pd.DataFrame(cells, columns=["participant", "reference_condition", "correct"])
    >>> other = one.assign(correct=[True, False] * 3)
    >>> found = compare_studies({"lay": one, "expert": other})
    >>> found[["at", "first", "second", "difference", "comparison", "n_first"]].round(2)
            at   first second  difference comparison  n_first
    0  natural  expert    lay        0.33    between        3
    1     none  expert    lay       -0.67    between        3
    """
    parts = [
        trials.assign(study=name, participant=f"{name}/" + trials["participant"].astype(str))
        for name, trials in studies.items()
    ]
    trials = pd.concat(parts, ignore_index=True)
    tables = [
        compare_levels(trials, "study", measure, ["reference_condition"], level)
        for measure in MEASURES
    ]
    order = {condition: place for place, condition in enumerate(conditions_of(trials))}
    tables = [
        table.sort_values("at", key=lambda at: at.map(order), kind="stable") for table in tables
    ]
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def kept_trials(data: Path | str) -> pd.DataFrame:
    """Return the main trials of a study's primary group, of sessions that its rules do not exclude.

    Raises
    ------
    BadInput
        As for :func:`analysis.logs.load.load_log`.
    """
    log = load_log(data)
    rules = rules_of(log, Settings(), design_at_hand(log, None))
    judged = exclusions(log.trials, rules, log.sessions)
    return groups_of_log(log)[0].rows_of(keep(main_trials(log.trials), judged))


def write_comparison(
    data: Sequence[Path], names: Sequence[str], out: Path
) -> tuple[list[str], Path]:
    """Compare studies, write the table of all tests, and return what the accuracies say.

    Parameters
    ----------
    data
        Folders of the studies' logs.
    names
        What each is called; their folders' names where there are none.
    out
        CSV file to write.

    Raises
    ------
    BadInput
        If there are fewer than two studies, names that are not theirs one by one, no condition that
        two studies have, or a file that exists.
    """
    names = list(names or [path.name for path in data])
    if len(data) < 2:
        raise BadInput("compare: expected the folders of two studies or more")
    if len(names) != len(data) or len(set(names)) < len(names):
        raise BadInput(
            f"compare: the names are {', '.join(names)}, expected another for each of "
            f"{len(data)} studies (--names)"
        )
    if out.exists():
        raise BadInput(f"{out}: exists already; give a new file, none is overwritten")
    studies = {name: kept_trials(path) for name, path in zip(names, data, strict=True)}
    table = compare_studies(studies)
    if table.empty:
        have = [f"{name} has {', '.join(conditions_of(t))}" for name, t in studies.items()]
        raise BadInput(f"compare: no two studies have a condition in common: {'; '.join(have)}")
    write_file(out, table_text(table))
    accuracy = table[table["measure"] == "accuracy"]
    return [_sentence(row) for row in accuracy.to_dict("records")], out


def _sentence(row: dict[str, object]) -> str:
    numbers = pd.Series(row)
    told = with_references(str(row["at"]))
    means = ", ".join(
        f"{row[which]} {percent(numbers[f'mean_{which}'])} % (n = {row[f'n_{which}']})"
        for which in ("first", "second")
    )
    difference = f"{points(numbers['difference'])} points"
    if row["reason"]:
        tests = f"t test {row['reason']}"
    else:
        tests = (
            f"{points(numbers['low'])} to {points(numbers['high'])}; t({numbers['df']:.1f}) = "
            f"{number(numbers['t'])}, p {p_value(numbers['p_holm'])}"
        )
    if pd.notna(numbers["p_rank_holm"]):
        tests += f"; U = {numbers['rank_statistic']:g}, p {p_value(numbers['p_rank_holm'])}"
    text = f"{told[0].upper()}{told[1:]}: {means}; difference {difference} ({tests})."
    return text.replace("\u00a0", " ")
