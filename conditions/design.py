"""A study's design, as its YAML file gives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from conditions.columns import MAX_REFERENCES
from conditions.errors import BadInput, nearest
from conditions.places import PACKAGE
from conditions.settings import read_settings
from conditions.stimulus_set import sha256_of

Task = Literal["two_afc"]
Pole = Literal["min", "max"]
ReferenceCondition = Literal["natural", "synthetic", "none"]
BlockRole = Literal["practice", "main"]
Confidence = Literal["one_press", "two_step"]
Input = Literal["keys", "mouse", "either"]


def _at_least(name: str, value: float, low: float) -> None:
    if value < low:
        raise ValueError(f"{name} is {value}, expected {low} or more")


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}, expected {low} to {high}")


@dataclass(frozen=True)
class UnitPools:
    """Which units the trials are about, in named pools.

    Parameters
    ----------
    table
        CSV file beside the design with columns role, layer, branch and channel; each role is a
        pool.
    sample
        Pool name to number of units, drawn from the stimulus set by the design's seed, the same
        for every participant. Give either a table or a sample.
    """

    table: str | None = None
    sample: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.table is None) == (not self.sample):
            raise ValueError("give either a table or a sample")
        for pool, number in self.sample.items():
            _at_least(f"sample.{pool}", number, 1)


@dataclass(frozen=True)
class References:
    """Reference images that are shown beside the queries.

    Parameters
    ----------
    per_side
        Images of each pole, 1 to 9.
    poles
        ``[min, max]`` shows the least activating ones at the left, the most at the right.
    """

    per_side: int = 9
    poles: tuple[Pole, ...] = ("min", "max")

    def __post_init__(self) -> None:
        _between("per_side", self.per_side, 1, MAX_REFERENCES)
        if not self.poles or len(set(self.poles)) != len(self.poles):
            raise ValueError(f"poles is {list(self.poles)}, expected min, max or both, each once")


@dataclass(frozen=True)
class Batches:
    """Which batch of natural images the queries come from, so that none is seen twice.

    Parameters
    ----------
    practice, catch
        The batch of practice and of catch trials.
    first_main, last_main
        Batches that main trials rotate through.
    rotation
        Reference conditions in the order of their offset: participant p meets condition i in batch
        ``first_main + (p - 1 + i) mod (last_main - first_main + 1)``.
    """

    rotation: tuple[ReferenceCondition, ...]
    practice: int = 0
    catch: int = 0
    first_main: int = 1
    last_main: int = 19

    def __post_init__(self) -> None:
        _at_least("practice", self.practice, 0)
        _at_least("catch", self.catch, 0)
        _at_least("first_main", self.first_main, 0)
        _at_least("last_main", self.last_main, self.first_main)
        if len(set(self.rotation)) != len(self.rotation):
            raise ValueError(f"rotation is {list(self.rotation)}, expected each condition once")
        if len(self.rotation) > self.main_batches:
            raise ValueError(
                f"{len(self.rotation)} conditions rotate through {self.main_batches} batches, "
                "so a participant would meet a query twice"
            )
        for name, batch in (("practice", self.practice), ("catch", self.catch)):
            if self.first_main <= batch <= self.last_main:
                raise ValueError(f"{name} batch {batch} is one of the main batches as well")

    @property
    def main_batches(self) -> int:
        """Number of batches that main trials rotate through."""
        return self.last_main - self.first_main + 1

    def main(self, condition: str, participant: int) -> int:
        """Return the batch of a participant's main trials in a condition."""
        offset = list[str](self.rotation).index(condition)
        return self.first_main + (participant - 1 + offset) % self.main_batches


@dataclass(frozen=True)
class Block:
    """A block of trials.

    Parameters
    ----------
    role
        ``practice`` or ``main``.
    condition
        Reference condition of its trials.
    trials
        Number of trials without catch trials.
    catch
        Number of catch trials mixed in.
    pool, catch_pool
        Pools that their units come from.
    """

    role: BlockRole
    condition: ReferenceCondition
    trials: int
    catch: int = 0
    pool: str = "main"
    catch_pool: str = "practice"

    def __post_init__(self) -> None:
        _at_least("trials", self.trials, 1)
        _at_least("catch", self.catch, 0)
        if self.catch and self.condition == "none":
            raise ValueError("a catch trial repeats a reference, so condition none has no catch")


