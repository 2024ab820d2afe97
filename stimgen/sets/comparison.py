"""Differences between two stimulus sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unitscope.settings import read_yaml
from unitscope.stimulus_set import SETTINGS, StimulusSet

COMPARED = ("sha256", "activation", "source_image", "seed")
"""Columns of the manifest that are compared for each path."""


def differences(first: StimulusSet, second: StimulusSet) -> Iterator[str]:
    """Yield a line for each setting and each image that differs between two sets.

    Settings are identified by their keys, images by their paths.
    """
    for key, (one, other) in _settings_that_differ(first, second):
        yield f"{key}: {one} | {other}"
    rows = [s.manifest.set_index("path")[list(COMPARED)] for s in (first, second)]
    for side, (here, there) in (("first", rows), ("second", rows[::-1])):
        for path in sorted(set(here.index) - set(there.index)):
            yield f"{path}: only in the {side} set"
    shared = rows[0].index.intersection(rows[1].index)
    one, other = (frame.loc[shared] for frame in rows)
    for column in COMPARED:
        same = (one[column] == other[column]) | (one[column].isna() & other[column].isna())
        for path in shared[~same.fillna(False).to_numpy(bool)]:
            yield f"{path}: {column} {one[column][path]} | {other[column][path]}"


def _settings_that_differ(
    first: StimulusSet, second: StimulusSet
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    facts = [dict(_flat(read_yaml(s.folder / SETTINGS))) for s in (first, second)]
    # These describe when and where a set was built, not its content.
    not_compared = ("created_utc", "seconds", "device", "fingerprint")
    for key in sorted(set(facts[0]) | set(facts[1])):
        pair = (facts[0].get(key, "-"), facts[1].get(key, "-"))
        if pair[0] != pair[1] and key.split(".")[0] not in not_compared:
            yield key, pair


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
