from stimgen.seeds import seed_of, shuffled


def test_seeds_are_the_same_for_ever() -> None:
    assert seed_of(0, "inception4a-3x3-0245", "max", 3) == 3967476999
    assert shuffled(range(6), 0, "unit") == [1, 4, 3, 0, 2, 5]


def test_parts_are_kept_apart() -> None:
    assert seed_of("ab", "c") != seed_of("a", "bc")


def test_shuffled_depends_on_items_not_on_their_order() -> None:
    assert shuffled([3, 1, 2], 5) == shuffled([1, 2, 3], 5)
    assert shuffled(range(50), 1) != shuffled(range(50), 2)
