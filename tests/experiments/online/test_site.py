"""What the web server answers to pages of ours, and to others."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import urllib.error
import urllib.request

import pytest

from experiments.online import site
from experiments.online.bundles import bundle, page_image
from experiments.online.page_files import PAGE
from experiments.online.serve import listen
from experiments.online.simulated_page import ARRIVAL, SimulatedPage
from experiments.online.site import Rates
from experiments.runner.log import read_session
from tests.conftest import some
from tests.experiments.online.conftest import served


def ask(address, body=None, **headers):
    """Return status, headers and content of an answer."""
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    asked = urllib.request.Request(address, content, headers)
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def tell_over(address):
    """Return what a simulated page talks to a served study with."""

    def tell(path, message):
        headers = {"X-Link": tell.link} if tell.link else {}
        status, _, content = ask(address + path, message, **headers)
        assert status == 200, content
        answer = json.loads(content)
        tell.link = answer.get("link", tell.link)
        return answer

    tell.link = ""
    return tell


@pytest.fixture
def address(study_of):
    """Address of a served study."""
    with served(study_of("two_afc")) as there:
        yield there


def test_a_simulated_participant_goes_through_the_server(study_of):
    study = study_of("exemplar_matching", settings={"observer": "chance"})
    with served(study) as address:
        page = SimulatedPage(tell_over(address), study.design, "robot")
        page.begin()
        while not page.is_over:
            page.go_on()
    log = study.settings.data / study.design.name / "sub-p001" / "ses-01" / "trials.csv"
    assert ",simulated,chance," in log.read_text()


def test_every_answer_forbids_what_the_page_does_not_need(address):
    for path in ("", "page/page.js", "nothing", "report"):
        _, headers, _ = ask(address + path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


def test_nothing_of_others_is_loaded():
    ours = (path for path in PAGE.iterdir() if path.suffix in (".js", ".css", ".html"))
    for path in some(ours):
        assert not re.findall(r"(?:https?:)?//[a-z0-9.]+\.[a-z]{2,}", path.read_text())


@pytest.mark.parametrize(
    "path",
    [
        "page/../site.py",
        "page/%2e%2e/site.py",
        "page/..%2fsite.py",
        "page/package.json",
        "page/node_modules",
        "images/../../../etc/passwd",
        "data/online/key",
    ],
)
def test_no_path_leads_out_of_the_page(address, path):
    status, _, content = ask(address + path, **{"X-Link": "x"})
    assert status in (400, 404)
    assert len(content) < 100


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"events": 5}',
        b'{"run": "x", "number": 1e400, "turn": 1, "frames": 1, "late": 0, "events": []}',
        b'{"run": "x", "number": 1, "turn": 1, "frames": -1, "late": 0, "events": []}',
        b'{"run": "x", "number": 1, "turn": 1, "frames": 1, "late": 0, '
        b'"events": [{"kind": "flip"}]}',
        b'{"run": "x", "number": true, "turn": 1, "frames": 1, "late": 0, "events": []}',
        b"x" * (site.LARGEST_BODY + 1),
        b"\xff\xfe",
        b'{"run": "x", "number": 1, "turn": 1, "frames": 1, "late": 0, "events": '
        b'[{"kind": "over", "time_s": 1' + 400 * b"0" + b"}]}",
    ],
)
def test_what_no_page_sends_is_refused(address, body):
    status, _, content = ask(f"{address}report", body, **{"X-Link": "x"})
    assert status == 400
    assert b"Traceback" not in content


def test_links_that_are_made_up_reach_nobody(address):
    report = {"run": "", "number": 1, "turn": 1, "frames": 0, "late": 0, "events": []}
    status, _, content = ask(f"{address}report", report, **{"X-Link": "madeup"})
    assert (status, json.loads(content)) == (200, {"elsewhere": True})
    assert ask(f"{address}report", report)[0] == 400
    assert ask(f"{address}images/madeup", **{"X-Link": "madeup"})[0] == 404


def test_images_are_those_of_the_own_session_alone(study_of):
    study = study_of("two_afc", participants=2)
    with served(study) as address:
        pages = []
        for person in ("anna", "bert"):
            tell = tell_over(address)
            page = SimulatedPage(tell, study.design, person)
            page.begin()
            while not page.plan["images"]:
                page.go_on()
            pages.append((page, tell.link))
        (one, link), (_, other_link) = pages
        status, headers, content = ask(f"{address}images/{one.plan['images']}", **{"X-Link": link})
        assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
        assert int.from_bytes(content[:4], "big") > 0
        assert ask(f"{address}images/{one.plan['images']}", **{"X-Link": other_link})[0] == 404


def test_an_image_is_sent_without_what_its_file_says_besides(tmp_path, stimulus_set):
    from PIL import Image, PngImagePlugin

    plain = next(stimulus_set.rglob("*.png"))
    assert page_image(plain) == plain.read_bytes()
    said = PngImagePlugin.PngInfo()
    said.add_text("Title", "natural_max_b01")
    with Image.open(plain) as image:
        image.save(tmp_path / "with.png", pnginfo=said)
        image.save(tmp_path / "other.bmp")
        pixels = image.convert("RGB").tobytes()
    for name in ("with.png", "other.bmp"):
        content = page_image(tmp_path / name)
        assert b"natural" not in content
        (tmp_path / "sent.png").write_bytes(content)
        with Image.open(tmp_path / "sent.png") as sent:
            assert sent.convert("RGB").tobytes() == pixels
    both = bundle([plain, tmp_path / "with.png"])
    assert int.from_bytes(both[:4], "big") == 2
    assert int.from_bytes(both[4:8], "big") == len(plain.read_bytes())


def test_too_many_requests_are_turned_away():
    rates = Rates(per_s=2, burst=5)
    assert [rates.allows("a", now_s=0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert rates.allows("b", now_s=0)
    assert [rates.allows("a", now_s=1) for _ in range(3)] == [True, True, False]
    # Who asks on and on does not wait longer for it.
    assert rates.allows("a", now_s=2)


def test_who_comes_through_a_proxy_is_counted_by_their_own_address(study_of, monkeypatch):
    monkeypatch.setattr(site, "ARRIVALS_PER_S", 0.0)
    monkeypatch.setattr(site, "ARRIVALS_BURST", 3)
    person = {"person": {"participant": "x"}}
    with served(study_of("two_afc")) as address:

        def status(via: str) -> int:
            return ask(f"{address}who", person, **{"X-Forwarded-For": via})[0]

        assert [status("192.0.2.1") for _ in range(4)] == [200, 200, 200, 429]
        # What a client says of itself stands before what the proxy of this machine adds.
        assert status("198.51.100.7, 192.0.2.1") == 429
        assert status("192.0.2.2") == 200


def test_a_page_that_asks_without_end_gets_429(address):
    statuses = [ask(f"{address}images/x", **{"X-Link": "x"})[0] for _ in range(site.BURST + 80)]
    assert 429 in statuses
    assert statuses[: site.BURST] == [404] * site.BURST


def test_a_full_disk_ends_the_visit_in_a_sentence(study_of, monkeypatch):
    import unitscope.disk

    study = study_of("two_afc")
    with served(study) as address:
        page = SimulatedPage(tell_over(address), study.design, "anna")
        page.begin()
        while page.plan["screens"][0]["phase"] != "fixation":
            page.go_on()
        written = unitscope.disk._write
        trials = []

        def full(file, content):
            if b"," in content:
                trials.append(content)
                raise OSError(28, "No space left on device")
            written(file, content)

        with monkeypatch.context() as patch:
            patch.setattr(unitscope.disk, "_write", full)
            answer = {}
            for _ in range(20):
                answer = page.go_on()
                if "failed" in answer:
                    break
        assert answer == {"failed": study.words("failed")}
        assert trials
        # There is room again: the same link goes on with the trial that was not recorded.
        page.begin()
        while not page.is_over:
            page.go_on()
    (claim,) = study.claims.all()
    assert claim.state != "active"


def test_what_a_page_says_when_it_begins_is_checked(address):
    wrong = {"person": {"participant": "x"}} | ARRIVAL | {"width_px": "wide"}
    assert ask(f"{address}begin", wrong)[0] == 400
    assert ask(f"{address}begin", {"person": "x"} | ARRIVAL)[0] == 400
    status, _, content = ask(f"{address}begin", {"person": {"id": "x"}} | ARRIVAL)
    assert (status, list(json.loads(content))) == (200, ["refused"])


def test_half_a_character_is_no_failure(study_of):
    """A text that is cut off within a character ends with half of it, which no file can hold."""
    study = study_of("two_afc", comment=True)
    with served(study) as address:
        page = SimulatedPage(tell_over(address), study.design, "anna\ud83d")
        page.begin()
        while page.plan["screens"][0]["kind"] != "comment":
            page.go_on()
        flip = page._event("flip", screen=0, frame=1)
        text = page._event("text", text="Fun \ud83d")
        page.report(
            [flip, text, page._event("button", key=page.plan["screens"][0]["buttons"][0][0])]
        )
        while not page.is_over:
            page.go_on()
    folder = study.settings.data / study.design.name / "sub-p001" / "ses-01"
    assert read_session(folder)["comment"] == "Fun ?"


def test_small_answers_do_not_wait_for_each_other():
    async def is_immediate() -> int:
        made = asyncio.get_running_loop().create_future()

        def connected(reader, writer):
            made.set_result(writer)

        listening = listen("127.0.0.1", 0)
        async with await asyncio.start_server(connected, sock=listening):
            with socket.create_connection(listening.getsockname()):
                writer = await made
                held = writer.get_extra_info("socket")
                found = held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                writer.close()
                await writer.wait_closed()
        return found

    assert asyncio.run(is_immediate())
