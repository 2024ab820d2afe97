"""Pictures compared by features, by a table and by functions given by their path."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from experiments.runner.likeness import by_features, by_pairs, find_likeness
from experiments.runner.observers import make_observer, observer_kind
from unitscope.errors import BadInput


def lightness(path):
    with Image.open(path) as image:
        return np.array([1.0, np.asarray(image, float).mean()])


def distance(one, two):
    return -abs(lightness(one)[1] - lightness(two)[1])


def three(one, two, other):
    return 0.0


@pytest.fixture
def pictures(tmp_path):
    for name, grey in (("dark", 20), ("dim", 40), ("light", 230)):
        Image.new("L", (4, 4), grey).save(tmp_path / f"{name}.png")
    return tmp_path


ROW = {
    "task": "two_afc",
    "trial_number": 1,
    "query_a": "dim.png",
    "query_b": "light.png",
    "reference_max_0": "dark.png",
}


@pytest.mark.parametrize("function", ["lightness", "distance"])
def test_a_function_by_its_path_decides(pictures, function):
    observer = make_observer(f"similarity:{__name__}:{function}", 0, pictures.joinpath)
    assert observer.respond(ROW).choice == "a"
    assert observer.name == f"similarity:{__name__}:{function}"
    assert observer_kind(observer.name, "two_afc") == "machine"


def test_a_table_decides_whatever_the_pictures_show(pictures):
    table = pictures / "table.csv"
    table.write_text("image_1,image_2,similarity\ndark.png,dim.png,0.1\nlight.png,dark.png,0.9\n")
    observer = make_observer(f"similarity:{table}", 0, pictures.joinpath)
    assert observer.respond(ROW).choice == "b"
    with pytest.raises(BadInput, match="has no similarity of dim.png and dim.png"):
        observer.respond(ROW | {"reference_max_0": "dim.png"})


def test_groups_are_compared_by_the_mean_of_their_pairs(pictures):
    one, two = [pictures / "dark.png"], [pictures / "dim.png", pictures / "light.png"]
    assert by_pairs(distance)(one, two) == pytest.approx((-20 - 210) / 2)
    assert by_features(lightness)(one, one) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:nothing", "is not a .csv file or a function"),
        (f"{__name__}:nothing", "is not a .csv file or a function"),
        (f"{__name__}:three", "takes 3 arguments"),
        ("missing.csv", "no such file"),
    ],
)
def test_what_compares_nothing_gets_one_sentence(pictures, name, message):
    with pytest.raises(BadInput, match=message):
        find_likeness(name, pictures.joinpath)
