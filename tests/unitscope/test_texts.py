import string
from dataclasses import asdict

import pytest
import yaml

from tests.conftest import some
from unitscope.errors import BadInput
from unitscope.texts import PAGE_NAMES, Texts, languages, read_texts, replaced_texts


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


@pytest.fixture
def study(tmp_path):
    """Write a study's own texts; returns their folder."""

    def write(language="en", **texts):
        folder = tmp_path / "texts"
        folder.mkdir(exist_ok=True)
        (folder / f"{language}.yaml").write_text(yaml.safe_dump(texts), encoding="utf-8")
        return folder

    return write


def test_a_study_has_its_own_texts_and_otherwise_ours(study):
    folder = study(
        pages={"consent": "Approved. {leave} ends it.", "greeting": "{pause} {answer}!"},
        sure="certain",
        key_names={"space": "bar"},
    )
    ours, own = read_texts("en"), read_texts("en", folder)
    assert own.pages["consent"] == "Approved. {leave} ends it."
    assert own.pages == ours.pages | {name: own.pages[name] for name in ("consent", "greeting")}
    assert (own.sure, own.unsure) == ("certain", ours.unsure)
    assert own.key("space") == "bar"
    assert own.key("left") == ours.key("left")
    assert own.sha256 != ours.sha256
    assert read_texts("en").sha256 == ours.sha256
    assert replaced_texts(folder) == {
        "en": ["key_names.space", "pages.consent", "pages.greeting", "sure"]
    }


def test_a_study_without_texts_in_the_language_is_refused(study):
    with pytest.raises(BadInput, match=r"de.yaml: the study has its own texts.*'de'; found en"):
        read_texts("de", study(sure="certain"))


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"sur": "x"}, "unknown text 'sur'; did you mean 'sure'"),
        ({"pages": {"consemt": "x"}}, "unknown text 'pages.consemt'; did you mean 'pages.consent'"),
        ({"pages": "x"}, "'pages' is 'x', expected texts by name"),
        ({"pages": {"consent": None}}, "'pages.consent' is None, expected text"),
        ({"pages": {"consent": " "}}, "'pages.consent' is ' ', expected text"),
        ({"sure": {"a": "b"}}, "unknown text 'sure.a'"),
        ({"sure": 3}, "'sure' is 3, expected text"),
        ({"pages": {"consent": "Stop any time."}}, "lacks {leave}, which participants need"),
        ({"pages": {"consent": "{leav}"}}, "names {leav}; did you mean 'leave'"),
        ({"pages": {"consent": "{leave} {0}"}}, "names {0}; it may name {answer}"),
        ({"pages": {"consent": "{leave.real}"}}, "names {leave.real}"),
        ({"pages": {"consent": "{leave!r:>9}"}}, "names {leave!r:>9}"),
        ({"pages": {"consent": "{leave} }"}}, "a brace too many or too few"),
        ({"pages": {"question_strategy": "{trials}"}}, "names {trials}; it may name nothing"),
        ({"go_on": "on"}, "'go_on' lacks {key}"),
        (
            {"sure": "x" * 17},
            "'sure' has 17 characters, but its place on the screen has room for 16",
        ),
        ({"pages": {"explanation": "x" * 900}}, "'pages.explanation' has 900 characters"),
    ],
)
def test_texts_that_cannot_be_used_are_named(study, texts, said):
    with pytest.raises(BadInput) as raised:
        read_texts("en", study(**texts))
    assert said in str(raised.value)
    assert str(raised.value).count("\n") == 0


@pytest.mark.parametrize("language", languages())
def test_our_own_texts_pass_for_those_of_a_study(study, language):
    ours = asdict(read_texts(language))
    assert asdict(read_texts(language, study(language, **ours))) == ours


def test_a_page_of_its_own_may_be_long(study):
    text = "{leave}" + " All of it." * 2000
    assert read_texts("en", study(pages={"consent": text})).pages["consent"] == text


def test_a_folder_without_texts_is_named(tmp_path):
    with pytest.raises(BadInput, match="no folder of texts, expected files such as de.yaml"):
        replaced_texts(tmp_path)
    (tmp_path / "fr.yaml").write_text("sure: x", encoding="utf-8")
    with pytest.raises(BadInput, match="no texts for language 'fr'"):
        replaced_texts(tmp_path)
