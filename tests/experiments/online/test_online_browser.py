"""Whole sessions in a real browser, and what it shows where none can be had."""

from __future__ import annotations

import math
import re
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from experiments.online import site
from experiments.online.claims import DECLINED, FINISHED
from experiments.runner.log import read_session
from tests.conftest import some
from tests.experiments.online.browser_robot import (
    browser_page,
    next_phase,
    press_on,
    take_part,
    until_queries,
)
from tests.experiments.online.conftest import served
from tests.experiments.online.webkit_page import BROWSER, DRIVER, webkit_page
from unitscope.columns import FRAME_COLUMNS, RATING_COLUMNS, log_columns
from unitscope.errors import BadInput
from unitscope.tables import read_csv

pytestmark = [
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium"),
    pytest.mark.xdist_group("browser"),
]

CHROMIUM, WEBKIT = "chromium", "webkit"
ELSEWHERE = [
    pytest.mark.slow,
    pytest.mark.skipif(not DRIVER or not BROWSER, reason="needs Debian's webkit2gtk-driver"),
]
SESSIONS = [
    pytest.param(CHROMIUM, "two_afc", "de", (1280, 800)),
    pytest.param(CHROMIUM, "occlusion", "en", (1366, 768)),
    pytest.param(CHROMIUM, "exemplar_matching", "de", (1280, 800)),
    pytest.param(CHROMIUM, "two_afc", "en", (1920, 1080), marks=pytest.mark.slow),
    pytest.param(CHROMIUM, "occlusion", "de", (1280, 800), marks=pytest.mark.slow),
    pytest.param(CHROMIUM, "exemplar_matching", "en", (1366, 768), marks=pytest.mark.slow),
    pytest.param(WEBKIT, "two_afc", "en", (1280, 800), marks=ELSEWHERE),
    pytest.param(WEBKIT, "occlusion", "de", (1366, 768), marks=ELSEWHERE),
    pytest.param(WEBKIT, "exemplar_matching", "en", (1280, 800), marks=ELSEWHERE),
]
RATINGS = {"pool": "main", "before": 1, "after": 1, "kind": "both", "n_images": 4}


def correct_choice(study):
    """Return which choice is correct in the trial that the only page shows."""
    (seat,) = study._seats.values()
    return seat.visit._stage.row["correct_choice"]


def drawn(study):
    """Return what the trial's screen is drawn of that the only page shows."""
    (seat,) = study._seats.values()
    return seat.visit.shows()["screens"][-1]["elements"]


def session_folder(study):
    """Return the folder of the only session."""
    return study.settings.data / study.design.name / "sub-p001" / "ses-01"


@pytest.fixture
def page_in(request):
    """Open a page of a browser, whose window has a size."""

    def opened(browser, size):
        if browser == WEBKIT:
            return webkit_page(request.getfixturevalue("virtual_screen"), *size)
        return browser_page(*size)

    return opened


