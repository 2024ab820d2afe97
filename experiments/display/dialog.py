"""The dialogs before a session: participant id, and whether to resume."""

from __future__ import annotations

import dataclasses
from typing import Any

from psychopy import gui

from experiments.runner.log import check_participant
from experiments.runner.request import Request
from unitscope.errors import BadInput


def ask_participant(title: str, default: str = "") -> str | None:
    """Ask for a participant id until a valid one is given; None if the dialog was cancelled."""
    tip = "Letters and digits, such as p007; never a name."
    while True:
        info: dict[str, Any] = {"participant": default}
        dialog = gui.DlgFromDict(
            info, title=title, labels={"participant": "Participant id"}, tip={"participant": tip}
        )
        if not dialog.OK:
            return None
        try:
            return check_participant(str(info["participant"]).strip())
        except BadInput as error:
            show_error(str(error))


def choose_session(request: Request) -> Request | None:
    """Offer to resume the participant's unfinished session.

    Returns
    -------
    Request or None
        The request with the number of the session to run, None if the dialog was cancelled.
        Without an unfinished session it is the next one, and no dialog is shown.
    """
    number, done = request.session_number(), request.unfinished_at()
    if done is not None:
        resume = f"resume session {number} at trial {done + 1}"
        begin = f"begin session {number + 1}"
        info: dict[str, Any] = {"choice": [resume, begin]}
        title = f"{request.participant} has an unfinished session"
        dialog = gui.DlgFromDict(info, title=title, labels={"choice": "What next?"})
        if not dialog.OK:
            return None
        number += info["choice"] == begin
    return dataclasses.replace(request, session=number)


def show_error(message: str) -> None:
    """Show a message until it is confirmed."""
    dialog = gui.Dlg(title="Unitscope")
    dialog.addText(message)
    dialog.show()
