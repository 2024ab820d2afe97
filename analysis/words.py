"""Sentences that a report says: its headline and its methods."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis.groups import Group
from analysis.results import Results
from conditions.design import Design

_GAP = "\u00a0"
"""Space at which no line breaks."""

_CI_UNITS = {
    "crossed": "new participants with new units",
    "participant": "new participants with the same units",
    "unit": "the same participants with new units",
    "trial": "new trials of the same participants and units",
    "paper": "the participants' means (2 SEM, ddof 0)",
}


def percent(share: float) -> str:
    """Return a share as a whole percentage: ``83``."""
    return "–" if math.isnan(share) else f"{100 * share:.0f}"


def points(share: float) -> str:
    """Return a difference in percentage points with its sign: ``+32``."""
    if math.isnan(share):
        return "–"
    rounded = round(100 * share)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else ''}{abs(rounded)}"


def p_value(p: float) -> str:
    """Return a p value: ``= .012`` or ``< .001``."""
    if math.isnan(p):
        return "–"
    return f"<{_GAP}.001" if p < 0.001 else f"={_GAP}{p:.3f}".replace("0.", ".", 1)


def bayes_factor(factor: float) -> str:
    """Return a Bayes factor for a difference, rounded to what matters."""
    if math.isnan(factor):
        return "–"
    if factor >= 1000:
        return f">{_GAP}1000"
    if factor < 0.01:
        return f"<{_GAP}0.01"
    return f"{factor:.0f}" if factor >= 10 else f"{factor:.1f}" if factor >= 1 else f"{factor:.2f}"


def with_references(condition: str) -> str:
    """Return ``with natural references`` or ``without references``."""
    return "without references" if condition == "none" else f"with {condition} references"


def headline(results: Results, group: Group) -> list[str]:
    """Return what a group's results say, one sentence each."""
    rows = list(results.of("accuracy", group).itertuples(index=False))
    if not rows:
        return [f"No main trial of {group.label} remains after the exclusions."]
    level = f"{percent(results.settings.level)}{_GAP}% interval "
    if results.settings.ci_unit == "paper":
        level = f"2{_GAP}SEM: "
    parts: list[str] = []
    for row in rows:
        who, of = (f"{group.label} were right in ", " of trials") if not parts else ("in ", "")
        share = f"{percent(row.proportion)}{_GAP}%{of}"
        interval = "" if row.reason else f" ({level}{percent(row.low)} to {percent(row.high)})"
        parts.append(f"{with_references(row.reference_condition)} {who}{share}{interval}")
        level = "" if interval else level
    first = _joined(parts)
    sentences = [f"{first[0].upper()}{first[1:]}.{_without_interval(rows)}"]
    sentences += [_compared(row, results) for row in _rows(results.of("differences", group))]
    return sentences


