"""Rules by which a study excludes sessions, and the one judge of a session."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from unitscope.bounds import at_least, between
from unitscope.records import SessionRecord
from unitscope.row_types import LogText
from unitscope.session_facts import TrialTimes, layout_scale, number_of, total_s

FEWEST_FOR_SIDES = 20
"""As many correct answers at one side come about by chance once in a million logs."""


@dataclass(frozen=True)
class Measure:
    """A number of one session that a rule looks at.

    Parameters
    ----------
    description
        For readers.
    absent
        Why it cannot be told where it cannot.
    grows
        Whether it can only become larger while the session goes on.
    asked
        The rule as a sentence, of a measure whose number says nothing to readers.
    """

    description: str
    absent: str = "the session's record does not say it"
    grows: bool = True
    asked: str = ""


MEASURES = {
    "instruction_s": Measure("seconds on the pages before the first trial", grows=False),
    "total_s": Measure("seconds from the first page to the end of the last trial"),
    "catch_correct": Measure(
        "proportion of catch trials answered correctly", "the session has no such trials", False
    ),
    "less_used_side": Measure(
        "trials, other than practice, on the less-used side", "the session has no such trials"
    ),
    "practice_rounds": Measure("rounds of practice"),
    "layout_scale": Measure(
        "size of the images on the screen, as a share of the design's",
        "the session had no window",
        False,
    ),
    "earlier_sessions": Measure("earlier sessions of the same participant", grows=False),
    "later_sessions": Measure("later sessions of the same participant"),
    "excluded_by_study": Measure(
        "1 where the study that the log comes from excluded the session, else 0",
        "the log does not say it",
        False,
        "the study that the log comes from did not exclude the session",
    ),
}
"""Name to what a session is judged by. Trials follow the pages, so that their time is final."""


@dataclass(frozen=True)
class ExclusionRule:
    """A session is excluded when its measure lies outside of what is allowed.

    Parameters
    ----------
    name
        Of the rule.
    measure
        Name of a measure in ``MEASURES``.
    at_least, at_most
        Smallest and largest value that pass, in the measure's own unit.
    kinds
        Observer kinds that the rule is for: an inattentive machine is a finding, not a fault.
    """

    name: str
    measure: str
    at_least: float = -math.inf
    at_most: float = math.inf
    kinds: tuple[str, ...] = ("person", "simulated")

    @property
    def allowed(self) -> str:
        """What passes: ``at least 0.6``, ``90 to 900``."""
        return allowed(self.at_least, self.at_most)

    @property
    def sentence(self) -> str:
        """What the rule asks for, for readers."""
        measure = MEASURES[self.measure]
        return measure.asked or f"{measure.description}: {self.allowed}"


def allowed(at_least: float, at_most: float) -> str:
    """Return a range for readers; an end that is infinite or NaN is open."""
    if not math.isfinite(at_most):
        return f"at least {at_least:g}"
    if not math.isfinite(at_least):
        return f"at most {at_most:g}"
    return f"{at_least:g} to {at_most:g}"


RULES_OF_STUDY = (
    ExclusionRule("the study's own", "excluded_by_study", at_most=0, kinds=("person",)),
)
"""For imported logs that say which sessions were excluded."""

WHOLE_SIZE = ExclusionRule("shrunk images", "layout_scale", at_least=1)
FIRST_SESSION = ExclusionRule("first session", "earlier_sessions", at_most=0)
LAST_SESSION = ExclusionRule("last session", "later_sessions", at_most=0)

STANDING_RULES = (WHOLE_SIZE, FIRST_SESSION)
"""For the sessions of every study that the suite ran, whatever its design says."""

Rules = Mapping[str, Sequence[ExclusionRule]]
"""Group of participants to its rules; those of the empty name are for everybody else."""


@dataclass(frozen=True)
class Thresholds:
    """What a design's rules allow; one that is not given does not apply.

    Parameters
    ----------
    instruction_s
        Minimum time on the pages before the first trial, in seconds.
    total_s
        Minimum and maximum time from the first page to the end of the last trial, in seconds.
    catch_share
        Minimum proportion of catch trials answered correctly.
    less_used_side
        Minimum number of trials, other than practice, on the less-used side.
    practice_rounds
        Maximum number of rounds of practice.
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
            raise ValueError(f"total_s is {list(self.total_s)}, expected minimum and maximum time")

    @property
    def rules(self) -> tuple[ExclusionRule, ...]:
        """The rules; times are asked of people only, as a simulated participant takes none."""
        people = ("person",)
        found: list[ExclusionRule] = []
        if self.instruction_s is not None:
            minimum = self.instruction_s
            found.append(ExclusionRule("instruction time", "instruction_s", minimum, kinds=people))
        if self.total_s is not None:
            found.append(ExclusionRule("total time", "total_s", *self.total_s, kinds=people))
        if self.catch_share is not None:
            found.append(ExclusionRule("catch trials", "catch_correct", self.catch_share))
        if self.less_used_side is not None:
            found.append(ExclusionRule("side bias", "less_used_side", self.less_used_side))
        if self.practice_rounds is not None:
            rounds = self.practice_rounds
            found.append(ExclusionRule("practice", "practice_rounds", at_most=rounds))
        return tuple(found)


