"""Findings of the checks before a session: measurements judged by fixed limits, with advice."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from conditions.design.design import Design
from conditions.design.presentation import Layout
from experiments.runner.layout import Screen
from experiments.runner.phases import DROPPED
from unitscope.records import RunRecord

OK, WARNING, FAILED = "ok", "warning", "failed"

MAX_DROPPED_SHARE = 0.02
MAX_CLOCK_STEP_S = 0.001
MIN_DISK_BYTES, LOW_DISK_BYTES = 200e6, 2e9
SLOW_SYNC_S = 0.1
OLD_DAYS = 90
MAX_DISTANCE_SHARE = 0.05
"""Largest deviation from the calibrated viewing distance, by which images then seem too large."""

WIDE_PX = 1920
"""Layouts in pixels are made for screens of this width, those of the published studies."""

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
class Finding:
    """The result of one check.

    Parameters
    ----------
    name
        What was checked.
    status
        ``ok``, ``warning`` or ``failed``.
    found
        What was found.
    advice
        What to do about it; empty if the status is ``ok``.
    """

    name: str
    status: str
    found: str
    advice: str = ""


def judge_renderer(facts: Mapping[str, Any]) -> Finding:
    """Judge whether a graphics card draws the screen."""
    renderer = str(facts.get("renderer", "unknown"))
    if any(mark in renderer.lower() for mark in _SOFTWARE):
        advice = "install the graphics card's driver: software rendering drops frames"
        return Finding("graphics", WARNING, renderer, advice)
    return Finding("graphics", OK, renderer)


def judge_refresh(intervals_s: Sequence[float], waits: bool) -> Finding:
    """Judge the screen's refresh by the intervals of empty frames."""
    median_s = statistics.median(intervals_s)
    sd_ms = 1000 * statistics.pstdev(intervals_s)
    found = f"{1 / median_s:.2f} Hz, interval sd {sd_ms:.2f} ms"
    if not waits:
        return Finding(
            "refresh",
            FAILED,
            f"{found}; flips do not wait for the vertical blank",
            "switch vertical synchronisation on in the driver's settings",
        )
    if sd_ms > 0.1 * 1000 * median_s:
        advice = "close other programs, switch variable refresh rates and the compositor off"
        return Finding("refresh", WARNING, f"{found}: unsteady", advice)
    return Finding("refresh", OK, found)


def judge_load(intervals_s: Sequence[float], frame_s: float) -> Finding:
    """Judge the frame intervals of a trial's screen."""
    dropped = sum(interval > DROPPED * frame_s for interval in intervals_s)
    found = f"{dropped} of {len(intervals_s)} frames dropped with a trial's images on the screen"
    if dropped > MAX_DROPPED_SHARE * len(intervals_s):
        return Finding("frames", FAILED, found, "close other programs, use a faster graphics card")
    if dropped:
        return Finding("frames", WARNING, found, "close other programs")
    return Finding("frames", OK, found)


def judge_monitor(monitor: Mapping[str, Any] | None, window_px: tuple[int, int]) -> Finding:
    """Judge the calibration of the window's monitor."""
    how = "measure it with: python -m experiments calibrate NAME"
    if monitor is None:
        return Finding(
            "monitor", FAILED, "no monitor was named", f"{how}, then give --monitor NAME"
        )
    name = monitor["name"]
    if not monitor.get("gamma_measured"):
        return Finding("monitor", FAILED, f"{name}: gamma was never measured", how)
    if not monitor.get("gamma_set", True):
        return Finding(
            "monitor",
            FAILED,
            f"{name}: the screen cannot be given its gamma, as its driver has no look-up table",
            "use X11 instead of Wayland, and the graphics card's own driver",
        )
    if tuple(monitor["size_px"]) != window_px:
        sizes = f"{monitor['size_px'][0]} x {monitor['size_px'][1]} px"
        return Finding(
            "monitor",
            FAILED,
            f"{name}: calibrated at {sizes}, the window has {window_px[0]} x {window_px[1]}",
            "set the screen to that resolution and use the full screen",
        )
    age_days = monitor.get("age_days")
    if age_days is None or age_days > OLD_DAYS:
        age = "of unknown age" if age_days is None else f"{age_days:.0f} days old"
        return Finding("monitor", WARNING, f"{name}: calibration {age}", how)
    return Finding("monitor", OK, f"{name}: gamma measured {age_days:.0f} days ago")


def judge_distance(monitor: Mapping[str, Any] | None, measured_cm: float | None) -> Finding:
    """Judge the measured viewing distance by the one that the monitor was calibrated for."""
    wanted_cm = (monitor or {}).get("distance_cm")
    measured = "" if measured_cm is None else f"{measured_cm:g} cm"
    if monitor is None or not wanted_cm:
        return Finding("distance", OK, f"{measured or 'not measured'}, nothing to compare with")
    if measured_cm is None:
        return Finding(
            "distance",
            WARNING,
            f"not measured; {monitor['name']} was calibrated for {wanted_cm:g} cm",
            "measure from the eyes to the screen, and give --distance CM",
        )
    found = f"{measured}, {monitor['name']} was calibrated for {wanted_cm:g} cm"
    if abs(measured_cm / wanted_cm - 1) > MAX_DISTANCE_SHARE:
        change = wanted_cm / measured_cm - 1
        size = f"images seem {abs(change):.0%} {'larger' if change > 0 else 'smaller'}"
        return Finding(
            "distance",
            FAILED,
            f"{found}: {size}",
            "move the chair or the screen, or calibrate the monitor for this distance",
        )
    return Finding("distance", OK, found)


