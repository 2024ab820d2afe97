"""The rules by which a study leaves sessions out, as settings of its design."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from unitscope.bounds import at_least, between


@dataclass(frozen=True)
class ExclusionRules:
    """A session passes if every rule that is given holds.

    Parameters
    ----------
    instruction_s
        Least time on the pages before the first trial, in seconds.
    total_s
        Least and most time from the first page to the last trial, in seconds.
    catch_share
        Least share of catch trials that are right.
    less_used_side
        Least number of trials, other than practice, with a choice of the side chosen less.
    practice_rounds
        Most rounds of practice.
    """

    instruction_s: float | None = None
    total_s: tuple[float, float] | None = None
    catch_share: float | None = None
    less_used_side: int | None = None
    practice_rounds: int | None = None

    def __post_init__(self) -> None:
        at_least(0, instruction_s=self.instruction_s, less_used_side=self.less_used_side)
        at_least(1, practice_rounds=self.practice_rounds)
        between(0, 1, catch_share=self.catch_share)
        if self.total_s is not None and not 0 <= self.total_s[0] < self.total_s[1]:
            raise ValueError(f"total_s is {list(self.total_s)}, expected least and most time")


@dataclass(frozen=True)
class Exclusions(ExclusionRules):
    """The rules of a study.

    Parameters
    ----------
    instruction_s, total_s, catch_share, less_used_side, practice_rounds
        As for :class:`ExclusionRules`.
    groups
        Group of participants to the rules that stand in place of these for it.
    """

    groups: dict[str, ExclusionRules] = field(default_factory=dict)

    def rules(self, group: str = "") -> ExclusionRules:
        """Return the rules for a group; for the participants of other groups, the general ones."""
        own = {f.name: getattr(self, f.name) for f in fields(ExclusionRules)}
        return self.groups.get(group, ExclusionRules(**own))
