"""The ports for trigger codes: serial, parallel, and Lab Streaming Layer."""

from __future__ import annotations

from typing import Any, Protocol

from conditions.design.device_settings import Triggers
from experiments.display.serial_box import open_port
from unitscope.errors import BadInput


class TriggerPort(Protocol):
    """Sends codes; no call waits for the receiver."""

    resets: bool
    """Whether a code stays on the line until 0 is sent."""

    def send(self, code: int) -> None:
        """Send a code from 0 to 255."""
        ...

    def close(self) -> None:
        """Close the port."""
        ...


class SerialPort:
    """Sends each code as one byte."""

    resets = True

    def __init__(self, settings: Triggers) -> None:
        self._port = open_port(settings.port, settings.baud, "triggers", write_timeout=0)

    def send(self, code: int) -> None:
        """Send a code."""
        self._port.write(bytes([code]))

    def close(self) -> None:
        """Close the port."""
        self._port.close()


class ParallelPort:
    """The eight data pins of a parallel port."""

    resets = True

    def __init__(self, settings: Triggers) -> None:
        from psychopy import parallel

        where: Any = settings.port
        if where.lower().startswith("0x"):
            where = int(where, 16)
        try:
            if parallel.ParallelPort is None:
                raise OSError("no driver was found")
            self._port = parallel.ParallelPort(address=where)
            self._port.setData(0)
        except Exception as error:  # its type depends on system and driver
            said = " ".join(str(error).split()) or type(error).__name__
            raise BadInput(
                f"triggers: parallel port {settings.port!r} cannot be opened ({said}); on Linux "
                "load ppdev and install pyparallel, on Windows install inpoutx64"
            ) from None

    def send(self, code: int) -> None:
        """Send a code."""
        self._port.setData(code)

    def close(self) -> None:
        """Do nothing: the driver needs no closing."""


class LslStream:
    """A marker stream of the Lab Streaming Layer, timed by its own clock."""

    resets = False

    def __init__(self, settings: Triggers) -> None:
        try:
            import pylsl
        except Exception as error:  # without its library pylsl raises RuntimeError
            said = " ".join(str(error).split())
            raise BadInput(
                f"triggers: kind is lsl, but pylsl cannot be used ({said}); pip install pylsl"
            ) from None
        info = pylsl.StreamInfo(settings.port, "Markers", 1, 0, "int32", "unitscope")
        self._outlet = pylsl.StreamOutlet(info)

    def send(self, code: int) -> None:
        """Send a code."""
        self._outlet.push_sample([code])

    def close(self) -> None:
        """End the stream."""
        del self._outlet


PORTS: dict[str, type[Any]] = {"serial": SerialPort, "parallel": ParallelPort, "lsl": LslStream}


def open_trigger_port(settings: Triggers) -> TriggerPort:
    """Open the port of a design's triggers.

    Raises
    ------
    BadInput
        If it cannot be opened.
    """
    port: TriggerPort = PORTS[settings.kind](settings)
    return port