@pytest.mark.parametrize(("browser", "task", "language", "size"), SESSIONS)
def test_a_whole_session_in_a_browser(study_of, page_in, browser, task, language, size):
    changes = {"comment": True, "instructions": ["greeting", "task", "answer", "ready"]}
    if task == "two_afc":
        changes |= {"ratings": RATINGS, "confidence": "two_step", "questions": ["strategy"]}
    study = study_of(task, settings={"language": language, "code": "C0DE42"}, **changes)
    wrong: list[str] = []
    with served(study) as address, page_in(browser, size) as page:
        if browser == CHROMIUM:
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        seen = take_part(page, f"{address}?PROLIFIC_PID=5f3c", lambda: correct_choice(study))
        said = page.inner_text("#study")
    assert wrong == []
    (claim,) = study.claims.all()
    expected = "C0DE42" if claim.state == "finished" else study.words("screened_out")
    assert expected in said
    folder = session_folder(study)
    session = read_session(folder)
    assert session["end_reason"] == "completed"
    assert session["language"] == language
    assert session["comment"] == "It was fun.\nReally – ja!"
    assert session["instruction_s"] > 0
    log = read_csv(folder / "trials.csv", log_columns(study.design.task))
    assert log["trial_number"].is_unique
    # What is pressed there counts as what it is here.
    assert log["correct"].notna().all() if task == "exemplar_matching" else log["correct"].all()
    assert (log["rt_s"] > 0).all()
    assert (log["frames"] > 3).all()
    # The fixation lasts as long as the design says, to the frames that the browser had.
    fixated = log["onset_s"] - log["fixation_onset_s"]
    assert (fixated > 0.1 - session["runs"][-1]["display"]["frame_s"]).all()
    assert {"fixation", "blank"} <= set(seen)
    frames = read_csv(folder / "frames.csv", FRAME_COLUMNS)
    assert (frames["interval_s"].dropna() > 0).all()
    if task == "two_afc":
        assert len(read_csv(folder / "ratings.csv", RATING_COLUMNS)) == 2
        assert (log["confidence_rt_s"] > log["rt_s"]).all()
        assert session["answers"] == {"strategy": "It was fun.\nReally – ja!"}
    # Nothing that says who took part is in the logs.
    logged = [path for path in folder.parents[1].rglob("*") if path.is_file()]
    assert not any(b"5f3c" in path.read_bytes() for path in some(logged))


@pytest.mark.parametrize(
    ("browser", "task", "changes"),
    [
        (CHROMIUM, "two_afc", {"confidence": "one_press"}),
        (CHROMIUM, "occlusion", {"confidence": "two_step"}),
        pytest.param(CHROMIUM, "exemplar_matching", {}, marks=pytest.mark.slow),
        pytest.param(WEBKIT, "two_afc", {"confidence": "one_press"}, marks=ELSEWHERE),
        pytest.param(WEBKIT, "occlusion", {"confidence": "two_step"}, marks=ELSEWHERE),
        pytest.param(WEBKIT, "exemplar_matching", {}, marks=ELSEWHERE),
    ],
)
def test_answers_by_mouse(study_of, page_in, browser, task, changes):
    study = study_of(task, input="mouse", **changes)
    with served(study) as address, page_in(browser, (1280, 800)) as page:
        take_part(page, f"{address}?participant=x", elements=lambda: drawn(study))
    folder = session_folder(study)
    log = read_csv(folder / "trials.csv", log_columns(task))
    # Guesses may end a session early, by a rule of the design.
    if task == "exemplar_matching":
        assert set(some(log["input"])) == {"mouse"}
        assert log["response_s"].notna().all()
    else:
        assert set(some(log["response_key"])) == {"click"}
        assert log["confidence"].notna().all()


def test_keys_are_those_that_the_screen_names(study_of):
    """On AZERTY, whose Q is where the A of others is, and whose digits need shift."""
    study = study_of("two_afc")
    with served(study) as address, browser_page(1280, 800) as page:
        keys = page.context.new_cdp_session(page)

        def press(code: str, typed: str) -> None:
            for kind in ("keyDown", "keyUp"):
                keys.send("Input.dispatchKeyEvent", {"type": kind, "code": code, "key": typed})

        page.goto(f"{address}?participant=x")
        consent = next_phase(page, ("", ""))
        press("Digit1", "&")
        agreed = next_phase(page, consent)
        press("Escape", "Escape")
        leaving = next_phase(page, agreed)
        assert leaving[1] == "leaving"
        press("KeyQ", "a")
        page.wait_for_timeout(300)
        press("KeyA", "q")
        page.wait_for_selector("#study p:has-text('within 2 hours')")


def test_the_keyboard_alone_reaches_every_button(study_of):
    study = study_of("two_afc", instructions=["greeting", "network", "ready"])
    with served(study) as address, browser_page(1280, 800) as page:
        page.goto(f"{address}?participant=x")
        turn = next_phase(page, ("", ""))
        for presses in (["Tab", "Enter"], ["Tab", "Space"], ["Tab", "Enter"]):
            before = page.inner_text("#study h1")
            for key in presses:
                page.keyboard.press(key)
            turn = next_phase(page, turn)
        # Agreed, then forward, then back by the first of two buttons.
        assert before.startswith("What the network")
        assert page.inner_text("#study h1").startswith("Welcome")


