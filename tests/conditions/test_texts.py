import string

import pytest

from conditions.errors import BadInput
from conditions.texts import Texts, languages, read_texts


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", languages())
def test_every_language_fills_in_the_same_names(language):
    english, other = read_texts("en"), read_texts(language)
    for name in Texts.__dataclass_fields__:
        assert placeholders(getattr(other, name)) == placeholders(getattr(english, name)), name


def test_english_and_german_are_there():
    assert {"en", "de"} <= set(languages())


def test_an_unknown_language_is_named():
    with pytest.raises(BadInput, match="no texts for language 'fr'; found de, en"):
        read_texts("fr")
