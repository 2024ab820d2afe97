import collections

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.reading import read_design
from experiments.runner.repeats import choose_repeat
from unitscope.errors import BadInput

DESIGN = read_design("demo_two_afc")


def main(number, condition="natural", participant=1):
    return {
        "trial_number": number,
        "participant_number": participant,
        "trial_role": "main",
        "reference_condition": condition,
        "repeat_of": None,
        "query_a": f"{number}.png",
    }


def repeat(number, what):
    placeholder = main(number, what.split("-")[0])
    return placeholder | {"trial_role": "repeat", "repeat_of": what, "query_a": None}


def chosen(confidences, ends=("least", "most"), places=3):
    """Choose the repeats of natural main trials with these confidences, None for no response."""
    mains = [main(i) for i in range(1, len(confidences) + 1)]
    wanted = [f"natural-{end}-{place}" for end in ends for place in range(1, places + 1)]
    repeats = [repeat(len(mains) + i, what) for i, what in enumerate(wanted, start=1)]
    rows, by_number = mains + repeats, dict(enumerate(confidences, start=1))
    return {r["repeat_of"]: choose_repeat(r, rows, by_number, DESIGN) for r in repeats}


def test_the_least_and_the_most_confident_are_chosen():
    found = chosen([3, 1, 2, 2, 1, 3, 2], places=2)
    numbers = {what: row["trial_number"] for what, row in found.items()}
    assert {numbers["natural-least-1"], numbers["natural-least-2"]} == {2, 5}
    assert {numbers["natural-most-1"], numbers["natural-most-2"]} == {1, 6}


@given(st.lists(st.sampled_from([1, 2, 3]), min_size=6, max_size=30))
def test_least_and_most_are_different_trials_even_with_ties(confidences):
    found = chosen(confidences)
    numbers = [row["trial_number"] for row in found.values()]
    assert len(set(numbers)) == 6
    ranks = [confidences[number - 1] for number in numbers]
    assert sorted(ranks[:3]) == sorted(confidences)[:3]
    assert sorted(ranks[3:]) == sorted(confidences)[-3:]
    assert chosen(confidences) == found


@given(st.lists(st.sampled_from([1, 2, 3, None]), min_size=1, max_size=20))
def test_trials_without_a_response_come_last(confidences):
    answered = sum(confidence is not None for confidence in confidences)
    found = chosen(confidences, ends=("most",))
    for place, row in enumerate(found.values(), start=1):
        missing = confidences[row["trial_number"] - 1] is None
        assert missing == ((place - 1) % len(confidences) >= answered)


def test_ties_are_broken_otherwise_for_other_participants():
    first = collections.Counter()
    for participant in range(1, 60):
        mains = [main(i, participant=participant) for i in range(1, 7)]
        placeholder = repeat(7, "natural-least-1")
        row = choose_repeat(
            placeholder, [*mains, placeholder], dict.fromkeys(range(1, 7), 2), DESIGN
        )
        first[row["trial_number"]] += 1
    assert len(first) == 6


def test_only_main_trials_of_the_condition_that_came_before_are_repeated():
    placeholder, second = repeat(3, "natural-least-1"), repeat(6, "natural-least-1")
    rows = [
        main(1) | {"trial_role": "catch"},
        main(2),
        placeholder,
        main(4, "synthetic"),
        main(5),
        second,
    ]
    confidences = {1: 1, 2: 3, 4: 1, 5: 1}
    for row in (placeholder, second):
        assert choose_repeat(row, rows, confidences, DESIGN)["trial_number"] == 2


def test_nothing_to_repeat_and_odd_names_are_said():
    placeholder = repeat(1, "natural-least-1")
    with pytest.raises(
        BadInput, match="trial 1 repeats a main trial .*natural.* none comes before"
    ):
        choose_repeat(placeholder, [placeholder], {}, DESIGN)
    odd = repeat(2, "natural-worst-1")
    with pytest.raises(BadInput, match="trial 2, column 'repeat_of': found 'natural-worst-1'"):
        choose_repeat(odd, [main(1), odd], {1: 2}, DESIGN)


def test_where_sides_are_drawn_those_of_repeats_are_drawn_anew():
    design = read_design("borowski2021_exp1")
    pairs = {"query_a": "low.png", "query_b": "high.png", "activation_a": 1.0, "activation_b": 2.0}
    first = main(1) | pairs | {"correct_choice": "b"}
    kept = 0
    for number in range(2, 42):
        again = choose_repeat(
            repeat(number, "natural-least-1"),
            [first, repeat(number, "natural-least-1")],
            {1: 2},
            design,
        )
        kept += again == first
        side = again["correct_choice"]
        assert (again[f"query_{side}"], again[f"activation_{side}"]) == ("high.png", 2.0)
        assert {again["query_a"], again["query_b"]} == {"low.png", "high.png"}
    assert 10 < kept < 30
