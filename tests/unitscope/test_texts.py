import string

import pytest

from tests.conftest import some
from unitscope.errors import BadInput
from unitscope.texts import PAGE_NAMES, Texts, languages, read_texts


def test_english_and_german_are_there():
    assert {"en", "de"} <= set(languages())


def test_an_unknown_language_is_named():
    with pytest.raises(BadInput, match="no texts for language 'fr'; found de, en"):
        read_texts("fr")


def fields(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


@pytest.mark.parametrize("language", languages())
def test_every_page_that_a_design_may_list_is_there(language):
    texts = read_texts(language)
    for task in ("two_afc", "occlusion", "exemplar_matching"):
        for name in some(set(PAGE_NAMES) - {"references", "example"}):
            assert texts.page(name, task)
        assert texts.page("example", task)


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_same_pages_and_fills_in_the_same_names(language):
    english, other = read_texts("en"), read_texts(language)
    assert list(other.pages) == list(english.pages)
    assert set(other.key_names) == set(english.key_names)
    for name in english.pages:
        assert fields(other.pages[name]) == fields(english.pages[name]), name
        assert other.pages[name].startswith("# ") == english.pages[name].startswith("# "), name
    for name, kind in Texts.__annotations__.items():
        if kind == "str":
            assert fields(getattr(other, name)) == fields(getattr(english, name)), name


def test_the_most_special_text_is_taken():
    texts = read_texts("en")
    special = texts.page("references", "two_afc", "natural", "max", "one")
    assert "one photograph" in special
    assert texts.page("references", "two_afc", "natural", "both") == texts.page(
        "references", "two_afc", "natural"
    )
    with pytest.raises(BadInput, match="no text for page 'gretting'; did you mean 'greeting'"):
        texts.page("gretting")
