"""A live page for the experimenter: a process of its own that only reads the logs."""

from __future__ import annotations

import argparse
import dataclasses
import hmac
import ipaddress
import json
import secrets
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from conditions.design.reading import read_design, shipped_designs
from experiments.lab.watch import now_utc, watch
from unitscope.errors import BadInput
from unitscope.exclusion import Exclusions
from unitscope.places import DATA

PAGE = Path(__file__).with_name("monitor.html")
FETCH_S = 2.0


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


class _Handler(BaseHTTPRequestHandler):
    """Answers the page and its data, and nothing else."""

    labs: Labs
    token: str | None

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        given = query.get("token", [""])[0]
        if self.token is not None and not hmac.compare_digest(given.encode(), self.token.encode()):
            self._answer(403, "text/plain", b"the address needs the token that was printed\n")
        elif parts.path == "/":
            self._answer(200, "text/html; charset=utf-8", PAGE.read_bytes())
        elif parts.path == "/state.json":
            state = self.labs.state(accuracy=query.get("accuracy") == ["1"])
            self._answer(200, "application/json", json.dumps(state).encode())
        else:
            self._answer(404, "text/plain", b"nothing here\n")

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; "
            "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
        )
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the terminal quiet, and tokens out of it."""


def open_server(labs: Labs, host: str, port: int, token: str | None = None) -> ThreadingHTTPServer:
    """Open the server; it answers once ``serve_forever`` is called.

    Parameters
    ----------
    labs
        What it shows.
    host, port
        Where it listens; port 0 takes any that is free.
    token
        What an address must hold to be answered; made up where others can reach the host and none
        is given.

    Raises
    ------
    BadInput
        If nothing can listen there.
    """
    if token is None and not _is_loopback(host):
        token = secrets.token_urlsafe(16)
    handler = type("Handler", (_Handler,), {"labs": labs, "token": token})
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except (OSError, OverflowError) as error:
        raise BadInput(f"cannot listen at {host}:{port} ({error}); give another --port") from None
    server.daemon_threads = True
    return server


def address_of(server: ThreadingHTTPServer) -> str:
    """Return the address to open in a browser."""
    host, port = server.server_address[:2]
    if ipaddress.ip_address(str(host)).is_unspecified:
        host = socket.gethostname()  # others cannot open "every address of this machine"
    token = server.RequestHandlerClass.token  # type: ignore[attr-defined]
    return f"http://{host!s}:{port}/" + (f"?token={token}" if token else "")


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
    server = open_server(_labs(arguments), arguments.host, arguments.port, arguments.token)
    print(f"the monitor is at {address_of(server)} (Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    finally:
        server.server_close()


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
