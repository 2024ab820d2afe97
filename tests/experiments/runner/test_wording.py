"""Every page of every shipped design, in every language."""

from dataclasses import replace
from datetime import date

import pytest

from conditions.design.reading import read_design, shipped_designs
from conditions.trials.table_maker import TableMaker
from experiments.runner.record import plain_rows
from experiments.runner.wording import Wording, _kind
from tests.conditions.conftest import units_for
from tests.conftest import KINDS_OF_OCCLUSION, some, write_stimulus_set
from unitscope.stimulus_set import StimulusSet
from unitscope.texts import languages, read_texts
from unitscope.texts.of_study import ANYWHERE

DESIGNS = [
    pytest.param(name, marks=[pytest.mark.slow] * name.startswith("borowski"))
    for name in shipped_designs()
]


@pytest.fixture(scope="module")
def maker_of(tmp_path_factory):
    """Make the maker of a shipped design's tables, on a set with a manifest but no images."""
    folder, makers = tmp_path_factory.mktemp("sets"), {}

    def maker(name):
        if name not in makers:
            design = read_design(name)
            write_stimulus_set(
                folder / name,
                units=units_for(design),
                n_batches=20 if design.units.table else 6,
                kinds=KINDS_OF_OCCLUSION
                if design.task == "occlusion"
                else ("natural", "synthetic"),
                with_files=False,
            )
            makers[name] = TableMaker(design, StimulusSet.open(folder / name))
        return makers[name]

    return maker


def pages_of(wording, rows):
    """Return every page that a session on these rows can show."""
    yield from (wording.consent(), wording.declined(), wording.end())
    for pages in wording.instructions():
        yield from pages
    for block in sorted({row["block_number"] for row in rows}):
        own = [row for row in rows if row["block_number"] == block]
        yield wording.part(own[0], own)
    repeated = [row for row in rows if (row["practice_round"] or 1) > 1]
    yield from (wording.again(row, 1, 4) for row in repeated[:1])
    yield from (wording.practice_limit(1, 4), wording.rest(3, 4))
    yield from (wording.resumed(7, trials_left=left) for left in (True, False))
    if wording._design.ratings:
        yield from (wording.ratings(moment, n) for moment in ("before", "after") for n in (1, 3))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("name", DESIGNS)
def test_every_page_is_filled_in(maker_of, name, language):
    maker, texts = maker_of(name), read_texts(language)
    for participant in some(range(1, 1 + max(1, len(maker.design.between)))):
        rows = plain_rows(maker.table(participant))
        wording = Wording(texts, maker.design, rows, maker.stimuli)
        pages = list(pages_of(wording, rows))
        for page in some(pages):
            assert page.text.strip()
            assert page.hint
            assert not set("{}_") & set(page.text + page.hint), page
            assert page.text.isprintable() or "\n" in page.text
        parts = [page.heading for page in pages if page.name == "part"]
        assert len(set(parts)) == len(parts)
        assert all(parts) == (len(parts) > 1)


@pytest.mark.parametrize("name", DESIGNS)
def test_examples_are_right_and_no_trial_shows_their_question(maker_of, name):
    maker = maker_of(name)
    rows = plain_rows(maker.table(1))
    wording = Wording(read_texts("en"), maker.design, rows, maker.stimuli)
    activation = maker.stimuli.manifest.set_index("path")["activation"].to_dict()
    main = {
        value
        for row in rows
        if row["trial_role"] != "practice"
        for column, value in row.items()
        if column.startswith(("query", "reference", "left", "right"))
    }
    pages = wording._named("example")
    conditions = {row["reference_condition"] for row in rows} - {"none"}
    assert len(pages) <= len(conditions)
    for page in pages:
        assert page.panels
        for panel in page.panels:
            assert set(panel.images) <= set(activation)
            if panel.correct is None:
                continue
            right, wrong = panel.images
            assert panel.correct == 0
            assert activation[right] > activation[wrong]
            assert not set(panel.images) & main
            others = {i for other in page.panels if other is not panel for i in other.images}
            assert not set(panel.images) & others


@pytest.mark.parametrize("name", ["demo_two_afc", "demo_occlusion", "demo_exemplar_matching"])
def test_demo_designs_have_an_example_of_each_condition(maker_of, name):
    maker = maker_of(name)
    rows = plain_rows(maker.table(1))
    wording = Wording(read_texts("en"), maker.design, rows, maker.stimuli)
    shown = {row["reference_condition"] for row in rows} - {"none"}
    assert {page.name for page in wording._named("example")} == {f"example_{c}" for c in shown}


def test_what_helps_is_said_as_it_is_shown():
    row = {"task": "two_afc", "reference_condition": "natural"}
    assert _kind(row) == ("two_afc", "natural")
    one = row | {"reference_max_0": "a.png"}
    assert _kind(one) == ("two_afc", "natural", "max", "one")
    both = one | {"reference_min_0": "b.png", "reference_min_1": "c.png"}
    assert _kind(both) == ("two_afc", "natural", "both")


def test_what_any_page_may_name_is_filled_in(maker_of):
    maker = maker_of("demo_two_afc")
    wording = Wording(read_texts("en"), maker.design, plain_rows(maker.table(1)), maker.stimuli)
    assert set(wording._values()) == set(ANYWHERE)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Until 2027-03-31, we will delete"), ("de", "Bis zum 31.03.2027 löschen wir")],
)
def test_the_consent_page_says_until_when_one_can_withdraw(maker_of, language, said):
    maker = maker_of("demo_two_afc")
    rows = plain_rows(maker.table(1))

    def paragraphs(texts, until):
        design = replace(maker.design, withdrawal_until=until)
        return Wording(texts, design, rows, maker.stimuli).consent().text.split("\n\n")

    texts = read_texts(language)
    without, with_day = (paragraphs(texts, day) for day in (None, date(2027, 3, 31)))
    assert [*with_day[:-2], with_day[-1]] == without
    assert said in with_day[-2]
    # A study that says it in its own words needs no such sentence.
    own = replace(texts, pages=texts.pages | {"consent": "A\n\n{until}\n\nB"})
    assert len(paragraphs(own, date(2027, 3, 31))) == 3