def judge_layout(refused: str, layout: Layout, screen: Screen) -> Finding:
    """Judge whether the design's layout fits the screen at its own size.

    Parameters
    ----------
    refused
        Why it does not; empty where it does.
    layout
        The design's.
    screen
        The window's geometry.
    """
    if refused:
        found, _, advice = refused.partition("; ")
        return Finding("layout", FAILED, found, advice)
    size = f"{screen.width_px} x {screen.height_px} px"
    if layout.unit == "px" and screen.width_cm is None and screen.width_px > WIDE_PX:
        return Finding(
            "layout",
            WARNING,
            f"its lengths are in pixels, which are small on a screen of {size}",
            "name the monitor (--monitor NAME), and give the lengths of 'layout' in degrees",
        )
    return Finding("layout", OK, f"fits {size}")


def judge_keyboard(source: str, run: RunRecord) -> Finding:
    """Judge the source of key presses, and say which keyboards count."""
    if source.startswith("keyboard-event"):
        return Finding(
            "keyboard",
            FAILED,
            "psychtoolbox cannot read it: reaction times would be only as exact as frames",
            "on Debian install libjack-jackd2-0 and libportaudio2; allow access to input devices",
        )
    names = ", ".join(run.get("keyboards", []))
    layout = run.get("keyboard_layout", "")
    return Finding("keyboard", OK, f"{source}, {layout}" + f" ({names})" * bool(names))


def judge_box(design: Design, source: str) -> Finding:
    """Judge whether participants who answer with a response box can do without the keyboard."""
    keys, box = design.keys, design.response_box.keys
    wanted = {keys.forward: "to go on"}
    if design.consent:
        wanted = {keys.agree: "to agree", keys.decline: "to decline", **wanted}
    lacking = [f"{key} {what}" for key, what in wanted.items() if key not in box]
    if lacking:
        return Finding(
            "response box",
            WARNING,
            f"{source}: has no key for {', '.join(lacking)}",
            "name the keys in response_box.keys, or leave the keyboard within reach",
        )
    return Finding("response box", OK, source)


def judge_press(key: str | None, late_s: float | None) -> Finding:
    """Judge the key that the experimenter was asked to press."""
    if key is None:
        advice = "plug in the keyboard, click into the window, or try another USB port"
        return Finding("key press", FAILED, "no key arrived", advice)
    assert late_s is not None
    return Finding("key press", OK, f"{key!r} arrived {1000 * late_s:.1f} ms after its time stamp")


def judge_disk(free_bytes: float, sync_s: float) -> Finding:
    """Judge the disk that the log is written to."""
    found = f"{free_bytes / 1e9:.1f} GB free, a trial is saved within {1000 * sync_s:.0f} ms"
    if free_bytes < MIN_DISK_BYTES:
        return Finding("disk", FAILED, found, "free some space")
    if free_bytes < LOW_DISK_BYTES:
        return Finding("disk", WARNING, found, "free some space")
    if sync_s > SLOW_SYNC_S:
        return Finding("disk", WARNING, found, "log to a local disk, not to a network folder")
    return Finding("disk", OK, found)


def judge_clock(step_s: float, lasted_s: float) -> Finding:
    """Judge whether the clock of flips and keys stepped against a monotonic one."""
    found = f"stepped by {1000 * step_s:.3f} ms in {lasted_s:.1f} s"
    if abs(step_s) > MAX_CLOCK_STEP_S:
        advice = "wait until the time service has settled, or stop it for the session"
        return Finding("clock", FAILED, found, advice)
    return Finding("clock", OK, found)


def judge_programs(names: Sequence[str]) -> Finding:
    """Judge the running programs: updaters and compositors disturb sessions."""
    low = {name.lower() for name in names}
    updaters, compositors = sorted(low & UPDATERS), sorted(low & COMPOSITORS)
    if updaters:
        return Finding(
            "programs", WARNING, f"running: {', '.join(updaters)}", "let them finish, or stop them"
        )
    if compositors:
        advice = "switch compositing off for full-screen windows"
        return Finding("programs", WARNING, f"compositor: {', '.join(compositors)}", advice)
    return Finding("programs", OK, "no known updater or compositor is running")


def judge_power(plugged: bool | None) -> Finding:
    """Judge the power supply: on battery, processors and screens slow down."""
    if plugged is False:
        return Finding("power", WARNING, "on battery", "plug in the power supply")
    return Finding("power", OK, "mains power" if plugged else "no battery")


def table(findings: Sequence[Finding]) -> str:
    """Return findings as lines for the terminal."""
    marks = {OK: "ok     ", WARNING: "WARNING", FAILED: "FAILED "}
    width = max((len(finding.name) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.status]}  {finding.name:{width}}  {finding.found}")
        if finding.advice and finding.status != OK:
            lines.append(f"{'':{11 + width}}-> {finding.advice}")
    return "\n".join(lines)


def plain(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return findings as plain data, for JSON."""
    return [asdict(finding) for finding in findings]
