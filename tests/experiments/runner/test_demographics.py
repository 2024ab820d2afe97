"""Who took part, apart from what they did."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from experiments.__main__ import main
from experiments.runner.demographics import COLUMNS, Demographics, add_demographics
from unitscope.errors import BadInput


def test_participants_are_appended(tmp_path):
    add_demographics(tmp_path / "data", Demographics("p001", "demo", 31, "female", "left", "none"))
    path = add_demographics(tmp_path / "data", Demographics("p002", "demo"))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines == [
        "\t".join(COLUMNS),
        "p001\tdemo\t31\tfemale\tleft\tnone",
        "p002\tdemo\tn/a\tn/a\tn/a\tn/a",
    ]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_is_overwritten(tmp_path):
    path = add_demographics(tmp_path, Demographics("p001", "demo", 31))
    before = path.read_bytes()
    with pytest.raises(BadInput, match=r"participants.tsv, line 2: .* stands there already"):
        add_demographics(tmp_path, Demographics("p001", "demo", 32))
    assert path.read_bytes() == before
    add_demographics(tmp_path, Demographics("p001", "other"))


def test_many_at_once_lose_nobody(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: add_demographics(tmp_path, Demographics(f"p{n}", "d")), range(24)))
    lines = (tmp_path / "participants.tsv").read_text(encoding="utf-8").splitlines()
    assert sorted(line.split("\t")[0] for line in lines[1:]) == sorted(f"p{n}" for n in range(24))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"participant": "Ada Lovelace"}, "expected 1 to 32 letters and digits"),
        ({"age": 1990}, "age 1990: expected 1 to 120"),
        ({"gender": "x"}, "gender 'x': expected one of female, male, other"),
        ({"handedness": "x"}, "handedness 'x'"),
        ({"visual_aid": "x"}, "visual_aid 'x'"),
    ],
)
def test_what_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(BadInput, match=sentence):
        Demographics(**({"participant": "p001", "design": "demo"} | wrong))


@pytest.mark.parametrize("content", [b"", b"name\tage\n", b"\xff\xfe", b"participant\tdesign"])
def test_another_file_is_left_alone(tmp_path, content):
    (tmp_path / "participants.tsv").write_bytes(content)
    with pytest.raises(BadInput, match="participants.tsv"):
        add_demographics(tmp_path, Demographics("p001", "demo"))
    assert (tmp_path / "participants.tsv").read_bytes() == content


def test_the_command_writes_nothing_into_a_log(tmp_path, capsys):
    words = ["demographics", "demo_two_afc", "p001", "--age", "31", "--data", str(tmp_path)]
    assert main(words) == 0
    assert "p001 is in" in capsys.readouterr().out
    files = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert [name for name in files if not name.endswith(".lock")] == ["participants.tsv"]
    assert main(words) == 2
