"""What is running on this machine, and the disk that logs are written to."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from unitscope.errors import BadInput


def running_programs() -> list[str]:
    """Return the names of all programs that run, sorted."""
    found = set()
    for process in psutil.process_iter(["name"]):
        found.add(process.info["name"] or "")
    return sorted(found - {""})


def is_plugged() -> bool | None:
    """Return whether the machine is on mains; None without a battery."""
    read = getattr(psutil, "sensors_battery", None)
    try:
        battery = read() if read else None
    except OSError:  # a container may lack the folder that Linux lists batteries in
        battery = None
    return None if battery is None else bool(battery.power_plugged)


def disk(folder: Path, writes: int = 5) -> tuple[int, float]:
    """Return the free bytes of a folder's disk and the seconds until a line is safely on it.

    Raises
    ------
    BadInput
        If the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        took_s = []
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".preflight") as file:
            for _ in range(writes):
                began_s = time.perf_counter()
                file.write(b"x" * 1000 + b"\n")
                file.flush()
                os.fsync(file.fileno())
                took_s.append(time.perf_counter() - began_s)
        return shutil.disk_usage(folder).free, statistics.median(took_s)
    except OSError as error:
        raise BadInput(
            f"{error.filename or folder}: cannot be written ({error.strerror or error})"
        ) from None
