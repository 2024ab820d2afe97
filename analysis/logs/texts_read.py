"""What participants read: whether the copies are whole, and whether all read the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.logs.sessions import Log
from unitscope.records import SessionRecord, read_session
from unitscope.shown_texts import wrong_copies

MOST_NAMED = 6
"""Participants that a sentence names."""

OF_SESSION = ("references", "part", "again", "practice_limit", "break", "resumed")
"""Pages that differ with the order of a session and with how it goes."""


def damaged_copies(log: Log) -> list[str]:
    """Return a sentence for each copy of a text that does not match its hash."""
    return [
        sentence
        for folder in map(Path, log.sessions["folder"])
        for sentence in wrong_copies(folder, read_session(folder))
    ]


def different_texts(log: Log) -> list[str]:
    """Return sentences that say where participants of a study read different texts.

    Languages, and versions of the texts in a language, such as after a change of the consent page.
    """
    records = [read_session(Path(folder)) for folder in log.sessions["folder"]]
    of_people = (log.sessions["observer_kind"] == "person").to_numpy()
    known = pd.DataFrame(
        {
            "participant": log.sessions["participant"],
            "language": [record.get("language") for record in records],
            "version": [_version(record) for record in records],
            "shown": [record.get("texts_shown", {}) for record in records],
        }
    )
    known = known[known["version"].notna() & (of_people if of_people.any() else True)]
    found = []
    languages = known["language"].value_counts()
    if len(languages) > 1:
        counts = ", ".join(f"{language} in {n}" for language, n in languages.sort_index().items())
        found.append(f"Participants read texts in {len(languages)} languages: {counts} sessions.")
    for language, own in known.groupby("language", sort=True):
        versions = own["version"].value_counts()
        if len(versions) > 1:
            pages = ", ".join(_differing(own)) or "only texts that vary anyway or were not shown"
            others = own[own["version"] != versions.index[0]]["participant"].unique()
            named = ", ".join(others[:MOST_NAMED]) + ", ..." * (len(others) > MOST_NAMED)
            found.append(
                f"Participants read {len(versions)} versions of the texts in language {language}: "
                f"the most frequent one in {versions.iloc[0]} of {len(own)} sessions, another one "
                f"by {named}; what differs: {pages}."
            )
    return found


def _version(record: SessionRecord) -> str | None:
    """Return what is the same where all texts are: the texts, and the consent page as shown."""
    texts = record.get("texts_sha256")
    return texts and "/".join([texts, *record.get("texts_shown", {}).get("consent", [])])


def _differing(sessions: pd.DataFrame) -> Iterator[str]:
    """Yield the pages that are the same within each version but not in all."""
    names = dict.fromkeys(name for shown in sessions["shown"] for name in shown)
    for name in (name for name in names if name not in OF_SESSION):
        by_version: dict[str, set[tuple[str, ...]]] = {}
        for version, shown in zip(sessions["version"], sessions["shown"], strict=True):
            if name in shown:
                by_version.setdefault(version, set()).add(tuple(shown[name]))
        same_within = all(len(own) == 1 for own in by_version.values())
        if same_within and len(set.union(*by_version.values())) > 1:
            yield name