def test_links_that_cannot_be_used_are_said_on_one_page(study_of):
    study = study_of("two_afc")
    with served(study) as address, browser_page(1280, 800) as page:
        page.goto(address)
        said = page.wait_for_selector("#notice p:has-text('who you are')")
        assert said
        page.goto(f"{address}?workerId=A&assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE")
        page.wait_for_selector("#notice p:has-text('accept the task')")
        page.goto(f"{address}?workerId=A&assignmentId=B")
        assert next_phase(page, ("", ""))[1] == "page"
        page.goto(f"{address}?workerId=C")
        page.wait_for_selector("#notice p:has-text('All places')")


def test_a_window_that_is_too_small_is_waited_for(study_of):
    study = study_of("occlusion")
    with served(study) as address, browser_page(700, 400) as page:
        page.goto(f"{address}?participant=x")
        page.wait_for_selector("#notice p:has-text('at least')")
        assert study.claims.all() == []
        page.set_viewport_size({"width": 1280, "height": 800})
        assert next_phase(page, ("", ""))[1] == "page"


SMALL_IMAGES = {"unit": "px", "gap": 4, "separation": 40, "text": 18}
IN_DEGREES = {"unit": "deg", "image": 2.5, "gap": 0.1, "separation": 1, "text": 0.6}


def card_width(page):
    """Return how wide the card on the page is."""
    return page.locator("#card").bounding_box()["width"]


@pytest.mark.parametrize("by", ["keys", "mouse"])
def test_a_layout_in_degrees_has_its_size_by_a_bank_card(study_of, by):
    study = study_of("occlusion", layout=IN_DEGREES)
    plans = []
    with served(study) as address, browser_page(1920, 1080) as page:
        page.on("response", lambda r: plans.append(r) if r.request.method == "POST" else None)
        page.goto(f"{address}?participant=x")
        page.wait_for_selector("#card")
        before = card_width(page)
        if by == "keys":
            for _ in range(20):
                page.keyboard.press("ArrowRight")
            assert card_width(page) == before + 20
        else:
            box = page.locator("input[type=range]").bounding_box()
            middle = box["y"] + box["height"] / 2
            page.mouse.move(box["x"] + box["width"] * (before - 150) / 750, middle)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.4, middle, steps=5)
            page.mouse.up()
            assert card_width(page) == pytest.approx(450, abs=8)
        px_per_cm = card_width(page) / 8.56
        page.locator("#notice button").click()
        turn = next_phase(page, ("", ""))
        while turn[1] == "page":
            press_on(page)
            turn = next_phase(page, turn)
        told = [plan for plan in (found.json() for found in plans) if "screens" in plan]
    display = read_session(session_folder(study))["runs"][0]["display"]
    assert display["px_per_cm"] == pytest.approx(px_per_cm)
    # As wide as 2.5 degrees at the distance that is asked for, in even pixels.
    cm = 2 * study.settings.distance_cm * math.tan(math.radians(0.5)) * 2.5
    sides = {e[4] for e in told[-1]["screens"][-1]["elements"] if e[0] == "image"}
    assert sides == {2 * math.floor(cm * px_per_cm / 2)}


def test_a_layout_in_degrees_that_is_too_large_says_how_large_the_window_must_be(study_of):
    study = study_of("occlusion", layout=IN_DEGREES)
    with served(study) as address, browser_page(700, 600) as page:
        page.goto(f"{address}?participant=x")
        page.locator("#notice button").click()
        said = page.wait_for_selector("#notice p:has-text('at least')").inner_text()
        width, height = map(int, re.search(r"at least (\d+) by (\d+)", said).groups())
        assert study.claims.all() == []
        # One pixel less is too small, and exactly as much is enough.
        page.set_viewport_size({"width": width - 1, "height": height})
        page.wait_for_selector(f"#notice p:has-text('yours has {width - 1}')")
        page.set_viewport_size({"width": width, "height": height})
        assert next_phase(page, ("", ""))[1] == "page"


