from hypothesis import given
from hypothesis import strategies as st

from experiments.runner.practice import (
    PracticeLoop,
    practice_loops,
    rounds_used,
    skipped_trials,
)


def rows(*rounds):
    return [{"trial_number": i, "practice_round": r} for i, r in enumerate(rounds, start=1)]


def test_rounds_that_follow_each_other_are_one_loop():
    assert practice_loops(rows(1, 1, 2, 2, None, None)) == (PracticeLoop(((1, 2), (3, 4))),)


def test_a_new_loop_begins_where_rounds_begin_again():
    found = practice_loops(rows(1, 2, 1, 2, None, 1, 2))
    assert found == tuple(PracticeLoop(((i,), (i + 1,))) for i in (1, 3, 6))


def test_a_table_without_rounds_has_no_loop():
    assert practice_loops(rows(None, None)) == ()
    assert rounds_used((), {1: True}) is None


LOOP = PracticeLoop(((1, 2), (3, 4), (5, 6)))


def test_later_rounds_are_skipped_once_a_round_is_all_right():
    assert LOOP.skipped({}) == set()
    assert LOOP.skipped({1: True}) == set()
    assert LOOP.skipped({1: True, 2: True}) == {3, 4, 5, 6}
    assert LOOP.skipped({1: True, 2: False, 3: True, 4: True}) == {5, 6}
    assert LOOP.skipped(dict.fromkeys(range(1, 7), False)) == set()


def test_practice_failed_once_all_rounds_were_gone_through_without_a_right_one():
    assert not LOOP.failed({})
    assert not LOOP.failed(dict.fromkeys(range(1, 6), False))
    assert LOOP.failed(dict.fromkeys(range(1, 7), False))
    assert LOOP.failed({**dict.fromkeys(range(1, 7), True), 2: False, 3: None, 6: False})
    assert not LOOP.failed({**dict.fromkeys(range(1, 5), False), 5: True, 6: True})


def test_a_trial_without_a_response_is_not_right():
    assert LOOP.passed_in({1: True, 2: None}) is None


def test_the_rounds_that_were_begun_are_counted():
    assert rounds_used((LOOP,), {}) == 0
    assert rounds_used((LOOP,), {1: True, 2: True}) == 1
    assert rounds_used((LOOP,), {1: True, 2: False, 3: True}) == 2
    assert (
        rounds_used((LOOP, PracticeLoop(((7,), (8,)))), {1: True, 2: True, 7: False, 8: True}) == 2
    )


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_going_through_the_trials_that_are_not_skipped_settles_them_all(sizes, data):
    number, loops = 1, []
    for size in sizes:
        starts = [number + size * i for i in range(3)]
        loops.append(PracticeLoop(tuple(tuple(range(s, s + size)) for s in starts)))
        number += 3 * size
    outcomes = {}
    for trial in range(1, number):
        if trial not in skipped_trials(loops, outcomes):
            outcomes[trial] = data.draw(st.sampled_from([True, True, False, None]))
    skipped = skipped_trials(loops, outcomes)
    assert skipped.isdisjoint(outcomes)
    assert skipped | set(outcomes) == set(range(1, number))
    for loop in loops:
        passed = loop.passed_in(outcomes)
        assert loop.used(outcomes) == (passed or 3)
