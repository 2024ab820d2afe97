"""Kill sessions at random moments, restart them, and count what was lost.

``python benchmarks/stress_crashes.py --kills 300`` kills simulated sessions in their own processes;
with ``--window`` it kills the Coder script's real sessions on a virtual screen (Linux, Xvfb), where
a robot presses the keys.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from conditions.design.design import Design  # noqa: E402
from conditions.design.reading import find_design, read_design  # noqa: E402
from conditions.trials.condition_tables import write_tables  # noqa: E402
from experiments.runner.observers import make_observer  # noqa: E402
from experiments.runner.request import Request  # noqa: E402
from experiments.runner.session import Session  # noqa: E402
from experiments.runner.simulation import simulate  # noqa: E402
from tests.conditions.conftest import units_for  # noqa: E402
from tests.conftest import KINDS_OF_OCCLUSION, write_stimulus_set  # noqa: E402
from unitscope.columns import log_columns  # noqa: E402
from unitscope.errors import run_command  # noqa: E402
from unitscope.records import TRIALS, read_session, whole_lines  # noqa: E402
from unitscope.settings import read_yaml  # noqa: E402
from unitscope.tables import read_csv  # noqa: E402

SHORT = {"fixation_s": 0.1, "chosen_s": 0.05, "feedback_s": 0.1, "blank_s": 0.05}
TIME_OUT_S = 300


class Victim:
    """Sessions of one design that are killed and restarted.

    Parameters
    ----------
    design
        Name of a shipped design.
    folder
        Where stimuli, tables and logs go.
    seed
        Seed of the moments of the kills.
    torn
        Proportion of kills after which the last line is cut, as a power cut may leave it.
    """

    def __init__(self, design: str, folder: Path, seed: int, torn: float) -> None:
        import yaml

        path = folder / f"{design}.yaml"
        path.write_text(yaml.safe_dump(read_yaml(find_design(design)) | {"durations": SHORT}))
        self.design: Design = read_design(path)
        kinds = KINDS_OF_OCCLUSION if self.design.task == "occlusion" else ("natural", "synthetic")
        self.stimuli = write_stimulus_set(
            folder / "stimuli", units=units_for(self.design), kinds=kinds
        )
        (self.table,) = write_tables(path, self.stimuli, [1], folder / "tables")
        self.folder, self.torn = folder, torn
        self.rng = np.random.default_rng(seed)
        self.counts: Counter[str] = Counter()
        self.number = 0
        self.known = self.cut = b""

    @property
    def participant(self) -> str:
        return f"p{self.number:05d}"

    @property
    def log(self) -> Path:
        return self.record / TRIALS

    @property
    def record(self) -> Path:
        return self.folder / "data" / self.design.name / f"sub-{self.participant}" / "ses-01"

    def go_on(self) -> None:
        """Move to the next participant once a session is completed."""
        if self.number == 0 or read_session(self.record).get("end_reason") == "completed":
            self.number += 1
            self.known = b""
            self.counts["sessions"] += 1

    def look(self, acknowledged: int) -> None:
        """Compare the log with what was known to be on disk, and sometimes cut its last line."""
        content = self.log.read_bytes() if self.log.is_file() else b""
        whole = whole_lines(content)
        # Unless we cut it ourselves and no session has repaired it yet.
        self.counts["last lines cut by a kill"] += whole != content and content != self.cut
        rows = list(csv.DictReader(io.StringIO(whole.decode(), newline="")))
        trials = [int(row["trial_number"]) for row in rows]
        self.counts["lost"] += max(0, acknowledged - len(trials))
        self.counts["changed"] += not whole.startswith(self.known)
        self.counts["duplicates"] += len(trials) - len(set(trials))
        self.counts["not in order"] += trials != sorted(trials)
        if len(rows) > 1 and self.rng.random() < self.torn:
            start = whole[:-1].rfind(b"\n") + 1
            cut = int(self.rng.integers(start + 1, len(whole)))
            self.cut = whole[:cut]
            self.log.write_bytes(self.cut)
            whole = whole[:start]
            self.counts["last lines cut by us"] += 1
        self.known = whole

    def check_completed(self) -> None:
        """Check a completed session's log, cell by cell."""
        read_csv(self.log, log_columns(self.design.task))
        facts = read_session(self.record)
        total = facts["trials_completed"] + facts["trials_skipped"]
        self.counts["completed sessions that lack trials"] += total != facts["trials"]
        self.counts["completed sessions"] += 1

    def ended(self, acknowledged: int, was_killed: bool) -> None:
        """Record how a started session ended."""
        self.counts["kills" if was_killed else "ends before the kill"] += 1
        if read_session(self.record).get("end_reason") == "completed":
            self.counts["changed"] += not self.log.read_bytes().startswith(self.known)
            self.check_completed()
        else:
            self.look(acknowledged)


def kill_simulated(victim: Victim, longest_s: float) -> None:
    """Start a simulated session in its own process and kill it."""
    victim.go_on()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _simulate(victim, write)
    os.close(write)
    time.sleep(float(victim.rng.uniform(0, longest_s)))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    before = victim.known.count(b"\n") - 1 if victim.known else 0
    was_killed = os.WIFSIGNALED(status)
    if not was_killed and os.WEXITSTATUS(status):
        raise RuntimeError(f"a session failed by itself: {told.decode()}")
    victim.ended(before + told.count(b"."), was_killed)


