"""The web server's side of a study: its few addresses, and what it refuses."""

from __future__ import annotations

import asyncio
import html
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from string import Template
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from experiments.online.bundles import bundle
from experiments.online.claims import Refused
from experiments.online.online_study import Arrival, OnlineStudy
from experiments.online.page_files import PAGE, page_files
from experiments.online.reports import (
    BadReport,
    read_arrival,
    read_px_per_cm,
    read_report,
    whole,
)
from unitscope.errors import BadInput

LARGEST_BODY = 256 * 1024
BODY_S = 20
"""Bytes that a page may send at once, and seconds that it may take."""

REQUESTS_PER_S, BURST = 25.0, 100
"""Requests of one page: after a burst, so many a second."""

ARRIVALS_PER_S, ARRIVALS_BURST = 10.0, 300
"""Arrivals from one address, where a whole class may sit behind one."""

PERSONS_PER_S, PERSONS_BURST = 0.2, 5
"""Sessions that one person opens, each of which lets the others wait."""

MOST_REMEMBERED = 20_000
"""Addresses and links whose requests are counted."""

OPENED_AT_ONCE = 1
"""Sessions that are opened at the same time; further arrivals wait for their turn."""

TIDY_S = 20

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
}

WORDS = (
    *("small", "whole_screen", "lost", "elsewhere", "old_browser", "wait", "card", "card_done"),
    "failed",
)
"""Sentences that the page needs when it cannot ask for them."""

_logger = logging.getLogger("unitscope.online")


def make_site(study: OnlineStudy) -> ASGIApp:
    """Return the web application of a study."""
    return _Guarded(_Site(study).application())


