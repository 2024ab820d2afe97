"""Triggers: codes for other devices, sent by the flip that shows an event."""

from __future__ import annotations

import threading

from conditions.design.device_settings import Triggers
from experiments.display.hook import FlipHook, event_of
from experiments.display.trigger_ports import TriggerPort
from experiments.runner.phases import Stage
from experiments.runner.trial import Trial
from unitscope.errors import BadInput
from unitscope.row_types import HookMeasures


class Pulses:
    """Sends codes and returns the line to 0 after each pulse, without blocking.

    Parameters
    ----------
    port
        Where codes are sent; it is closed with the pulses.
    pulse_s
        Duration of a code in seconds; 0 leaves it until the next one.
    """

    def __init__(self, port: TriggerPort, pulse_s: float) -> None:
        self._port = port
        self._pulse_s = pulse_s if port.resets else 0.0
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._number = 0
        self.lost: str | None = None

    def send(self, code: int) -> bool:
        """Send a code, ending a pulse that still lasts; returns whether it was sent."""
        with self._lock:
            self._number += 1
            if self._timer:
                self._timer.cancel()
            if not self._put(code):
                return False
            if self._pulse_s:
                self._timer = threading.Timer(self._pulse_s, self._reset, (self._number,))
                self._timer.daemon = True
                self._timer.start()
            return True

    def close(self) -> None:
        """Return to 0 and close the port."""
        with self._lock:
            self._number += 1
            if self._timer and self._timer.is_alive():
                self._timer.cancel()
                self._put(0)
            self._port.close()

    def _reset(self, number: int) -> None:
        with self._lock:
            if number == self._number:
                self._put(0)

    def _put(self, code: int) -> bool:
        try:
            self._port.send(code)
        except Exception as error:  # its type depends on system and driver
            self.lost = " ".join(str(error).split()) or type(error).__name__
        return self.lost is None


class TriggerHook(FlipHook):
    """Sends the design's codes and keeps them for the log.

    Parameters
    ----------
    settings
        Events and their codes.
    port
        Where codes are sent.
    """

    def __init__(self, settings: Triggers, port: TriggerPort) -> None:
        self._settings = settings
        self._pulses = Pulses(port, settings.pulse_s)
        self._sent: list[str] = []
        self._trial: Trial | None = None
        self._responded_s: float | None = None

    def draw(self, phase: str, stage: Stage) -> None:
        """Send the code of a response in the frame after the press.

        Raises
        ------
        BadInput
            If a code could not be sent.
        """
        self._look(stage if isinstance(stage, Trial) else None)
        if self._pulses.lost:
            raise BadInput(
                f"triggers: {self._settings.port} accepts no more codes ({self._pulses.lost}); "
                "plug it in and start again: completed trials are kept"
            )

    def on_flip(self, phase: str, stage: Stage) -> None:
        """Send the code of a phase that has just appeared."""
        self._mark(event_of(phase, stage), stage)

    def measured(self) -> HookMeasures:
        """Return what was sent since the previous trial, as ``event=code`` in order."""
        self._look(self._trial)
        sent, self._sent = self._sent, []
        return {"trigger": " ".join(sent) or None}

    def close(self) -> None:
        """Close the port."""
        self._pulses.close()

    def _look(self, trial: Trial | None) -> None:
        if trial is not self._trial:
            self._trial, self._responded_s = trial, None
        response_s = trial.response_s if trial else None
        if trial and response_s is not None and self._responded_s is None:
            self._mark("response", trial)
        self._responded_s = response_s

    def _mark(self, event: str, stage: Stage) -> None:
        codes = self._settings.codes
        # A trial's name is its reference condition.
        own = f"{event}.{stage.name}" if isinstance(stage, Trial) else event
        code = codes.get(own, codes.get(event))
        if code is not None and self._pulses.send(code):
            self._sent.append(f"{own if own in codes else event}={code}")