def test_a_used_link_says_what_became_of_it(study_of):
    study = study_of("two_afc", participants=2, settings={"code": "C0DE42"})
    for person in ("anna", "bert"):
        study.claims.claim(person)
    study.claims.settle("p001", FINISHED)
    study.claims.settle("p002", DECLINED)
    with served(study) as address, browser_page(1280, 800) as page:
        page.goto(f"{address}?participant=anna")
        page.wait_for_selector("#study .code:has-text('C0DE42')")
        page.goto(f"{address}?participant=bert")
        page.wait_for_selector("#notice p:has-text('Each person can take part once')")


def test_a_window_that_becomes_too_small_is_waited_for_and_recorded(study_of):
    study = study_of("occlusion")
    with served(study) as address, browser_page(1280, 800) as page:
        page.goto(f"{address}?participant=x")
        before = next_phase(page, ("", ""))
        for width in (700, 600):
            page.set_viewport_size({"width": width, "height": 400})
            page.wait_for_selector(f"#notice p:has-text('yours has {width} by 400')")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.wait_for_selector("#notice", state="hidden")
        press_on(page)
        next_phase(page, before)
    (hidden,) = read_session(session_folder(study))["runs"][0]["page_hidden"]
    assert hidden["to_s"] > hidden["from_s"]


def test_a_page_whose_images_cannot_be_had_says_so(study_of, monkeypatch):
    def moved(files):
        raise BadInput("moved")

    study = study_of("occlusion", instructions=["ready"])
    monkeypatch.setattr(site, "bundle", moved)
    with served(study) as address, browser_page(1280, 800) as page:
        page.goto(f"{address}?participant=x")
        next_phase(page, ("", ""))
        page.keyboard.press("1")  # agrees
        for _ in range(60):
            page.keyboard.press("Space")
            page.wait_for_timeout(100)
        assert "our side" in page.inner_text("#notice")


def test_anyone_is_let_in_without_https(study_of):
    """Where some functions are missing that a browser has for secure pages alone."""
    study = study_of("occlusion", settings={"anyone": True})
    with served(study) as address, browser_page(1280, 800) as page:
        page.add_init_script("delete Crypto.prototype.randomUUID")
        page.goto(address)
        assert next_phase(page, ("", ""))[1] == "page"


@pytest.mark.parametrize("browser", [CHROMIUM, pytest.param(WEBKIT, marks=ELSEWHERE)])
def test_images_are_made_smaller_in_the_same_way_by_every_browser(study_of, page_in, browser):
    side = 6
    study = study_of("occlusion", instructions=["ready"], layout=SMALL_IMAGES | {"image": side})
    with served(study) as address, page_in(browser, (1280, 800)) as page:
        page.goto(f"{address}?participant=x")
        until_queries(page)
        (seat,) = study._seats.values()
        files = seat.visit.images(seat.visit.shows()["images"])
        images = (element[1:] for element in drawn(study) if element[0] == "image")
        for number, x, y, width, height in some(images):
            assert (width, height) == (side, side)
            place = f"{640 + x - side // 2}, {400 - y - side // 2}, {side}, {side}"
            shown = page.evaluate(
                "() => Array.from(document.getElementById('screen').getContext('2d')"
                f".getImageData({place}).data)"
            )
            shown = np.array(shown, float).reshape(side, side, 4)[..., :3]
            with Image.open(files[number]) as image:
                assert image.size == (16, 16)
                enlarged = image.convert("RGB").resize((4 * side, 4 * side), Image.BILINEAR)
            expected = np.asarray(enlarged, float).reshape(side, 4, side, 4, 3).mean((1, 3))
            assert np.abs(shown - expected).max() < 8


