"""Whatever other clients do to the running server, a participant's session goes on unharmed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from experiments.online import connections
from experiments.online.simulated_page import SimulatedPage
from experiments.online.site import LARGEST_BODY
from experiments.runner.log import read_session
from tests.conftest import some
from tests.experiments.online.conftest import served
from tests.experiments.online.test_site import ask, tell_over
from unitscope.columns import log_columns
from unitscope.places import ROOT
from unitscope.tables import read_csv

CONNECTIONS, WHOLE_S = 40, 2
"""Of this server: fewer and shorter, so that tests need not wait."""

SERVE = f"""
import sys
from experiments.online import connections
connections.CONNECTIONS, connections.WHOLE_S = {CONNECTIONS}, {WHOLE_S}
from experiments.__main__ import main
sys.exit(main(["serve", *sys.argv[1:]]))
"""


@pytest.fixture
def study(request_of):
    """Return the request of the last of three participants of a study."""
    return [request_of("two_afc", number) for number in (1, 2, 3)][-1]


@pytest.fixture
def address(study) -> Iterator[str]:
    """Address of the study, served by the command in a process of its own."""
    options = {
        "--stimuli": study.stimuli,
        "--tables": study.table.parents[1],
        "--data": study.data,
        "--port": 0,
    }
    words = [str(word) for pair in options.items() for word in pair]
    command = [sys.executable, "-c", SERVE, str(study.design.path), *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = next(line for line in server.stdout if "is at http" in line)
            yield said.split(" is at ")[1].split()[0]
            assert server.poll() is None, "the server ended"
        finally:
            server.terminate()


@contextmanager
def connected(address: str, begin: bytes = b"") -> Iterator[socket.socket]:
    """Yield a connection on which something was said."""
    there = urllib.parse.urlsplit(address)
    with socket.create_connection((there.hostname, there.port), timeout=20) as connection:
        connection.sendall(begin)
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other end closes the connection."""
    content = b""
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            content += part
    return content


