"""A browser opens the pages of a report alone: no error, nothing loaded, nothing cut off."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.planning.analysis_settings import Settings
from analysis.report.report import write_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium"),
]

MEASURE = """<script>
const root = document.documentElement;
const sizes = [...document.querySelectorAll("svg text")].map(text => {
  const height = parseFloat(getComputedStyle(text).fontSize);
  return height * text.ownerSVGElement.getScreenCTM().a;
});
document.body.dataset.hidden = root.scrollWidth - window.innerWidth;
document.body.dataset.smallest = Math.min(99, ...sizes);
</script>"""
"""Appended to a copy of a page: how far it is wider than the window, and its smallest letters."""


class Browser:
    """Opens pages in a folder of its own, without any file beside them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, page: str, *options: str) -> tuple[str, list[str], list[str]]:
        """Return what comes out, what the console says, and the addresses that the page asked."""
        alone = self.folder / "page" / "page.html"
        alone.parent.mkdir(exist_ok=True)
        alone.write_text(page, encoding="utf-8")
        asked = self.folder / "net.json"
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        command += ["--disable-background-networking", "--disable-component-update"]
        command += [f"--user-data-dir={self.folder / 'browser'}", f"--log-net-log={asked}"]
        command += ["--window-size=1280,900", "--enable-logging=stderr", *options, alone.as_uri()]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=300,
            env=dict(os.environ, HOME=str(self.folder)),
        )
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        requests = [event.get("params", {}) for event in json.loads(asked.read_text())["events"]]
        # What the browser itself asks for has no origin.
        own = [r["url"] for r in requests if r.get("initiator", "not an origin") != "not an origin"]
        return done.stdout, console, own


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(tmp_path)


@pytest.mark.parametrize(
    ("task", "blind"),
    [("two_afc", None), ("two_afc", 5), ("occlusion", None), ("exemplar_matching", 5)],
)
def test_pages_load_nothing_and_print(
    task: str,
    blind: int | None,
    simulated: Callable[[str], Path],
    demo_study: Path,
    browser: Browser,
    tmp_path: Path,
) -> None:
    study = demo_study if task == "two_afc" else simulated(task)
    report = write_report(study, tmp_path / "report", Settings(blind=blind, n_bootstrap=20)).folder
    for name in ("report.html", "quality.html"):
        page = (report / name).read_text(encoding="utf-8")
        pdf = tmp_path / f"{name}.pdf"
        _, console, asked = browser.run(page, f"--print-to-pdf={pdf}")
        assert (console, asked) == ([], []), name
        printed = pdf.read_bytes()
        assert printed.startswith(b"%PDF") and printed.rstrip().endswith(b"%%EOF")
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= (2 if name == "report.html" else 1)

        dom, console, asked = browser.run(page + MEASURE, "--dump-dom")
        assert (console, asked) == ([], []), name
        found = {key: float(number) for key, number in re.findall(r'data-(\w+)="([-\d.]+)"', dom)}
        assert found["hidden"] <= 0, name
        assert found["smallest"] >= 9, name


def test_what_must_not_be_is_seen(browser: Browser) -> None:
    """The checks above find an error, a picture from outside, and a page that is too wide."""
    bad = "<body><script>undefined()</script><img src='http://outside.invalid/a.png'>"
    _, console, asked = browser.run(bad, "--dump-dom")
    assert len(console) == 2 or "undefined is not a function" in console[0]
    assert set(asked) == {"http://outside.invalid/a.png"}
    wide = "<body><div style='width:3000px'>w</div><svg><text font-size='3'>a</text></svg>"
    dom, _, _ = browser.run(wide + MEASURE, "--dump-dom")
    assert 'data-hidden="17' in dom and 'data-smallest="3"' in dom
