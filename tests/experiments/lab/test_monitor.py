"""The live page: what it reads from logs, who may see it, and how it looks to a browser."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from experiments.lab.monitor import Labs, Server
from experiments.lab.session_state import QUIET_S
from experiments.lab.watch import watch
from unitscope.errors import BadInput
from unitscope.exclusion import Exclusions, Thresholds

HEADER = (
    "observer_kind,group,run,trial_number,trial_role,reference_condition,trial_began_utc,"
    "fixation_onset_s,onset_s,trial_end_s,rt_s,choice,correct,frames,dropped_frames"
)
RULES = {"study": Exclusions(catch_share=0.6)}


def trial(number, role="main", choice="a", correct=True, dropped=0, group="", kind="person"):
    began = f"2026-11-21T10:{number:02d}:00.000+00:00"
    times = f"{began},100.0,100.5,111.0,{1 + number / 10}"
    return f"{kind},{group},1,{number},{role},natural,{times},{choice},{correct},100,{dropped}"


def write_session(data, lines, participant="p001", **facts):
    folder = data / "study" / f"sub-{participant}" / "ses-01"
    folder.mkdir(parents=True, exist_ok=True)
    whole = {
        "design": "study",
        "participant": participant,
        "session": 1,
        "observer_kind": "person",
        "end_reason": "running",
        "trials": 20,
        "runs": [{"began_utc": "2026-11-21T09:59:00+00:00"}],
    } | facts
    (folder / "session.json").write_text(json.dumps(whole), encoding="utf-8")
    (folder / "trials.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return folder


def only(data, **options):
    (state,) = watch("lab", data, RULES, **options)
    return state


def test_progress_comes_from_the_log(tmp_path):
    write_session(tmp_path, [trial(i) for i in range(1, 6)])
    state = only(tmp_path)
    assert (state.done, state.planned, state.status) == (5, 20, "running")
    assert state.left_s == pytest.approx(15 * 60)
    assert state.rts_s == pytest.approx([1.1, 1.2, 1.3, 1.4, 1.5])
    assert state.share_a == 1
    assert state.warnings == []


def test_half_a_line_is_left_out(tmp_path):
    folder = write_session(tmp_path, [trial(1), trial(2)])
    with (folder / "trials.csv").open("a") as file:
        file.write("3,main,nat")
    assert only(tmp_path).done == 2
    (folder / "session.json").write_text('{"design": "stu')
    assert list(watch("lab", tmp_path, RULES)) == []


def test_accuracy_is_hidden_unless_asked_for(tmp_path):
    write_session(tmp_path, [trial(1), trial(2, correct=False), trial(3, "practice")])
    assert only(tmp_path).accuracy == {}
    assert only(tmp_path, accuracy=True).accuracy == {"natural": (1, 2)}


@pytest.mark.parametrize(
    ("lines", "facts", "later_s", "sentence"),
    [
        ([trial(1)], {}, QUIET_S + 10, "nothing written for 5 min"),
        ([trial(1, "catch", correct=False)], {}, 0, "correctly: 0 (the rule is at least 0.6)"),
        ([trial(i) for i in range(1, 10)], {}, 0, "100 % of answers are on one side"),
        ([trial(1, dropped=3)], {}, 0, "3.0 % of frames were dropped"),
        ([], {"runs": [{"override": "in a hurry"}]}, 0, "overridden: in a hurry"),
        ([], {"runs": [{"display": {"renderer": "llvmpipe"}}]}, 0, "drawn by software"),
        ([], {"runs": [{"response_source": "keyboard-event"}]}, 0, "those of the frame"),
    ],
)
def test_what_is_odd_is_said(tmp_path, lines, facts, later_s, sentence):
    write_session(tmp_path, lines, **facts)
    state = only(tmp_path, now_s=time.time() + later_s)
    assert any(sentence in warning for warning in state.warnings)


def broken(data):
    (state,) = watch("lab", data, {"study": STUDY})
    before = "would be excluded as it stands: "
    return [w.removeprefix(before) for w in state.warnings if w.startswith(before)]


STUDY = Exclusions(
    instruction_s=20,
    total_s=(120, 600),
    less_used_side=1,
    groups={"none": Thresholds(instruction_s=15, total_s=(120, 180))},
)


def test_a_session_falls_under_the_rules_of_its_group(tmp_path):
    lines = [trial(1, group="none"), trial(2, choice="b", group="none")]
    write_session(tmp_path, lines, instruction_s=17)
    assert broken(tmp_path) == [
        "seconds from the first page to the end of the last trial: 191 (the rule is 120 to 180)"
    ]
    write_session(tmp_path, [trial(1), trial(2, choice="b")], instruction_s=17)
    assert broken(tmp_path) == [
        "seconds on the pages before the first trial: 17 (the rule is at least 20)"
    ]


def test_a_session_lasts_to_the_end_of_its_last_trial(tmp_path):
    runs = [{"began_utc": "2026-11-21T09:59:05+00:00"}, {"began_utc": "2026-11-21T12:00:00+00:00"}]
    lines = [trial(0, choice="b"), trial(1)]
    write_session(tmp_path, lines, instruction_s=20, runs=runs, end_reason="aborted")
    assert broken(tmp_path) == []  # 126 s, of which the last trial took 11 s
    runs[0] |= {"began_utc": "2026-11-21T09:59:15+00:00"}
    write_session(tmp_path, lines, instruction_s=20, runs=runs, end_reason="aborted")
    assert "the last trial: 116 (the rule is 120 to 600)" in broken(tmp_path)[0]


def test_practice_that_was_not_needed_is_not_waited_for(tmp_path):
    write_session(tmp_path, [trial(i) for i in range(1, 6)], trials_skipped=12)
    state = only(tmp_path)
    assert (state.done, state.planned, state.skipped) == (5, 8, 12)
    assert state.left_s == pytest.approx(3 * 60)


def test_a_running_session_may_still_meet_a_rule(tmp_path):
    write_session(tmp_path, [trial(1)], instruction_s=20)
    (state,) = watch("lab", tmp_path, {"study": STUDY})
    assert (state.rules_judged, state.rules_broken, state.rules_open) == (3, 0, 2)
    # Once all trials are done nothing will change, though a comment may be written still.
    write_session(tmp_path, [trial(1)], instruction_s=20, trials=3, trials_skipped=2)
    (state,) = watch("lab", tmp_path, {"study": STUDY})
    assert (state.rules_judged, state.rules_broken, state.rules_open) == (4, 1, 0)


def test_a_design_that_is_not_at_hand_has_the_rules_of_the_report(tmp_path):
    write_session(tmp_path, [trial(1, "catch", correct=False)], end_reason="completed")
    (state,) = watch("lab", tmp_path, {})
    assert (state.rules_judged, state.rules_broken) == (3, 2)


def test_a_second_session_is_pointed_out_but_not_in_pilot_runs(tmp_path):
    def write(place, number):
        folder = write_session(tmp_path / "written", [trial(1)], session=number)
        place = tmp_path / "data" / place / f"sub-p001/ses-{number:02d}"
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)

    for place in ("study", "pilot/study"):
        for number in (1, 2):
            write(place, number)
    pilots, real = [], []
    for state in watch("lab", tmp_path / "data", RULES):
        (pilots if len(pilots) < 2 else real).append(state.warnings)
    assert pilots == [[], []]
    assert real[0] == []
    assert real[1] == [
        "the participant took part before; the report takes the first session",
        "would be excluded as it stands: earlier sessions of the same participant: 1 (the rule is "
        "at most 0)",
    ]


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        (trial(1).replace("1.1", "soon"), {}),
        (trial(1).replace("2026", "tomorrow"), {}),
        (trial(1).replace(",100,", ",many,"), {}),
        (trial(1), {"runs": [{"display": "wide"}]}),
    ],
)
def test_a_damaged_log_is_named_and_hides_no_other(tmp_path, line, facts):
    write_session(tmp_path, [line, trial(2)], **facts)
    write_session(tmp_path, [trial(1)], participant="p002")
    damaged, whole = watch("lab", tmp_path, RULES)
    assert (damaged.participant, damaged.status) == ("p001", "damaged")
    assert "its log is damaged and cannot be followed" in damaged.warnings[0]
    assert (whole.participant, whole.done) == ("p002", 1)


def test_looking_changes_nothing(tmp_path):
    folder = write_session(tmp_path, [trial(1)])
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    only(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.fixture
def serve():
    servers = []

    def start(labs, token=None, host="127.0.0.1"):
        server = Server(labs, host, 0, token)
        threading.Thread(target=server.run, daemon=True).start()
        servers.append(server)
        return server.address

    yield start
    for server in servers:
        server.close()


def get(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read(), answer.headers


def test_the_page_and_its_data(serve, tmp_path):
    write_session(tmp_path, [trial(1)])
    address = serve(Labs({"room 1": tmp_path}, {}, RULES))
    page, headers = get(address)
    assert b"<title>Unitscope sessions</title>" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    state = json.loads(get(address + "state.json")[0])
    assert [s["participant"] for s in state["sessions"]] == ["p001"]
    assert state["sessions"][0]["accuracy"] == {}
    for path in ("trials.csv", "../etc/passwd", "state.json/x"):
        with pytest.raises(urllib.error.HTTPError, match="404") as error:
            get(address + path)
        error.value.close()


def test_a_token_is_needed_where_one_is_set(serve, tmp_path):
    address = serve(Labs({"lab": tmp_path}, {}, {}), token="secret")
    assert address.endswith("?token=secret")
    bare = address.partition("?")[0]
    for wrong in (bare, bare + "state.json", bare + "?token=other", bare + "?token=%C3%A9"):
        with pytest.raises(urllib.error.HTTPError, match="403") as error:
            get(wrong)
        error.value.close()
    assert json.loads(get(bare + "state.json?token=secret")[0])["sessions"] == []


def test_others_can_reach_it_with_a_token_only(tmp_path):
    server = Server(Labs({"lab": tmp_path}, {}, {}), "0.0.0.0", 0)
    try:
        address, _, token = server.address.partition("/?token=")
        assert len(token) >= 16
        assert address.startswith(f"http://{socket.gethostname()}:")
    finally:
        server.close()


def test_another_labs_monitor_stands_on_the_same_page(serve, tmp_path):
    write_session(tmp_path / "far", [trial(1), trial(2)], participant="p077")
    far = serve(Labs({"there": tmp_path / "far"}, {}, RULES), token="t")
    (tmp_path / "near").mkdir()
    near = Labs({"here": tmp_path / "near"}, {"far": far, "gone": "http://127.0.0.1:9/"}, RULES)
    state = near.state(accuracy=True)
    assert [(s["lab"], s["participant"]) for s in state["sessions"]] == [("far", "p077")]
    assert state["sessions"][0]["accuracy"]
    assert [line.partition(":")[0] for line in state["unreachable"]] == ["gone"]


def test_a_port_in_use_gets_one_sentence(serve, tmp_path):
    labs = Labs({"lab": tmp_path}, {}, {})
    port = int(serve(labs).rstrip("/").rpartition(":")[2])
    with pytest.raises(BadInput, match="give another --port"):
        Server(labs, "127.0.0.1", port)


def test_an_empty_token_is_refused(tmp_path):
    with pytest.raises(BadInput, match="the token is empty"):
        Server(Labs({"lab": tmp_path}, {}, {}), "0.0.0.0", 0, "")


def said(address, request):
    """Send bytes to a server and return the first line of its answer."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        line.sendall(request)
        return line.makefile("rb").readline()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"localhost:80", b"200"),
        (b"127.0.0.1", b"200"),
        (b"[::1]:8377", b"200"),
        (b"evil.example", b"403"),
        (b"evil.example:8377", b"403"),
        (b"localhost.evil.example", b"403"),
        (b"10.0.0.1", b"403"),
        (b"[", b"403"),
        (b"", b"403"),
    ],
)
def test_without_a_token_a_name_of_somebody_else_is_not_answered(serve, tmp_path, host, status):
    address = serve(Labs({"lab": tmp_path}, {}, {}))
    asked = b"GET /state.json HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    assert said(address, asked).split()[1] == status


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1", b"200"),
        (b"POST / HTTP/1.1", b"405"),
        (b"GET /../../etc/passwd HTTP/1.1", b"404"),
        (b"GET", b"400"),
        (b"\x00\xff nonsense", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: x", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 20000, b"431"),
    ],
)
def test_malformed_requests_are_refused(serve, tmp_path, request_line, status):
    address = serve(Labs({"lab": tmp_path}, {}, {}))
    host = b"\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert said(address, request_line + host).split()[1] == status


