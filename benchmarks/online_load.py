"""Load an online study on this machine alone, kill its server, and count what was lost.

``python benchmarks/online_load.py --participants 300`` lets simulated pages take part at the pace
of people, all at once; ``--kills 20`` ends the server with SIGKILL as often, and starts it again.
Every request goes to 127.0.0.1; the run ends by itself after ``--most-s`` seconds.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from conditions.design.design import Design  # noqa: E402
from conditions.design.reading import find_design, read_design  # noqa: E402
from conditions.trials.condition_tables import write_tables  # noqa: E402
from experiments.online.simulated_page import SimulatedPage  # noqa: E402
from tests.conftest import write_stimulus_set  # noqa: E402
from unitscope.columns import log_columns  # noqa: E402
from unitscope.errors import run_command  # noqa: E402
from unitscope.records import COMPLETED, read_session  # noqa: E402
from unitscope.tables import read_csv  # noqa: E402

HOST = "127.0.0.1"
ATTEMPT_S = 60
START_S = 120


@dataclass
class Counted:
    """What the pages met.

    Parameters
    ----------
    latencies_s
        Address to the duration of each request that was answered at the first attempt.
    recorded
        Person to the trials that the server said were recorded.
    retries
        Requests that had to be sent again.
    failures
        What should not have happened.
    """

    latencies_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    recorded: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    failures: list[str] = field(default_factory=list)


class Line:
    """A page's connection, opened again whenever it breaks."""

    def __init__(self, port: int, counted: Counted, ends_s: float) -> None:
        self._port, self._counted, self._ends_s = port, counted, ends_s
        self._connection: http.client.HTTPConnection | None = None
        self._link = ""

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()

    def tell(self, path: str, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message until it is answered."""
        answer: dict[str, Any] = json.loads(self.ask("POST", path, json.dumps(message)))
        self._link = answer.get("link", self._link)
        return answer

    def ask(self, method: str, path: str, body: str | None = None) -> bytes:
        """Ask until there is an answer."""
        first = True
        while time.monotonic() < self._ends_s:
            began_s = time.perf_counter()
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(HOST, self._port, ATTEMPT_S)
                self._connection.request(method, f"/{path}", body, {"X-Link": self._link})
                response = self._connection.getresponse()
                content = response.read()
                if response.status != 200:
                    raise ConnectionError(f"{path}: {response.status}")
            except (OSError, http.client.HTTPException):
                if self._connection:
                    self._connection.close()
                self._connection, first = None, False
                self._counted.retries += 1
                time.sleep(0.2)
                continue
            if first:
                kind = path.partition("/")[0]
                self._counted.latencies_s[kind].append(time.perf_counter() - began_s)
            return content
        raise TimeoutError("the run's time is over")


def take_part(
    number: int, port: int, design: Design, pace_s: float, counted: Counted, ends_s: float
) -> None:
    """Let one page take part at the pace of people."""
    rng = np.random.default_rng(number)
    person = f"person{number}"
    line = Line(port, counted, ends_s)
    page = SimulatedPage(line.tell, design, person, number)
    counted.recorded[person] = 0
    try:
        page.begin()
        while not page.is_over:
            if page.plan["images"]:
                line.ask("GET", f"images/{page.plan['images']}")
            time.sleep(float(rng.uniform(0.5, 1.5)) * pace_s)
            was_trial = page.plan["screens"][0]["kind"] == "drawn"
            stage = page.plan["stage"]
            answer = page.go_on()
            if answer.get("begin_again") or answer.get("elsewhere"):
                page.begin()
            elif "failed" in answer or "refused" in answer:
                counted.failures.append(f"{person}: {answer}")
                return
            elif was_trial and answer.get("stage", stage) != stage:
                counted.recorded[person] += 1
    except (TimeoutError, KeyError, ValueError) as error:
        counted.failures.append(f"{person}: {type(error).__name__} {error}")
    finally:
        line.close()


class ServedStudy:
    """A server in a process of its own, which can be killed and started again.

    Parameters
    ----------
    folder
        Where tables, stimuli and logs lie.
    participants
        How many tables there are.
    size_px
        Side of the images.
    """

    def __init__(self, folder: Path, participants: int, size_px: int) -> None:
        self.data = folder / "data"
        settings = yaml.safe_load(find_design("demo_two_afc").read_text(encoding="utf-8"))
        settings["name"] = "online_load"
        path = folder / "online_load.yaml"
        path.write_text(yaml.safe_dump(settings | {"participants": 1000}), encoding="utf-8")
        stimuli = write_stimulus_set(folder / "toy", size_px=size_px)
        write_tables(path, stimuli, list(range(1, participants + 1)), folder / "tables")
        self.design = read_design(path)
        with socket.create_server((HOST, 0)) as free:
            self.port = int(free.getsockname()[1])
        options = {"--stimuli": stimuli, "--tables": folder / "tables", "--data": self.data}
        self._command = [sys.executable, "-m", "experiments", "serve", str(path)]
        self._command += ["--port", str(self.port), "--simulated", "chance"]
        self._command += [str(word) for pair in options.items() for word in pair]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        environment = dict(os.environ, PYTHONPATH=str(ROOT))
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        )
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s:
            try:
                socket.create_connection((HOST, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def kill(self) -> None:
        """End the server at once."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End the server as Ctrl-C does."""
        assert self._process
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()


def run(
    folder: Path,
    participants: int,
    *,
    kills: int = 0,
    pace_s: float = 2.0,
    ramp_s: float = 60.0,
    most_s: float = 540.0,
    size_px: int = 224,
    seed: int = 0,
) -> Counted:
    """Run a study with all participants at once, and check its logs."""
    served, counted = ServedStudy(folder, participants, size_px), Counted()
    rng = np.random.default_rng(seed)
    served.start()
    ends_s = time.monotonic() + most_s
    pages = []
    for number in range(participants):
        given = (number, served.port, served.design, pace_s, counted, ends_s)
        pages.append(threading.Thread(target=take_part, args=given, daemon=True))
    try:
        starting = threading.Thread(target=_start, args=(pages, ramp_s), daemon=True)
        starting.start()
        for _ in range(kills):
            time.sleep(float(rng.uniform(0.3, 3.0)))
            served.kill()
            served.start()
        starting.join()
        for page in pages:
            page.join(max(0.0, ends_s + 5 - time.monotonic()))
    finally:
        served.stop()
    counted.failures += check(served, counted)
    return counted


def _start(pages: list[threading.Thread], ramp_s: float) -> None:
    for page in pages:
        page.start()
        time.sleep(ramp_s / len(pages))


def check(served: ServedStudy, counted: Counted) -> list[str]:
    """Return what is wrong with the logs: trials lost or doubled, sessions that are not whole."""
    wrong = []
    folders = sorted((served.data / served.design.name).glob("sub-*/ses-01"))
    if len(folders) != len(counted.recorded):
        wrong.append(f"{len(folders)} sessions of {len(counted.recorded)} people")
    rows = 0
    for folder in folders:
        log = read_csv(folder / "trials.csv", log_columns(served.design.task))
        facts = read_session(folder)
        numbers = sorted(log["trial_number"])
        rows += len(numbers)
        if numbers != list(range(1, facts["trials"] + 1)) or facts["end_reason"] != COMPLETED:
            wrong.append(f"{folder.parent.name}: {facts['end_reason']}, trials {numbers}")
    if sum(counted.recorded.values()) > rows:
        wrong.append(f"{sum(counted.recorded.values())} trials were acknowledged, {rows} are there")
    return wrong


def _load(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        began_s = time.monotonic()
        counted = run(
            Path(folder),
            arguments.participants,
            kills=arguments.kills,
            pace_s=arguments.pace_s,
            ramp_s=arguments.ramp_s,
            most_s=arguments.most_s,
        )
    took_s = time.monotonic() - began_s
    print(f"{arguments.participants} participants, {arguments.kills} kills, {took_s:.0f} s")
    print(f"trials: {sum(counted.recorded.values())} acknowledged; retries: {counted.retries}")
    print("| request | number | median | 99 % | longest |\n|---|---|---|---|---|")
    for kind, latencies_s in sorted(counted.latencies_s.items()):
        found = 1000 * np.quantile(latencies_s, [0.5, 0.99, 1])
        cells = " | ".join(f"{latency_ms:.0f} ms" for latency_ms in found)
        print(f"| {kind} | {len(latencies_s)} | {cells} |")
    for failure in counted.failures[:20]:
        print(f"WRONG {failure}")
    return 1 if counted.failures else 0


def main() -> int:
    """Run the command line; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=300)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--pace-s", type=float, default=2.0, help="mean time between reports")
    parser.add_argument("--ramp-s", type=float, default=60.0, help="time in which all arrive")
    parser.add_argument("--most-s", type=float, default=540.0, help="longest time of the run")
    return run_command(parser, _load)


if __name__ == "__main__":
    sys.exit(main())
