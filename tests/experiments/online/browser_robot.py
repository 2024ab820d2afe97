"""A participant made of a real browser: it reads what the page shows, and presses keys."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, sync_playwright

from experiments.online.simulated_page import clickable, halves

CHROMIUM = shutil.which("chromium") or ""
STATE = "() => ({...document.body.dataset, words: undefined})"
LOOKS, LOOK_MS = 1000, 20


@contextmanager
def browser_page(width: int = 1920, height: int = 1080, **context: object) -> Iterator[Page]:
    """Yield a page of Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        viewport = {"width": width, "height": height}
        page = browser.new_context(viewport=viewport, **context).new_page()
        yield page
        browser.close()


def press_of(phase: str, correct: Callable[[], str]) -> list[str]:
    """Return keys that answer a phase, correctly where there are two choices."""
    if phase == "queries":
        return [{"a": "f", "b": "j"}[correct()]]
    if phase == "matching":
        return ["1", "2", "3", "Enter"]
    return {
        "confidence": ["2"],
        "unrated": ["7"],
        "rated": ["Space"],
        "continue": ["Space"],
        "paused": ["Space"],
        "leaving": ["Space"],
    }.get(phase, [])


def next_phase(page: Page, before: tuple[str, str]) -> tuple[str, str]:
    """Return turn and phase once others than before are on the screen."""
    for _ in range(LOOKS):
        state = page.evaluate(STATE)
        now = state.get("turn", ""), state.get("phase", "")
        if now not in (before, ("", "")):
            return now
        page.wait_for_timeout(LOOK_MS)
    raise AssertionError(f"nothing followed {before}: {page.inner_text('body')[:500]}")


def is_over(page: Page) -> bool:
    """Return whether the last page is shown."""
    return page.evaluate("document.body.dataset.over") == "true"


def press_on(page: Page) -> None:
    """Agree, or press the button that goes on."""
    page.wait_for_selector("#study button")
    agrees = page.locator('#study button[data-key="1"]')
    (agrees if agrees.count() else page.locator("#study button").last).click()


def until_queries(page: Page) -> tuple[str, str]:
    """Press on to the first trial's queries, and return turn and phase."""
    turn = next_phase(page, ("", ""))
    while turn[1] != "queries":
        if turn[1] == "page":
            press_on(page)
        turn = next_phase(page, turn)
    return turn


def click(page: Page, phase: str, elements: list[list[Any]]) -> None:
    """Click on a number of a trial's screen; where it has none, on every image.

    In exemplar matching, pair the halves as they stand side by side.
    """
    size = page.viewport_size
    assert size is not None

    def at(x: int, y: int) -> None:
        page.mouse.click(size["width"] / 2 + x, size["height"] / 2 - y)

    if phase == "matching":
        rows, slots, confirm = halves(elements)
        pairs = [place for pair in zip(rows, slots, strict=True) for place in pair]
        for place in (*pairs, confirm):
            at(*place)
            page.wait_for_timeout(60)
        return
    for x, y in clickable(elements):
        at(x, y)
        if any(element[0] == "text" and element[1] == "1" for element in elements):
            return


def take_part(
    page: Page,
    address: str,
    correct: Callable[[], str] = lambda: "a",
    watch: Callable[[str, Page], None] = lambda phase, page: None,
    elements: Callable[[], list[list[Any]]] | None = None,
) -> list[str]:
    """Go through a whole session; returns the phases that were seen.

    Parameters
    ----------
    page
        A browser's page.
    address
        Of the study, with the participant's id.
    correct
        Returns which choice is correct in the present trial.
    watch
        Called with every phase that asks for something, before it is answered.
    elements
        Returns what the present trial's screen is drawn of, to be answered by clicks on it; None
        for keys.
    """
    page.goto(address)
    seen = []
    turn, phase = "", ""
    while True:
        turn, phase = next_phase(page, (turn, phase))
        seen.append(phase)
        watch(phase, page)
        if phase == "page":
            if is_over(page):
                return seen
            press_on(page)
        elif phase == "typing":
            page.locator("textarea").fill("It was fun.\nReally – ja!")
            page.locator("#study button").click()
        if elements and phase in ("queries", "confidence", "matching"):
            click(page, phase, elements())
            continue
        for key in press_of(phase, correct):
            if phase == "matching":
                page.wait_for_timeout(60)
            page.keyboard.press(key)
