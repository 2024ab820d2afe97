"""Each shipped study keeps the rules of its publication."""

from collections import Counter
from itertools import groupby, permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conditions.design.reading import DESIGNS, read_design, shipped_designs
from conditions.trials.unit_pools import pools_of
from tests.conditions.trials.test_planning import few
from tests.conftest import some

EXP1, EXP2 = read_design("borowski2021_exp1"), read_design("borowski2021_exp2")
REPLICATION = read_design("zimmermann2021_replication")
OCCLUSION = read_design("zimmermann2021_occlusion")
EXPERTS = read_design("zimmermann2021_occlusion_experts")


def blocks(table):
    """Return role, condition, trials and catch trials of each block."""
    return [
        (
            block["trial_role"][block["trial_role"] != "catch"].iloc[0],
            block["reference_condition"].iloc[0],
            int((block["trial_role"] != "catch").sum()),
            int((block["trial_role"] == "catch").sum()),
        )
        for _, block in table.groupby("block_number")
    ]


def units(rows):
    return list(zip(rows["layer"], rows["channel"], strict=True))


# Borowski et al. 2021, experiment I


@pytest.mark.parametrize("participant", range(1, 11))
def test_exp1_goes_through_its_blocks(table_of, participant):
    """Those of the ten participants of the released logs."""
    first, second = ("synthetic", "natural") if participant % 2 else ("natural", "synthetic")
    longer = (participant - 1) % 4
    none = [("main", "none", 11 + (i == longer), 0) for i in range(4)]
    found = blocks(table_of("borowski2021_exp1", participant))
    assert found[:-3] == [
        ("practice", "none", 5, 0),
        *none[:2],
        ("practice", first, 5, 0),
        ("practice", second, 5, 0),
        *[("main", first, 15, 3), ("main", second, 15, 3)] * 3,
        *none[2:],
    ]
    assert sorted(found[-3:]) == [
        ("repeat", kind, 6, 0) for kind in ("natural", "none", "synthetic")
    ]


def test_exp1_shuffles_the_blocks_of_repeats():
    orders = Counter(EXP1.order(participant)[-3:] for participant in range(1, 77))
    assert len(orders) == 6
    assert min(orders.values()) >= 4


LISTS = ("ijklm", "nopqr", "stuvw")


def letters(rows):
    """Return the letters that the study gave its units."""
    written = pd.read_csv(DESIGNS / "units" / "borowski2021_exp1.csv")
    named = {(r.layer, r.channel): r.letter for r in written.itertuples()}
    return "".join(sorted(named[unit] for unit in units(rows)))


def test_exp1_practises_with_the_studys_three_lists_in_any_order(table_of):
    orders = set()
    for participant in range(1, 31):
        practice = table_of("borowski2021_exp1", participant).query("trial_role == 'practice'")
        orders.add(
            tuple(
                letters(practice[practice["reference_condition"] == condition])
                for condition in ("none", "natural", "synthetic")
            )
        )
    assert orders == set(permutations(LISTS))


@given(st.integers(1, EXP1.participants))
@few
def test_exp1_catches_with_any_of_the_practice_units_anew_in_each_block(table_of, participant):
    catch = table_of("borowski2021_exp1", participant).query("trial_role == 'catch'")
    for _, own in some(catch.groupby("block_number")):
        assert len(set(units(own))) == len(own) == 3
        assert set(letters(own)) <= set("".join(LISTS))


def test_exp1_may_catch_with_a_unit_again(table_of):
    again = 0
    for participant in range(1, 11):
        catch = table_of("borowski2021_exp1", participant).query("trial_role == 'catch'")
        natural = catch[catch["reference_condition"] == "natural"]
        again += len(set(units(natural))) < len(natural)
    assert again > 5


def test_exp1_explains_with_units_d_to_h_before_its_trials(maker_of):
    pools = pools_of(EXP1, maker_of("borowski2021_exp1").stimuli)
    rows = pd.DataFrame([vars(member.unit) for member in pools["explanation"]])
    assert letters(rows) == "defgh"
    assert EXP1.explanation.units == 5
    assert EXP1.instructions.index("explanation") < EXP1.instructions.index("ready")


