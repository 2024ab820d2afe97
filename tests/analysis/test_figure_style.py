"""Every condition looks different, and the same in all figures."""

from __future__ import annotations

from analysis.figure_style import INK, MARKS, marks_of
from unitscope.vocabulary import CONDITION_COLOURS, REFERENCE_CONDITIONS


def test_named_conditions_keep_their_marks_beside_others() -> None:
    marks = marks_of(["natural", "none", "edges", "sketch"])
    assert marks["natural"] == MARKS["natural"] and marks["none"] == MARKS["none"]
    assert marks["edges"] == marks_of(["edges"])["edges"]


def test_own_conditions_differ_from_each_other_and_from_the_named() -> None:
    own = [f"c{number}" for number in range(40)]
    marks = marks_of([*REFERENCE_CONDITIONS, *own])
    assert len(set(marks.values())) == len(marks)
    assert not {marks[name].colour for name in own} & {INK, *CONDITION_COLOURS.values()}
    few = [marks[name] for name in own[:7]]
    assert len({mark.colour for mark in few}) == len({mark.marker for mark in few}) == 7
