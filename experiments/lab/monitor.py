"""A live page for the experimenter: a process of its own that only reads the logs."""

from __future__ import annotations

import argparse
import dataclasses
import hmac
import ipaddress
import json
import secrets
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from waitress.server import create_server

from conditions.design.reading import read_design, shipped_designs
from experiments.lab.watch import now_utc, watch
from unitscope.errors import BadInput
from unitscope.exclusion import Exclusions
from unitscope.places import DATA

PAGE = Path(__file__).with_name("monitor.html")
FETCH_S = 2.0

CONNECTIONS, IDLE_S = 100, 20
"""How many connections are open at a time, and for how long one may say nothing."""


@dataclass(frozen=True)
class Labs:
    """The labs on the page.

    Parameters
    ----------
    folders
        Lab name to its data folder.
    pages
        Lab name to the address of a monitor that runs there.
    rules
        Design name to the rules that exclude its sessions.
    """

    folders: Mapping[str, Path]
    pages: Mapping[str, str]
    rules: Mapping[str, Exclusions]

    def state(self, *, accuracy: bool = False) -> dict[str, Any]:
        """Return everything that the page shows, as plain data."""
        sessions = [
            dataclasses.asdict(session)
            for lab, data in self.folders.items()
            for session in watch(lab, data, self.rules, accuracy=accuracy)
        ]
        unreachable = []
        for lab, address in self.pages.items():
            try:
                sessions += [s | {"lab": lab} for s in _fetch(address, accuracy)]
            except (OSError, ValueError, KeyError, TypeError) as error:
                unreachable.append(f"{lab}: {error}")
        return {
            "now_utc": now_utc(),
            "labs": [*self.folders, *self.pages],
            "sessions": sessions,
            "unreachable": unreachable,
        }


def _fetch(address: str, accuracy: bool) -> list[dict[str, Any]]:
    parts = urlsplit(address)
    query = f"{parts.query}&accuracy=1" if accuracy else parts.query
    there = parts._replace(path="/state.json", query=query, fragment="").geturl()
    with urllib.request.urlopen(there, timeout=FETCH_S) as answer:
        return list(json.loads(answer.read())["sessions"])


HEADERS = [
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    (
        "Content-Security-Policy",
        "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
    ),
]


