import hashlib
import shutil
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conditions.columns import REFERENCE_COLUMN_NAMES, TABLE_COLUMNS
from conditions.csv_files import write_csv
from conditions.design import read_design
from conditions.errors import BadInput
from conditions.stimulus_set import StimulusSet
from conditions.tables import (
    check_table,
    make_table,
    parse_participants,
    read_table,
    write_tables,
)

DESIGN = read_design("demo_two_afc")


@pytest.fixture(scope="module")
def opened(stimulus_set):
    return StimulusSet.open(stimulus_set)


@pytest.fixture(scope="module")
def table_of(opened):
    tables = {}

    def make(participant):
        if participant not in tables:
            tables[participant] = make_table(DESIGN, opened, participant)
        return tables[participant]

    return make


participants = st.integers(1, DESIGN.participants)
few = settings(max_examples=25, deadline=None)


@given(participants)
@few
def test_no_query_image_is_seen_twice(table_of, participant):
    table = table_of(participant)
    own = table[table["trial_role"] != "catch"]
    counts = Counter([*own["query_a"], *own["query_b"]])
    assert max(counts.values()) == 1


@given(participants)
@few
def test_a_query_is_never_one_of_its_references_except_in_catch_trials(table_of, participant):
    for _, row in table_of(participant).iterrows():
        references = set(row[list(REFERENCE_COLUMN_NAMES)].dropna())
        queries = {row["query_a"], row["query_b"]}
        if row["trial_role"] == "catch":
            assert queries <= references
        else:
            assert not queries & references


@given(participants)
@few
def test_the_right_answer_drives_the_unit_more_and_stands_equally_often_at_each_side(
    table_of, participant
):
    table = table_of(participant)
    higher = (table["activation_a"] > table["activation_b"]).map({True: "a", False: "b"})
    assert (higher == table["correct_choice"]).all()
    for _, block in table.groupby("block_number"):
        sides = block["correct_choice"].value_counts()
        assert abs(sides.get("a", 0) - sides.get("b", 0)) <= 1


@given(participants)
@few
def test_main_trials_show_the_same_units_once_in_each_condition(table_of, participant):
    main = table_of(participant).query("trial_role == 'main'")
    by_condition = {c: sorted(rows["channel"]) for c, rows in main.groupby("reference_condition")}
    assert set(by_condition) == {"none", "natural", "synthetic"}
    assert by_condition["none"] == by_condition["natural"] == by_condition["synthetic"]
    assert len(set(by_condition["none"])) == 6


@given(participants)
@few
def test_each_condition_has_a_batch_of_its_own(table_of, participant):
    table = table_of(participant)
    main = table.query("trial_role == 'main'")
    batches = main.groupby("reference_condition")["batch"].unique()
    assert all(len(b) == 1 for b in batches)
    assert len({b[0] for b in batches}) == 3
    assert set(table.query("trial_role != 'main'")["batch"]) == {0}


@given(participants)
@few
def test_references_rise_with_activation_and_fill_their_places(table_of, opened, participant):
    activation = opened.manifest.set_index("path")["activation"]
    kind = opened.manifest.set_index("path")["kind"]
    for _, row in table_of(participant).iterrows():
        for pole in ("min", "max"):
            shown = row[[n for n in REFERENCE_COLUMN_NAMES if f"_{pole}_" in n]].dropna()
            if row["reference_condition"] == "none":
                assert shown.empty
                continue
            assert len(shown) == 9
            assert set(kind[shown]) == {row["reference_condition"]}
            assert activation[shown].is_monotonic_increasing


def test_practice_and_catch_take_other_units_than_main(table_of):
    table = table_of(1)
    main = set(table.query("trial_role == 'main'")["channel"])
    assert not main & set(table.query("trial_role != 'main'")["channel"])
    practice = table.query("trial_role == 'practice'")
    assert practice["channel"].is_unique


def test_odd_and_even_participants_begin_with_another_condition(table_of):
    def firsts(participant):
        main = table_of(participant).query("trial_role == 'main'")["reference_condition"]
        return list(dict.fromkeys(main))

    assert firsts(1) == firsts(3) == ["none", "synthetic", "natural"]
    assert firsts(2) == firsts(4) == ["none", "natural", "synthetic"]


