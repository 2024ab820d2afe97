"""Screenshots of every screen of a session."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from experiments.display.window import Display
from experiments.runner.phases import Stage


class Screenshots:
    """Saves the first frame of each phase as a numbered PNG file.

    Reading pixels takes time, so the timing of such a session is not valid.

    Parameters
    ----------
    folder
        Created if missing; its files are never overwritten.
    display
        The window.
    """

    def __init__(self, folder: Path, display: Display) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._display = display
        self._seen: Counter[str] = Counter()

    def save(self, phase: str, stage: Stage) -> None:
        """Save what has been drawn and not yet flipped."""
        name = f"{phase}_{stage.name}"
        self._seen[name] += 1
        path = self._folder / f"{name}_{self._seen[name]:02d}.png"
        if not path.exists():
            # Some renderers return a black front buffer.
            self._display.win._getFrame(buffer="back").save(path)
