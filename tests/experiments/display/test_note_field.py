"""The experimenter's note field in a real window, with real keys."""

import pytest

from tests.conftest import first_quick
from tests.experiments.display.test_around_trials import (
    folder,
    hand,  # noqa: F401
    start_around,  # noqa: F401
    wait_for_screen,
)
from tests.experiments.display.test_window import finish
from unitscope.columns import NOTE_COLUMNS, log_columns
from unitscope.tables import read_csv

pytestmark = pytest.mark.window


@pytest.mark.parametrize("language", first_quick(["en", "de"]))
def test_a_note_is_taken_on_a_page_and_after_a_trial(
    start_around,  # noqa: F811
    hand,  # noqa: F811
    tmp_path,
    language,
):
    shots = tmp_path / "shots"
    process = start_around("--override", "test", "--language", language)

    def act(shown, *keys):
        wait_for_screen(process, shots / f"{shown}.png")
        hand(*keys)

    act("page_consent_01", "F8")
    act("typing_note_01", "l", "a", "t", "e", "F10")
    act("page_consent_02", "1")
    act("page_greeting_01", "space")
    act("page_ratings_before_01", "space")
    act("unrated_rating_before_01", "7", "F8")
    act("typing_note_02", "F10")
    act("rated_rating_before_02", "space")
    act("page_example_natural_01", "space")
    act("page_ready_01", "space")
    act("page_part_01", "space")
    # The trial goes on; the note comes after it, and it is not shown again.
    act("queries_natural_01", "F8", "j")
    act("typing_note_03", "f", "i", "r", "e", "F10")
    act("page_ratings_after_01", "space")
    act("unrated_rating_after_01", "5", "space")
    act("typing_comment_01", "F10")
    act("page_end_01", "space")
    code, out, err = finish(process)
    assert code == 0, err
    assert "completed" in out
    notes = read_csv(folder(tmp_path) / "notes.csv", NOTE_COLUMNS)
    assert list(notes["during"]) == ["consent", "rating_before", "natural"]
    assert list(notes["note"].fillna("")) == ["late", "", "fire"]
    assert list(notes["trial_number"].fillna(0)) == [0, 0, 1]
    (trial,) = read_csv(folder(tmp_path) / "trials.csv", log_columns("two_afc")).to_dict("records")
    assert trial["choice"] == "b"
    assert trial["early_presses"] == 0
