"""The dialogs before a session: who takes part, and which session of theirs it is."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from psychopy import gui

from experiments.runner.request import Request, how_it_ended
from experiments.runner.schedule import Scheduled, next_open
from unitscope.errors import BadInput

OTHER = "choose another participant"

WIDTH = 80
"""Characters of a line of a message."""


@dataclass(frozen=True)
class Question:
    """What else the experimenter is asked.

    Parameters
    ----------
    name
        Of the answer.
    label
        Beside its field.
    choices
        To choose from, the usual one first; none for a text, which may stay empty.
    """

    name: str
    label: str
    choices: tuple[str, ...] = ()


def choose_session(
    title: str,
    scheduled: Sequence[Scheduled],
    request_for: Callable[[str, Mapping[str, str]], Request],
    questions: Sequence[Question] = (),
) -> Request | None:
    """Ask who takes part until there is a session for them.

    Parameters
    ----------
    title
        Of the dialog.
    scheduled
        Participants to choose from; any other id with a condition table may be typed.
    request_for
        Turns an id and the answers into a request.
    questions
        What else is asked.

    Returns
    -------
    Request or None
        None if the dialog was cancelled.
    """
    proposed = next_open(scheduled) or ""
    while True:
        answered = _ask_participant(title, scheduled, proposed, questions)
        if answered is None:
            return None
        typed, answers = answered
        try:
            request = request_for(typed, answers)
            request.check_table()
            chosen = _choose_number(request)
        except BadInput as error:
            show_error(str(error))
            chosen = None
        if chosen:
            return chosen
        proposed = typed


def _ask_participant(
    title: str, scheduled: Sequence[Scheduled], proposed: str, questions: Sequence[Question]
) -> tuple[str, dict[str, str]] | None:
    """Return the id that was chosen or typed, and the answers; None if it was cancelled."""
    choices = {f"{one.participant}: {one.words}": one.participant for one in scheduled}
    initial = next((text for text, own in choices.items() if own == proposed), proposed)
    dialog = gui.Dlg(title=title)
    field = dialog.addField(
        "participant",
        initial=initial,
        choices=list(choices) or [initial],
        label="Participant id",
        tip="Letters and digits, such as p007; never a name.",
    )
    field.setEditable(True)
    # Nothing is completed: "p1" is not "p100".
    field.setCompleter(None)
    field.setInsertPolicy(field.InsertPolicy.NoInsert)
    field.setEditText(initial)
    field.lineEdit().selectAll()
    for one in questions:
        dialog.addField(one.name, label=one.label, choices=list(one.choices) or None)
    told = dialog.show()
    if not dialog.OK:
        return None
    text = str(field.currentText()).strip()
    answers = {one.name: str(told[one.name] or "").strip() for one in questions}
    return choices.get(text, text), answers


def _choose_number(request: Request) -> Request | None:
    """Ask which session it is where the participant has taken part; None for another participant.

    Without a session there is nothing to ask, and where the number was given.
    """
    if request.session is not None or not request.sessions:
        return dataclasses.replace(request, session=request.session_number())
    number, done = request.unfinished, request.unfinished_at()
    begin = f"begin session {request.next_session}"
    if number is not None and done is not None:
        title = f"{request.participant} has an unfinished session"
        resume = f"resume session {number} at trial {done + 1}"
        choices = {resume: number, begin: request.next_session, OTHER: None}
    else:
        last, ended = list(request.sessions.items())[-1]
        title = f"{request.participant} has {how_it_ended(ended)} session {last}"
        choices = {OTHER: None, begin: request.next_session}
    dialog = gui.Dlg(title=title)
    dialog.addText(f"{title}.")
    dialog.addField("choice", choices=list(choices), label="What next?")
    answers = dialog.show()
    chosen = choices[answers["choice"]] if dialog.OK else None
    return None if chosen is None else dataclasses.replace(request, session=chosen)


def show_error(message: str) -> None:
    """Show a message until it is confirmed."""
    dialog = gui.Dlg(title="Unitscope")
    dialog.addText(textwrap.fill(message, WIDTH))
    dialog.show()
