from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unitscope.errors import BadInput
from unitscope.settings import build, read_settings


@dataclass(frozen=True)
class Inner:
    size_px: int = 3

    def __post_init__(self):
        if self.size_px < 1:
            raise ValueError(f"size_px is {self.size_px}, expected 1 or more")


@dataclass(frozen=True)
class Outer:
    name: str
    pole: Literal["min", "max"] = "max"
    weight: float = 1.0
    limit_s: float | None = None
    inner: Inner = Inner()
    pair: tuple[int, int] = (1, 2)
    several: tuple[str, ...] = ()
    by_name: dict[str, Inner] = field(default_factory=dict)


def read(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path, Outer)


def test_reads_nested_settings(tmp_path):
    got = read(
        tmp_path,
        "name: x\nweight: 2\ninner: {size_px: 5}\npair: [3, 4]\nseveral: [a, b]\n"
        "by_name: {left: {size_px: 7}}\nlimit_s: 1.5\n",
    )
    assert got == Outer(
        "x", "max", 2.0, 1.5, Inner(5), (3, 4), ("a", "b"), by_name={"left": Inner(7)}
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nmae: x", "unknown key 'nmae'; did you mean 'name'"),
        ("pole: max", "key 'name' is missing"),
        ("name: 3", "'name' is 3, expected text"),
        ("name: x\npole: mx", "'pole' is 'mx', expected one of min, max; did you mean 'max'"),
        ("name: x\nweight: heavy", "'weight' is 'heavy', expected a number"),
        ("name: x\nweight: .nan", "'weight' is nan, expected a finite number"),
        ("name: x\nweight: true", "'weight' is True, expected a number"),
        ("name: x\ninner: {sise_px: 3}", "unknown key 'inner.sise_px'; did you mean 'size_px'"),
        ("name: x\ninner: {size_px: 0}", "inner.: size_px is 0, expected 1 or more"),
        ("name: x\ninner: 3", "'inner' is 3, expected keys with values"),
        ("name: x\npair: [1]", r"'pair' is \[1\], expected 2 values"),
        ("name: x\nseveral: a", "'several' is 'a', expected a list"),
        ("name: x\nname: y", "line 2: not valid YAML .key 'name' twice"),
        ("name: [x", "line 1: not valid YAML"),
        ("- x", "found list, expected keys with values"),
        ("name: !!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_bad_settings_give_one_sentence(tmp_path, text, message):
    with pytest.raises(BadInput, match=message.replace("inner.:", "inner:")) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert "settings.yaml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match="nothing.yaml: no such file"):
        read_settings(tmp_path / "nothing.yaml", Outer)


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "size_px", "left"]), children, max_size=3)
    ),
    max_leaves=5,
)
KEYS = ["name", "pole", "weight", "limit_s", "inner", "pair", "several", "by_name", "odd"]


@given(st.dictionaries(st.sampled_from(KEYS), yaml_values))
def test_any_value_is_either_accepted_or_refused_in_one_sentence(data):
    try:
        got = build(Outer, data, "here")
    except BadInput as error:
        assert "\n" not in str(error).replace("\\n", "")
    else:
        assert isinstance(got.name, str)
