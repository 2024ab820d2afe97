"""Units of a design's pools."""

from dataclasses import replace

import pytest
import yaml

from conditions.design.reading import DESIGNS, find_design, read_design
from conditions.trials.unit_pools import pools_of
from tests.conftest import some, write_stimulus_set
from unitscope.errors import BadInput
from unitscope.stimulus_set import StimulusSet

EXP1 = find_design("borowski2021_exp1")


@pytest.fixture
def design_with(tmp_path, maker_of):
    """Return a function that reads experiment I with a changed table of units."""

    def read(change=lambda text: text, **keys):
        data = yaml.safe_load(EXP1.read_text(encoding="utf-8")) | keys
        data["name"] = "own"
        data["units"] = {"table": "own.csv"}
        (tmp_path / "own.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
        text = (DESIGNS / "units" / "borowski2021_exp1.csv").read_text(encoding="utf-8")
        (tmp_path / "own.csv").write_text(change(text), encoding="utf-8")
        return read_design(tmp_path / "own.yaml")

    return read


def test_a_table_divides_pools_by_their_sets(maker_of):
    pools = pools_of(read_design("borowski2021_exp2"), maker_of("borowski2021_exp2").stimuli)
    parts = [pools[f"main.{part}"] for part in "abcd"]
    assert [len(part) for part in parts] == [20, 20, 20, 20]
    assert pools["main"] == [member for part in parts for member in part]
    assert {member.pool for member in pools["main"]} == {f"main.{part}" for part in "abcd"}


def test_a_table_fixes_batches(maker_of):
    maker = maker_of("zimmermann2021_occlusion")
    assert [member.batch for member in maker.pools["catch"]] == [0, 1, 14]
    assert {member.batch for member in maker.pools["main"]} == {None}


def test_a_sample_is_the_same_for_everyone_and_disjoint(maker_of):
    maker = maker_of("demo_two_afc")
    first, again = (pools_of(maker.design, maker.stimuli) for _ in range(2))
    assert first == again
    units = [member.unit for pool in first.values() for member in pool]
    assert len(set(units)) == len(units) == 9


def test_a_set_without_units_of_the_table_names_the_first(design_with, tmp_path, maker_of):
    units = [unit for unit in maker_of("borowski2021_exp1").stimuli.units if unit.channel > 50]
    folder = write_stimulus_set(tmp_path / "less", units=units, n_batches=1, with_files=False)
    message = "own.csv, line 2: unit mixed3a-1x1-0025 is not in stimulus set .*, nor are 5 others"
    with pytest.raises(BadInput, match=message):
        pools_of(design_with(), StimulusSet.open(folder))


def test_units_of_pools_that_are_not_used_may_be_missing(maker_of, tmp_path):
    design = read_design("borowski2021_exp2")
    used = {
        member.unit
        for name, members in maker_of("borowski2021_exp2").pools.items()
        if name.split(".")[0] != "unused"
        for member in members
    }
    folder = write_stimulus_set(
        tmp_path / "less", units=sorted(used), n_batches=1, with_files=False
    )
    object.__setattr__(design, "explanation", None)
    assert "unused" not in pools_of(design, StimulusSet.open(folder))
    object.__setattr__(design, "ratings", replace(design.ratings, pool="unused"))
    with pytest.raises(BadInput, match="line 142: unit mixed3a-1x1-0042 is not in stimulus set"):
        pools_of(design, StimulusSet.open(folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t + "main,random,mixed3a,1x1,25,25,\n", "line 70: unit .* twice in pool 'main'"),
        (lambda t: t.replace("layer", "layers", 1), "column 'layer' is missing; did you mean"),
        (lambda t: t.replace(",25,25", ",x,25", 1), "line 2, column 'channel': found 'x'"),
        (
            lambda t: t.replace("intuitiveness", "intuition"),
            "no pool 'intuitiveness'; did you mean",
        ),
    ],
)
def test_a_wrong_table_is_refused(design_with, maker_of, change, message):
    with pytest.raises(BadInput, match=message):
        pools_of(design_with(change), maker_of("borowski2021_exp1").stimuli)


def test_a_missing_table_is_named(design_with, maker_of, tmp_path):
    design = design_with()
    (tmp_path / "own.csv").unlink()
    with pytest.raises(BadInput, match="own.csv: no such file"):
        pools_of(design, maker_of("borowski2021_exp1").stimuli)


def test_shipped_tables_hold_what_their_studies_had():
    counts = {}
    for path in sorted((DESIGNS / "units").glob("*.csv")):
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        roles = [line.split(",")[0] for line in lines]
        counts[path.stem] = {role: roles.count(role) for role in dict.fromkeys(roles)}
    assert counts == {
        "borowski2021_exp1": {
            "main": 45,
            "explanation": 5,
            "practice_or_catch": 15,
            "intuitiveness": 3,
        },
        "borowski2021_exp2": {
            "main": 80,
            "catch": 20,
            "practice_synthetic": 20,
            "practice_natural": 20,
            "unused": 20,
            "intuitiveness": 3,
        },
        "zimmermann2021": {
            "main": 18,
            "instruction": 1,
            "catch": 3,
            "practice_very_easy": 3,
            "practice_easy": 7,
            "unrelated": 5,
        },
        "zimmermann2021_replication": {"main": 9, "practice": 5, "catch": 15},
    }


def test_the_channel_of_a_branch_is_the_channel_of_the_layer_less_the_branches_before():
    """Of the branches 1x1, 3x3, 5x5 and pool, in this order, of the original InceptionV1."""
    ends = {
        "mixed3a": (64, 192, 224, 256),
        "mixed3b": (128, 320, 416, 480),
        "mixed4a": (192, 396, 444, 508),
        "mixed4b": (160, 384, 448, 512),
        "mixed4c": (128, 384, 448, 512),
        "mixed4d": (112, 400, 464, 528),
        "mixed4e": (256, 576, 704, 832),
        "mixed5a": (256, 576, 704, 832),
        "mixed5b": (384, 768, 896, 1024),
    }
    branches = ("1x1", "3x3", "5x5", "pool")
    for path in some(sorted((DESIGNS / "units").glob("*.csv"))):
        for line in some(path.read_text(encoding="utf-8").splitlines()[1:]):
            _, _, layer, branch, channel, own = line.split(",")[:6]
            place = branches.index(branch)
            begin = ends[layer][place - 1] if place else 0
            assert int(channel) == begin + int(own)
            assert int(channel) < ends[layer][place]


def test_the_replication_runs_on_the_set_of_experiment_one(maker_of):
    """The randomly chosen unit of the 3x3 branch of each layer, and the lettered units."""
    small, large = (
        maker_of(name).pools for name in ("zimmermann2021_replication", "borowski2021_exp1")
    )
    main = [member.unit for member in small["main"]]
    assert set(main) == {m.unit for m in large["main.random"] if m.unit.branch == "3x3"}
    assert len({unit.layer for unit in main}) == len(main) == 9
    for pool, own in (("explanation", "practice"), ("practice_or_catch", "catch")):
        assert {m.unit for m in large[pool]} == {m.unit for m in small[own]}
    assert read_design("zimmermann2021_replication").stimulus_set == "borowski2021_exp1"
