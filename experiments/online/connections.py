"""Connections that take no longer than a page needs, so that nobody's slowness costs the others."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS = 2000
"""Connections that are open at a time."""

IDLE_S = 30
"""Seconds after an answer for which a connection is kept that says nothing."""

WHOLE_S = 60
"""Seconds in which a request must be whole, and its answer read; a page waits no longer, either."""

UNREAD_BYTES = 256 * 1024 * 1024
"""Of all answers together that were sent and not read yet."""

LOOPBACK = ["127.0.0.1", "::1"]
"""Where a proxy is believed that says for whom it asks."""


def server_config(site: ASGIApp) -> uvicorn.Config:
    """Return how uvicorn serves a study."""
    return uvicorn.Config(
        site,
        http=Connection,
        ws="none",
        # Addresses hold worker ids, which are written nowhere.
        access_log=False,
        log_level="critical",
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=LOOPBACK,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=5,
    )


class Connection(H11Protocol):
    """A connection of uvicorn's that is cut where it waits for its other end for too long.

    Uvicorn itself waits without end for a head that is never whole, for the rest of a body that
    was refused, and for somebody who does not read. Where too many connections are open, or too
    much was not read, those are cut that have waited for longest.
    """

    waits_since_s: float | None = None
    """Since when it waits for its other end; None while a request is answered."""

    _cut: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > CONNECTIONS:
            _longest_waiting(self._all()).abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all waiting."""
        self._wait_no_more()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what came; as soon as a request is whole, it is the server that is waited for."""
        super().handle_events()
        asked = self.cycle
        is_whole = asked is not None and not asked.more_body and not asked.response_complete
        if is_whole and not self.flow.write_paused:
            self._wait_no_more()

    def on_response_complete(self) -> None:
        """Wait until the answer is read, and for the next request."""
        self._wait()
        super().on_response_complete()
        if self.unread:
            while sum(one.unread for one in self._all()) > UNREAD_BYTES:
                _longest_waiting(one for one in self._all() if one.unread).abort()

    @property
    def unread(self) -> int:
        """Bytes that wait here until the other end reads what the system has of it."""
        return self.transport.get_write_buffer_size()

    def abort(self) -> None:
        """Close it at once, whatever was not sent yet."""
        self.connections.discard(self)
        self.transport.abort()

    def _all(self) -> list[Connection]:
        return [one for one in self.connections if isinstance(one, Connection)]

    def _wait(self) -> None:
        self._wait_no_more()
        self.waits_since_s = self.loop.time()
        self._cut = self.loop.call_later(WHOLE_S, self.abort)

    def _wait_no_more(self) -> None:
        self.waits_since_s = None
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None


def allow_connections() -> None:
    """Let this process have as many connections open, and a log for each, where the system does."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit.
        return
    files = 4 * CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _longest_waiting(connections: Iterable[Connection]) -> Connection:
    def since_s(one: Connection) -> float:
        return math.inf if one.waits_since_s is None else one.waits_since_s

    return min(connections, key=since_s)
