"""Settings of a design about the units and images of its trials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from unitscope.bounds import at_least, between
from unitscope.columns import MAX_REFERENCES, MAX_ROW_IMAGES, MAX_ROWS
from unitscope.vocabulary import Depth, Pole, ReferenceCondition

MOST_UNITS, MOST_BATCHES = 1_000_000, 1_000_000
"""Limits on the units of a pool and on the batches of a unit."""


@dataclass(frozen=True)
class UnitPools:
    """Units that the trials are about, in named pools.

    Parameters
    ----------
    table
        CSV file, its path relative to the design's, with columns role, layer, branch and channel;
        each role is a pool. A column set divides a role further: ``main`` is the whole role and
        ``main.a`` its set a. A column batch fixes the batch of a unit.
    sample
        Pool name to number of units, drawn from the stimulus set by the design's seed, the same
        for every participant. For exemplar matching the number is that of each depth.
    """

    table: str | None = None
    sample: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.table is None) == (not self.sample):
            raise ValueError("give either a table or a sample")
        sample = {f"sample.{pool}": number for pool, number in self.sample.items()}
        between(1, MOST_UNITS, **sample)


@dataclass(frozen=True)
class References:
    """Reference images that are shown beside the queries.

    Parameters
    ----------
    per_side
        Images of each pole, 1 to 9.
    poles
        ``[min, max]`` shows the least activating ones on the left, the most activating on the
        right. The occlusion task shows most activating ones only.
    mixed_natural
        How many of the references are natural in the condition ``mixed``; they come first.
    order
        ``ranked``: activation rises from place to place. ``shuffled``: another order for each
        participant and trial, within each kind and pole.
    synthetic
        Where there are more synthetic images than are shown: the ``strongest``, or ``unranked``,
        the first in an order that has nothing to do with activation, that of their seeds.
    """

    per_side: int = 9
    poles: tuple[Pole, ...] = ("min", "max")
    mixed_natural: int = 5
    order: Literal["ranked", "shuffled"] = "ranked"
    synthetic: Literal["strongest", "unranked"] = "strongest"

    def __post_init__(self) -> None:
        between(1, MAX_REFERENCES, per_side=self.per_side)
        at_least(0, mixed_natural=self.mixed_natural)
        if not self.poles or len(set(self.poles)) != len(self.poles):
            raise ValueError(f"poles is {list(self.poles)}, expected min, max or both, each once")


@dataclass(frozen=True)
class Schemes:
    """Presentation schemes, such as one reference or nine, that every participant goes through.

    Each scheme runs through all blocks of ``orders`` with references of its own.

    Parameters
    ----------
    references
        Name of each scheme to its references.
    orders
        Lists of scheme names; participant p takes list ``(p - 1) mod number of lists``.
    pools
        One pool of units for each scheme, for blocks whose pool is ``scheme``: participant p sees
        scheme i with pool ``(i + p - 1) mod number of schemes``, a Latin square. Optional.
    """

    references: dict[str, References]
    orders: tuple[tuple[str, ...], ...]
    pools: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.references or not self.orders:
            raise ValueError("references and orders are empty, expected at least one scheme")
        for order in self.orders:
            if sorted(order) != sorted(self.references):
                raise ValueError(
                    f"orders holds {list(order)}, expected each of {list(self.references)} once"
                )
        if self.pools and len(self.pools) != len(self.references):
            raise ValueError(
                f"pools has {len(self.pools)} names, expected one for each of the "
                f"{len(self.references)} schemes"
            )

    def order_number(self, participant: int) -> int:
        """Return which of the lists of ``orders`` a participant takes, from 1."""
        return (participant - 1) % len(self.orders) + 1

    def order(self, participant: int) -> tuple[str, ...]:
        """Return the names of a participant's schemes, in order."""
        return self.orders[self.order_number(participant) - 1]

    def pool(self, scheme: str, participant: int) -> str:
        """Return the pool of units that a participant sees in a scheme."""
        place = list(self.references).index(scheme) + participant - 1
        return self.pools[place % len(self.pools)]


@dataclass(frozen=True)
class Batches:
    """Batches of natural images that the queries come from, so that none is seen twice.

    Parameters
    ----------
    practice, catch
        The batch of practice and of catch trials; ``table`` takes each unit's own from the table
        of units.
    first_main, last_main
        Batches that main trials rotate through.
    rotation
        Reference conditions in the order of their offset: participant p sees condition i in batch
        ``first_main + (step * ((p - 1) // every) + i) mod (last_main - first_main + 1)``. If
        empty, every condition has offset 0.
    every
        How many participants in a row share their batches.
    step
        By how many batches the next participants are shifted.
    """

    rotation: tuple[ReferenceCondition, ...] = ()
    practice: int | Literal["table"] = 0
    catch: int | Literal["table"] = 0
    first_main: int = 1
    last_main: int = 19
    every: int = 1
    step: int = 1

    def __post_init__(self) -> None:
        between(0, MOST_BATCHES, first_main=self.first_main, last_main=self.last_main)
        at_least(self.first_main, last_main=self.last_main)
        at_least(1, every=self.every, step=self.step)
        if len(set(self.rotation)) != len(self.rotation):
            raise ValueError(f"rotation is {list(self.rotation)}, expected each condition once")
        if len(self.rotation) > self.main_batches:
            raise ValueError(
                f"{len(self.rotation)} conditions rotate through {self.main_batches} batches, "
                "so a participant would see a query twice"
            )
        for name, batch in (("practice", self.practice), ("catch", self.catch)):
            if isinstance(batch, int):
                between(0, MOST_BATCHES, **{name: batch})

    @property
    def main_batches(self) -> int:
        """Number of batches that main trials rotate through."""
        return self.last_main - self.first_main + 1

    def main(self, condition: str, participant: int) -> int:
        """Return the batch of a participant's main trials in a condition."""
        offset = list[str](self.rotation).index(condition) if self.rotation else 0
        place = self.step * ((participant - 1) // self.every) + offset
        return self.first_main + place % self.main_batches


@dataclass(frozen=True)
class Matching:
    """Rows of exemplar matching.

    Parameters
    ----------
    depths
        Depth (``early``, ``middle``, ``late``) to the layers that its units come from.
    n_rows
        Rows of a trial, each of another unit, 2 to 5.
    n_images
        Images of half a row; trials are spread evenly over these numbers and the depths.
    """

    depths: dict[Depth, tuple[str, ...]]
    n_rows: int = 3
    n_images: tuple[int, ...] = (1, 3, 5)

    def __post_init__(self) -> None:
        between(2, MAX_ROWS, n_rows=self.n_rows)
        if not self.n_images or len(set(self.n_images)) != len(self.n_images):
            raise ValueError(f"n_images is {list(self.n_images)}, expected numbers, each once")
        for number in self.n_images:
            between(1, MAX_ROW_IMAGES, n_images=number)
        layers = [layer for own in self.depths.values() for layer in own]
        if not layers or not all(self.depths.values()):
            raise ValueError("depths is empty, expected layers for at least one depth")
        for layer in layers:
            if layers.count(layer) > 1:
                raise ValueError(f"depths names layer {layer!r} twice")

    @property
    def cells(self) -> tuple[tuple[Depth, int], ...]:
        """Every combination of depth and number of images."""
        return tuple((depth, number) for depth in self.depths for number in self.n_images)