def _without_interval(rows: list[Any]) -> str:
    """Return a sentence for each reason why an interval is missing, and for which conditions."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.reason:
            where = with_references(row.reference_condition)
            reasons.setdefault(row.reason, []).append(where)
    if len(reasons) == 1 and len(next(iter(reasons.values()))) == len(rows):
        return f" The intervals are {next(iter(reasons))}."
    return "".join(f" The interval {_joined(where)} is {why}." for why, where in reasons.items())


def verdict(row: Any, level: float) -> str:
    """Return what a contrast allows to say: different, alike, both or neither."""
    if row.reason:
        return "not computable"
    different = row.p_holm < 1 - level
    if different and row.equivalent:
        return "different, but by less than matters"
    if different:
        return "different"
    return "alike" if row.equivalent else "undecided"


def methods(design: Design | None, results: Results) -> list[str]:
    """Return paragraphs on how the data came about and were analysed."""
    paragraphs = []
    if design is not None:
        paragraphs += [_task(design), _course(design)]
    else:
        paragraphs.append(
            f"The design {results.log.design} is not at hand, so that only the analysis is "
            "described here."
        )
    paragraphs.append(_who(results))
    paragraphs.append(_analysis(results))
    return paragraphs


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples(index=False))


def _compared(row: Any, results: Results) -> str:
    pair = f"{_name(row.first)} rather than {_name(row.second)}"
    if row.reason:
        difference = f"{points(row.difference)} percentage points, interval "
        return f"{pair[0].upper()}{pair[1:]} references: {difference}{row.reason}."
    numbers = (
        f"{points(row.difference)} percentage points ({points(row.low)} to {points(row.high)}; "
        f"p{_GAP}{p_value(row.p_holm)}, Bayes factor{_GAP}{bayes_factor(row.bayes_factor)})"
    )
    found = {
        "different": "a difference",
        "alike": f"alike to within {percent(row.smallest_effect)} points",
        "undecided": "undecided: the data show neither a difference nor its absence",
        "different, but by less than matters": (
            f"a difference, but one below {percent(row.smallest_effect)} points"
        ),
    }[verdict(row, results.settings.level)]
    return f"{pair[0].upper()}{pair[1:]} references: {numbers} – {found}."


def _name(condition: str) -> str:
    return "no" if condition == "none" else condition


def _joined(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _task(design: Design) -> str:
    references = design.references
    poles = {
        ("min", "max"): "least and the most activating",
        ("max",): "most activating",
        ("min",): "least activating",
    }.get(tuple(references.poles), "most and the least activating")
    placed = "one above the other" if design.layout.queries == "vertical" else "side by side"
    side = (
        f"{references.per_side} reference images of each sort"
        if len(references.poles) > 1
        else (f"{references.per_side} reference images")
    )
    conditions = _joined([_name(c) for c in design.conditions])
    source = f" ({design.source})" if design.source else ""
    limit = design.durations.response_limit_s
    paced = "without a time limit" if limit is None else f"within {limit:g} s"
    return (
        f"{design.title}{source}. In each trial two natural query images were shown, {placed}, of "
        "which one activates a unit of a network strongly and the other weakly. Participants "
        f"chose the one that they took to activate it more, {paced}, and gave their confidence "
        f"from 1 to 3 with the same key. {side[0].upper()}{side[1:]} showed the {poles} images; "
        f"there were {conditions} references, within participants."
    )


def _course(design: Design) -> str:
    blocks = [design.blocks[name] for name in design.order(1)]
    main = [block for block in blocks if block.role == "main"]
    per_condition: dict[str, int] = {}
    for block in main:
        per_condition[block.condition] = per_condition.get(block.condition, 0) + block.trials
    counts = _joined([f"{n} with {_name(c)} references" for c, n in per_condition.items()])
    practice = sum(block.trials for block in blocks if block.role == "practice")
    catch = sum(block.catch for block in blocks)
    units = sum(n for pool, n in design.units.sample.items() if pool == "main")
    of_units = f" about {_counted(units, 'unit')}" if units else ""
    orders = len(design.orders)
    order = (
        f"the order of blocks alternated between {orders} lists over participants"
        if orders > 1
        else "the order of blocks was the same for all"
    )
    shown = [name for name in ("practice", "main", "catch") if getattr(design.feedback, name)]
    feedback = f"after {_joined(shown)} trials" if shown else "at no time"
    return (
        f"A session had {_counted(sum(per_condition.values()), 'main trial')}{of_units} "
        f"({counts}), {_counted(practice, 'practice trial')} and {_counted(catch, 'catch trial')}, "
        "in which the queries were two of the references. Trials were shuffled within blocks "
        f"and {order}. Fixation lasted {design.durations.fixation_s:g} s. Right answers were "
        f"shown {feedback}."
    )


def _who(results: Results) -> str:
    sessions = results.tables["sessions"]
    parts = []
    for group in results.groups:
        own = group.rows_of(sessions)
        number = own["participant"].nunique()
        parts.append(f"{group.label}: {number} in {_counted(len(own), 'session')}")
    rules = "; ".join(rule.sentence for rule in results.settings.rules)
    return (
        f"Who took part – {'; '.join(parts)}. Sessions of people and simulated participants were "
        f"kept if they passed these rules: {rules}. Machine observers and baselines are never "
        "excluded. Trials of unfinished sessions count as far as they go."
    )


def _analysis(results: Results) -> str:
    settings = results.settings
    whom = _CI_UNITS[settings.ci_unit]
    level = f"{100 * settings.level:.0f} %"
    how = {
        "crossed": (
            "Their variance is the sum of components for participants, units and what remains "
            "(Henderson 1953; a component estimated below zero counts as zero), with "
            "Satterthwaite's degrees of freedom."
        ),
        "participant": "They are t intervals over participants.",
        "unit": "They are t intervals over units.",
        "trial": "They are Wilson's for accuracies, and t intervals over pairs for differences.",
        "paper": "Tests are t tests over participants.",
    }[settings.ci_unit]
    interval = "Error bars" if settings.ci_unit == "paper" else f"Intervals ({level})"
    return (
        "Accuracy is the share of right answers pooled over main trials; practice, catch and "
        f"unanswered trials do not count. {interval} speak for {whom}. {how} Differences are "
        "taken within participants; their p values are Holm-corrected over the pairs of "
        "conditions. Two one-sided tests ask whether a difference is smaller than "
        f"{percent(settings.smallest_effect)} percentage points, the smallest effect of interest. "
        "Bayes factors for a difference are JZS (Rouder et al. 2009; scale √2/2) of the same t "
        "statistic, the sample size being its degrees of freedom plus one."
    )
