"""A study's own texts in a real window, a consent page of several screens among them."""

import pytest
import yaml
from PIL import Image

from conditions.design.reading import find_design
from conditions.trials.condition_tables import write_tables
from tests.experiments.display.test_around_trials import hand, wait_for_screen  # noqa: F401
from tests.experiments.display.test_window import finish

pytestmark = pytest.mark.window

LONG = "\n\n".join(
    [
        "# Einwilligung in die Studie \u201eWas Einheiten sehen\u201c",
        *(
            f"Absatz {number}. " + "Die Ethikkommission hat diesen Text so genehmigt. " * 6
            for number in range(1, 16)
        ),
        "Mit {leave} k\u00f6nnen Sie jederzeit aufh\u00f6ren. Sind Sie einverstanden?",
    ]
)


@pytest.fixture
def start_own(start, stimulus_set, tmp_path):
    """Start a session of one trial of a study with its own texts, in German."""
    own = tmp_path / "own"
    own.mkdir()
    texts = {"pages": {"consent": LONG}, "question": "Welches aktiviert mehr?"}
    (own / "de.yaml").write_text(yaml.safe_dump(texts), encoding="utf-8")
    data = yaml.safe_load(find_design("demo_two_afc").read_text(encoding="utf-8")) | {
        "name": "own_words",
        "durations": {"fixation_s": 0.1, "chosen_s": 0.05, "feedback_s": 0.1, "blank_s": 0.05},
        "blocks": {"main": {"role": "main", "condition": "natural", "trials": 1}},
        "orders": [["main"]],
        "ratings": None,
        "consent": True,
        "instructions": ["ready"],
        "language": "de",
        "texts": "own",
    }
    path = tmp_path / "own_words.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    (table,) = write_tables(path, stimulus_set, [1], tmp_path / "tables")

    def begin(*options):
        named = ("--design", str(path), "--table", str(table), "--override", "test")
        return start(*named, "--screenshots", str(tmp_path / "shots"), *options)

    return begin


def test_a_person_reads_a_long_consent_page_to_its_end(start_own, hand, tmp_path):  # noqa: F811
    shots = tmp_path / "shots"
    process = start_own()

    def act(shown, *keys):
        wait_for_screen(process, shots / f"{shown}.png")
        hand(*keys)

    act("page_consent_01", "1", "space")
    act("page_2_consent_01", "left")
    act("page_consent_02", "right")
    act("page_2_consent_02", "1", "space")
    act("page_3_consent_01", "space", "1")
    act("page_ready_01", "space")
    act("page_part_01", "space")
    act("queries_natural_01", "j")
    act("page_end_01", "space")
    code, out, err = finish(process)
    assert code == 0, err
    assert "completed" in out
    assert not (shots / "page_4_consent_01.png").exists()
    with Image.open(shots / "page_consent_01.png") as picture:
        assert picture.size == (1920, 1080)


def test_a_language_that_the_study_has_no_texts_in_is_refused(start_own):
    code, out, err = finish(start_own("--language", "en"))
    assert code == 2
    assert "the study has its own texts, but not in language 'en'; found de" in out + err
