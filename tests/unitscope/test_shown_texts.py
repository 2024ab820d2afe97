import hashlib
import json

import pytest

from unitscope.errors import BadInput
from unitscope.shown_texts import TEXTS, read_shown_texts, text_sha256, wrong_copies

TEXT = "Einverstanden?\n\nJa \u201eoder\u201c nein"


def write(folder, *texts, end="\n"):
    lines = [
        json.dumps(
            {"name": n, "language": "de", "run": 1, "sha256": text_sha256(t), "text": t},
            ensure_ascii=False,
        )
        for n, t in texts
    ]
    (folder / TEXTS).write_text("\n".join(lines) + end, encoding="utf-8")


def test_the_hash_is_that_of_any_other_program():
    assert text_sha256(TEXT) == hashlib.sha256(TEXT.encode("utf-8")).hexdigest()


def test_copies_are_compared_with_the_record(tmp_path):
    facts = {"texts_shown": {"consent": [text_sha256(TEXT)], "end": [text_sha256("Danke")]}}
    write(tmp_path, ("consent", TEXT), ("end", "Danke"))
    assert [one["text"] for one in read_shown_texts(tmp_path)] == [TEXT, "Danke"]
    assert wrong_copies(tmp_path, facts) == []
    write(tmp_path, ("consent", TEXT.replace("Ja", "ja")), ("end", "Danke"))
    (said,) = wrong_copies(tmp_path, facts)
    assert "the copy of consent is missing or is not the text that was shown" in said
    # A copy of another page does not stand in for it.
    write(tmp_path, ("greeting", TEXT), ("end", "Danke"))
    assert len(wrong_copies(tmp_path, facts)) == 1
    (tmp_path / TEXTS).unlink()
    assert len(wrong_copies(tmp_path, facts)) == 2
    assert wrong_copies(tmp_path, {}) == []


def test_a_line_that_was_cut_off_is_left_out_and_another_refused(tmp_path):
    write(tmp_path, ("consent", TEXT), ("end", "Danke"), end="")
    assert len(read_shown_texts(tmp_path)) == 1
    for odd in ("[1]\n", "{}\n", "no\n"):
        (tmp_path / TEXTS).write_text(odd, encoding="utf-8")
        with pytest.raises(BadInput, match="line 1: expected an object with the keys name"):
            read_shown_texts(tmp_path)
        assert "line 1" in wrong_copies(tmp_path, {"texts_shown": {}})[0]
