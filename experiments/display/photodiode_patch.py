"""A patch in a corner of the screen for a photodiode: white from onset to response, else black."""

from __future__ import annotations

from conditions.design.device_settings import Photodiode
from experiments.display.hook import FlipHook
from experiments.display.window import Display
from experiments.runner.phases import Stage
from experiments.runner.trial import Trial
from unitscope.row_types import HookMeasures


class PhotodiodePatch(FlipHook):
    """Drawn over everything else on every screen, so that its level is always known.

    Parameters
    ----------
    settings
        Corner and size.
    display
        The window.
    """

    def __init__(self, settings: Photodiode, display: Display) -> None:
        from psychopy import visual  # cannot be imported without a display

        side_px = settings.size_px
        x_px = (display.screen.width_px - side_px) / 2
        y_px = (display.screen.height_px - side_px) / 2
        place = (
            x_px if settings.corner.endswith("right") else -x_px,
            y_px if settings.corner.startswith("upper") else -y_px,
        )
        self._on, self._off = (
            visual.Rect(
                display.win,
                width=side_px,
                height=side_px,
                pos=place,
                units="pix",
                lineWidth=0,
                fillColor=(level,) * 3,
                colorSpace="rgb",
                autoLog=False,
            )
            for level in (1, -1)
        )

    def draw(self, phase: str, stage: Stage) -> None:
        """Draw the patch: white in the phase whose first flip is a trial's onset."""
        is_on = isinstance(stage, Trial) and phase == stage.answering[0]
        (self._on if is_on else self._off).draw()

    def measured(self) -> HookMeasures:
        """Return that the patch was there."""
        return {"photodiode": "on"}