@dataclass(frozen=True)
class Exclusions(Thresholds):
    """What the rules of a design allow, for all its groups.

    Parameters
    ----------
    instruction_s, total_s, catch_share, less_used_side, practice_rounds
        As for :class:`Thresholds`.
    groups
        Group of participants to the thresholds that stand in place of these for it.
    """

    groups: dict[str, Thresholds] = field(default_factory=dict)

    @property
    def by_group(self) -> dict[str, tuple[ExclusionRule, ...]]:
        """The rules of each group that has its own, and for the empty name those of the others."""
        return {"": self.rules} | {name: self.groups[name].rules for name in sorted(self.groups)}

    @property
    def of_study(self) -> Rules:
        """The same, and the rules that stand in every study."""
        return with_standing(self.by_group)


def with_standing(rules: Rules, standing: Sequence[ExclusionRule] = STANDING_RULES) -> Rules:
    """Return rules with those that stand in every study, for each group."""
    return {group: (*own, *standing) for group, own in rules.items()}


DEFAULT_RULES = Exclusions(catch_share=0.6, less_used_side=1).rules
"""Thresholds of Zimmermann et al., NeurIPS 2021, for logs whose design is not at hand."""


def rules_for(rules: Rules, group: str) -> Sequence[ExclusionRule]:
    """Return the rules that a participant's group falls under."""
    return rules.get(group, rules[""])


class TrialAnswers(NamedTuple):
    """What was answered, one entry a trial in each field.

    ``choice`` is empty and ``correct`` False where there was no answer.
    """

    trial_role: Sequence[str]
    choice: Sequence[str]
    correct: Sequence[bool]


@dataclass(frozen=True)
class JudgedSession:
    """What the rules look at in one session; numbers are NaN where not known.

    Parameters
    ----------
    group
        Of the participant; empty where groups are not compared.
    observer_kind
        Who answered.
    answers
        To its trials.
    instruction_s, total_s, practice_rounds
        Time on the pages before the trials and in all, and rounds of practice.
    layout_scale
        Size of its images as a share of the designed one.
    earlier_sessions, later_sessions
        Of the same participant, :func:`sessions_around`.
    excluded_by_study
        1 where the study that the log comes from excluded it, else 0.
    """

    group: str
    observer_kind: str
    answers: TrialAnswers
    instruction_s: float = math.nan
    total_s: float = math.nan
    practice_rounds: float = math.nan
    layout_scale: float = math.nan
    earlier_sessions: float = math.nan
    later_sessions: float = math.nan
    excluded_by_study: float = math.nan


_Judged = Literal[
    "run",
    "trial_number",
    "trial_began_utc",
    "fixation_onset_s",
    "onset_s",
    "trial_end_s",
    "trial_role",
    "choice",
    "correct",
]


def judged_session(
    record: SessionRecord, rows: Sequence[LogText], earlier: float = math.nan
) -> JudgedSession:
    """Return what the rules look at in a session's files.

    Parameters
    ----------
    record
        Its ``session.json``.
    rows
        Of its ``trials.csv``, every cell as text; at least one.
    earlier
        Sessions of the same participant before it.
    """

    def cells(name: _Judged) -> list[str]:
        return [row.get(name) or "" for row in rows]

    def seconds(name: _Judged) -> list[float]:
        return [float(cell) if cell else math.nan for cell in cells(name)]

    times = TrialTimes(
        [int(cell) for cell in cells("run")],
        [int(cell) for cell in cells("trial_number")],
        cells("trial_began_utc"),
        seconds("fixation_onset_s"),
        seconds("onset_s"),
        seconds("trial_end_s"),
    )
    correct = [cell == "True" for cell in cells("correct")]
    return JudgedSession(
        group=rows[0].get("group") or "",
        observer_kind=rows[0].get("observer_kind") or "",
        answers=TrialAnswers(cells("trial_role"), cells("choice"), correct),
        instruction_s=number_of(record, "instruction_s"),
        total_s=total_s(record, times),
        practice_rounds=number_of(record, "practice_rounds"),
        layout_scale=layout_scale(record),
        earlier_sessions=earlier,
    )


