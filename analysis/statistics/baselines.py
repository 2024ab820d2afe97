"""What rules of thumb answer to the query pairs that people met."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from unitscope.errors import BadInput

ITEM = ["network", "layer", "channel", "batch"]
"""What tells query pairs of the occlusion task apart."""

_ENDING = "_correct"


def read_queries(path: Path) -> pd.DataFrame:
    """Read a stimulus set's ``queries.csv``, which says what baselines answer to each query pair.

    Parameters
    ----------
    path
        The stimulus set's folder, or the file.

    Returns
    -------
    pandas.DataFrame
        network, layer, channel, batch, and one column of truth values for each baseline, named
        after it.

    Raises
    ------
    BadInput
        If there is no such file, or a column is missing or holds no truth value.
    """
    file = path / "queries.csv" if path.is_dir() else path
    if not file.is_file():
        raise BadInput(f"{file}: no such file; expected the queries.csv of a stimulus set")
    try:
        # The pool branch and units without a branch look alike otherwise.
        read = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"{file}: cannot be read as CSV ({error})") from None
    missing = [name for name in ITEM if name not in read.columns]
    rules = [name for name in read.columns if name.endswith(_ENDING)]
    if missing or not rules:
        what = f"column {missing[0]!r}" if missing else "a column such as 'centre_correct'"
        raise BadInput(f"{file}: found columns {', '.join(read.columns)}, expected {what}")
    for name in ("channel", "batch"):
        bad = ~read[name].str.fullmatch(r"\d+")
        if bad.any():
            place = int(bad.to_numpy().argmax())
            raise BadInput(
                f"{file}, line {place + 2}, column {name!r}: found {read[name].iloc[place]!r}, "
                "expected a whole number"
            )
    found = read[ITEM].astype({"channel": int, "batch": int})
    for name in rules:
        values = read[name].str.strip().str.lower()
        # An empty cell is a baseline that was not computed for the pair.
        bad = ~values.isin(["true", "false", ""])
        if bad.any():
            place = int(bad.to_numpy().argmax())
            raise BadInput(
                f"{file}, line {place + 2}, column {name!r}: found {read[name].iloc[place]!r}, "
                "expected True or False"
            )
        found[name.removesuffix(_ENDING)] = values.map({"true": True, "false": False}).astype(
            "boolean"
        )
    return found.drop_duplicates(ITEM)


def baseline_answers(
    trials: pd.DataFrame, logged: pd.DataFrame, queries: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return each baseline's answers to the query pairs of some trials.

    Parameters
    ----------
    trials
        Main trials of people or other observers.
    logged
        Main trials of baselines that took part as observers.
    queries
        As from :func:`read_queries`; a baseline that is logged is taken from the log where it met
        the pair.

    Returns
    -------
    pandas.DataFrame
        One row per baseline and query pair: the pair's columns of ``trials``, with observer_kind
        ``baseline``, the baseline's name as observer and participant, and its correct.
    """
    pairs = trials.drop_duplicates(ITEM)
    found = []
    for name in sorted(set(logged["observer"].dropna())):
        own = logged[logged["observer"] == name].drop_duplicates(ITEM)
        found.append(own[[*ITEM, "correct"]].assign(observer=name))
    known = pd.DataFrame(columns=ITEM) if queries is None else queries
    for name in sorted(set(known.columns) - set(ITEM)):
        own = known[[*ITEM, name]].rename(columns={name: "correct"}).dropna(subset=["correct"])
        found.append(own.assign(observer=name))
    if not found or pairs.empty:
        return trials.iloc[:0]
    answers = pd.concat(found, ignore_index=True).drop_duplicates([*ITEM, "observer"])
    rest = pairs.drop(columns=["correct", "observer", "participant", "observer_kind"])
    joined = rest.merge(answers, on=ITEM, how="inner")
    joined["correct"] = joined["correct"].astype("boolean")
    joined = joined.sort_values(["observer", *ITEM], kind="stable", ignore_index=True)
    return joined.assign(participant=joined["observer"], observer_kind="baseline")


def paired_with(trials: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that a baseline answered too, with its answer as baseline_correct."""
    own = answers[[*ITEM, "correct"]].rename(columns={"correct": "baseline_correct"})
    return trials.merge(own, on=ITEM, how="inner")
