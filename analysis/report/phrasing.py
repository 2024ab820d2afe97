"""Numbers as a report writes them, and the sentences of its headline."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from analysis.report.groups import Group
from analysis.report.study import RATINGS_ONLY, Results
from analysis.statistics.estimates import LEVEL, significance
from unitscope.vocabulary import REFERENCE_CONDITIONS

_GAP = "\u00a0"
"""Space at which no line breaks."""

MAX_PAIRS = 4
"""Pairs of conditions up to which the headline has a sentence for each."""

_SILENT = ("undecided", "not computable")

FACTOR_NAMES = {
    "scheme": "scheme",
    "group": "group",
    "n_images": "number of images",
    "depth": "depth",
    "layer": "layer",
    "branch": "branch",
    "unit_pool": "pool of units",
    "place": "lab or online",
    "outcome": "correctness",
    "pre_post": "pre or post",
    "moment": "before or after",
}
"""Factors other than the condition, and their names for readers."""

MEASURE_NAMES = {
    "accuracy": "accuracy",
    "hit_share": "rows correct",
    "rt_s": "reaction time",
    "confidence": "confidence",
    "rating": "rating",
}
"""What participants are measured by, and its names for readers."""


LEVEL_NAMES = {"hand_picked": "hand-picked"}
"""Levels whose names are not those of the log with spaces."""


def factors(joined_names: str, results: Results) -> str:
    """Return an effect for readers: ``scheme × references``."""
    known = FACTOR_NAMES | {"reference_condition": condition_word(results)}
    return " × ".join(known.get(name, name) for name in joined_names.split("*"))


def condition_word(results: Results) -> str:
    """Return what conditions are called in a report: letters and others' own are no references."""
    return "references" if _are_references(results.conditions) else "condition"


def condition_heading(results: Results) -> str:
    """Return the heading above conditions in a table."""
    return condition_word(results).capitalize()


def percent(share: float) -> str:
    """Return a share as a whole percentage: ``83``."""
    return "–" if math.isnan(share) else f"{100 * share:.0f}"


def points(share: float) -> str:
    """Return a difference in percentage points with its sign: ``+32``."""
    if math.isnan(share):
        return "–"
    rounded = round(100 * share)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else ''}{abs(rounded)}"


def chosen_points(share: float) -> str:
    """Return a difference that was chosen, in percentage points and not rounded: ``7.5``."""
    return f"{100 * share:.6g}"


def p_value(p: float, level: float = LEVEL) -> str:
    """Return a p value: ``= .012``, ``< .001`` or ``> .999``.

    Where three digits would tell the wrong side of the significance that belongs to the confidence
    level there are more: ``= .0499``.
    """
    if math.isnan(p):
        return "–"
    if p < 0.001:
        return f"<{_GAP}.001"
    if 0.9995 <= p < 1:
        return f">{_GAP}.999"
    digits, bound = 3, significance(level)
    while (round(p, digits) < bound) != (p < bound):
        digits += 1
    return f"={_GAP}{p:.{digits}f}".replace("0.", ".", 1)


def p_cell(p: float, level: float = LEVEL) -> str:
    """Return a p value for a cell: ``.012``, ``< .001`` or ``.0499``."""
    return p_value(p, level).removeprefix("=").strip()


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
    """Return ``with natural references``, ``without references`` or, masked, ``in condition A``."""
    if condition not in REFERENCE_CONDITIONS:
        return f"in condition {condition}"
    return "without references" if condition == "none" else f"with {name_of(condition)} references"


def label_of(conditions: Iterable[str]) -> str:
    """Return what an axis with these conditions is called."""
    return "reference images" if _are_references(conditions) else "condition"


def _are_references(conditions: Iterable[str]) -> bool:
    return set(conditions) <= set(REFERENCE_CONDITIONS)


def headline(results: Results, group: Group) -> list[str]:
    """Return what a group's results say, one sentence each."""
    if results.task == RATINGS_ONLY:
        return _rated(results, group)
    rows = list(results.of("accuracy", group).itertuples(index=False))
    if not rows:
        return [f"No main trial of {group.label} remains after the exclusions."]
    level = f"{percent(results.settings.level)}{_GAP}% interval "
    if results.settings.ci_unit == "paper":
        level = f"2{_GAP}SEM: "
    parts: list[str] = []
    verb = "were correct in"
    if results.task == "exemplar_matching":
        verb = "paired all rows correctly in"
    for row in rows:
        who, of = (f"{group.label} {verb} ", " of trials") if not parts else ("in ", "")
        share = f"{percent(row.proportion)}{_GAP}%{of}"
        interval = "" if row.reason else f" ({level}{percent(row.low)} to {percent(row.high)})"
        parts.append(f"{with_references(row.reference_condition)} {who}{share}{interval}")
        level = "" if interval else level
    first = joined(parts)
    sentences = [f"{first[0].upper()}{first[1:]}.{_without_interval(rows)}"]
    sentences[0] += _left_out(rows, results, group)
    if results.task == "exemplar_matching":
        sentences[0] += f" Guessing gives {percent(results.chance)}{_GAP}%."
    compared = list(results.of("differences", group).itertuples(index=False))
    return sentences + _comparisons(compared, results)