@dataclass(frozen=True)
class Keys:
    """Keys, by their place on a US keyboard.

    Parameters
    ----------
    a, b
        Keys for query a and query b, in the order of confidence 1, 2, 3; in the two-step mode the
        first of each gives the choice.
    confidence
        Keys for confidence 1, 2, 3 in the two-step mode.
    numbers
        Exemplar matching: keys for the halves at the right, from the top.
    undo, confirm
        Exemplar matching: takes back the last pair, confirms them all.
    forward
        Ends a break or an instruction page.
    pause
        Pauses the session and goes on.
    leave
        Asks whether to end the session.
    confirm_leave
        Confirms it.
    """

    a: tuple[str, str, str] = ("f", "d", "s")
    b: tuple[str, str, str] = ("j", "k", "l")
    confidence: tuple[str, str, str] = ("1", "2", "3")
    numbers: tuple[str, str, str, str, str] = ("1", "2", "3", "4", "5")
    undo: str = "backspace"
    confirm: str = "return"
    forward: str = "space"
    pause: str = "p"
    leave: str = "escape"
    confirm_leave: str = "q"

    def __post_init__(self) -> None:
        always = [self.forward, self.pause, self.leave, self.confirm_leave]
        choosing = [*self.a, *self.b, *self.confidence]
        matching = [*self.numbers, self.undo, self.confirm]
        for every in (always + choosing, always + matching):
            for key in every:
                if every.count(key) > 1:
                    raise ValueError(f"key {key!r} has two meanings")

    @property
    def response(self) -> dict[str, tuple[str, int]]:
        """Key to (choice, confidence) where one press gives both."""
        sides = (("a", self.a), ("b", self.b))
        return {key: (side, i) for side, row in sides for i, key in enumerate(row, start=1)}

    @property
    def choice(self) -> dict[str, str]:
        """Key to choice in the two-step mode."""
        return {self.a[0]: "a", self.b[0]: "b"}


@dataclass(frozen=True)
class Durations:
    """Durations of a trial's phases, in seconds.

    Parameters
    ----------
    fixation_s
        Fixation cross before the queries.
    response_limit_s
        Longest time to respond; None for as long as it takes.
    framed_after_s
        From the answer until what was chosen is framed; not in the two-step mode.
    chosen_s
        What was chosen is framed, before feedback.
    feedback_s
        The right query is framed as well.
    blank_s
        Empty screen after the trial.
    """

    fixation_s: float = 0.5
    response_limit_s: float | None = None
    framed_after_s: float = 0.0
    chosen_s: float = 0.5
    feedback_s: float = 1.5
    blank_s: float = 0.1

    def __post_init__(self) -> None:
        for name in ("fixation_s", "framed_after_s", "chosen_s", "feedback_s", "blank_s"):
            _between(name, getattr(self, name), 0, 60)
        if self.response_limit_s is not None:
            _between("response_limit_s", self.response_limit_s, 0.1, 3600)


@dataclass(frozen=True)
class Feedback:
    """When the right answer is shown.

    Parameters
    ----------
    practice, main, catch
        After each such trial.
    block_score
        The share of right answers after each block.
    """

    practice: bool = True
    main: bool = True
    catch: bool = True
    block_score: bool = True