def test_batches_rotate_over_participants(table_of):
    natural = [
        table_of(p)
        .query("trial_role == 'main' and reference_condition == 'natural'")["batch"]
        .iloc[0]
        for p in range(1, 9)
    ]
    assert natural == [2, 3, 4, 1, 2, 3, 4, 1]


def test_the_same_seed_gives_the_same_table_on_every_machine(table_of):
    table = table_of(7)[["block_name", "channel", "correct_choice", "trial_role"]]
    digest = hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
    assert digest.startswith("f0af3960041c5425"), digest


def test_tables_are_written_read_and_checked(tmp_path, stimulus_set, opened):
    (path,) = write_tables("demo_two_afc", stimulus_set, [3], tmp_path)
    assert path == tmp_path / "demo_two_afc" / "p003.csv"
    table = read_table(path)
    assert table.to_csv() == make_table(DESIGN, opened, 3).to_csv()
    check_table(table, path, DESIGN, opened)
    assert "[" not in path.read_text(encoding="utf-8")


def test_tables_are_never_overwritten(tmp_path, stimulus_set):
    (path,) = write_tables("demo_two_afc", stimulus_set, [1], tmp_path)
    before = path.stat().st_mtime_ns
    assert write_tables("demo_two_afc", stimulus_set, [1], tmp_path) == [path]
    assert path.stat().st_mtime_ns == before
    changed = read_table(path).assign(correct_choice="a")
    write_csv(changed, path, TABLE_COLUMNS)
    content = path.read_bytes()
    with pytest.raises(BadInput, match="a table with other content is there already"):
        write_tables("demo_two_afc", stimulus_set, [1, 2], tmp_path)
    assert path.read_bytes() == content
    assert not (tmp_path / "demo_two_afc" / "p002.csv").exists()


def test_more_participants_than_can_be_counterbalanced(opened):
    with pytest.raises(
        BadInput, match="participant 201 cannot be counterbalanced, expected 1 to 200"
    ):
        make_table(DESIGN, opened, 201)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_units": 8}, "8 units, but design 'demo_two_afc' draws 9"),
        ({"n_batches": 2}, "has 0 natural min images in batch 2, but design 'demo_two_afc' needs"),
        ({"n_synthetic": 5}, "has 5 synthetic min images, but design 'demo_two_afc' needs 9"),
    ],
)
def test_a_set_that_is_too_small_says_what_is_missing(tmp_path, changes, message):
    from tests.conftest import write_stimulus_set

    small = StimulusSet.open(write_stimulus_set(tmp_path / "small", **changes))
    with pytest.raises(BadInput, match=message):
        make_table(DESIGN, small, 2)


def test_a_changed_or_missing_image_is_named(tmp_path, stimulus_set):
    copy = tmp_path / stimulus_set.name
    shutil.copytree(stimulus_set, copy)
    (path,) = write_tables("demo_two_afc", copy, [1], tmp_path / "tables")
    table, opened = read_table(path), StimulusSet.open(copy)
    image = copy / table["query_a"].iloc[4]
    content = image.read_bytes()
    image.write_bytes(content + b"x")
    with pytest.raises(BadInput, match=f"{image.name}: the image has changed"):
        check_table(table, path, DESIGN, opened)
    image.unlink()
    with pytest.raises(BadInput, match=f"{image.name}: the image is missing"):
        check_table(table, path, DESIGN, opened)


def test_a_table_of_another_set_or_design_is_refused(tmp_path, stimulus_set, opened):
    (path,) = write_tables("demo_two_afc", stimulus_set, [1], tmp_path)
    table = read_table(path)
    with pytest.raises(BadInput, match="made for another version of the stimulus set"):
        check_table(table.assign(manifest_sha256="0" * 64), path, DESIGN, opened)
    with pytest.raises(BadInput, match="made for another design .design is other"):
        check_table(table.assign(design="other"), path, DESIGN, opened)


@pytest.mark.parametrize(
    ("text", "numbers"), [("1-3", [1, 2, 3]), ("5", [5]), ("3,1,2-4", [1, 2, 3, 4])]
)
def test_participants_are_parsed(text, numbers):
    assert parse_participants(text) == numbers


@pytest.mark.parametrize("text", ["", "a", "0-3", "3-1", "1-", "-2", "1;2", "1.5"])
def test_other_participants_are_refused(text):
    with pytest.raises(BadInput, match="participants"):
        parse_participants(text)