class TakenPart(NamedTuple):
    """A session of somebody: who, its number, and the roles of its trials."""

    who: Hashable
    number: int
    roles: Sequence[str]


def sessions_around(sessions: Sequence[TakenPart]) -> list[tuple[int, int]]:
    """Return how many sessions of the same participant came before and after each.

    Only those count that had other trials than practice.
    """
    counted: dict[Hashable, list[int]] = {}
    for one in sessions:
        if any(role != "practice" for role in one.roles):
            counted.setdefault(one.who, []).append(one.number)
    return [
        (
            sum(other < one.number for other in counted.get(one.who, ())),
            sum(other > one.number for other in counted.get(one.who, ())),
        )
        for one in sessions
    ]


def has_sides(correct_choices: Collection[str]) -> bool:
    """Return whether correct answers are at either side, not always the same choice.

    Imported logs may have a choice that stands for "correct"; too few trials say nothing.

    Parameters
    ----------
    correct_choices
        Of all trials of a study that have one.
    """
    return len(correct_choices) < FEWEST_FOR_SIDES or len(set(correct_choices)) > 1


Outcome = Literal["met", "broken", "open", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What one rule says of a session.

    Parameters
    ----------
    rule
        The rule.
    value
        The session's measure, NaN where it cannot be told.
    n_trials
        Trials that it rests on.
    outcome
        Whether the rule is ``met`` or ``broken``, so far where the session goes on; ``open``
        where only more trials can tell; ``unknown`` where the measure cannot be told, which lets
        a session pass.
    reason
        Why it cannot be told.
    """

    rule: ExclusionRule
    value: float
    n_trials: int
    outcome: Outcome
    reason: str = ""

    @property
    def sentence(self) -> str:
        """What was found and what is allowed."""
        found = self.reason or f"{self.value:.4g}"
        measure = MEASURES[self.rule.measure]
        return f"{measure.description}: {found} (the rule is {self.rule.allowed})"


def judge(
    session: JudgedSession, rules: Rules, *, sided: bool = True, is_over: bool = True
) -> list[Verdict]:
    """Hold a session against every rule that is for its group and its kind of observer.

    Parameters
    ----------
    session
        What is judged; it would be excluded if one verdict is ``broken``.
    rules
        Of the study.
    sided
        Whether choices are sides in this study, see :func:`has_sides`.
    is_over
        Whether no more trials will come.
    """
    return [
        _verdict(session, rule, sided, is_over)
        for rule in rules_for(rules, session.group)
        if session.observer_kind in rule.kinds
    ]


def _verdict(session: JudgedSession, rule: ExclusionRule, sided: bool, is_over: bool) -> Verdict:
    measure = MEASURES[rule.measure]
    if rule.measure == "less_used_side" and not sided:
        return Verdict(rule, math.nan, 0, "unknown", "the same choice is always the correct one")
    value, n_trials = _measured(session, rule.measure)
    outcome: Outcome = "met"
    if not n_trials:
        return Verdict(rule, value, 0, "unknown" if is_over else "open", measure.absent)
    if value < rule.at_least:
        outcome = "open" if measure.grows and not is_over else "broken"
    elif value > rule.at_most:
        outcome = "broken"
    return Verdict(rule, value, n_trials, outcome)


def _measured(session: JudgedSession, measure: str) -> tuple[float, int]:
    """Return a measure and the number of trials that it rests on, NaN and 0 if not known."""
    roles, choices, correct = session.answers
    if measure == "catch_correct":
        catch = [one for one, role in zip(correct, roles, strict=True) if role == "catch"]
        return (sum(catch) / len(catch) if catch else math.nan), len(catch)
    if measure == "less_used_side":
        pairs: Iterable[tuple[str, str]] = zip(choices, roles, strict=True)
        sides = [choice for choice, role in pairs if choice and role != "practice"]
        fewer = float(min(sides.count("a"), sides.count("b")))
        return (fewer if sides else math.nan), len(sides)
    value = float(getattr(session, measure))
    return value, len(roles) if math.isfinite(value) else 0
