from pathlib import Path

import pytest

from stimgen.networks.network import Network
from stimgen.sets.units import choose_units, read_units, sample_units
from stimgen.studies.build_settings import SampleSettings, UnitsSettings
from unitscope.errors import BadInput


def test_a_table_keeps_its_order_and_may_hold_other_columns(toy: Network, tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(
        "role,layer,branch,channel\nmain,late,3x3,6\ncatch,first,,1\n"
    )
    chosen = choose_units(toy, UnitsSettings(table="units.csv"), 0, tmp_path)
    assert [unit.name for unit in chosen.units] == ["late-3x3-0006", "early-0001"]


def test_a_table_may_name_the_only_batch_of_a_unit(toy: Network, tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text("layer,branch,channel,batch\nlate,3x3,6,14\nearly,,1,\n")
    chosen = read_units(toy, path)
    assert chosen.batches == {chosen.units[0]: (14,)}
    path.write_text("layer,branch,channel,batch\nlate,3x3,6,last\n")
    with pytest.raises(BadInput, match="line 2, column 'batch': found 'last'"):
        read_units(toy, path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("late,3x3,6\nlate,3x3,1\n", "line 3: channel 1 .* in branch '1x1'"),
        ("late,3x3,6\nlate,,6\n", "line 3: unit late-3x3-0006 is listed twice"),
        ("late,3x3,x\n", "line 2, column 'channel'"),
        ("", "contains no units"),
    ],
)
def test_faults_of_a_table_are_named(toy: Network, tmp_path: Path, rows: str, message: str) -> None:
    path = tmp_path / "units.csv"
    path.write_text("layer,branch,channel\n" + rows)
    with pytest.raises(BadInput, match=message):
        read_units(toy, path)


def test_a_sample_is_distinct_seeded_and_without_the_excluded(toy: Network) -> None:
    rule = SampleSettings(12, exclude=("late-1x1-0002",))
    drawn = sample_units(toy, rule, 0)
    assert len(set(drawn)) == 12 and "late-1x1-0002" not in [unit.name for unit in drawn]
    assert drawn == sample_units(toy, rule, 0) != sample_units(toy, rule, 1)


def test_branches_are_alike_likely_whatever_their_size(toy: Network) -> None:
    drawn = [sample_units(toy, SampleSettings(1), seed)[0] for seed in range(600)]
    for layer, branch in (("early", ""), ("late", "1x1"), ("late", "3x3")):
        assert 150 < sum((u.layer, u.branch) == (layer, branch) for u in drawn) < 250


def test_impossible_samples_are_refused(toy: Network) -> None:
    with pytest.raises(BadInput, match="n is 8, but only 7 units"):
        sample_units(toy, SampleSettings(8, layers=("late",)), 0)
    with pytest.raises(BadInput, match="did you mean 'late-1x1-0002'"):
        sample_units(toy, SampleSettings(1, exclude=("late-1x1-002",)), 0)


def test_rules_one_after_the_other_draw_no_unit_twice(toy: Network) -> None:
    rules = (SampleSettings(4, layers=("late",)), SampleSettings(7))
    units = choose_units(toy, UnitsSettings(sample=rules), 0, Path()).units
    assert units[:4] == sample_units(toy, rules[0], 0)
    assert len(set(units)) == 11 and {unit.layer for unit in units[:4]} == {"late"}
    with pytest.raises(BadInput, match="n is 10, but only 9 units"):
        too_many = (SampleSettings(4, layers=("late",)), SampleSettings(10))
        choose_units(toy, UnitsSettings(sample=too_many), 0, Path())


def test_a_channel_that_is_not_its_branchs_is_noticed(toy: Network, tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text("layer,branch,channel,branch_channel\nlate,3x3,6,2\nlate,3x3,5,0\n")
    with pytest.raises(BadInput, match="line 3: channel 5 of late is number 1 of branch '3x3'"):
        read_units(toy, path)


def test_an_old_path_of_a_shipped_table_is_told_where_it_is_now(
    toy: Network, tmp_path: Path
) -> None:
    wanted = UnitsSettings(table="../conditions/units/borowski2021_exp1.csv")
    where = r"is .*conditions.designs.units.borowski2021_exp1\.csv$"
    with pytest.raises(BadInput, match=where) as caught:
        choose_units(toy, wanted, 0, tmp_path)
    assert Path(str(caught.value).split(" is ")[-1]).is_file()
