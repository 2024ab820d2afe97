"""WebKitGTK's browser, by those methods of Playwright's pages that the robot uses."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.online.serve import listen

DRIVER = shutil.which("WebKitWebDriver") or ""
BROWSER = next(map(str, Path("/usr/lib").glob("*/webkit2gtk-4*/MiniBrowser")), "")
"""Both are of Debian's package webkit2gtk-driver."""

KEYS = {"\n": "\ue007", "Enter": "\ue007", "Space": " ", "ArrowRight": "\ue014"}
"""WebDriver's characters for keys."""

LOOKS, LOOK_S = 1000, 0.02


@contextmanager
def webkit_page(environment: Mapping[str, str], width: int, height: int) -> Iterator[WebKitPage]:
    """Yield a page of WebKitGTK on the screen that the environment names."""
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    # No graphics card is there that could compose what is drawn; without one it is slow.
    drawing = {"WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
    command = [DRIVER, f"--port={port}"]
    driver = subprocess.Popen(command, env={**environment, **drawing}, stderr=subprocess.DEVNULL)
    try:
        page = WebKitPage(f"http://127.0.0.1:{port}", width, height)
        yield page
        page.close()
    finally:
        driver.terminate()
        driver.wait()


class WebKitPage:
    """A page that is driven by the WebDriver protocol; mouse and keyboard are itself."""

    def __init__(self, address: str, width: int, height: int) -> None:
        self._address = address
        self._until(self._is_ready)
        options = {"binary": BROWSER, "args": ["--automation"]}
        wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
        self._address += f"/session/{self.ask('session', wanted)['sessionId']}"
        self.keyboard = self.mouse = self
        self.viewport_size = {"width": width, "height": height}
        self.ask("window/rect", {"x": 0, "y": 0, **self.viewport_size})
        bars = height - self.evaluate("innerHeight")
        self.ask("window/rect", {"width": width, "height": height + bars})
        self._until(lambda: self.evaluate("innerHeight") == height)

    def close(self) -> None:
        self.ask("", method="DELETE")

    def goto(self, address: str) -> None:
        self.ask("url", {"url": address})

    def reload(self) -> None:
        self.ask("refresh", {})

    def evaluate(self, code: str) -> Any:
        script = f"const it = {code}; return typeof it === 'function' ? it() : it"
        return self.ask("execute/sync", {"script": script, "args": []})

    def wait_for_timeout(self, milliseconds: float) -> None:
        time.sleep(milliseconds / 1000)

    def inner_text(self, selector: str) -> str:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def wait_for_selector(self, selector: str) -> None:
        self._until(lambda: self.locator(selector).count())

    def locator(self, selector: str) -> Found:
        found = self.ask("elements", {"using": "css selector", "value": selector})
        return Found(self, [next(iter(element.values())) for element in found])

    def press(self, key: str) -> None:
        value = {"value": KEYS.get(key, key)}
        self._act("key", {"keyDown": value, "keyUp": value})

    def click(self, x: float, y: float) -> None:
        button, place = {"button": 0}, {"x": round(x), "y": round(y)}
        self._act("pointer", {"pointerMove": place, "pointerDown": button, "pointerUp": button})

    def ask(
        self, path: str, message: dict[str, Any] | None = None, method: str | None = None
    ) -> Any:
        """Return the driver's answer."""
        address = f"{self._address}/{path}".rstrip("/")
        content = None if message is None else json.dumps(message).encode()
        asked = urllib.request.Request(address, content, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from None

    def _act(self, kind: str, actions: dict[str, dict[str, Any]]) -> None:
        does = [{"type": name, **how} for name, how in actions.items()]
        self.ask("actions", {"actions": [{"type": kind, "id": kind, "actions": does}]})

    def _is_ready(self) -> bool:
        try:
            return self.ask("status")["ready"]
        except OSError:
            return False

    def _until(self, holds: Callable[[], Any]) -> None:
        for _ in range(LOOKS):
            if holds():
                return
            time.sleep(LOOK_S)
        raise AssertionError("waited in vain")


class Found:
    """Elements of a page."""

    def __init__(self, page: WebKitPage, names: list[str]) -> None:
        self._page = page
        self._names = names

    @property
    def last(self) -> Found:
        return Found(self._page, self._names[-1:])

    def count(self) -> int:
        return len(self._names)

    def click(self) -> None:
        self._page.ask(f"element/{self._names[0]}/click", {})

    def fill(self, text: str) -> None:
        typed = "".join(KEYS.get(character, character) for character in text)
        self._page.ask(f"element/{self._names[0]}/value", {"text": typed})
