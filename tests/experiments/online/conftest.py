"""Studies that are served: quick designs with windows that small screens have room for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from experiments.online.connections import server_config
from experiments.online.online_study import OnlineSettings, OnlineStudy
from experiments.online.page_files import install_page
from experiments.online.serve import listen
from experiments.online.site import make_site

SMALL = {
    "two_afc": {"image": 72, "reference_offset": 290, "query_offset": 105, "text": 17},
    "occlusion": {"image": 130, "text": 18},
    "exemplar_matching": {"image": 110, "text": 18},
}
"""Layouts for a laptop's screen."""


@pytest.fixture(scope="session", autouse=True)
def page_is_installed():
    """Install the page's jsPsych, unless it is there."""
    install_page()


@pytest.fixture
def study_of(request_of, tmp_path):
    """Make a study of a task's demo design with quick phases, for participants 1 to some number."""
    studies = []

    def make(task: str, participants: int = 1, settings=None, **changes) -> OnlineStudy:
        layout = {"unit": "px", "gap": 4, "separation": 40} | SMALL[task]
        for number in range(1, participants + 1):
            request = request_of(task, number, **({"layout": layout} | changes))
        given = {
            "tables": tmp_path / "tables",
            "data": tmp_path / "data",
            "stimuli": request.stimuli,
        }
        given |= settings or {}
        numbers = list(range(1, participants + 1))
        studies.append(OnlineStudy(request.design, numbers, OnlineSettings(**given)))
        return studies[-1]

    yield make
    for study in studies:
        study.close()


@contextmanager
def served(study: OnlineStudy) -> Iterator[str]:
    """Serve a study at a free port of this machine; yields its address."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(server_config(make_site(study)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
