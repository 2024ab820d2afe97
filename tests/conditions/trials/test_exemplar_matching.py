"""Rows and halves of exemplar matching."""

from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.reading import find_design, read_design
from conditions.trials.table_maker import TableMaker
from tests.conditions.trials.test_planning import DESIGNS, few, sessions
from tests.conditions.trials.test_two_afc import each, information
from tests.conftest import some, write_stimulus_set
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet
from unitscope.vocabulary import Unit

MATCHING = tuple(n for n, d in DESIGNS.items() if d.task == "exemplar_matching")


def half(row, side, place):
    cells = [row[f"{side}_{place}_{i}"] for i in range(5)]
    filled = [cell for cell in cells if pd.notna(cell)]
    assert cells[: len(filled)] == filled
    return filled


def unit_of(images, path):
    row = images[path]
    branch = "" if pd.isna(row["branch"]) else row["branch"]
    return Unit(row["network"], row["layer"], branch, row["channel"]).name


@given(sessions(MATCHING))
@few
def test_slots_are_a_permutation_and_hold_the_other_half_of_their_row(maker_of, table_of, session):
    images = information(maker_of(session[0]))
    for row in table_of(*session).to_dict("records"):
        number = row["n_rows"]
        slots = [row[f"correct_slot_{i}"] for i in range(number)]
        assert sorted(slots) == list(range(number))
        assert len({row[f"unit_{i}"] for i in range(number)}) == number
        for i, slot in enumerate(slots):
            left, right = half(row, "left", i), half(row, "right", slot)
            assert len(left) == len(right) == row["n_images"]
            assert {unit_of(images, path) for path in left + right} == {row[f"unit_{i}"]}
        for i in range(number, 5):
            assert pd.isna(row[f"unit_{i}"])
            assert pd.isna(row[f"correct_slot_{i}"])
            assert not half(row, "left", i)
            assert not half(row, "right", i)


@given(sessions(MATCHING))
@few
def test_halves_are_the_best_images_and_share_none(maker_of, table_of, session):
    images = information(maker_of(session[0]))
    for row in table_of(*session).to_dict("records"):
        exemplar = row["matching"] == "exemplar"
        assert exemplar == (row["reference_condition"] == "natural")
        for i in range(row["n_rows"]):
            left, right = half(row, "left", i), half(row, "right", row[f"correct_slot_{i}"])
            assert set(each(images, left, "kind")) == {"natural"}
            assert set(each(images, right, "kind")) == {"natural" if exemplar else "synthetic"}
            assert set(each(images, left + right, "pole")) == {"max"}
            ranks = sorted(each(images, left + right if exemplar else left, "rank"))
            assert ranks == list(range(10 - len(ranks), 10))
            assert not set(left) & set(right)
            if not exemplar:
                last = maker_of(session[0]).stimuli.manifest.query("kind == 'synthetic'")["rank"]
                best = int(last.max())
                ranks = sorted(each(images, right, "rank"))
                assert ranks == list(range(best + 1 - len(ranks), best + 1))


@given(sessions(MATCHING))
@few
def test_depths_and_numbers_of_images_are_dealt_evenly(table_of, session):
    name, participant = session
    own = DESIGNS[name].matching
    for _, block in table_of(name, participant).groupby("block_number"):
        cells = Counter(zip(block["depth"], block["n_images"], strict=True))
        assert set(cells) <= set(own.cells)
        counts = [cells[cell] for cell in own.cells]
        assert max(counts) - min(counts) <= 1


@given(sessions(MATCHING))
@few
def test_units_come_from_the_layers_of_the_depth_and_are_dealt_evenly(table_of, session):
    name, participant = session
    table = table_of(name, participant)
    for (depth, pool), trials in table.groupby(["depth", table["trial_role"] == "practice"]):
        layers = DESIGNS[name].matching.depths[depth]
        met = Counter()
        for row in trials.to_dict("records"):
            names = [row[f"unit_{i}"] for i in range(row["n_rows"])]
            met.update(names)
            own = {unit.split("-")[0] for unit in names}
            assert own <= set(layers)
            assert row["layer"] == "+".join(sorted(own))
        if not pool and name.startswith("klein"):
            # 36 units of each depth, twelve trials of three rows.
            assert set(met.values()) == {1}
        elif not pool:
            assert max(met.values()) - min(met.values()) <= 1


@pytest.mark.parametrize("name", ["klein2023_exemplar", "klein2023_featurevis"])
def test_klein_crosses_three_depths_with_three_numbers(table_of, name):
    main = table_of(name, 3).query("trial_role == 'main'")
    cells = Counter(zip(main["depth"], main["n_images"], strict=True))
    assert set(cells) == {(d, n) for d in ("early", "middle", "late") for n in (1, 3, 5)}
    assert set(cells.values()) == {4}
    kinds = {"klein2023_exemplar": "exemplar", "klein2023_featurevis": "feature_visualization"}
    assert set(main["matching"]) == {kinds[name]}


@given(st.integers(1, 100))
@few
def test_no_natural_image_is_seen_twice_in_a_demo_trial_kind(table_of, participant):
    """Practice and the two kinds of trial take their images from batches of their own."""
    table = table_of("demo_exemplar_matching", participant)
    seen = {}
    for row in table.to_dict("records"):
        kind = (row["trial_role"], row["matching"])
        seen.setdefault(kind, set()).update(
            path for i in range(3) for path in half(row, "left", i) if "natural" in path
        )
    kinds = list(seen.values())
    assert len(kinds) == 3
    assert not kinds[0] & kinds[1] and not kinds[1] & kinds[2] and not kinds[0] & kinds[2]


def test_every_permutation_comes_up(table_of):
    found = Counter(
        tuple(int(row[f"correct_slot_{i}"]) for i in range(3))
        for p in range(1, 31)
        for row in table_of("demo_exemplar_matching", p).to_dict("records")
    )
    assert len(found) == 6
    # 270 trials, 45 expected of each; the identity is no exception.
    assert min(found.values()) > 20


def test_a_set_with_too_few_units_of_a_depth_says_so(tmp_path):
    units = [Unit("toy", "inception4b", "1x1", i) for i in range(9)]
    folder = write_stimulus_set(tmp_path / "small", units=units, with_files=False)
    maker = TableMaker(DESIGNS["demo_exemplar_matching"], StimulusSet.open(folder))
    with pytest.raises(BadInput, match="0 late units, but design 'demo_exemplar_.*draws 3"):
        maker.table(1)


@pytest.mark.parametrize("number", [3, 4, 5])
def test_units_are_dealt_evenly_where_they_do_not_come_out_even(tmp_path, maker_of, number):
    text = find_design("demo_exemplar_matching").read_text(encoding="utf-8")
    path = tmp_path / "demo_exemplar_matching.yaml"
    path.write_text(text.replace("{main: 3}", f"{{main: {number}}}"), encoding="utf-8")
    maker = TableMaker(read_design(path), maker_of("demo_exemplar_matching").stimuli)
    for participant in range(1, 11):
        for depth, trials in some(maker.table(participant).groupby("depth")):
            units = [row[f"unit_{i}"] for row in trials.to_dict("records") for i in range(3)]
            met = Counter(units)
            assert len(met) == number, depth
            assert max(met.values()) - min(met.values()) <= 1
            for begin in some(range(0, len(units), 3)):
                assert len(set(units[begin : begin + 3])) == 3