@dataclass(frozen=True)
class Layout:
    """Where things stand on the screen, in one unit of length.

    Parameters
    ----------
    unit
        ``px`` (images of ``image`` 224 are then shown unscaled) or ``deg`` of visual angle.
    image
        Side of every image.
    gap
        Between neighbouring images.
    separation
        Between groups of images: references and queries of the occlusion task, the two halves of
        the rows of exemplar matching.
    reference_offset
        2AFC: from the screen's centre to the centre of a grid of references, sideways.
    query_offset
        2AFC: from the screen's centre to the centre of a query.
    queries
        2AFC: ``vertical`` puts query a above b, ``horizontal`` left of it.
    text
        Height of letters.
    """

    unit: Literal["px", "deg"] = "px"
    image: float = 224
    gap: float = 7
    separation: float = 64
    reference_offset: float = 583
    query_offset: float = 202
    queries: Literal["vertical", "horizontal"] = "vertical"
    text: float = 26

    def __post_init__(self) -> None:
        for name in ("image", "reference_offset", "query_offset", "text"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected more than 0")
        for name in ("gap", "separation"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected 0 or more")


@dataclass(frozen=True)
class Design:
    """One study.

    Parameters
    ----------
    name
        Equal to the file's name without its ending.
    title, source
        What it is, and the publication it follows.
    task
        Task of its trials.
    stimulus_set
        Name of the stimulus set that it is usually run with.
    units, references, batches, blocks, keys, durations, feedback, layout
        See their classes.
    orders
        Lists of block names; participant p takes order ``(p - 1) mod number of orders``. A block
        that stands several times goes on with the next units of its pool.
    participants
        Most participants that the counterbalancing allows.
    confidence
        ``one_press`` gives choice and confidence at once, ``two_step`` asks for the choice first.
    input
        What exemplar matching is answered with.
    break_after
        Which blocks end with a break and, if ``feedback.block_score``, their score.
    language
        Language of the screens' texts.
    seed
        Fixes every random choice.
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
    references: References = References()
    keys: Keys = Keys()
    durations: Durations = Durations()
    feedback: Feedback = Feedback()
    layout: Layout = Layout()
    confidence: Confidence = "one_press"
    input: Input = "keys"
    break_after: Literal["all", "main", "none"] = "main"
    language: str = "en"
    path: str = field(default="", init=False)
    sha256: str = field(default="", init=False)

    def __post_init__(self) -> None:
        _at_least("participants", self.participants, 1)
        _at_least("seed", self.seed, 0)
        if not self.orders or not all(self.orders):
            raise ValueError("orders is empty, expected at least one list of blocks")
        for order in self.orders:
            for name in order:
                if name not in self.blocks:
                    raise ValueError(
                        f"orders names block {name!r}, which blocks lacks"
                        f"{nearest(name, self.blocks)}"
                    )
            if sorted(order) != sorted(self.orders[0]):
                raise ValueError("orders differ in the blocks they hold, not only in their order")
        for name, block in self.blocks.items():
            if block.role == "main" and block.condition not in self.batches.rotation:
                raise ValueError(
                    f"block {name!r} has condition {block.condition!r}, "
                    "which batches.rotation lacks"
                )

    def order(self, participant: int) -> tuple[str, ...]:
        """Return the names of a participant's blocks, in order."""
        return self.orders[(participant - 1) % len(self.orders)]


def find_design(name: str) -> Path:
    """Return the file of a design given by its name or by a path.

    Raises
    ------
    BadInput
        If there is none, naming the nearest shipped design.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return path
    shipped = PACKAGE / f"{name}.yaml"
    if not shipped.is_file():
        raise BadInput(
            f"no design is named {name!r}{nearest(name, shipped_designs())}; "
            "give a name from 'python -m conditions list' or the path of a YAML file"
        )
    return shipped


def shipped_designs() -> list[str]:
    """Return the names of the designs that come with the suite."""
    return sorted(path.stem for path in PACKAGE.glob("*.yaml"))


def read_design(name: str | Path) -> Design:
    """Read a design by name or path.

    Raises
    ------
    BadInput
        If the file is missing or a key is unknown, missing or impossible.
    """
    path = find_design(str(name))
    design = read_settings(path, Design)
    if design.name != path.stem:
        raise BadInput(
            f"{path}: name is {design.name!r}, expected {path.stem!r} as the file's name"
        )
    object.__setattr__(design, "path", str(path))
    object.__setattr__(design, "sha256", sha256_of(path))
    return design
