"""Observers with a known property show it."""

from __future__ import annotations

import pytest

from experiments.runner.simulated import IdealObserver, LapsingObserver, SideBiasedObserver

ROW = {
    "task": "two_afc",
    "network": "n",
    "layer": "l",
    "channel": 1,
    "trial_role": "main",
    "reference_condition": "natural",
}


def rows(number, condition="natural"):
    return [
        ROW | {"trial_number": i, "correct_choice": "ab"[i % 2], "reference_condition": condition}
        for i in range(number)
    ]


def share(observer, trials, what):
    return sum(what(row, observer.respond(row)) for row in trials) / len(trials)


def right(row, answer):
    return answer.choice == row["correct_choice"]


def test_the_ideal_observer_is_always_right():
    assert share(IdealObserver(), rows(50), right) == 1
    matching = {"task": "exemplar_matching", "n_rows": 3}
    matching |= {f"correct_slot_{i}": slot for i, slot in enumerate((2, 0, 1))}
    assert IdealObserver().respond(matching).slots == (2, 0, 1)


def test_lapses_are_guesses():
    never, always = LapsingObserver(3, rate=0), LapsingObserver(3, rate=1)
    assert share(always, rows(800), right) == pytest.approx(0.5, abs=0.06)
    assert share(never, rows(800), right) > 0.85


def test_a_side_bias_is_one():
    first = share(SideBiasedObserver(1, rate=0.6), rows(800), lambda row, a: a.choice == "a")
    assert first == pytest.approx(0.6 + 0.4 * 0.5, abs=0.06)


def test_answers_do_not_depend_on_the_order_of_asking():
    observer = LapsingObserver(5)
    forward = [observer.respond(row) for row in rows(20)]
    assert [observer.respond(row) for row in reversed(rows(20))][::-1] == forward
