"""Conditions without their names, so that an analysis is chosen before its result is known."""

from __future__ import annotations

import itertools
import string
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from unitscope.vocabulary import MATCHING_OF_CONDITION, REFERENCE_CONDITIONS


def masks(seed: int, conditions: Sequence[str] = REFERENCE_CONDITIONS) -> dict[str, str]:
    """Return every condition's letter: the same for the same seed, on every machine.

    Parameters
    ----------
    seed
        Of the shuffle.
    conditions
        Those of the analysis, which have the first letters, whatever their order here.
    """
    rng = np.random.default_rng(seed)
    known: list[str] = [name for name in REFERENCE_CONDITIONS if name in conditions]
    known += sorted(set(conditions) - set(known))  # those of an imported study
    others = [name for name in REFERENCE_CONDITIONS if name not in conditions]
    shuffled = [part[i] for part in (known, others) for i in rng.permutation(len(part))]
    letters = [*string.ascii_uppercase, *itertools.product(string.ascii_uppercase, repeat=2)]
    found = {name: "".join(letter) for name, letter in zip(shuffled, letters, strict=False)}
    return found | {name: found[condition] for condition, name in MATCHING_OF_CONDITION.items()}


def mask(frame: pd.DataFrame, seed: int, letters: Mapping[str, str]) -> pd.DataFrame:
    """Return rows of a log in which nothing names a condition.

    The columns reference_condition, group, matching, block_name and repeat_of have letters in
    place of conditions, schemes are numbered, and images are left out: their names tell their kind.

    Parameters
    ----------
    frame
        Trials or ratings.
    seed
        By which schemes are numbered.
    letters
        Of the conditions, from :func:`masks`.
    """
    frame = frame.copy()
    for column in ("reference_condition", "group", "matching"):
        if column in frame.columns:
            frame[column] = frame[column].astype("object").replace(letters).astype("string")
    if "repeat_of" in frame.columns:
        parts = frame["repeat_of"].astype("string")
        for name, letter in letters.items():
            parts = parts.str.replace(f"{name}-", f"{letter}-", regex=False)
        frame["repeat_of"] = parts
    if "scheme" in frame.columns:
        names = sorted(frame["scheme"].dropna().unique())
        order = np.random.default_rng([seed, 1]).permutation(len(names))
        numbered = {name: f"scheme {i + 1}" for name, i in zip(names, order, strict=True)}
        frame["scheme"] = frame["scheme"].astype("object").replace(numbered).astype("string")
    for column in ("block_name", "response_key"):
        if column in frame.columns:
            frame[column] = pd.Series(pd.NA, index=frame.index, dtype="string")
    return frame