@pytest.mark.parametrize("design", [EXP1, EXP2], ids=lambda design: design.name)
def test_the_first_screens_explain_what_is_rated(design):
    assert design.consent
    opening, others = design.pages
    assert opening == ("greeting", "network")
    assert "task" in others


def test_every_design_asks_for_consent():
    for name in some(shipped_designs()):
        assert read_design(name).consent, name


@given(st.integers(1, EXP1.participants))
@few
def test_exp1_shows_186_trials_about_the_same_45_units_in_each_condition(table_of, participant):
    table = table_of("borowski2021_exp1", participant)
    assert len(table) == 186
    assert Counter(table["trial_role"]) == {"main": 135, "catch": 18, "practice": 15, "repeat": 18}
    main = table.query("trial_role == 'main'")
    orders = [units(own) for _, own in main.groupby("reference_condition")]
    assert all(sorted(order) == sorted(orders[0]) for order in orders)
    assert len(set(orders[0])) == 45
    # Shuffled on their own.
    assert orders[0] != orders[1] != orders[2]


@given(st.integers(1, EXP1.participants))
@few
def test_exp1_takes_the_batches_of_its_participant(table_of, participant):
    table = table_of("borowski2021_exp1", participant)
    main = table.query("trial_role == 'main'")
    for condition, offset in (("none", 0), ("natural", 1), ("synthetic", 2)):
        batch = participant + offset
        while batch >= 20:
            batch -= 19
        assert set(main.loc[main["reference_condition"] == condition, "batch"]) == {batch}
    assert set(table.query("trial_role in ('practice', 'catch')")["batch"]) == {0}


@given(st.integers(1, EXP1.participants))
@few
def test_exp1_repeats_the_least_and_most_confident_trials_of_each_condition(table_of, participant):
    table = table_of("borowski2021_exp1", participant)
    repeats = table.query("trial_role == 'repeat'")
    for condition, own in repeats.groupby("reference_condition"):
        expected = {f"{condition}-{end}-{i}" for end in ("least", "most") for i in (1, 2, 3)}
        assert set(own["repeat_of"]) == expected
    blank = ["query_a", "query_b", "channel", "layer", "batch", "correct_choice", "unit_pool"]
    assert repeats[blank].isna().all(axis=None)
    assert table.query("trial_role != 'repeat'")["repeat_of"].isna().all()


def test_exp1_shuffles_the_repeats(table_of):
    orders = {
        tuple(table_of("borowski2021_exp1", p).query("block_name == 'repeat_natural'")["repeat_of"])
        for p in range(1, 6)
    }
    assert len(orders) > 1


def test_exp1_has_random_and_handpicked_units(maker_of):
    pools = pools_of(EXP1, maker_of("borowski2021_exp1").stimuli)
    sizes = {pool: len(pools[pool]) for pool in ("main", "main.random", "main.handpicked")}
    assert sizes == {"main": 45, "main.random": 36, "main.handpicked": 9}
    assert len(pools["practice_or_catch"]) == 15
    assert len(pools["intuitiveness"]) == 3


def test_exp1_says_of_each_trial_which_pool_its_unit_is_from(table_of):
    main = table_of("borowski2021_exp1", 1).query("trial_role == 'main'")
    assert Counter(main["unit_pool"]) == {"main.random": 108, "main.handpicked": 27}


# Borowski et al. 2021, experiment II

