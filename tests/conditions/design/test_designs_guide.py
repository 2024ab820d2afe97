"""The guide to designs: complete, and right."""

import dataclasses
import re
import textwrap
import types
import typing

import pytest
import yaml

from conditions.__main__ import main
from conditions.design.blocks import Block
from conditions.design.design import Design
from conditions.design.diagram import draw_design
from conditions.design.reading import read_design, shipped_designs
from conditions.design.selection import References
from conditions.trials.condition_tables import read_table
from tests.conftest import some
from unitscope.places import ROOT
from unitscope.settings import read_yaml

GUIDE = (ROOT / "docs" / "designs.md").read_text(encoding="utf-8")
STEPS = GUIDE.split("## A new design, step by step")[1]


def settings_of(cls, prefix=""):
    """Yield the dotted name of every key that a design can have."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        yield f"{prefix}{field.name}"
        for own in nested(hints[field.name]):
            # Named once, where they belong.
            if field.name != "left_handed_keys" and (own is not References or not prefix):
                yield from settings_of(own, f"{prefix}{field.name}.")


def nested(hint):
    if dataclasses.is_dataclass(hint):
        return [hint]
    if typing.get_origin(hint) in (typing.Union, types.UnionType, dict):
        return [own for part in typing.get_args(hint) for own in nested(part)]
    return []


def test_the_walk_finds_nested_settings():
    found = set(settings_of(Design))
    assert {"task", "blocks.extra_trial", "references.per_side", "keys.undo"} <= found
    assert {"schemes.pools", "exclusions.total_s", "matching.depths"} <= found
    assert {f"blocks.{field.name}" for field in dataclasses.fields(Block)} <= found


@pytest.mark.parametrize("name", sorted(settings_of(Design)))
def test_every_setting_is_documented(name):
    written = set(re.findall(r"`([\w.]+)`", GUIDE))
    groups = {key.split(".")[0] for key in written if "." in key}
    assert name in written or (name in groups and "." not in name) or name.count(".") > 1


def test_no_setting_is_documented_that_there_is_not():
    keys = GUIDE.split("## Every key")[1].split("## The shipped designs and their studies")[0]
    named = set()
    for line in keys.splitlines():
        if line.startswith("| `"):
            named |= set(re.findall(r"`([\w.]+)`", line.split("|")[1]))
    assert named - set(settings_of(Design)) == set()


def test_every_shipped_design_is_listed():
    for name in some(shipped_designs()):
        assert f"`{name}`" in GUIDE


def test_the_diagram_of_the_guide_is_up_to_date():
    shown = (ROOT / "docs" / "borowski2021_exp1.svg").read_text(encoding="utf-8")
    assert shown == draw_design(read_design("borowski2021_exp1"), 1), (
        "draw it again: python -m conditions show borowski2021_exp1 --out "
        "docs/borowski2021_exp1.svg"
    )


def test_the_changes_that_the_guide_proposes_are_possible(tmp_path):
    """Each line of the table of changes makes a design when put into a shipped one."""
    table = GUIDE.split("## Changing a study")[1].split("## Every key")[0]
    proposed = re.findall(r"^\| [^|]+ \| `([^`]+)`", table, re.MULTILINE)
    assert len(proposed) == 12
    for change in proposed:
        data = read_yaml(ROOT / "conditions" / "designs" / "demo_two_afc.yaml") | {
            "name": "changed"
        }
        path = tmp_path / "changed.yaml"
        path.write_text(f"name: changed\n{change}\n", encoding="utf-8")
        (key, value) = next(item for item in read_yaml(path).items() if item[0] != "name")
        merged = data.get(key, {}) | value if isinstance(value, dict) and key != "units" else value

        path.write_text(yaml.safe_dump(data | {key: merged}), encoding="utf-8")
        assert read_design(path).name == "changed"


def test_the_step_by_step_design_can_be_made(tmp_path, stimulus_set, capsys):
    parts = re.findall(r"```yaml\n(.*?)```", STEPS, re.DOTALL)
    path = tmp_path / "few_references.yaml"
    path.write_text("".join(map(textwrap.dedent, parts)), "utf-8")
    design = read_design(path)
    assert main(["show", str(path), "--participant", "3"]) == 0
    assert "Nine" in capsys.readouterr().out
    options = ["--stimuli", str(stimulus_set), "--out", str(tmp_path / "tables")]
    assert main(["make", str(path), "--participants", "1-4", *options]) == 0
    seen = {}
    for participant in range(1, 5):
        table = read_table(tmp_path / "tables" / "few_references" / f"p00{participant}.csv")
        main_trials = table[table["trial_role"] == "main"]
        pools = dict(zip(main_trials["scheme"], main_trials["unit_pool"], strict=True))
        seen[participant] = (table["scheme"].iloc[0], pools["Three"])
    # As step 3 says.
    assert seen == {
        1: ("Three", "one"),
        2: ("Three", "other"),
        3: ("Nine", "one"),
        4: ("Nine", "other"),
    }
    assert design.feedback.main is False


@pytest.mark.parametrize("name", shipped_designs())
def test_every_shipped_design_is_compared_with_its_study(name):
    """Under a heading that names it (or the demos), with a table whose deviations are explained."""
    compared = GUIDE.split("## The shipped designs and their studies")[1].split("## A new design")[
        0
    ]
    sections = compared.split("\n### ")[1:]
    wanted = "The demos" if name.startswith("demo") else f"`{name}`"
    (own,) = [section for section in sections if wanted in section.partition("\n")[0]]
    rows = [line for line in own.splitlines() if line.startswith("| ")]
    assert rows[0] == "| property | study | ours | why |"
    for row in some(rows[1:]):
        _, _, study, ours, why, _ = (cell.strip() for cell in row.split("|"))
        assert study
        assert why or ours == study or ours.startswith("the same"), row
