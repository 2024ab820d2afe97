"""The command that serves a study."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from pathlib import Path

from conditions.design.reading import read_design
from conditions.trials.condition_tables import parse_participants, prepared_participants, table_path
from experiments.online.online_study import AWAY_H, OnlineSettings, OnlineStudy
from experiments.online.page_files import install_page
from experiments.runner.request import parse_distance_cm
from unitscope.errors import BadInput
from unitscope.places import DATA, TABLES, folders

SWITCH_S = 0.0005
"""Time that a session that is being opened computes before one that is running is answered."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("design", help="name of a shipped design, or a YAML file")
    parser.add_argument("--stimuli", type=Path, help="stimulus set (default: the tables')")
    parser.add_argument("--participants", help="tables to give out: 1-250 (default: all)")
    parser.add_argument("--tables", type=Path, default=TABLES, help="folder of all tables")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of all logs")
    parser.add_argument("--language", help="language of the screens (default: the design's)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=8378)
    parser.add_argument(
        "--anyone", action="store_true", help="let in who comes without an id, one place a browser"
    )
    parser.add_argument("--code", help="completion code of all (default: everybody has an own)")
    parser.add_argument("--screened-out-code", help="code of who is excluded (default: none)")
    parser.add_argument("--return-to", metavar="ADDRESS", help="address that takes the code")
    parser.add_argument(
        "--not-from",
        action="append",
        default=[],
        metavar="DESIGN",
        help="refuse who took part in another design; may be given several times",
    )
    parser.add_argument(
        "--distance-cm",
        type=parse_distance_cm,
        default=57.0,
        help="from the screen, where layouts are in deg",
    )
    parser.add_argument(
        "--away-h", type=_hours, default=2.0, help="hours after which a place is free again"
    )
    parser.add_argument(
        "--simulated", metavar="OBSERVER", help="log everybody as this simulated observer"
    )


def _hours(text: str) -> float:
    """Read after how many hours a place is free again: a page may be silent for a part of one."""
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not AWAY_H[0] <= hours <= AWAY_H[1]:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, expected hours from {AWAY_H[0]} to {AWAY_H[1]}"
        )
    return hours


def serve(arguments: argparse.Namespace) -> None:
    """Serve a study until Ctrl-C."""
    try:
        import uvicorn

        from experiments.online.connections import allow_connections, server_config
        from experiments.online.site import make_site
    except ModuleNotFoundError as error:
        raise BadInput(
            f"{error.name} is not installed; install it with: pip install -e .[online]"
        ) from None
    install_page()
    sys.setswitchinterval(SWITCH_S)
    study = make_study(arguments)
    listening = listen(arguments.host, arguments.port)
    host, port = listening.getsockname()[:2]
    print(folders(arguments.tables, arguments.data), flush=True)
    print(f"{study.design.name} is at http://{host}:{port}/ (Ctrl-C ends it)", flush=True)
    logging.basicConfig(level=logging.ERROR, format="unitscope: %(message)s")
    allow_connections()
    uvicorn.Server(server_config(make_site(study))).run(sockets=[listening])


def make_study(arguments: argparse.Namespace) -> OnlineStudy:
    """Return the study that the options describe."""
    design = read_design(arguments.design)
    if arguments.participants:
        numbers = parse_participants(arguments.participants)
    else:
        folder = table_path(design, 1, arguments.tables).parent
        prepared = prepared_participants(folder)
        numbers = [int(one[1:]) for one in prepared if one[:1] == "p" and one[1:].isdecimal()]
        if not numbers:
            raise BadInput(
                f"{folder}: no condition tables; make them with: "
                f"python -m conditions make {design.name} --participants NUMBERS"
            )
    settings = OnlineSettings(
        tables=arguments.tables,
        data=arguments.data,
        stimuli=arguments.stimuli,
        language=arguments.language,
        distance_cm=arguments.distance_cm,
        away_s=3600 * arguments.away_h,
        anyone=arguments.anyone,
        observer=arguments.simulated,
        code=arguments.code,
        screened_out_code=arguments.screened_out_code,
        return_to=arguments.return_to,
        not_from=tuple(arguments.not_from),
    )
    tables = "1 condition table" if len(numbers) == 1 else f"{len(numbers)} condition tables"
    print(f"checking {tables} ...", flush=True)
    return OnlineStudy(design, numbers, settings)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    Raises
    ------
    BadInput
        If the address cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError, UnicodeError) as error:
        raise BadInput(f"cannot listen at {host}:{port} ({error}); give another --port") from None
    # asyncio sends small packets at once only where a socket says that it speaks TCP; the others
    # wait for the page's word that it got the one before, 40 ms and more an answer.
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=found.detach())
