import pytest

from unitscope.errors import BadInput
from unitscope.records import read_session


def test_a_missing_session_has_no_facts(tmp_path):
    assert read_session(tmp_path) == {}


def test_facts_are_read_in_any_alphabet(tmp_path):
    (tmp_path / "session.json").write_text('{"comment": "Größe, 毛"}', encoding="utf-8")
    assert read_session(tmp_path) == {"comment": "Größe, 毛"}


def test_damaged_session_facts_are_named(tmp_path):
    (tmp_path / "session.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match=r"session\.json: cannot be read as JSON"):
        read_session(tmp_path)


def test_anything_but_an_object_is_refused(tmp_path):
    (tmp_path / "session.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(BadInput, match="found list, expected an object"):
        read_session(tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"runs": 3}', "'runs' is of type int, expected list"),
        ('{"runs": [3]}', "'runs' holds something else than objects"),
        ('{"trials": "many"}', "'trials' is of type str, expected int"),
        ('{"instruction_s": true}', "'instruction_s' is of type bool, expected float"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_facts_of_another_type_are_refused(tmp_path, text, sentence):
    (tmp_path / "session.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=sentence):
        read_session(tmp_path)
