"""A response box at a serial port: each byte is a button, with the time of its arrival."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from psychopy import logging

from conditions.design.device_settings import ResponseBox
from experiments.runner.responses import Press
from unitscope.errors import BadInput

POLL_S = 0.1
"""The reading thread checks this often whether it should end."""


def open_port(port: str, baud: int, key: str, **settings: Any) -> Any:
    """Open a serial port.

    Parameters
    ----------
    port, baud
        Its name and speed.
    key
        Key of the design that asks for it, for messages.
    settings
        Further arguments of ``serial.Serial``.

    Raises
    ------
    BadInput
        If it cannot be opened.
    """
    import serial

    try:
        return serial.Serial(port, baud, **settings)
    except (OSError, ValueError) as error:  # SerialException is an OSError
        said = " ".join(str(error).split())
        raise BadInput(
            f"{key}: serial port {port!r} cannot be opened ({said}); is it plugged in, and may "
            "this user read it?"
        ) from None


class SerialBox:
    """Presses of a response box, on the clock of the flips.

    A thread waits for bytes, so that a press has the time of its arrival and not of the next frame.
    The delays of the box, its cable and the driver are not included.

    Parameters
    ----------
    settings
        Port, speed, and the byte of each key.

    Raises
    ------
    BadInput
        If the port cannot be opened.
    """

    name = "serial-arrival"

    def __init__(self, settings: ResponseBox) -> None:
        self._keys = {byte: key for key, byte in settings.keys.items()}
        self._where = settings.port
        self._port = open_port(settings.port, settings.baud, "response_box", timeout=POLL_S)
        self._port.reset_input_buffer()
        self._arrived: deque[Press] = deque()
        self._lost: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, name="response box", daemon=True)
        self._thread.start()

    def presses(self) -> list[Press]:
        """Return the presses since the last call, earliest first.

        Raises
        ------
        BadInput
            If the box was unplugged.
        """
        found = []
        while self._arrived:
            found.append(self._arrived.popleft())
        if not found and self._lost:
            raise BadInput(
                f"response_box: the box at {self._where} was lost ({self._lost}); plug it in and "
                "start again: completed trials are kept"
            )
        return found

    def close(self) -> None:
        """Close the port."""
        self._ended.set()
        self._thread.join(timeout=10 * POLL_S)
        self._port.close()

    def _read(self) -> None:
        while not self._ended.is_set():
            try:
                received = self._port.read(1)
            except Exception as error:  # by system and driver: OSError, TypeError, termios.error
                self._lost = " ".join(str(error).split()) or type(error).__name__
                return
            time_s = float(logging.defaultClock.getTime())
            for byte in received:
                if byte in self._keys:
                    self._arrived.append(Press(time_s, self._keys[byte]))
