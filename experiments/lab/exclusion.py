"""Which of a study's rules of exclusion a session meets as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from unitscope.exclusion import ExclusionRules


@dataclass(frozen=True)
class Standing:
    """One rule.

    Parameters
    ----------
    holds
        Whether the session would pass it if it ended now.
    sentence
        What was found and what is expected.
    """

    holds: bool
    sentence: str


def standings(
    facts: Mapping[str, Any], rows: Sequence[Mapping[str, str]], rules: ExclusionRules
) -> Iterator[Standing]:
    """Yield the rules that can be judged already, as the analysis will judge them in the end.

    Parameters
    ----------
    facts
        The session's ``session.json``.
    rows
        Its trials so far, every cell as text.
    rules
        Of the participant's group.
    """
    catch = [row["correct"] == "True" for row in rows if row["trial_role"] == "catch"]
    if rules.catch_share is not None and catch:
        yield Standing(
            sum(catch) / len(catch) >= rules.catch_share,
            f"{sum(catch)} of {len(catch)} catch trials right, "
            f"the rule is {100 * rules.catch_share:g} % or more",
        )
    sides = [r["choice"] for r in rows if r.get("choice") and r["trial_role"] != "practice"]
    if rules.less_used_side is not None and sides:
        fewer = min(sides.count("a"), sides.count("b"))
        yield Standing(
            fewer >= rules.less_used_side,
            f"{fewer} of {len(sides)} answers on the side used less, "
            f"the rule is {rules.less_used_side} or more",
        )
    rounds = facts.get("practice_rounds")
    if rules.practice_rounds is not None and rounds is not None:
        yield Standing(
            rounds <= rules.practice_rounds,
            f"{rounds} rounds of practice, the rule is {rules.practice_rounds} or fewer",
        )
    # A simulated participant's clock costs no time.
    if facts.get("observer_kind") == "person" and rows:
        yield from _times(facts, rows, rules)


def _times(
    facts: Mapping[str, Any], rows: Sequence[Mapping[str, str]], rules: ExclusionRules
) -> Iterator[Standing]:
    if rules.instruction_s is not None:
        spent_s = facts.get("instruction_s", 0.0)
        yield Standing(
            spent_s >= rules.instruction_s,
            f"{spent_s:.0f} s on the pages before the trials, "
            f"the rule is {rules.instruction_s:g} s or more",
        )
    if rules.total_s is not None:
        least_s, most_s = rules.total_s
        took_s = _took_s(facts, rows)
        is_over = len(rows) >= facts["trials"] - facts.get("trials_skipped", 0)
        yield Standing(
            took_s <= most_s and (took_s >= least_s or not is_over),
            f"{took_s / 60:.1f} min from the first page to the last trial so far, "
            f"the rule is {least_s / 60:g} to {most_s / 60:g} min",
        )


def _took_s(facts: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> float:
    """Return the time from the first page to the last trial's beginning, all runs together."""
    last = {int(row["run"]): row["trial_began_utc"] for row in rows}
    spans = [
        datetime.fromisoformat(last[number]) - datetime.fromisoformat(run["began_utc"])
        for number, run in enumerate(facts["runs"], start=1)
        if number in last
    ]
    return sum(span.total_seconds() for span in spans)
