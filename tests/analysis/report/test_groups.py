"""Kinds of observers are told apart, people first."""

from __future__ import annotations

import pandas as pd

from analysis.report.groups import Group, groups_of


def test_people_come_first_and_observers_are_apart() -> None:
    frame = pd.DataFrame(
        {
            "observer_kind": ["machine", "simulated", "person", "simulated", "simulated"],
            "observer": ["similarity", "graded", None, "chance", "graded"],
        }
    )
    groups = groups_of(frame)
    assert [group.key for group in groups] == [
        "person",
        "simulated_chance",
        "simulated_graded",
        "machine_similarity",
    ]
    assert [len(group.rows_of(frame)) for group in groups] == [1, 1, 2, 1]


def test_groups_have_names_for_readers() -> None:
    assert Group("person", "").title == "People"
    assert Group("machine", "similarity").label == "machine observers (similarity)"
