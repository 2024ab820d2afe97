from pathlib import Path

import pytest
import yaml

from conditions.design import find_design, read_design, shipped_designs
from conditions.errors import BadInput

DEMO = yaml.safe_load(find_design("demo_two_afc").read_text(encoding="utf-8"))


def read(tmp_path: Path, **changes):
    """Read the demo design with some keys changed, nested ones by a dot."""
    data = yaml.safe_load(yaml.safe_dump(DEMO)) | {"name": "changed"}
    for key, value in changes.items():
        *outer, last = key.split("__")
        place = data
        for part in outer:
            place = place[part]
        place[last] = value
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return read_design(path)


@pytest.mark.parametrize("name", shipped_designs())
def test_shipped_designs_are_read(name):
    design = read_design(name)
    assert design.name == name
    assert len(design.sha256) == 64


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(
        BadInput, match="no design is named 'demo_2afc'; did you mean 'demo_two_afc'"
    ):
        read_design("demo_2afc")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"references__per_side": 10}, "per_side is 10, expected 1 to 9"),
        ({"references__poles": ["max", "max"]}, "expected min, max or both, each once"),
        ({"batches__last_main": 2}, "would meet a query twice"),
        ({"batches__practice": 3}, "practice batch 3 is one of the main batches"),
        ({"blocks__main_none__catch": 1}, "condition none has no catch"),
        ({"keys__a": ["f", "d", "j"]}, "key 'j' has two meanings"),
        (
            {"orders": [["main_nonne"]]},
            "'main_nonne', which blocks lacks; did you mean 'main_none'",
        ),
        ({"orders": []}, "orders is empty"),
        ({"orders": [["main_none"], ["main_natural"]]}, "orders differ in the blocks they hold"),
        ({"batches__rotation": ["none", "natural"]}, "which batches.rotation lacks"),
        ({"durations__feedback_s": -1}, "feedback_s is -1.0, expected 0 to 60"),
        ({"layout__image": 0}, "image is 0.0, expected more than 0"),
        ({"participants": 0}, "participants is 0, expected 1 or more"),
        ({"units": {}}, "give either a table or a sample"),
        ({"sha256": "x"}, "unknown key 'sha256'"),
    ],
)
def test_impossible_designs_are_refused(tmp_path, changes, message):
    with pytest.raises(BadInput, match=message):
        read(tmp_path, **changes)


def test_the_name_is_that_of_the_file(tmp_path):
    with pytest.raises(BadInput, match="name is 'other', expected 'changed'"):
        read(tmp_path, name="other")


def test_keys_give_choice_and_confidence():
    response = read_design("demo_two_afc").keys.response
    assert [response[key] for key in "sdfjkl"] == [
        ("a", 3),
        ("a", 2),
        ("a", 1),
        ("b", 1),
        ("b", 2),
        ("b", 3),
    ]
