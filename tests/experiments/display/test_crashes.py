"""Whatever ends a session in a window, no completed trial is lost and the next start goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from unitscope.columns import FRAME_COLUMNS, RATING_COLUMNS, log_columns
from unitscope.records import read_session, whole_lines
from unitscope.tables import read_csv

pytestmark = pytest.mark.window

TIME_OUT_S = 240

RAISE = (
    "import experiments.display.keyboard as k; kept = k.HardwareKeyboard.presses; calls = []; "
    "k.HardwareKeyboard.presses = lambda self: (calls.append(1), kept(self))[1] "
    "if not marker.exists() else 1 / 0"
)
"""Has the keyboard fail, as one that was pulled out does, once a file is there."""


def wait_until(process, reached):
    """Wait until something is so, while the session runs."""
    deadline = time.monotonic() + TIME_OUT_S
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "time is out"
        time.sleep(0.02)


def lines(path):
    return whole_lines(path.read_bytes()).count(b"\n") if path.is_file() else 0


def finish(process):
    out, err = process.communicate(timeout=TIME_OUT_S)
    return process.returncode, out, err


class Case:
    """A session of the short study of a task that a robot goes through."""

    def __init__(self, study, task):
        self.study, self.task = study(task), task
        self.folder = self.study.session("coder")
        self.trials = self.folder / "trials.csv"

    def start(self, before="", trials=0, shell="coder", **fields):
        """Start, and wait until so many trials are on the disk."""
        if shell == "builder":
            fields = {"data": str(self.study.folder / "coder")} | fields
            process = self.study.start_builder(robot="graded", **fields)
        else:
            process = self.study.start_coder(before, robot="graded", **fields)
        if trials:
            wait_until(process, lambda: lines(self.trials) > trials)
        return process

    def ended(self):
        return read_session(self.folder)["end_reason"]

    def goes_on(self):
        """Start again; check that all is there once, and that what was there has not changed."""
        known = whole_lines(self.trials.read_bytes()) if self.trials.is_file() else b""
        done = max(0, known.count(b"\n") - 1)
        shots = self.study.folder / f"shots-{len(read_session(self.folder)['runs'])}"
        code, out, err = finish(self.start(screenshots=str(shots)))
        assert code == 0, err
        assert "completed" in out
        if done:
            assert (shots / "page_resumed_01.png").is_file()
        assert self.trials.read_bytes().startswith(known)
        log = read_csv(self.trials, log_columns(self.task))
        facts = read_session(self.folder)
        numbers = log["trial_number"].tolist()
        assert numbers == sorted(set(numbers))
        assert len(numbers) == facts["trials_completed"]
        assert len(numbers) + facts["trials_skipped"] == facts["trials"]
        assert (log["run"][done:] == len(facts["runs"])).all()
        assert facts["runs"][-1]["end_reason"] == "completed"
        self._check_frames(log)
        if (self.folder / "ratings.csv").is_file():
            ratings = read_csv(self.folder / "ratings.csv", RATING_COLUMNS)
            assert not ratings.duplicated(["moment", "rating_number"]).any()
            assert len(ratings) == 2
        return log

    def _check_frames(self, log):
        frames = read_csv(self.folder / "frames.csv", FRAME_COLUMNS)
        counted = frames.groupby(["run", "trial_number"]).size()
        for row in log.itertuples():
            assert counted[row.run, row.trial_number] == row.frames


@pytest.fixture
def case(study):
    return lambda task="two_afc": Case(study, task)


@pytest.mark.parametrize(
    "task",
    [
        "two_afc",
        pytest.param("occlusion", marks=pytest.mark.slow),
        pytest.param("exemplar_matching", marks=pytest.mark.slow),
    ],
)
def test_a_killed_session_goes_on(case, task):
    killed = case(task)
    process = killed.start(trials=2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert killed.ended() == "running"
    killed.goes_on()
    reasons = [run["end_reason"] for run in read_session(killed.folder)["runs"]]
    assert reasons == ["running", "completed"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_session_says_so_and_goes_on(case, number):
    stopped = case()
    process = stopped.start(trials=2)
    process.send_signal(number)
    code, _, err = finish(process)
    assert code == 130, err
    assert "Traceback" not in err
    assert stopped.ended() == "interrupted"
    assert read_session(stopped.folder)["trials_completed"] >= 2
    stopped.goes_on()


@pytest.mark.slow
def test_a_killed_session_keeps_its_ratings(case):
    killed = case()
    process = killed.start()
    wait_until(process, lambda: lines(killed.folder / "ratings.csv") > 1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    killed.goes_on()


@pytest.mark.slow
def test_a_keyboard_that_fails_ends_the_session_and_no_more(case, tmp_path):
    unplugged = case()
    marker = tmp_path / "unplugged"
    process = unplugged.start(
        f"from pathlib import Path; marker = Path({str(marker)!r}); {RAISE}", trials=2
    )
    marker.touch()
    code, _, err = finish(process)
    assert code == 1
    assert "ZeroDivisionError" in err
    assert unplugged.ended() == "interrupted"
    unplugged.goes_on()


@pytest.mark.slow
def test_a_session_that_is_left_goes_on(case):
    left = case()
    process = left.start(trials=2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    shots = left.study.folder / "left"
    process = left.study.start_coder(override="test", screenshots=str(shots))
    wait_until(process, (shots / "page_resumed_01.png").exists)
    press = (
        "import time\nfrom experiments.display.robot import InputInjector\n"
        "for key in ('escape', 'q'):\n    time.sleep(1)\n    InputInjector().press(key)"
    )
    subprocess.run([sys.executable, "-c", press], env=left.study.environment, check=True)
    code, out, err = finish(process)
    assert code == 0, err
    assert "aborted" in out
    assert left.ended() == "aborted"
    left.goes_on()


@pytest.mark.slow
def test_a_line_that_was_cut_is_taken_away_and_kept_aside(case):
    cut = case()
    process = cut.start(trials=3)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for name in ("trials.csv", "frames.csv", "ratings.csv"):
        path = cut.folder / name
        path.write_bytes(path.read_bytes()[:-7])
    damaged = {name: (cut.folder / name).read_bytes() for name in ("trials.csv", "frames.csv")}
    numbers = lines(cut.trials) - 1
    log = cut.goes_on()
    assert (log["run"] == 1).sum() == numbers
    for name, content in damaged.items():
        assert (cut.folder / f"{name}.damaged-1").read_bytes() == content
    assert read_session(cut.folder)["runs"][1]["repaired_copy"] == "trials.csv.damaged-1"


@pytest.mark.slow
def test_a_crash_leaves_no_lock_behind(case):
    held = case()
    process = held.start(trials=1)
    os.kill(process.pid, signal.SIGSTOP)
    code, _, err = finish(held.start())
    assert code == 2
    assert "this session is running already" in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    held.goes_on()


def mounted(folder, *options):
    """Mount a small file system of its own; skips where that is not allowed."""
    folder.mkdir(parents=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path):
    """A file system of 2 MB for the logs."""
    if not hasattr(os, "geteuid") or os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a file system")
    folder = tmp_path / "coder"
    mounted(folder, "size=2m")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["coder", "builder"])
def test_a_full_disk_ends_the_session_in_one_sentence(case, disk, shell):
    full = case()
    process = full.start(trials=2, shell=shell)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
        while True:  # the pages that were given free meanwhile
            try:
                file.write(b"x" * 4096)
            except OSError:
                time.sleep(0.05)
            if process.poll() is not None:
                break
    code, _, err = finish(process)
    assert code == 2, err
    said = "cannot be written (No space left on device); what was recorded before is kept"
    assert err.count("cannot be written") == 1, err
    assert err.rstrip().endswith(said), err  # and no word of PsychoPy's own files after it
    # Nothing can be started while there is no room, and that is said as well.
    code, _, err = finish(full.start())
    assert code == 2, err
    assert "cannot be written" in err
    filler.unlink()
    log = full.goes_on()
    assert len(log)


@pytest.mark.slow
def test_a_disk_that_is_gone_ends_the_session_in_one_sentence(case):
    gone = case()
    process = gone.start(trials=2)
    data = gone.study.folder / "coder"
    data.rename(data.with_name("aside"))
    code, _, err = finish(process)
    assert code == 2, err
    assert "cannot be written (No such file or directory); what was recorded before is kept" in err
    shutil.rmtree(data, ignore_errors=True)  # what PsychoPy left there
    data.with_name("aside").rename(data)
    assert gone.ended() == "running"
    gone.goes_on()


def test_a_folder_that_cannot_be_written_is_named_before_a_window_opens(case, disk):
    protected = case()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    code, _, err = finish(protected.start())
    assert code == 2
    assert "cannot be written (Read-only file system)" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.slow
def test_a_display_that_is_gone_loses_no_trial(case):
    """The X server is killed; X's own library then ends the process without a word of Python's."""
    gone = case()
    before = gone.study.environment
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    try:
        gone.study.environment = before | {"DISPLAY": f":{number}"}
        process = gone.start(trials=2)
    finally:
        server.kill()
        server.wait()
    code, _, _ = finish(process)
    assert code != 0
    assert gone.ended() in ("running", "interrupted")
    gone.study.environment = before
    gone.goes_on()
