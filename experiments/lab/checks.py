"""What a pre-flight finds, as findings with advice; pure judgements of what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

OK, WARNING, FAILED = "ok", "warning", "failed"

DROPPED = 1.5
"""A frame interval above so many median ones means that a frame was dropped."""

MAX_DROPPED_SHARE = 0.02
MAX_CLOCK_STEP_S = 0.001
MIN_DISK_BYTES, LOW_DISK_BYTES = 200e6, 2e9
SLOW_SYNC_S = 0.1
OLD_DAYS = 90

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "gdi generic", "software")

UPDATERS = frozenset(
    {"apt", "apt-get", "dpkg", "dnf", "yum", "zypper", "pacman", "packagekitd", "snap-store"}
    | {"unattended-upgr", "unattended-upgrade", "tiworker.exe", "mousocoreworker.exe"}
    | {"wuauclt.exe", "usoclient.exe", "softwareupdated", "dropbox", "onedrive", "onedrive.exe"}
)
COMPOSITORS = frozenset(
    {"picom", "compton", "xcompmgr", "mutter", "gnome-shell", "kwin_x11", "kwin_wayland", "marco"}
)


@dataclass(frozen=True)
class Check:
    """One finding.

    Parameters
    ----------
    name
        What was looked at.
    status
        ``ok``, ``warning`` or ``failed``.
    found
        What was found.
    advice
        What to do about it, where it is not in order.
    """

    name: str
    status: str
    found: str
    advice: str = ""


def judge_renderer(facts: Mapping[str, Any]) -> Check:
    """Look for a graphics card."""
    renderer = str(facts.get("renderer", "unknown"))
    if any(mark in renderer.lower() for mark in _SOFTWARE):
        advice = "install the graphics card's driver: drawing by software drops frames"
        return Check("graphics", WARNING, renderer, advice)
    return Check("graphics", OK, renderer)


def judge_refresh(intervals_s: Sequence[float], waits: bool) -> Check:
    """Judge how steady the screen is, from the intervals of empty frames."""
    median_s = statistics.median(intervals_s)
    sd_ms = 1000 * statistics.pstdev(intervals_s)
    found = f"{1 / median_s:.2f} Hz, interval sd {sd_ms:.2f} ms"
    if not waits:
        return Check(
            "refresh",
            FAILED,
            f"{found}; flips do not wait for the screen",
            "switch vertical synchronisation on in the driver's settings",
        )
    if sd_ms > 0.1 * 1000 * median_s:
        advice = "close other programs, switch variable refresh rates and the compositor off"
        return Check("refresh", WARNING, f"{found}: unsteady", advice)
    return Check("refresh", OK, found)


def judge_load(intervals_s: Sequence[float], frame_s: float) -> Check:
    """Judge the frames of a trial's own screen."""
    dropped = sum(interval > DROPPED * frame_s for interval in intervals_s)
    found = f"{dropped} of {len(intervals_s)} frames dropped with a trial's images on the screen"
    if dropped > MAX_DROPPED_SHARE * len(intervals_s):
        return Check("frames", FAILED, found, "close other programs, use a faster graphics card")
    if dropped:
        return Check("frames", WARNING, found, "close other programs")
    return Check("frames", OK, found)


def judge_monitor(monitor: Mapping[str, Any] | None, window_px: tuple[int, int]) -> Check:
    """Judge the calibration that the window is on."""
    how = "measure it with: python -m experiments calibrate NAME"
    if monitor is None:
        return Check("monitor", FAILED, "no monitor is named", f"{how}, then give --monitor NAME")
    name = monitor["name"]
    if not monitor.get("gamma_measured"):
        return Check("monitor", FAILED, f"{name}: gamma was never measured", how)
    if tuple(monitor["size_px"]) != window_px:
        sizes = f"{monitor['size_px'][0]} x {monitor['size_px'][1]} px"
        return Check(
            "monitor",
            FAILED,
            f"{name}: calibrated at {sizes}, the window has {window_px[0]} x {window_px[1]}",
            "set the screen to that resolution and run full screen",
        )
    age_days = monitor.get("age_days")
    if age_days is None or age_days > OLD_DAYS:
        age = "of unknown age" if age_days is None else f"{age_days:.0f} days old"
        return Check("monitor", WARNING, f"{name}: calibration {age}", how)
    return Check("monitor", OK, f"{name}: gamma measured {age_days:.0f} days ago")


def judge_keyboard(source: str) -> Check:
    """Judge what reads the keyboard."""
    if source.startswith("keyboard-event"):
        return Check(
            "keyboard",
            FAILED,
            "psychtoolbox cannot read it: reaction times would be those of the frame",
            "on Debian install libjack-jackd2-0 and libportaudio2; allow access to input devices",
        )
    return Check("keyboard", OK, source)


def judge_press(key: str | None, late_s: float | None) -> Check:
    """Judge the key that the experimenter was asked to press."""
    if key is None:
        advice = "plug the keyboard in, click into the window, try another USB port"
        return Check("key press", FAILED, "no key arrived", advice)
    assert late_s is not None
    return Check("key press", OK, f"{key!r} arrived {1000 * late_s:.1f} ms after its time stamp")


def judge_disk(free_bytes: float, sync_s: float) -> Check:
    """Judge the disk that the log is written to."""
    found = f"{free_bytes / 1e9:.1f} GB free, a trial is on the disk after {1000 * sync_s:.0f} ms"
    if free_bytes < MIN_DISK_BYTES:
        return Check("disk", FAILED, found, "free some space")
    if free_bytes < LOW_DISK_BYTES:
        return Check("disk", WARNING, found, "free some space")
    if sync_s > SLOW_SYNC_S:
        return Check("disk", WARNING, found, "log to a local disk, not to a network folder")
    return Check("disk", OK, found)


def judge_clock(step_s: float, lasted_s: float) -> Check:
    """Judge whether the clock of flips and keys moved against one that never steps."""
    found = f"moved by {1000 * step_s:.3f} ms in {lasted_s:.1f} s"
    if abs(step_s) > MAX_CLOCK_STEP_S:
        advice = "wait until the time service has settled, or stop it for the session"
        return Check("clock", FAILED, found, advice)
    return Check("clock", OK, found)


def judge_programs(names: Sequence[str]) -> Check:
    """Look for running updaters and compositors."""
    low = {name.lower() for name in names}
    updaters, compositors = sorted(low & UPDATERS), sorted(low & COMPOSITORS)
    if updaters:
        return Check(
            "programs", WARNING, f"running: {', '.join(updaters)}", "let it finish or stop it"
        )
    if compositors:
        advice = "switch compositing off for full-screen windows"
        return Check("programs", WARNING, f"compositor: {', '.join(compositors)}", advice)
    return Check("programs", OK, "no updater, no compositor known to disturb")


def judge_power(plugged: bool | None) -> Check:
    """Judge the power supply: on battery, processors and screens slow down."""
    if plugged is False:
        return Check("power", WARNING, "on battery", "plug the power supply in")
    return Check("power", OK, "mains" if plugged else "no battery")


def table(checks: Sequence[Check]) -> str:
    """Return findings as lines for the terminal."""
    marks = {OK: "ok     ", WARNING: "WARNING", FAILED: "FAILED "}
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        lines.append(f"{marks[check.status]}  {check.name:{width}}  {check.found}")
        if check.advice and check.status != OK:
            lines.append(f"{'':{11 + width}}-> {check.advice}")
    return "\n".join(lines)


def plain(checks: Sequence[Check]) -> list[dict[str, str]]:
    """Return findings as plain data, for JSON."""
    return [asdict(check) for check in checks]