def head(path: str, *fields: str, method: str = "POST") -> bytes:
    """Return the head of a request as it is sent."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


def begun(address: str, study, person: str) -> SimulatedPage:
    """Return a page that has begun."""
    page = SimulatedPage(tell_over(address), study.design, person)
    page.begin()
    return page


def finish(page: SimulatedPage) -> None:
    """Go through the rest of a session."""
    while not page.is_over:
        page.go_on()


def check_log(study, participant: str = "p001") -> None:
    """Check that a session is recorded as if nobody else were there."""
    folder = study.data / study.design.name / f"sub-{participant}" / "ses-01"
    assert read_session(folder)["end_reason"] == "completed"
    log = read_csv(folder / "trials.csv", log_columns(study.design.task))
    assert log["trial_number"].is_unique
    assert set(log["participant"]) == {participant}
    assert set(log["run"]) == {1}
    assert len(log) == len(study.table.read_text().splitlines()) - 1


LINK = "X-Link: a"
SLOW = {
    "says nothing": b"",
    "never ends its head": b"POST /report HTTP/1.1\r\nHost: x\r\nX-Long: ",
    "never ends its body": head("/report", LINK, "Content-Length: 100000") + b"{",
    "goes on after it was refused": head("/report", LINK, "Content-Length: 100000") + b"{" * 90000,
    "goes on after it was answered": head("/", "Content-Length: 100000", method="GET"),
    "does not speak HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def is_cut(connection: socket.socket) -> bool:
    """Return whether the other end has closed a connection, whatever could still be read."""
    try:
        connection.send(b" ")
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


def drip(sockets: list[socket.socket], over: threading.Event) -> None:
    """Send a byte on each now and then."""
    while not over.wait(0.1):
        for connection in sockets:
            with suppress(OSError):
                connection.sendall(b" ")


def test_slow_clients_are_cut_and_block_nobody(address, study):
    over = threading.Event()
    with ExitStack() as stack:
        slow = [
            stack.enter_context(connected(address, begin))
            for begin in SLOW.values()
            for _ in range(CONNECTIONS // 10)
        ]
        dripping = threading.Thread(target=drip, args=(slow, over))
        dripping.start()
        try:
            finish(begun(address, study, "honest"))
            for connection in some(slow):
                read_all(connection)  # until the server closes it, or the test fails
        finally:
            over.set()
            dripping.join()
    check_log(study)


@pytest.mark.slow
def test_who_does_not_read_is_cut(address, study):
    asked = head("/page/jspsych.js", method="GET")
    with connected(address) as connection:
        connection.settimeout(0.5)
        sent = 0
        with suppress(OSError):
            while sent < 5000:
                connection.sendall(asked)
                sent += 1
        finish(begun(address, study, "honest"))
        time.sleep(2 * WHOLE_S)
        connection.settimeout(20)
        content = read_all(connection)
    assert content.count(b"HTTP/1.1 200") < sent
    check_log(study)


def test_answers_that_nobody_reads_do_not_pile_up(study_of, monkeypatch):
    """Without waiting for it: those who have not read for longest make room."""
    monkeypatch.setattr(connections, "WHOLE_S", 600)
    monkeypatch.setattr(connections, "UNREAD_BYTES", 200_000)
    study = study_of("two_afc")
    asked = head("/page/jspsych.js", method="GET")
    with served(study) as address, ExitStack() as stack:
        page = begun(address, study, "honest")
        readers = []
        for _ in range(8):
            reader = stack.enter_context(connected(address))
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.settimeout(0.5)
            with suppress(OSError):
                for _ in range(2000):
                    reader.sendall(asked)
            readers.append(reader)
            page.go_on()
        finish(page)
        for _ in range(200):
            if any(is_cut(reader) for reader in readers):
                return
            time.sleep(0.1)
        pytest.fail("nobody was cut")


@pytest.mark.slow
def test_any_number_of_connections_leaves_room_for_others(address, study):
    page = begun(address, study, "honest")
    with ExitStack() as stack:
        for begin in list(SLOW.values())[:3]:
            for _ in range(2 * CONNECTIONS):
                with suppress(ConnectionError):
                    stack.enter_context(connected(address, begin))
            page.go_on()
        finish(page)
    check_log(study)


TOO_LONG = {
    "head": (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", b"x" * 65536),
    "body": (head("/report", LINK, f"Content-Length: {2 * LARGEST_BODY}"), b"x" * 65536),
    "body in pieces": (
        head("/report", LINK, "Transfer-Encoding: chunked"),
        b"10000\r\n" + b"x" * 65536 + b"\r\n",
    ),
}


def test_what_is_too_long_is_refused(address, study):
    page = begun(address, study, "honest")
    for begin, more in some(TOO_LONG.values()):
        page.go_on()
        with connected(address, begin) as connection:
            with suppress(ConnectionError):
                for _ in range(100):
                    connection.sendall(more)
            page.go_on()
            # Nothing comes where the refusal was lost with the connection.
            assert read_all(connection)[:12] in (b"", b"HTTP/1.1 400")
    finish(page)
    check_log(study)


PATHS = (
    "/page/../site.py",
    "/page/..%2fsite.py",
    "/page/%2e%2e%2f%2e%2e%2f__main__.py",
    "/page/..%5c..%5csite.py",
    "/page//etc/passwd",
    "/page/package.json",
    "/page/page.js%00.css",
    "/images/../../../../etc/passwd",
    "/images/..%2f..%2fmanifest.csv",
    "/images/%2e%2e",
    "//etc/passwd",
)


def test_no_path_leads_out_however_it_is_sent(address):
    for path in some(PATHS):
        asked = head(path, LINK, "Connection: close", method="GET")
        with connected(address, asked) as connection:
            answer = read_all(connection)
        assert answer.split(b" ", 2)[1] in (b"400", b"404"), path
        assert len(answer.split(b"\r\n\r\n", 1)[1]) < 100


FORGED = (
    {"run": 5},
    {"run": ["x"] * 1000},
    {"number": "1"},
    {"number": -1},
    {"turn": None},
    {"frames": 1e300},
    {"late": 0.5},
    {"largest_s": "long"},
    {"events": {}},
    {"events": [{"kind": "press", "code": 7, "time_s": 1.0}]},
    {"events": [{"kind": "press", "code": "KeyF", "time_s": "now"}]},
    {"events": [{"kind": "press", "code": "click", "x": 1e9, "y": 0, "time_s": 1.0}]},
    {"events": [{"kind": "flip", "screen": 10**30, "frame": 1, "time_s": 1.0}]},
    {"events": [{"kind": "answer", "correct": True, "time_s": 1.0}]},
    {"events": [{"kind": "over", "time_s": 1.0}] * 5000},
)


def test_forged_reports_harm_no_session(address, study):
    honest, forging = begun(address, study, "honest"), begun(address, study, "forging")
    while not honest.plan["images"]:
        honest.go_on()
        forging.go_on()
    own, others = forging._tell.link, honest._tell.link
    assert own != others
    report = {
        "run": forging.plan["run"],
        "number": forging._number + 1,
        "turn": forging.plan["turn"],
        "frames": 1,
        "late": 0,
        "largest_s": None,
        "events": [],
    }

    def tell(changes, link=own):
        body = json.dumps(report | changes).encode()
        status, _, content = ask(f"{address}report", body, **{"X-Link": link})
        return status, content

    for change in some(FORGED):
        assert tell(change)[0] == 400, change
        honest.go_on()
    # A report again, one of later, one of long ago, and those of another's run or screen.
    first = tell({})
    assert first[0] == 200
    assert tell({}) == first
    for number in (0, 1, report["number"] + 2, 10**8):
        assert tell({"number": number})[0] == 400
    assert json.loads(tell({"run": honest.plan["run"]})[1]) == {"elsewhere": True}
    assert json.loads(tell({}, link="made-up")[1]) == {"elsewhere": True}
    flip = {"kind": "flip", "screen": 10**6, "frame": 1, "interval_s": None, "time_s": 1e7}
    forging._number += 1
    assert tell({"number": forging._number + 1, "events": [flip]})[0] == 200
    # Images of another's session, and those that nobody was told of.
    for token in (honest.plan["images"], "x" * 16):
        status, _, _ = ask(f"{address}images/{token}", **{"X-Link": own})
        assert status == 404
    finish(honest)
    check_log(study)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_as_many_files_may_be_open_as_connections_and_logs_need():
    code = (
        "import resource as r; from experiments.online import connections as c; "
        "hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (200, hard)); "
        "c.allow_connections(); print(r.getrlimit(r.RLIMIT_NOFILE)[0], hard)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    soft, hard = map(int, done.stdout.split())
    assert soft == (hard if 0 <= hard < 8000 else 8000)
