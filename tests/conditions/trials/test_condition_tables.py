import hashlib

import pytest

from conditions.design.reading import read_design, shipped_designs
from conditions.trials.condition_tables import (
    parse_participants,
    read_table,
    write_tables,
)
from conditions.trials.table_maker import TableMaker
from unitscope.columns import table_columns
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet
from unitscope.tables import write_csv

DESIGN = read_design("demo_two_afc")


@pytest.fixture(scope="module")
def opened(stimulus_set):
    return StimulusSet.open(stimulus_set)


DIGESTS = {
    "borowski2021_exp1": "b39f178ed4b03c87",
    "borowski2021_exp2": "0b4369dd304cbea9",
    "demo_exemplar_matching": "6fa4c596c838d604",
    "demo_occlusion": "9ee0a4e5855c1571",
    "demo_two_afc": "b75979434b730dba",
    "klein2023_exemplar": "13316e28043e4dc1",
    "klein2023_featurevis": "68a0f73ca7356722",
    "zimmermann2021_occlusion": "5a2a82cec278680e",
    "zimmermann2021_occlusion_experts": "6da216d555bc4c86",
    "zimmermann2021_replication": "3a69ceb0243fe8d1",
}


@pytest.mark.parametrize("name", shipped_designs())
def test_the_same_seed_gives_the_same_table_on_every_machine(table_of, name):
    table = table_of(name, 7).drop(columns=["columns_version", "design_sha256", "manifest_sha256"])
    digest = hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
    assert digest[:16] == DIGESTS[name]


def test_tables_are_written_read_and_checked(tmp_path, stimulus_set, opened):
    (path,) = write_tables("demo_two_afc", stimulus_set, [3], tmp_path)
    assert path == tmp_path / "demo_two_afc" / "p003.csv"
    table = read_table(path)
    assert table.to_csv() == TableMaker(DESIGN, opened).table(3).to_csv()
    assert "[" not in path.read_text(encoding="utf-8")


def test_tables_are_never_overwritten(tmp_path, stimulus_set):
    (path,) = write_tables("demo_two_afc", stimulus_set, [1], tmp_path)
    before = path.stat().st_mtime_ns
    assert write_tables("demo_two_afc", stimulus_set, [1], tmp_path) == [path]
    assert path.stat().st_mtime_ns == before
    changed = read_table(path).assign(correct_choice="a")
    write_csv(changed, path, table_columns("two_afc"))
    content = path.read_bytes()
    with pytest.raises(BadInput, match="a table with other content is already there"):
        write_tables("demo_two_afc", stimulus_set, [1, 2], tmp_path)
    assert path.read_bytes() == content
    assert not (tmp_path / "demo_two_afc" / "p002.csv").exists()


def written(tmp_path, stimulus_set, change):
    (path,) = write_tables("demo_two_afc", stimulus_set, [1], tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [line.split(",") for line in lines]
    change(cells, cells[0].index)
    path.write_text("\n".join(map(",".join, cells)) + "\n", encoding="utf-8")
    return path


def put(line, column, value):
    """Return a change that writes a cell of a line, counted from the header's 1."""

    def change(cells, place_of):
        cells[line - 1][place_of(column)] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(3, "query_a", ""), "line 3, column 'query_a': found '', expected a value"),
        (put(2, "task", "two_acf"), "line 2, column 'task': .*; did you mean 'two_afc'"),
        (
            put(4, "task", "occlusion"),
            "line 4, column 'task': found 'occlusion', expected 'two_afc'",
        ),
        (put(1, "task", "tesk"), "column 'task' is missing"),
        (put(5, "trial_number", "9"), "line 5, column 'trial_number': found 9, expected 4"),
        (put(1, "query_a", "query_c"), "column 'query_a' is missing; did you mean 'query_c'"),
        (lambda cells, place_of: cells.__delitem__(slice(1, None)), "no rows, expected at least"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, stimulus_set, change, message):
    with pytest.raises(BadInput, match=message):
        read_table(written(tmp_path, stimulus_set, change))


@pytest.mark.parametrize(
    ("text", "numbers"), [("1-3", [1, 2, 3]), ("5", [5]), ("3,1,2-4", [1, 2, 3, 4])]
)
def test_participants_are_parsed(text, numbers):
    assert parse_participants(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "0-3",
        "3-1",
        "1-",
        "-2",
        "1;2",
        "1.5",
        "1-3000000000",
        "1" * 5000,
        "1-1000001",
        "\u0661",
    ],
)
def test_other_participants_are_refused(text):
    with pytest.raises(BadInput, match="participants"):
        parse_participants(text)
