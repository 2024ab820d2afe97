"""Settings of a design's blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from conditions.design.selection import References
from unitscope.bounds import at_least, between
from unitscope.vocabulary import ReferenceCondition

MOST_TRIALS = 10_000
"""Limit on the trials of a block, many times what a person can do."""

BlockRole = Literal["practice", "main", "repeat"]

OF_GROUP = "group"
"""Condition of a block that has the condition of the participant's group."""

OF_SCHEME = "scheme"
"""Pool of a block that takes the units of the scheme's pool."""

OF_LIST = "list"
"""Pool of a practice block that takes the units of one of the lists of practice."""


@dataclass(frozen=True)
class Block:
    """A block of trials.

    Parameters
    ----------
    role
        ``practice``, ``main``, or ``repeat`` for trials that are shown again.
    condition
        Reference condition of its trials; ``group`` for that of the participant's group.
    trials
        Number of trials without catch trials; 0 where ``draw`` gives it, and in a block of repeats.
    draw
        Pool to number of trials, where the block takes units of several pools.
    catch
        Number of catch trials among them.
    pool, catch_pool
        Pools that their units come from; pool ``scheme`` is the one of the scheme, pool ``list``
        one of ``practice.lists``.
    catch_anew
        Whether the units of the catch trials are drawn anew for this block, so that they may be
        those of an earlier one.
    catch_queries
        Two-alternative forced choice: which shown references are the queries of a catch trial,
        ``drawn`` ones or the ``outermost``, the least activating of pole min and the most
        activating of pole max.
    catch_unrelated_pool
        Occlusion: where a catch trial shows no references, its less active query is that of a unit
        of this pool, so that the trial is obvious; none if empty.
    in_order
        Whether the trials come in the order of ``draw`` instead of a random one.
    extra_trial
        Whether one of the block's n places in the order, for participant p the
        ``((p - 1) mod n)``-th, has one more trial.
    groups
        Groups of participants that have the block; all if empty.
    """

    role: BlockRole
    condition: ReferenceCondition | Literal["group"]
    trials: int = 0
    draw: dict[str, int] = field(default_factory=dict)
    catch: int = 0
    pool: str = "main"
    catch_pool: str = "practice"
    catch_anew: bool = False
    catch_queries: Literal["drawn", "outermost"] = "drawn"
    catch_unrelated_pool: str = ""
    in_order: bool = False
    extra_trial: bool = False
    groups: tuple[ReferenceCondition, ...] = ()

    def __post_init__(self) -> None:
        between(0, MOST_TRIALS, trials=self.trials, catch=self.catch)
        draws = {f"draw.{pool}": number for pool, number in self.draw.items()}
        between(1, MOST_TRIALS, **draws)
        if self.role == "repeat":
            if self.trials or self.draw or self.catch or self.extra_trial:
                raise ValueError("a block of repeats has no trials, draw, catch or extra_trial")
        elif bool(self.trials) == bool(self.draw):
            raise ValueError("give either trials (1 or more) or draw")
        if self.extra_trial and self.draw:
            raise ValueError("a block with draw has no extra_trial")
        if self.in_order and (self.catch or not self.draw):
            raise ValueError("in_order is for a block with draw and without catch trials")
        if self.pool == OF_LIST and (self.role != "practice" or self.draw):
            raise ValueError("pool list is for a practice block without draw")

    def content(self, pool: str, *, longer: bool = False) -> dict[str, int]:
        """Return how many trials take their units from which pool.

        Parameters
        ----------
        pool
            What the block's pool stands for.
        longer
            Whether this is the place with one more trial.
        """
        return dict(self.draw) or {pool: self.trials + longer}


@dataclass(frozen=True)
class Practice:
    """Whether practice is repeated.

    Parameters
    ----------
    until_all_right
        Whether a practice block is repeated, each time with newly drawn units, until every answer
        is correct.
    max_rounds
        After this many rounds the session goes on in any case.
    lists
        Pools, one for each practice block with pool ``list``: each participant meets them in
        another random order.
    """

    until_all_right: bool = False
    max_rounds: int = 5
    lists: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        between(1, 100, max_rounds=self.max_rounds)

    @property
    def rounds(self) -> int:
        """Number of rounds in a condition table."""
        return self.max_rounds if self.until_all_right else 1


@dataclass(frozen=True)
class Repeats:
    """Main trials that are shown again in blocks of role ``repeat``.

    Parameters
    ----------
    least, most
        How many of the trials with the least and with the most confidence.
    """

    least: int = 3
    most: int = 3

    def __post_init__(self) -> None:
        between(0, MOST_TRIALS, least=self.least, most=self.most)
        at_least(1, **{"least + most": self.least + self.most})


@dataclass(frozen=True)
class PlannedBlock:
    """A block at its place in one participant's session.

    Parameters
    ----------
    number
        Place in the session, from 1.
    name, block
        Its name in the design, and its settings.
    condition
        Reference condition of its trials.
    pool
        Pool that its units come from.
    references
        Those of its scheme, else the design's.
    group, scheme
        Empty where the design has none.
    longer
        Whether it has the block's extra trial.
    """

    number: int
    name: str
    block: Block
    condition: str
    pool: str
    references: References
    group: str = ""
    scheme: str = ""
    longer: bool = False