ROUNDED = """
const frame = window.requestAnimationFrame;
window.requestAnimationFrame = (then) => frame((now) => then(Math.round(now)));
"""
AHEAD = """
const { get } = Object.getOwnPropertyDescriptor(Event.prototype, "timeStamp");
Object.defineProperty(Event.prototype, "timeStamp", { get() { return get.call(this) + 5000; } });
"""


def test_times_that_a_browser_rounds_or_has_ahead_of_its_clock(study_of):
    """WebKit does both: to whole milliseconds, and by some."""
    study = study_of("occlusion", instructions=["ready"])
    with served(study) as address, browser_page(1280, 800) as page:
        page.add_init_script(ROUNDED + AHEAD)
        page.goto(f"{address}?participant=x")
        turn = until_queries(page)
        page.keyboard.press("f")
        pressed_s = page.evaluate("performance.now()") / 1000
        while turn[1] != "blank":
            turn = next_phase(page, turn)
        next_phase(page, turn)
    folder = session_folder(study)
    (display,) = (run["display"] for run in read_session(folder)["runs"])
    assert display["frame_s"] == pytest.approx(1 / 60, rel=0.005)
    log = read_csv(folder / "trials.csv", log_columns("occlusion"))
    assert log["onset_s"][0] < log["response_s"][0] <= pressed_s


BUSY = """
const ask = window.fetch;
window.fetch = (...asked) => {
  setTimeout(() => { for (const from = performance.now(); performance.now() < from + 100; ); });
  return ask(...asked);
};
"""


def test_frames_that_come_late_before_the_server_answers_are_counted(study_of, monkeypatch):
    study = study_of("occlusion", instructions=["ready"])
    take = study.take

    def later(*report):
        time.sleep(0.3)
        return take(*report)

    with served(study) as address, browser_page(1280, 800) as page:
        page.goto(f"{address}?participant=x")
        turn = until_queries(page)
        monkeypatch.setattr(study, "take", later)
        page.evaluate(f"() => {{ {BUSY} }}")
        page.keyboard.press("f")
        while turn[1] != "blank":
            turn = next_phase(page, turn)
        next_phase(page, turn)
    folder = session_folder(study)
    log = read_csv(folder / "trials.csv", log_columns("occlusion"))
    frames = read_csv(folder / "frames.csv", FRAME_COLUMNS)
    listed = (frames["interval_s"] > 1.5 / 60)[frames["trial_number"] == 1].sum()
    assert log["dropped_frames"][0] > listed


def test_the_whole_screen_can_be_asked_for_in_older_webkit(study_of):
    study = study_of("occlusion")
    with served(study) as address, browser_page(700, 400) as page:
        page.add_init_script(
            "delete Element.prototype.requestFullscreen;"
            "Element.prototype.webkitRequestFullscreen = () => { document.title = 'whole'; }"
        )
        page.goto(f"{address}?participant=x")
        page.locator("#notice button").click()
        assert page.title() == "whole"


def test_without_javascript_the_page_says_so(study_of):
    study = study_of("two_afc")
    with served(study) as address, browser_page(java_script_enabled=False) as page:
        page.goto(f"{address}?participant=x")
        assert "JavaScript" in page.inner_text("body")


@pytest.mark.parametrize("lacks", ["window.createImageBitmap", "AbortSignal.timeout"])
def test_an_old_browser_is_told(study_of, lacks):
    study = study_of("two_afc")
    with served(study) as address, browser_page() as page:
        page.add_init_script(f"delete {lacks}")
        page.goto(f"{address}?participant=x")
        page.wait_for_selector("#notice p:has-text('too old')")
        assert study.claims.all() == []


def test_a_lost_connection_is_waited_for(study_of):
    study = study_of("two_afc")
    with served(study) as address, browser_page(1280, 800) as page:
        page.goto(f"{address}?participant=x")
        before = next_phase(page, ("", ""))
        page.context.set_offline(True)
        page.locator('#study button[data-key="1"]').click()
        page.wait_for_selector("#notice:has-text('connection is lost')")
        page.context.set_offline(False)
        assert next_phase(page, before)
        page.wait_for_selector("#notice", state="hidden")
