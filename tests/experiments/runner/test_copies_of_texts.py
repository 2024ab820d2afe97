"""What participants read is kept, whatever happens to their session."""

import json

import pytest
import yaml

from analysis.logs.load import load_log
from analysis.logs.texts_read import damaged_copies, different_texts
from conditions.design.reading import read_design
from experiments.runner.observers import make_observer
from experiments.runner.pages import Page
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from experiments.runner.stages import stages_of
from tests.conftest import some
from unitscope.records import read_session
from unitscope.shown_texts import TEXTS, read_shown_texts, text_sha256


def run(request):
    session = Session.open(request)
    simulate(session, make_observer("graded", 1, session.stimuli.file))
    return session.log.folder


def test_every_text_is_copied_once_with_its_hash(request_of):
    folder = run(request_of("two_afc", consent=True, comment=True, questions=["strategy"]))
    facts, copies = read_session(folder), read_shown_texts(folder)
    names = {one["name"] for one in copies}
    assert {"consent", "part", "trials", "comment", "question_strategy", "end"} <= names
    recorded = {(n, sha256) for n, known in facts["texts_shown"].items() for sha256 in known}
    assert {(one["name"], one["sha256"]) for one in copies} == recorded
    assert len(recorded) == len(copies)
    for one in some(copies):
        assert one["sha256"] == text_sha256(one["text"])
        assert (one["language"], one["run"]) == ("en", 1)
    (consent,) = (one["text"] for one in copies if one["name"] == "consent")
    assert consent.startswith("# Before we begin\n\n")
    assert "by pressing Esc." in consent
    assert consent.endswith("2: no, I would rather not")
    assert damaged_copies(load_log(folder)) == []


def test_a_text_is_on_the_disk_before_it_is_shown_and_a_resumed_session_adds_its_own(request_of):
    request = request_of("two_afc", consent=True)
    session = Session.open(request)
    stage = next(stages_of(session, 1 / 60))
    assert isinstance(stage, Page)
    folder = session.log.folder
    (consent,) = read_shown_texts(folder)
    assert consent["text"] == stage.content.words
    assert read_session(folder)["texts_shown"] == {"consent": [consent["sha256"]]}
    session.finish()
    # A power cut in the middle of the next copy.
    with (folder / TEXTS).open("a", encoding="utf-8") as lines:
        lines.write('{"name": "wel')
    before = (folder / TEXTS).read_bytes()
    run(request)
    after = (folder / TEXTS).read_bytes()
    assert after.startswith(before[: before.rfind(b"\n") + 1])
    copies = read_shown_texts(folder)
    assert [one["run"] for one in copies if one["name"] == "consent"] == [1]
    assert {one["run"] for one in copies} == {1, 2}
    assert damaged_copies(load_log(folder)) == []


def test_a_changed_copy_is_said(request_of, capsys):
    from analysis.__main__ import main

    folder = run(request_of("two_afc", consent=True))
    path = folder / TEXTS
    path.write_text(path.read_text(encoding="utf-8").replace("voluntary", "compulsory"), "utf-8")
    assert main(["check", str(folder.parents[1])]) == 0
    said = capsys.readouterr().out
    assert "the copy of consent is missing or is not the text that was shown" in said


@pytest.fixture
def two_consents(request_of, tmp_path):
    """Two participants between whose sessions the consent page changed."""
    own = tmp_path / "own"
    own.mkdir()

    def write(words):
        consent = {"pages": {"consent": f"{words} {{leave}}?"}}
        (own / "en.yaml").write_text(yaml.safe_dump(consent), encoding="utf-8")

    write("Yes")
    folders = [run(request_of("two_afc", 1, consent=True, texts="own"))]
    assert different_texts(load_log(folders[0].parents[1])) == []
    write("Well")
    request = request_of("two_afc", 2, consent=True, texts="own")
    assert request.design.sha256 == read_design(request.design.path).sha256
    folders.append(run(request))
    return folders


def test_who_read_another_consent_page_is_said(two_consents):
    (said,) = different_texts(load_log(two_consents[0].parents[1]))
    assert "2 versions of the texts in language en" in said
    assert said.endswith("what differs: consent.")


def test_languages_are_said(two_consents):
    path = two_consents[1] / "session.json"
    facts = json.loads(path.read_text(encoding="utf-8")) | {"language": "de"}
    path.write_text(json.dumps(facts), encoding="utf-8")
    (said,) = different_texts(load_log(two_consents[0].parents[1]))
    assert said == "Participants read texts in 2 languages: de in 1, en in 1 sessions."
