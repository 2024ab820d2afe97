"""Settings of a design about what participants see and press, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unitscope.bounds import at_least, between
from unitscope.columns import MAX_REFERENCES

MOST_PX = 100_000
"""Limit on every length of a layout, far beyond any screen."""


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
    self_paced
        Whether what is shown last, before the empty screen, stays until the participant continues.
    """

    fixation_s: float = 0.5
    response_limit_s: float | None = None
    framed_after_s: float = 0.0
    chosen_s: float = 0.5
    feedback_s: float = 1.5
    blank_s: float = 0.1
    self_paced: bool = False

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
            between(0, MOST_PX, **{name: getattr(self, name)})
        between(0, MOST_PX, gap=self.gap, separation=self.separation)


@dataclass(frozen=True)
class Ratings:
    """Ratings of how intuitive some images are to the participant, on a slider.

    Parameters
    ----------
    pool
        Pool of the units whose most activating images are rated.
    before, after
        Number of ratings before the first and after the last trial, of the same units.
    kind
        ``both``: how intuitive a unit's synthetic images are as an explanation of its natural ones,
        side by side. ``synthetic`` or ``natural``: how intuitive its one most activating image is.
    n_images
        Number of images of each kind where both are shown.
    """

    pool: str
    before: int = 3
    after: int = 0
    kind: Literal["both", "synthetic", "natural"] = "synthetic"
    n_images: int = 9

    def __post_init__(self) -> None:
        between(0, 1000, before=self.before, after=self.after)
        at_least(1, **{"before + after": self.before + self.after})
        between(1, MAX_REFERENCES, n_images=self.n_images)


@dataclass(frozen=True)
class Explanation:
    """Pages of the instructions that show what units respond to.

    Parameters
    ----------
    pool
        Pool of the units, which should be in no trial.
    units
        Number of units, a page each, the same for every participant.
    n_images
        Number of images of each kind and pole.
    """

    pool: str
    units: int = 5
    n_images: int = 9

    def __post_init__(self) -> None:
        at_least(1, units=self.units)
        between(1, MAX_REFERENCES, n_images=self.n_images)
