"""Conditions without their names, so that an analysis is chosen before its result is known."""

from __future__ import annotations

import string

import numpy as np
import pandas as pd

from conditions.vocabulary import MATCHINGS, REFERENCE_CONDITIONS

_OF_MATCHING = dict(zip(MATCHINGS, ("natural", "synthetic"), strict=True))


def masks(seed: int) -> dict[str, str]:
    """Return every condition's letter: the same for the same seed, on every machine."""
    letters = list(string.ascii_uppercase[: len(REFERENCE_CONDITIONS)])
    order = np.random.default_rng(seed).permutation(len(letters))
    found = {name: letters[i] for name, i in zip(REFERENCE_CONDITIONS, order, strict=True)}
    return found | {name: found[condition] for name, condition in _OF_MATCHING.items()}


def mask(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return rows of a log in which nothing names a condition.

    The columns reference_condition, group, matching, block_name and repeat_of have letters in
    place of conditions, schemes are numbered, and images are left out: their names tell their kind.
    """
    letters = masks(seed)
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