class Rates:
    """Counts requests, and says which are too many.

    Parameters
    ----------
    per_s, burst
        Requests a second that go on for ever, and how many more may come at once.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left: dict[str, tuple[float, float]] = {}

    def allows(self, who: str, now_s: float | None = None) -> bool:
        """Count a request; returns whether it is answered."""
        now_s = time.monotonic() if now_s is None else now_s
        left, then_s = self._left.pop(who, (float(self._burst), now_s))
        left = min(self._burst, left + (now_s - then_s) * self._per_s)
        self._left[who] = (max(0.0, left - 1), now_s)
        while len(self._left) > MOST_REMEMBERED:
            del self._left[next(iter(self._left))]
        return left >= 1


class _Site:
    def __init__(self, study: OnlineStudy) -> None:
        self._study = study
        self._rates = Rates(REQUESTS_PER_S, BURST)
        self._arrivals = Rates(ARRIVALS_PER_S, ARRIVALS_BURST)
        self._persons = Rates(PERSONS_PER_S, PERSONS_BURST)
        self._opening = asyncio.Semaphore(OPENED_AT_ONCE)
        self._files = page_files()
        self._index = self._make_index()

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._first_page),
                Route("/page/{name}", self._file),
                Route("/who", self._who, methods=["POST"]),
                Route("/begin", self._begin, methods=["POST"]),
                Route("/report", self._report, methods=["POST"]),
                Route("/images/{token}", self._images),
            ],
            exception_handlers={
                BadReport: _bad_report,
                _TooMany: _too_many,
                Refused: self._refused,
                BadInput: self._failed,
                OSError: self._failed,
            },
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, application: Starlette) -> AsyncIterator[None]:
        tidying = asyncio.create_task(self._tidy())
        try:
            yield
        finally:
            tidying.cancel()
            with suppress(asyncio.CancelledError):
                await tidying
            await run_in_threadpool(self._study.close)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            await run_in_threadpool(self._study.give_up_silent)

    def _make_index(self) -> bytes:
        study = self._study
        words = {name: study.words(name) for name in WORDS}
        words["card"] = words["card"].format(distance=f"{study.settings.distance_cm:g}")
        page = Template((PAGE / "index.html").read_text(encoding="utf-8"))
        return page.substitute(
            language=study.settings.language or study.design.language,
            title="Unitscope",
            words=html.escape(json.dumps(words | {"anyone": study.settings.anyone})),
            no_script=html.escape(study.words("no_script")),
        ).encode()

    async def _first_page(self, request: Request) -> Response:
        return Response(self._index, media_type="text/html")

    async def _file(self, request: Request) -> Response:
        found = self._files.get(request.path_params["name"])
        if found is None:
            return PlainTextResponse("nothing here\n", 404)
        content, kind = found
        return Response(content, media_type=kind)

    async def _who(self, request: Request) -> Response:
        """Say whether somebody can take part, and how large their window must be."""
        self._check_arrivals(request)
        data = await _read_json(request)
        self._study.person_of(_texts(data.get("person")))
        px_per_cm = read_px_per_cm(data)
        if self._study.wants_card and px_per_cm is None:
            return JSONResponse({"wants_card": True})
        needed = await run_in_threadpool(self._study.needed_px, px_per_cm)
        return JSONResponse({"needed": needed})

    async def _begin(self, request: Request) -> Response:
        self._check_arrivals(request)
        data = await _read_json(request)
        person = self._study.person_of(_texts(data.get("person")))
        arrival = Arrival(person=person, **read_arrival(data))
        if not self._persons.allows(person):
            raise _TooMany
        # Opening a session takes long; those that are running must not wait for it.
        async with self._opening:
            if await request.is_disconnected():
                raise BadReport("gone")
            return JSONResponse(await run_in_threadpool(self._study.begin, arrival))

    async def _report(self, request: Request) -> Response:
        secret = self._link_of(request)
        report = read_report(await _read_json(request))
        return JSONResponse(await run_in_threadpool(self._study.take, secret, report))

    async def _images(self, request: Request) -> Response:
        secret = self._link_of(request)
        files = self._study.images(secret, request.path_params["token"])
        if files is None:
            return PlainTextResponse("nothing here\n", 404)
        content = await run_in_threadpool(bundle, files)
        return Response(content, media_type="application/octet-stream")

    def _link_of(self, request: Request) -> str:
        secret = request.headers.get("x-link", "")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", secret):
            raise BadReport("no link")
        if not self._rates.allows(secret):
            raise _TooMany
        return secret

    def _check_arrivals(self, request: Request) -> None:
        address = request.client.host if request.client else ""
        if not self._arrivals.allows(address):
            raise _TooMany

    async def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return JSONResponse({"refused": self._study.words(error.reason)})

    async def _failed(self, request: Request, error: Exception) -> Response:
        # Paths and the like are for who runs the server, not for who takes part.
        _logger.error("%s", error)
        return JSONResponse({"failed": self._study.words("failed")}, 200)


class _TooMany(Exception):
    """More requests than anybody's page sends."""


async def _read_json(request: Request) -> dict[str, Any]:
    """Return what a page sent; no more than it may send is read.

    Raises
    ------
    BadReport
        If it is too long, too slow, or no object.
    """
    try:
        data = json.loads(await asyncio.wait_for(_read(request), BODY_S))
    except (asyncio.TimeoutError, ValueError, RecursionError):
        raise BadReport("no JSON") from None
    if not isinstance(data, dict):
        raise BadReport("no object")
    return data


async def _read(request: Request) -> bytes:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > LARGEST_BODY:
            raise BadReport("too long")
    return content


def _texts(given: object) -> dict[str, str]:
    """Return the short texts of an object."""
    if not isinstance(given, dict):
        raise BadReport("no object")
    return {
        key: whole(value)
        for key, value in given.items()
        if isinstance(value, str) and len(key) <= 64 and len(value) <= 256
    }


async def _bad_report(request: Request, error: Exception) -> Response:
    return PlainTextResponse("this is not what the page sends\n", 400)


async def _too_many(request: Request, error: Exception) -> Response:
    return PlainTextResponse("too many requests\n", 429)


class _Guarded:
    """Adds the headers to every answer."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(key.lower().encode(), value.encode()) for key, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        await self._inner(scope, receive, send_guarded)