def _rated(results: Results, group: Group) -> list[str]:
    """Return what a group that only rated images says."""
    rows = results.of("ratings", group).to_dict("records")
    if not rows:
        return [f"No rating was given by {group.label}."]
    when = {"before": "before the trials", "after": "after the trials"}
    if rows[0]["moment"] == "before":
        when["after"] = "after them"
    told = [
        f"{rating(row, results)} {when[row['moment']]}" for row in rows if row["moment"] in when
    ]
    sentences = [
        f"{group.title} rated how intuitive images look, from −100 to 100, as {joined(told)}."
    ]
    change = [row for row in rows if row["moment"] not in when]
    return sentences + [f"After minus before: {rating(row, results)}." for row in change]


def rating(row: dict[str, Any], results: Results) -> str:
    """Return a mean rating with its interval: ``12 (95 % interval −3 to 27; 10 participants)``."""
    mean, low, high = (
        f"{row[name]:.0f}".replace("-0", "0").replace("-", "−") for name in ("mean", "low", "high")
    )
    level = f"{percent(results.settings.level)}{_GAP}% interval"
    interval = f"2{_GAP}SEM:" if results.settings.ci_unit == "paper" else level
    span = f"interval {row['reason']}" if row["reason"] else f"{interval} {low} to {high}"
    number = row["n_participants"]
    return f"{mean} ({span}; {number} participant{'' if number == 1 else 's'})"


def counted(flags: pd.DataFrame) -> str:
    """Return ``1 long_rt, 2 negative_rt``, or ``none``."""
    rows = flags.itertuples(index=False)
    return ", ".join(f"{row.n_rows} {row.flag}" for row in rows) or "none"


def _comparisons(rows: list[Any], results: Results) -> list[str]:
    """Return a sentence for each pair of conditions; of many pairs only for those that say much."""
    if len(rows) <= MAX_PAIRS:
        return [_compared(row, results) for row in rows]
    found = [verdict(row, results.settings.level) for row in rows]
    told = [row for row, said in zip(rows, found, strict=True) if said not in _SILENT]
    sentences = [_compared(row, results) for row in told]
    for said in _SILENT:
        if said in found:
            number = found.count(said)
            those = "all" if number == len(rows) else f"{number} of the"
            of = f"{those} {len(rows)} comparisons of two conditions"
            sentences.append(f"{said.capitalize()}: {of}; see the table of differences.")
    return sentences


def _left_out(rows: list[Any], results: Results, group: Group) -> str:
    """Return a sentence on the conditions of which the exclusions left nothing."""
    remaining = {row.reference_condition for row in rows}
    met = results.of("accuracy_all_sessions", group)["reference_condition"]
    gone = [with_references(str(name)) for name in met if name not in remaining]
    return f" No trial {joined(gone, 'or')} remains after the exclusions." if gone else ""


def _without_interval(rows: list[Any]) -> str:
    """Return a sentence for each reason why an interval is missing, and for which conditions."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.reason:
            where = with_references(row.reference_condition)
            reasons.setdefault(row.reason, []).append(where)
    if len(reasons) == 1 and len(next(iter(reasons.values()))) == len(rows):
        return f" The intervals are {next(iter(reasons))}."
    return "".join(f" The interval {joined(where)} is {why}." for why, where in reasons.items())


def verdict(row: Any, level: float) -> str:
    """Return what a contrast allows to say: different, alike, both or neither."""
    if row.reason:
        return "not computable"
    different = row.p_holm < significance(level)
    if different and row.equivalent:
        return "different, but by less than the smallest effect of interest"
    if different:
        return "different"
    return "alike" if row.equivalent else "undecided"


def _compared(row: Any, results: Results) -> str:
    names = [name_of(row.first), name_of(row.second)]
    if {row.first, row.second} <= {*REFERENCE_CONDITIONS}:
        names[1] += " references"
    elif row.first in REFERENCE_CONDITIONS:
        names[0] += " references"
    pair = " rather than ".join(names)
    pair = pair[0].upper() + pair[1:]
    if row.reason:
        return f"{pair}: {points(row.difference)} percentage points, interval {row.reason}."
    level = results.settings.level
    numbers = (
        f"{points(row.difference)} percentage points ({points(row.low)} to {points(row.high)}; "
        f"p{_GAP}{p_value(row.p_holm, level)}, Bayes factor{_GAP}{bayes_factor(row.bayes_factor)})"
    )
    found = {
        "different": "a difference",
        "alike": f"alike to within {chosen_points(row.smallest_effect)} points",
        "undecided": "undecided: the data show neither a difference nor its absence",
        "different, but by less than the smallest effect of interest": (
            f"a difference, but one below {chosen_points(row.smallest_effect)} points"
        ),
    }[verdict(row, level)]
    return f"{pair}: {numbers} – {found}."


def name_of(condition: str) -> str:
    """Return what stands before ``references``."""
    if condition not in REFERENCE_CONDITIONS:
        return f"condition {condition}"
    return {"none": "no", "blur": "blurred"}.get(condition, condition)


def joined(parts: list[str], word: str = "and") -> str:
    """Return ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"
