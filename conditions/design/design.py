"""A study's design, as read from its YAML file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import takewhile
from pathlib import Path
from typing import Literal

from conditions.design.blocks import OF_GROUP, OF_SCHEME, Block, PlannedBlock, Practice, Repeats
from conditions.design.device_settings import Keyboard, Photodiode, ResponseBox, Triggers
from conditions.design.keys import Keys
from conditions.design.presentation import Durations, Explanation, Feedback, Layout, Ratings
from conditions.design.randomness import shuffle
from conditions.design.selection import (
    Batches,
    Matching,
    References,
    Schemes,
    UnitPools,
)
from unitscope.bounds import at_least, between, inside
from unitscope.errors import BadInput
from unitscope.exclusion import Exclusions
from unitscope.places import within
from unitscope.texts import OPENING_PAGES, PAGE_NAMES
from unitscope.vocabulary import ReferenceCondition, Task

MOST_PARTICIPANTS = 1_000_000
"""Limit on the participants of a study."""


@dataclass(frozen=True)
class Design:
    """One study.

    Parameters
    ----------
    name
        Equal to the file's name without its ending.
    title, source
        What the study is, and the publication that it follows.
    task
        Task of its trials.
    stimulus_set
        Name of the stimulus set that it is run with unless another one is given.
    units, references, batches, blocks, keys, durations, feedback, layout
        See their classes.
    orders
        Lists of block names; participant p takes list ``((p - 1) // orders_every) mod number of
        lists``. A block listed several times continues with the next units of its pool.
    orders_every
        Number of successive participants who take the same list.
    shuffled
        Blocks of the list that trade their places at random, another way for each participant.
    participants
        Maximum number of participants that the counterbalancing allows.
    between
        Reference conditions that are compared between groups of participants: participant p is in
        group ``(p - 1) mod number of groups``.
    left_handed_keys
        All keys of participants who are left-handed; None where they have the same.
    schemes, matching
        Presentation schemes; rows of exemplar matching. See their classes.
    practice, repeats, ratings, explanation
        Practice that is repeated, main trials that are shown again, ratings of how intuitive images
        look, pages of example units. See their classes.
    sides
        Where the correct answers of a block are: ``balanced``, on each side equally often, give or
        take one, or ``drawn`` for each trial.
    confidence
        ``one_press``: one key gives choice and confidence. ``two_step``: first the choice, then the
        confidence.
    input
        What trials are answered with. Pages, ratings and comments take keys in any case.
    consent, instructions
        Whether participants are asked for consent, and the names of the instruction pages in order.
    withdrawal_until
        Last day on which participants can withdraw, as the consent page then says.
    questions, comment
        Questions at the end, which participants answer in their own words, and whether they can
        write a comment.
    break_after
        Which blocks end with a break and, if ``feedback.block_score``, their score; ``main`` means
        all but practice.
    exclusions
        Rules by which sessions are excluded. See its class.
    smallest_effect
        Smallest difference in accuracy of interest; None where the study states none.
    keyboard, response_box, triggers, photodiode
        See their classes.
    window
        Further arguments of PsychoPy's window.
    edited_tables
        Whether condition tables that differ from those which the design makes are run; logs and
        report say so.
    language
        Language of the participants' texts.
    texts
        Folder beside the design with texts in place of ours: ``en.yaml`` and so on, with the keys
        that are the study's own.
    seed
        Seed of every random choice.
    path, sha256
        The file that the design was read from; not keys of it.
    """

    name: str
    title: str
    task: Task
    stimulus_set: str
    units: UnitPools
    batches: Batches
    blocks: dict[str, Block]
    orders: tuple[tuple[str, ...], ...]
    participants: int
    seed: int
    source: str = ""
    orders_every: int = 1
    shuffled: tuple[str, ...] = ()
    references: References = field(default_factory=References)
    between: tuple[ReferenceCondition, ...] = ()
    schemes: Schemes | None = None
    matching: Matching | None = None
    practice: Practice = field(default_factory=Practice)
    repeats: Repeats | None = None
    ratings: Ratings | None = None
    explanation: Explanation | None = None
    sides: Literal["balanced", "drawn"] = "balanced"
    confidence: Literal["one_press", "two_step"] = "one_press"
    input: Literal["keys", "mouse", "either"] = "keys"
    consent: bool = False
    withdrawal_until: date | None = None
    instructions: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    comment: bool = False
    keys: Keys = field(default_factory=Keys)
    left_handed_keys: Keys | None = None
    durations: Durations = field(default_factory=Durations)
    feedback: Feedback = field(default_factory=Feedback)
    layout: Layout = field(default_factory=Layout)
    break_after: Literal["all", "main", "none"] = "main"
    exclusions: Exclusions = field(default_factory=Exclusions)
    smallest_effect: float | None = None
    keyboard: Keyboard = field(default_factory=Keyboard)
    response_box: ResponseBox = field(default_factory=ResponseBox)
    triggers: Triggers = field(default_factory=Triggers)
    photodiode: Photodiode = field(default_factory=Photodiode)
    window: dict[str, bool | int | float | str] = field(default_factory=dict)
    edited_tables: bool = False
    language: str = "en"
    texts: str = ""
    path: str = field(default="", init=False)
    sha256: str = field(default="", init=False)

    def __post_init__(self) -> None:
        most = MOST_PARTICIPANTS
        between(1, most, participants=self.participants, orders_every=self.orders_every)
        at_least(0, seed=self.seed)
        if not re.fullmatch(r"\w[\w .-]*", self.stimulus_set):
            raise ValueError(
                f"stimulus_set is {self.stimulus_set!r}, expected the name of a folder, not a path"
            )
        inside(0, 1, smallest_effect=self.smallest_effect)

    @property
    def texts_folder(self) -> Path | None:
        """Folder of the study's own texts; None where it has none."""
        if not self.texts:
            return None
        folder = within(Path(self.path).parent, self.texts)
        if folder is None:
            raise BadInput(
                f"{self.path}: texts is {self.texts!r}, expected a folder below the design's"
            )
        return folder

    @property
    def pages(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Instruction pages before and after the first ratings.

        Ratings come after the pages that say what images and units are.
        """
        every = self.instructions or PAGE_NAMES[:1]
        if not self.ratings or not self.ratings.before:
            return (), every
        opening = tuple(takewhile(lambda name: name in OPENING_PAGES, every))
        return opening, every[len(opening) :]

    def for_hand(self, hand: str) -> Design:
        """Return the design with the keys of participants whose ``right`` or ``left`` hand leads.

        Raises
        ------
        ValueError
            If it has no keys of its own for the left hand.
        """
        if hand == "right":
            return self
        if self.left_handed_keys is None:
            raise ValueError(f"design {self.name} has no left_handed_keys")
        found = replace(self, keys=self.left_handed_keys)
        for name in ("path", "sha256"):
            object.__setattr__(found, name, getattr(self, name))
        return found

    @property
    def conditions(self) -> tuple[str, ...]:
        """Reference conditions of the main trials, those of all groups together."""
        found: dict[str, None] = {}
        for name in self.orders[0]:
            block = self.blocks[name]
            if block.role == "main":
                found.update(dict.fromkeys(self.conditions_of(block)))
        return tuple(found)

    def conditions_of(self, block: Block) -> tuple[str, ...]:
        """Return the reference conditions that a block has, those of all groups together."""
        return (block.groups or self.between) if block.condition == OF_GROUP else (block.condition,)

    def group(self, participant: int) -> str:
        """Return the group of a participant, empty where the design compares none."""
        return self.between[(participant - 1) % len(self.between)] if self.between else ""

    def order_number(self, participant: int) -> int:
        """Return which of the lists of ``orders`` a participant takes, from 1."""
        return ((participant - 1) // self.orders_every) % len(self.orders) + 1

    def order(self, participant: int) -> tuple[str, ...]:
        """Return the names of a participant's blocks, in order."""
        return tuple(planned.name for planned in self.plan(participant))

    def plan(self, participant: int) -> tuple[PlannedBlock, ...]:
        """Return a participant's blocks, in order."""
        return tuple(self._plan(participant))

    def _plan(self, participant: int) -> Iterator[PlannedBlock]:
        group = self.group(participant)
        schemes = self.schemes.order(participant) if self.schemes else ("",)
        listed = self.orders[self.order_number(participant) - 1]
        movable = [name for name in listed if name in self.shuffled]
        moved = iter(shuffle(self, movable, participant, "shuffled blocks"))
        order = [next(moved) if name in self.shuffled else name for name in listed]
        places = [
            (scheme, name)
            for scheme in schemes
            for name in order
            if not self.blocks[name].groups or group in self.blocks[name].groups
        ]
        seen: dict[str, int] = {}
        for number, (scheme, name) in enumerate(places, start=1):
            block = self.blocks[name]
            times = sum(name == other for _, other in places)
            longer = block.extra_trial and seen.get(name, 0) == (participant - 1) % times
            seen[name] = seen.get(name, 0) + 1
            pool, references = block.pool, self.references
            if self.schemes:
                references = self.schemes.references[scheme]
                if pool == OF_SCHEME:
                    pool = self.schemes.pool(scheme, participant)
            yield PlannedBlock(
                number,
                name,
                block,
                condition=group if block.condition == OF_GROUP else block.condition,
                pool=pool,
                references=references,
                group=group,
                scheme=scheme,
                longer=longer,
            )
