"""Who took part: people, simulated and machine observers and baselines are kept apart."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from unitscope.vocabulary import OBSERVER_KINDS

_NAMES = {
    "person": "people",
    "simulated": "simulated participants",
    "machine": "machine observers",
    "baseline": "baselines",
}


@dataclass(frozen=True)
class Group:
    """Observers that are analysed together.

    Parameters
    ----------
    kind
        One of the vocabulary's observer kinds.
    observer
        Which simulated or machine observer; empty for people.
    """

    kind: str
    observer: str

    @property
    def key(self) -> str:
        """Name in files and results: ``person``, ``simulated_graded``."""
        return f"{self.kind}_{self.observer}" if self.observer else self.kind

    @property
    def label(self) -> str:
        """Name for readers: ``simulated participants (graded)``."""
        return _NAMES[self.kind] + (f" ({self.observer})" if self.observer else "")

    @property
    def title(self) -> str:
        """The label as a heading."""
        return self.label[0].upper() + self.label[1:]

    def rows_of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a frame that belong to this group."""
        observer = frame["observer"].astype("string").fillna("")
        return frame[(frame["observer_kind"] == self.kind) & (observer == self.observer)]


def groups_of(frame: pd.DataFrame) -> list[Group]:
    """Return the groups of a frame with columns observer_kind and observer.

    The primary group comes first: people before simulated participants before machines before
    baselines.
    """
    pairs = frame[["observer_kind", "observer"]].astype("string").fillna("").drop_duplicates()
    found = [Group(kind, observer) for kind, observer in pairs.itertuples(index=False)]
    return sorted(found, key=lambda g: (OBSERVER_KINDS.index(g.kind), g.observer))