@dataclass(frozen=True)
class Site:
    """The page and its data, and nothing else, as a WSGI application.

    Parameters
    ----------
    labs
        What it shows.
    token
        What an address must hold to be answered; None where only this machine can ask.
    """

    labs: Labs
    token: str | None

    def __call__(self, asked: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        """Answer one request."""
        status, kind, body = self._answer(asked)
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *HEADERS])
        return [body]

    def _answer(self, asked: dict[str, Any]) -> tuple[str, str, bytes]:
        query = parse_qs(asked.get("QUERY_STRING", ""))
        given = query.get("token", [""])[0]
        if asked["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return "405 Method Not Allowed", "text/plain", b"the page can only be looked at\n"
        if self.token is None and not _is_this_machine(asked.get("HTTP_HOST", "")):
            return "403 Forbidden", "text/plain", b"the address names another machine\n"
        if self.token is not None and not hmac.compare_digest(given.encode(), self.token.encode()):
            return "403 Forbidden", "text/plain", b"the address needs the token that was printed\n"
        if asked["PATH_INFO"] == "/":
            return "200 OK", "text/html; charset=utf-8", PAGE.read_bytes()
        if asked["PATH_INFO"] == "/state.json":
            state = self.labs.state(accuracy=query.get("accuracy") == ["1"])
            return "200 OK", "application/json", json.dumps(state).encode()
        return "404 Not Found", "text/plain", b"nothing here\n"


def _is_this_machine(host: str) -> bool:
    """Return whether a request asks this machine by a name of its own.

    A page of somebody else's can have its own name point to this machine (DNS rebinding), and so
    read what is answered without a token; its name is what gives it away.
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return False
    return _is_loopback(name) or name == socket.gethostname().lower()


class Server:
    """Serves a site by waitress: bounded in connections, and patient with none for long.

    Parameters
    ----------
    labs
        What is shown.
    host, port
        Where it listens; port 0 takes any that is free.
    token
        What an address must hold to be answered; made up where others can reach the host and none
        is given.

    Raises
    ------
    BadInput
        If the token is empty or nothing can listen there.
    """

    def __init__(self, labs: Labs, host: str, port: int, token: str | None = None) -> None:
        if token == "":
            raise BadInput("the token is empty, so that everybody would be answered; give another")
        if token is None and not _is_loopback(host):
            token = secrets.token_urlsafe(16)
        self._token = token
        self._listening = _listen(host, port)
        self._place = self._listening.getsockname()[:2]
        self._server: Any = create_server(
            Site(labs, token),
            sockets=[self._listening],
            ident=None,
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_S,
            max_request_header_size=8192,
            max_request_body_size=1024,
        )
        self._ended = threading.Event()
        self._ended.set()

    @property
    def address(self) -> str:
        """What to open in a browser."""
        host, port = self._place
        if ipaddress.ip_address(host).is_unspecified:
            host = socket.gethostname()  # others cannot open "every address of this machine"
        place = f"[{host}]" if ":" in host else host
        return f"http://{place}:{port}/" + (f"?token={self._token}" if self._token else "")

    def run(self) -> None:
        """Answer until Ctrl-C or :meth:`close`."""
        self._ended.clear()
        try:
            self._server.run()
        finally:
            self._end()
            self._ended.set()

    def close(self) -> None:
        """Answer no longer; may be called in any thread."""
        if self._ended.is_set():
            self._end()
        else:
            # Only the thread that waits at the sockets may close them.
            self._server.trigger.pull_trigger(self._end)
            self._ended.wait()

    def _end(self) -> None:
        self._server.task_dispatcher.shutdown()
        for connection in list(self._server.active_channels.values()):
            connection.handle_close()
        self._server.close()
        self._listening.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        raise BadInput(f"cannot listen at {host}:{port} ({error}); give another --port") from None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--data",
        action="append",
        metavar="[NAME=]FOLDER",
        help="folder of a lab's logs; may be given several times (default: this project's)",
    )
    parser.add_argument(
        "--lab",
        action="append",
        default=[],
        metavar="NAME=ADDRESS",
        help="a monitor that runs in another lab; may be given several times",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=8377)
    parser.add_argument("--token", help="to be part of the address (made up where it is needed)")
    parser.add_argument(
        "--design", action="append", default=[], help="design file whose rules apply"
    )


def monitor(arguments: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C."""
    server = Server(_labs(arguments), arguments.host, arguments.port, arguments.token)
    print(f"the monitor is at {server.address} (Ctrl-C ends it)", flush=True)
    try:
        server.run()
    finally:
        server.close()


def _labs(arguments: argparse.Namespace) -> Labs:
    folders: dict[str, Path] = {}
    for given in arguments.data or [str(DATA)]:
        name, equals, path = given.partition("=")
        folder = Path(path if equals else given)
        if not folder.is_dir():
            raise BadInput(f"--data {given}: {folder} is no folder")
        name = name if equals else (folder.resolve().parent.name or "lab")
        if name in folders:
            raise BadInput(f"--data {given}: two labs are named {name!r}; give NAME=FOLDER")
        folders[name] = folder
    pages: dict[str, str] = {}
    for given in arguments.lab:
        name, _, address = given.partition("=")
        if not name or not address.startswith(("http://", "https://")) or name in folders:
            raise BadInput(f"--lab {given}: expected NAME=http://..., each name once")
        pages[name] = address
    return Labs(folders, pages, _rules([*shipped_designs(), *arguments.design]))


def _rules(names: Sequence[str]) -> dict[str, Exclusions]:
    designs = [read_design(name) for name in names]
    return {design.name: design.exclusions for design in designs}
