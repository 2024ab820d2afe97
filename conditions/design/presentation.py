"""Settings of a design about what participants see and press, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from conditions.design.key_names import key_name
from unitscope.bounds import at_least, between


@dataclass(frozen=True)
class Keys:
    """Keys, by their position on a US keyboard; digits of the keypad count as the other digits.

    Parameters
    ----------
    a, b
        Keys for query a and query b, in the order of confidence 1, 2, 3. Where the confidence is
        asked for in a second step, the first of each is the choice.
    confidence
        Keys for confidence 1, 2, 3 in the second step.
    numbers
        Keys that choose a half row in exemplar matching, from the upper one down.
    undo, confirm
        Undo the last pair, and end the trial, in exemplar matching.
    forward
        Ends a break or an instruction page.
    pause
        Pauses and resumes the session.
    leave
        Asks whether to end the session.
    confirm_leave
        Confirms that.
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
        for field in fields(self):
            given = getattr(self, field.name)
            named = key_name(given) if isinstance(given, str) else tuple(map(key_name, given))
            object.__setattr__(self, field.name, named)
        always = (self.forward, self.pause, self.leave, self.confirm_leave)
        # Keys that never count at the same time may be the same.
        for together in (
            (*self.a, *self.b, *always),
            (*self.confidence, *always),
            (*self.numbers, self.undo, self.confirm, *always),
        ):
            for key in together:
                if together.count(key) > 1:
                    raise ValueError(f"key {key!r} has two meanings")

    @property
    def response(self) -> dict[str, tuple[str, int]]:
        """Key to (choice, confidence)."""
        sides = (("a", self.a), ("b", self.b))
        return {key: (side, i) for side, row in sides for i, key in enumerate(row, start=1)}


@dataclass(frozen=True)
class Durations:
    """Durations of a trial's phases, in seconds.

    Parameters
    ----------
    fixation_s
        Fixation cross before the images.
    response_limit_s
        Time limit for the response; None for no limit.
    framed_after_s
        Delay from the response until the choice is framed.
    chosen_s
        How long only the choice is framed, before feedback.
    feedback_s
        How long the correct answer is framed as well.
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
        between(
            0,
            60,
            fixation_s=self.fixation_s,
            framed_after_s=self.framed_after_s,
            chosen_s=self.chosen_s,
            feedback_s=self.feedback_s,
            blank_s=self.blank_s,
        )
        between(0.1, 3600, response_limit_s=self.response_limit_s)


@dataclass(frozen=True)
class Feedback:
    """When the correct answer is shown.

    Parameters
    ----------
    practice, main, catch, repeat
        After each trial of that role.
    block_score
        Whether a break shows the proportion correct of the block.
    """

    practice: bool = True
    main: bool = True
    catch: bool = True
    repeat: bool = True
    block_score: bool = True


@dataclass(frozen=True)
class Layout:
    """Positions and sizes on the screen, in one unit of length.

    Parameters
    ----------
    unit
        ``px`` (images of ``image`` 224 are then shown unscaled) or ``deg`` of visual angle.
    image
        Side of every image.
    gap
        Between neighbouring images of a group.
    separation
        Between groups: in the occlusion task between the references and the images to their right,
        in exemplar matching between left and right halves.
    reference_offset
        Two-alternative forced choice: from the screen's centre to the centre of a grid of
        references, horizontally.
    query_offset
        Two-alternative forced choice: from the screen's centre to the centre of a query.
    queries
        Two-alternative forced choice: ``vertical`` puts query a above b, ``horizontal`` left of it.
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
        at_least(0, gap=self.gap, separation=self.separation)


@dataclass(frozen=True)
class Ratings:
    """Ratings of how intuitive some images look to the participant, on a slider.

    Parameters
    ----------
    pool
        Pool of the units whose images are rated.
    before, after
        Number of ratings before the first and after the last trial, of the same units.
    kind
        Which image of the unit: the most activating synthetic or natural one.
    """

    pool: str
    before: int = 3
    after: int = 0
    kind: Literal["synthetic", "natural"] = "synthetic"

    def __post_init__(self) -> None:
        at_least(0, before=self.before, after=self.after)
        at_least(1, **{"before + after": self.before + self.after})