RELEASED = {
    1: ("natural", 1, {"Max-1": "a", "Min+Max-1": "b", "Max-9": "c", "Min+Max-9": "d"}),
    2: ("natural", 1, {"Max-1": "b", "Max-9": "d", "Min+Max-1": "c", "Min+Max-9": "a"}),
    3: ("natural", 1, {"Min+Max-9": "b", "Min+Max-1": "d", "Max-9": "a", "Max-1": "c"}),
    4: ("natural", 1, {"Min+Max-9": "c", "Max-9": "b", "Min+Max-1": "a", "Max-1": "d"}),
    5: ("synthetic", 3, {"Max-1": "a", "Min+Max-1": "b", "Max-9": "c", "Min+Max-9": "d"}),
    6: ("synthetic", 3, {"Max-1": "b", "Max-9": "d", "Min+Max-1": "c", "Min+Max-9": "a"}),
    7: ("synthetic", 3, {"Min+Max-9": "b", "Min+Max-1": "d", "Max-9": "a", "Max-1": "c"}),
    8: ("synthetic", 3, {"Min+Max-9": "c", "Max-9": "b", "Min+Max-1": "a", "Max-1": "d"}),
    9: ("natural", 5, {"Max-1": "a", "Min+Max-1": "b", "Max-9": "c", "Min+Max-9": "d"}),
    10: ("natural", 5, {"Max-1": "b", "Max-9": "d", "Min+Max-1": "c", "Min+Max-9": "a"}),
    11: ("natural", 5, {"Min+Max-9": "b", "Min+Max-1": "d", "Max-9": "a", "Max-1": "c"}),
    12: ("natural", 5, {"Min+Max-9": "c", "Max-9": "b", "Min+Max-1": "a", "Max-1": "d"}),
    13: ("synthetic", 7, {"Max-1": "a", "Min+Max-1": "b", "Max-9": "c", "Min+Max-9": "d"}),
}
"""From the released logs (bethgelab/testing_visualizations): id to the kind that practice and main
blocks begin with, the batch of natural references (that of synthetic ones is the next), and the
schemes in order with the sets of their main units. Experts and lay participants of an id agree."""

SCHEMES = ["Max-1", "Min+Max-1", "Max-9", "Min+Max-9"]


@pytest.mark.parametrize("participant", RELEASED)
def test_exp2_has_the_blocks_of_the_released_logs(table_of, participant):
    first, batch, schemes = RELEASED[participant]
    second = "synthetic" if first == "natural" else "natural"
    table = table_of("borowski2021_exp2", participant)
    assert blocks(table) == 4 * [
        ("practice", first, 3, 0),
        ("practice", second, 3, 0),
        *[("main", first, 10, 2), ("main", second, 10, 2)] * 2,
    ]
    assert [scheme for scheme, _ in groupby(table["scheme"])] == list(schemes)
    assert table.groupby("block_number")["scheme"].nunique().eq(1).all()
    main = table.query("trial_role == 'main'")
    for scheme, own in some(main.groupby("scheme")):
        assert set(own["unit_pool"]) == {f"main.{schemes[scheme]}"}
    for kind, own in some(main.groupby("reference_condition")):
        assert set(own["batch"] % 20) == {batch + (kind == "synthetic")}


@given(st.integers(1, EXP2.participants))
@few
def test_exp2_shows_216_trials(table_of, participant):
    table = table_of("borowski2021_exp2", participant)
    assert len(table) == 216
    assert Counter(table["trial_role"]) == {"main": 160, "catch": 32, "practice": 24}


@given(st.integers(1, EXP2.participants))
@few
def test_exp2_rotates_unit_sets_over_schemes(table_of, participant):
    main = table_of("borowski2021_exp2", participant).query("trial_role == 'main'")
    rotation = ["0123", "1230", "2301", "3012"][(participant - 1) % 4]
    for scheme, part in zip(SCHEMES, rotation, strict=True):
        own = main[main["scheme"] == scheme]
        assert set(own["unit_pool"]) == {f"main.{'abcd'[int(part)]}"}
        for _, kind in own.groupby("reference_condition"):
            assert len(set(units(kind))) == len(kind) == 20


def test_exp2_is_a_latin_square(table_of):
    """Over four participants each scheme is combined with each set of units."""
    met = Counter()
    for participant in range(1, 5):
        main = table_of("borowski2021_exp2", participant).query("trial_role == 'main'")
        met.update(set(zip(main["scheme"], main["unit_pool"], strict=True)))
    assert len(met) == 16
    assert set(met.values()) == {1}