def _simulate(victim: Victim, write: int) -> None:
    """Run the session in a child process; a dot is sent for every recorded trial."""
    code = 1
    try:
        request = Request(
            design=victim.design,
            participant=victim.participant,
            session=1,
            table=victim.table,
            stimuli=victim.stimuli,
            data=victim.folder / "data",
            observer_kind="simulated",
            observer="graded",
        )
        session = Session.open(request)
        record = session.record

        def tell(*given, **named):
            row = record(*given, **named)
            os.write(write, b".")
            return row

        session.record = tell  # type: ignore[method-assign]
        simulate(session, make_observer("graded", victim.number, session.stimuli.file))
        code = 0
    except BaseException as error:
        os.write(write, f"{type(error).__name__}: {error}".encode())
    finally:
        os._exit(code)


def kill_windowed(victim: Victim, longest_s: float, environment: dict[str, str]) -> None:
    """Start the Coder script with a robot and kill it some time after its window has opened.

    Acknowledged trials are those that the log held, read from outside, just before the kill.
    """
    victim.go_on()
    script = ROOT / "experiments" / f"{victim.design.task}.py"
    command = [sys.executable, str(script), "--robot", "graded", "--session", "1"]
    command += ["--design", victim.design.path, "--participant", victim.participant]
    command += ["--table", str(victim.table), "--stimuli", str(victim.stimuli)]
    command += ["--data", str(victim.folder / "data")]
    runs = len(read_session(victim.record).get("runs", []))
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=errors, cwd=victim.folder
        )
        deadline = time.monotonic() + TIME_OUT_S
        while process.poll() is None and not _shows_stages(victim.record, runs + 1):
            if time.monotonic() > deadline:
                process.kill()
                raise RuntimeError("the window did not open")
            time.sleep(0.05)
        until = time.monotonic() + float(victim.rng.uniform(0, longest_s))
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        seen = victim.log.read_bytes() if victim.log.is_file() else b""
        process.kill()
        code = process.wait()
        if code not in (0, -signal.SIGKILL):
            errors.seek(0)
            print(f"a session ended by itself ({code}): {errors.read().decode()}", file=sys.stderr)
            victim.counts["ended by themselves with an error"] += 1
    acknowledged = max(0, whole_lines(seen).count(b"\n") - 1)
    victim.ended(acknowledged, code == -signal.SIGKILL)


def _shows_stages(record: Path, run: int) -> bool:
    runs = read_session(record).get("runs", [])
    return len(runs) >= run and "clock_offset_began_s" in runs[-1]


@contextmanager
def virtual_screen() -> Iterator[dict[str, str]]:
    """Yield an environment whose windows open on a virtual screen."""
    read, write = os.pipe()
    options = ["-displayfd", str(write), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"]
    server = subprocess.Popen(["Xvfb", *options], pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    try:
        yield dict(os.environ, DISPLAY=f":{number}", PYTHONFAULTHANDLER="1")
    finally:
        server.terminate()
        server.wait()


def _run(arguments: argparse.Namespace) -> int:
    results = {}
    for design in arguments.designs:
        ended_s = time.monotonic() + arguments.minutes * 60
        with tempfile.TemporaryDirectory() as folder:
            victim = Victim(design, Path(folder), arguments.seed, arguments.torn)
            if arguments.window:
                with virtual_screen() as environment:
                    while victim.counts["kills"] < arguments.kills and time.monotonic() < ended_s:
                        kill_windowed(victim, arguments.longest_s or 8.0, environment)
            else:
                while victim.counts["kills"] < arguments.kills and time.monotonic() < ended_s:
                    kill_simulated(victim, arguments.longest_s or 1.0)
            results[design] = dict(victim.counts)
            print(f"{design}: {results[design]}", file=sys.stderr, flush=True)
    names = list(dict.fromkeys(name for counts in results.values() for name in counts))
    print("| | " + " | ".join(results) + " |\n|" + "---|" * (len(results) + 1))
    for name in names:
        print(f"| {name} | " + " | ".join(str(c.get(name, 0)) for c in results.values()) + " |")
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    faults = (
        "lost",
        "changed",
        "duplicates",
        "not in order",
        "completed sessions that lack trials",
    )
    return int(any(counts.get(name, 0) for counts in results.values() for name in faults))


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    designs = ["demo_two_afc", "demo_occlusion", "demo_exemplar_matching"]
    parser.add_argument("--designs", nargs="+", default=designs, help="names of shipped designs")
    parser.add_argument("--kills", type=int, default=100, help="for each design (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments of the kills")
    parser.add_argument(
        "--torn",
        type=float,
        default=0.25,
        help="proportion of kills after which the last line is cut",
    )
    parser.add_argument("--window", action="store_true", help="real windows, not simulated ones")
    parser.add_argument("--longest-s", type=float, help="latest kill, seconds after the start")
    parser.add_argument("--minutes", type=float, default=10.0, help="maximum duration for a design")
    parser.add_argument("--out", type=Path, help="JSON file for the counts")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(options(), _run))
