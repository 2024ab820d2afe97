"""Keep a picture of every screen that a session shows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from experiments.display.window import Display
from experiments.runner.phases import Stage


class Screenshots:
    """Saves what was drawn for the first frame of each phase, as numbered PNG files.

    Reading the pixels takes time, so such a session is no measurement.

    Parameters
    ----------
    folder
        Made if missing; a file in it is never overwritten.
    display
        The window.
    """

    def __init__(self, folder: Path, display: Display) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._display = display
        self._seen: Counter[str] = Counter()

    def save(self, phase: str, stage: Stage) -> None:
        """Save what is drawn and not yet flipped."""
        name = f"{phase}_{stage.name}"
        self._seen[name] += 1
        path = self._folder / f"{name}_{self._seen[name]:02d}.png"
        if not path.exists():
            # The front buffer reads as black under some renderers.
            self._display.win._getFrame(buffer="back").save(path)
