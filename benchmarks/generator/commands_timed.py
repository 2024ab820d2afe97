"""Durations of whole commands, each in its own processes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def _run(arguments: list[str], processes: int = 1) -> None:
    launcher = ["-m"]
    if processes > 1:
        start = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        launcher = ["-m", *start, "-m"]
    done = subprocess.run(
        [sys.executable, *launcher, "stimgen", *arguments, "--quiet"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)


def sweep_seconds(device: str, processes: int) -> float:
    """Return the seconds that the demo's sweep takes, without the start of the processes."""
    with tempfile.TemporaryDirectory() as folder:
        _run(["sweep", "demo", "--out", folder, "--device", device], processes)
        (seconds,) = Path(folder).glob(".*/seconds.json")
        return float(json.loads(seconds.read_text())["sweep"])


def demo_seconds(device: str) -> float:
    """Return the seconds that the command takes to build the demo set."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        _run(["build", "demo", "--out", folder, "--device", device])
        return time.perf_counter() - start