@given(st.integers(1, EXP2.participants))
@few
def test_exp2_takes_two_batches_for_each_four_participants(table_of, participant):
    table = table_of("borowski2021_exp2", participant)
    main = table.query("trial_role == 'main'")
    first = 2 * ((participant - 1) // 4) + 1
    for kind, batch in (("natural", first), ("synthetic", first + 1)):
        own = main[main["reference_condition"] == kind]
        # Batches of pairs, for trials with one reference, are numbered from 20.
        assert set(own["batch"]) == {batch, 20 + batch}
        assert (own["batch"] >= 20).eq(own["scheme"].str.endswith("1")).all()
    assert set(table.query("trial_role != 'main'")["batch"]) == {0, 20}


@given(st.integers(1, EXP2.participants))
@few
def test_exp2_practises_and_catches_with_other_units(table_of, participant):
    table = table_of("borowski2021_exp2", participant)
    for (kind, _), own in some(table.groupby(["reference_condition", "scheme"])):
        practice, catch = (own[own["trial_role"] == role] for role in ("practice", "catch"))
        assert practice["unit_pool"].str.startswith(f"practice_{kind}").all()
        assert catch["unit_pool"].str.startswith("catch").all()
        for rows, number in ((practice, 3), (catch, 4)):
            assert len(set(units(rows))) == len(rows) == number


@given(st.integers(1, EXP2.participants))
@few
def test_exp2_draws_practice_and_catch_units_anew_in_each_scheme(table_of, participant):
    table = table_of("borowski2021_exp2", participant)
    for role in ("practice", "catch"):
        own = table[table["trial_role"] == role]
        drawn = {frozenset(units(rows)) for _, rows in own.groupby("scheme")}
        assert len(drawn) > 1


def test_exp2_shows_one_synthetic_reference_of_two_that_were_optimised_together(table_of, maker_of):
    batches = maker_of("borowski2021_exp2").stimuli.manifest.set_index("path")["batch"]
    table = table_of("borowski2021_exp2", 2).query("reference_condition == 'synthetic'")
    for scheme, own in some(table.groupby("scheme")):
        apart = batches[own["reference_max_0"]].notna()
        assert apart.all() if scheme.endswith("1") else not apart.any()


def test_exp2_catches_with_an_image_of_the_pole_that_is_not_shown(table_of, maker_of):
    """Of the references that the other schemes show as well."""
    manifest = maker_of("borowski2021_exp2").stimuli.manifest.set_index("path")
    table = table_of("borowski2021_exp2", 1)
    one_pole = table.query("trial_role == 'catch' and scheme == 'Max-9'")
    queries = manifest.loc[[*one_pole["query_a"], *one_pole["query_b"]]]
    least = queries.query("pole == 'min' and kind == 'natural'")
    assert len(least) == 4
    assert least["rank"].between(1, 9).all()


def test_exp2_rates_before_and_after():
    assert (EXP2.ratings.before, EXP2.ratings.after) == (3, 3)
    assert (EXP1.ratings.before, EXP1.ratings.after) == (3, 0)


@pytest.mark.parametrize(
    "name",
    [
        "borowski2021_exp1",
        "borowski2021_exp2",
        "zimmermann2021_replication",
        "zimmermann2021_occlusion",
        "zimmermann2021_occlusion_experts",
    ],
)
def test_sides_are_drawn_for_each_trial(table_of, name):
    """The share of one side within a block then spreads as of coins; balanced, it would not."""
    scores = []
    for participant in range(1, 1 + min(20, read_design(name).participants)):
        table = table_of(name, participant).query("trial_role != 'repeat'")
        for _, block in some(table.groupby("block_number")):
            share = (block["correct_choice"] == "b").mean()
            scores.append((share - 0.5) / np.sqrt(0.25 / len(block)))
    assert 0.5 < np.mean(np.square(scores)) < 1.7
    assert abs(np.mean(scores)) < 0.5


# Zimmermann et al. 2021, replication


def test_the_replication_compares_groups_of_130():
    groups = Counter(REPLICATION.group(p) for p in range(1, REPLICATION.participants + 1))
    assert groups == {"natural": 130, "synthetic": 130}


@given(st.integers(1, REPLICATION.participants))
@few
def test_the_replication_shows_twelve_trials_of_the_group_after_practice(table_of, participant):
    table = table_of("zimmermann2021_replication", participant)
    assert Counter(table["trial_role"]) == {"practice": 5, "main": 9, "catch": 3}
    assert set(table["group"]) == set(table["reference_condition"])
    assert len(set(table["group"])) == 1
    main = table.query("trial_role == 'main'")
    assert main["layer"].is_unique
    assert set(main["branch"]) == {"3x3"}
    assert table["trial_role"].iloc[:5].eq("practice").all()


def test_the_replication_repeats_the_batches_of_ten_lab_participants():
    """13 participants of a group each: natural batches from 1 to 10, synthetic from 2 to 11."""
    for offset, group in ((1, "natural"), (2, "synthetic")):
        of_group = [p for p in range(1, 261) if REPLICATION.group(p) == group]
        found = [REPLICATION.batches.main(group, p) for p in of_group]
        assert found == [i // 13 + offset for i in range(130)]


@given(st.integers(1, REPLICATION.participants))
@few
def test_the_replication_catches_with_the_outermost_references_of_batch_0(
    table_of, maker_of, participant
):
    stimuli = maker_of("zimmermann2021_replication").stimuli
    rows = stimuli.manifest.set_index("path")
    table = table_of("zimmermann2021_replication", participant)
    catch = table.query("trial_role == 'catch'")
    assert len(set(units(catch))) == 3
    assert set(letters(catch)) <= set("".join(LISTS))
    for row in some(catch.to_dict("records")):
        queries = rows.loc[[row["query_a"], row["query_b"]]]
        assert set(queries["kind"]) == {row["group"]}
        if row["group"] == "natural":
            assert set(zip(queries["pole"], queries["rank"], queries["batch"], strict=True)) == {
                ("min", 1, 0),
                ("max", 8, 0),
            }


@pytest.mark.parametrize("name", ["zimmermann2021_replication", "zimmermann2021_occlusion"])
def test_references_are_shuffled_for_each_trial(table_of, maker_of, name):
    """Their first place holds any rank, not always the same one."""
    ranks = maker_of(name).stimuli.manifest.set_index("path")["rank"]
    firsts = {
        int(ranks[path])
        for participant in (1, 3, 11, 13)
        for path in table_of(name, participant)["reference_max_0"].dropna()
    }
    assert len(firsts) >= 7


# Zimmermann et al. 2021, occlusion


def test_occlusion_has_five_participants_for_each_batch_and_condition(table_of):
    sets = Counter(
        (OCCLUSION.group(p), OCCLUSION.batches.main(OCCLUSION.group(p), p))
        for p in range(1, OCCLUSION.participants + 1)
    )
    assert len(sets) == 50
    assert set(sets.values()) == {5}
    for participant in (1, 7, 250):
        main = table_of("zimmermann2021_occlusion", participant).query("trial_role == 'main'")
        assert set(main["batch"]) == {((participant - 1) // 5) % 10}


@given(st.integers(1, OCCLUSION.participants))
@few
def test_occlusion_shows_21_trials_after_practice(table_of, participant):
    table = table_of("zimmermann2021_occlusion", participant)
    session = table.query("trial_role != 'practice'")
    assert Counter(session["trial_role"]) == {"main": 18, "catch": 3}
    assert len(set(units(session))) == 21
    group = OCCLUSION.group(participant)
    assert set(table["group"]) == set(table["reference_condition"]) == {group}
    practice = table.query("trial_role == 'practice'")
    assert len(practice) == (0 if group == "none" else 5 * 4)
    for _, own in practice.groupby("practice_round"):
        pools = [pool.split(".")[0] for pool in own["unit_pool"]]
        assert pools == ["practice_very_easy"] + ["practice_easy"] * 3


def test_occlusion_practice_is_drawn_anew_each_round(table_of):
    practice = table_of("zimmermann2021_occlusion", 1).query("trial_role == 'practice'")
    assert sorted(set(practice["practice_round"])) == [1, 2, 3, 4, 5]
    draws = {frozenset(units(own)) for _, own in practice.groupby("practice_round")}
    assert len(draws) > 1
    easy = {
        u
        for p in range(1, 20)
        for u in units(table_of("zimmermann2021_occlusion", p).query("trial_role == 'practice'"))
    }
    assert len(easy) == 10


def test_occlusion_takes_the_batches_of_practice_and_catch_from_the_table(table_of):
    written = pd.read_csv(DESIGNS / "units" / "zimmermann2021.csv", dtype={"batch": "Int64"})
    batch = {(r.layer, r.channel): r.batch for r in written.itertuples() if r.role != "main"}
    for row in some(
        table_of("zimmermann2021_occlusion", 2).query("trial_role != 'main'").itertuples()
    ):
        assert row.batch == batch[row.layer, row.channel]


def catch_trials_without_references(table_of, name, participants):
    for participant in participants:
        table = table_of(name, participant)
        chosen = (table["trial_role"] == "catch") & (table["reference_condition"] == "none")
        yield from table[chosen].to_dict("records")


@pytest.mark.parametrize(
    ("name", "participants"),
    [("zimmermann2021_occlusion", range(5, 60, 5)), ("zimmermann2021_occlusion_experts", (1, 2))],
)
def test_catch_trials_without_references_are_obvious(table_of, maker_of, name, participants):
    """The less active query is a covered image of an unrelated unit."""
    maker = maker_of(name)
    rows = maker.stimuli.manifest.set_index("path")
    unrelated = {(m.unit.layer, m.unit.channel) for m in maker.pools["unrelated"]}
    assert len(unrelated) == 5
    seen = set()
    for row in some(catch_trials_without_references(table_of, name, participants)):
        side, other = ("a", "b") if row["correct_choice"] == "a" else ("b", "a")
        high, low = rows.loc[row[f"query_{side}"]], rows.loc[row[f"query_{other}"]]
        assert (high["layer"], high["channel"]) == (row["layer"], row["channel"])
        assert (low["layer"], low["channel"]) in unrelated
        assert (low["kind"], low["pole"]) == ("occluded", "min")
        assert pd.isna(row[f"activation_{other}"])
        assert pd.isna(row["relative_activation_difference"])
        seen.add((low["layer"], low["channel"]))
    assert len(seen) > 2


def test_other_catch_trials_of_occlusion_are_ordinary_pairs(table_of):
    catch = table_of("zimmermann2021_occlusion", 1).query("trial_role == 'catch'")
    assert catch["activation_a"].notna().all()
    assert catch["relative_activation_difference"].notna().all()


def test_mixed_references_have_four_synthetic_images_that_were_optimised_together(
    table_of, maker_of
):
    rows = maker_of("zimmermann2021_occlusion").stimuli.manifest.set_index("path")
    names = [f"reference_max_{i}" for i in range(9)]
    for row in some(table_of("zimmermann2021_occlusion", 3).to_dict("records")):
        assert row["group"] == "mixed"
        shown = rows.loc[[row[name] for name in names]]
        assert shown["kind"].tolist() == ["natural"] * 5 + ["synthetic"] * 4
        synthetic = shown[shown["kind"] == "synthetic"]
        assert set(synthetic["batch"]) == {1}
        assert set(synthetic["rank"]) == {0, 1, 2, 3}
    pure = table_of("zimmermann2021_occlusion", 2)
    assert rows.loc[[*pure["reference_max_0"]], "batch"].isna().all()


def test_occlusion_catch_trials_stand_anywhere(table_of):
    places = {
        place
        for p in range(1, 30)
        for place in table_of("zimmermann2021_occlusion", p).query("trial_role == 'catch'")[
            "trial_in_block"
        ]
    }
    assert len(places) > 15


def test_the_rules_of_occlusion_are_those_of_the_group():
    with_references, without = OCCLUSION.exclusions, OCCLUSION.exclusions.groups["none"]
    assert (with_references.instruction_s, with_references.practice_rounds) == (20, 5)
    assert (without.instruction_s, without.practice_rounds) == (15, None)
    assert without.total_s == (40, 900)
    assert REPLICATION.exclusions.total_s == (90, 600)


@given(st.integers(1, EXPERTS.participants))
@few
def test_experts_go_through_all_conditions_with_other_queries(table_of, participant):
    main = table_of("zimmermann2021_occlusion_experts", participant).query("trial_role == 'main'")
    assert Counter(main["reference_condition"]) == dict.fromkeys(OCCLUSION.between, 18)
    assert main.groupby("reference_condition")["batch"].nunique().eq(1).all()
    assert main["batch"].nunique() == 5
    assert main["query_a"].is_unique