def has_ipv6_loopback():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no loopback of IPv6")
def test_it_listens_at_the_loopback_of_ipv6(serve, tmp_path):
    address = serve(Labs({"lab": tmp_path}, {}, {}), host="::1")
    assert address.startswith("http://[::1]:")
    assert json.loads(get(address + "state.json")[0])["sessions"] == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium")
def test_a_browser_shows_it_without_running_what_a_log_holds(serve, tmp_path):
    evil = "<img src=x onerror=document.title='taken'>"
    lines = [trial(1), trial(2, "catch"), trial(3).replace("natural", f'"{evil}"')]
    named = {"design": evil, "observer": evil, "end_reason": evil}
    write_session(tmp_path / "data", lines, runs=[{"override": evil}])
    write_session(tmp_path / "data", [trial(1)], participant="p002", **named)
    page = serve(Labs({f"room 1 {evil}": tmp_path / "data"}, {}, RULES))
    # Names of conditions come to the page with the accuracy.
    address = page + "?accuracy=1"
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu"]
    browser += [f"--user-data-dir={tmp_path / 'browser'}", "--disable-background-networking"]
    browser += ["--virtual-time-budget=4000", "--enable-logging=stderr"]
    done = subprocess.run(
        [*browser, "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=120,
        env=dict(os.environ, HOME=str(tmp_path)),
    )
    assert "p001, session 1" in done.stdout
    assert "1 of 20 trials" in done.stdout
    assert "&lt;img src=x" in done.stdout
    assert "<title>Unitscope sessions</title>" in done.stdout
    assert "<dt>rules broken</dt><dd>0 of 2, 1 not yet judged</dd>" in done.stdout
    assert "CONSOLE" not in done.stderr
