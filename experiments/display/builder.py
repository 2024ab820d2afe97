"""A session as PsychoPy's Builder runs it: its routines drive the same stepper as Coder's loop."""

from __future__ import annotations

import argparse
import atexit
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from psychopy.constants import FINISHED, NOT_STARTED

from conditions.design.reading import read_design
from experiments.display import shell
from experiments.display.stepper import Stepper, undisturbed
from experiments.display.window import Display, check_monitor, open_without_gamma, take_over
from experiments.runner.notes import NOTE
from experiments.runner.phases import Stage
from experiments.runner.session import Session
from experiments.runner.stages import stages_of
from experiments.runner.standing import Standing
from experiments.runner.trial import Trial
from unitscope.columns import log_columns, names
from unitscope.errors import BAD_INPUT_EXIT_CODE, BadInput, check_checkout
from unitscope.records import INTERRUPTED, RUNNING
from unitscope.texts import QUESTION_NAMES

FIELDS = (
    "participant",
    "session",
    "design",
    "language",
    "table",
    "stimuli",
    "data",
    "hand",
    "distance",
    "override",
    "robot",
    "screenshots",
    "keyboard",
    "keyboard_layout",
    "box_port",
    "trigger_port",
    "hook",
    "eye_tracker",
)
"""Options of the Coder scripts that may be fields of Builder's experiment info."""

FIRST = ("consent", "before", "instructions")
"""Routines before the trials, in the order of a session."""

SHOWN_IN = {
    "consent": FIRST[:1],
    "before": FIRST[:2],
    "instructions": FIRST,
    "block_start": (*FIRST, "block_start", "block_end"),
    "trial": (*FIRST, "block_start", "block_end"),
    "block_end": ("block_end",),
    "after": (*FIRST, "after"),
    "end": (*FIRST, "after", "end"),
}
"""Routine to the routines whose stages it may show: a routine that was removed from the flow is
replaced by a later one."""

HOMES = {
    "consent": "consent",
    "declined": "consent",
    "resumed": "before",
    "ratings_before": "before",
    "rating_before": "before",
    "break": "block_end",
    "practice_limit": "block_end",
    "ratings_after": "after",
    "rating_after": "after",
    "comment": "after",
    **{f"question_{name}": "after" for name in QUESTION_NAMES},
    "end": "end",
}
"""Name of a stage to its routine; other stages belong to the instructions or a block's start."""


class BuilderSession:
    """One session, stepped by the Code components of a Builder file.

    To PsychoPy it is also a component of each routine, because a routine without components ends
    with its first frame.

    Parameters
    ----------
    task
        Task of the Builder file.
    """

    def __init__(self, task: str) -> None:
        with _one_sentence():
            check_checkout()
        self.status = NOT_STARTED
        self.name = "unitscope"
        self._task = task
        self._arguments = argparse.Namespace()
        self._session: Session | None = None
        self._display: Display | None = None
        self._stepper: Stepper | None = None
        self._experiment: Any = None
        self._stages: Iterator[Stage] = iter(())
        self._coming: Stage | None = None
        self._running = self._blocks_began = False
        self._routine = ""
        self._trial_number: int | None = None
        self._cleanup = ExitStack()

    @property
    def session(self) -> Session:
        """The open session."""
        assert self._session
        return self._session

    @property
    def condition_file(self) -> str:
        """The participant's condition table."""
        return str(self.session.request.table_file())

    @property
    def block_rows(self) -> list[list[int]]:
        """Rows of the condition table (from 0) of each block that is not yet complete."""
        blocks: dict[int, list[int]] = {}
        for i, row in enumerate(self.session.rows):
            if row["trial_number"] not in self.session.completed:
                blocks.setdefault(row["block_number"], []).append(i)
        return list(blocks.values())

    def open(self, info: Mapping[str, Any], piloting: bool) -> str:
        """Check everything that the session needs before a window opens.

        Parameters
        ----------
        info
            Builder's experiment info; fields that ``FIELDS`` does not name are ignored.
        piloting
            Whether the script runs in pilot mode.

        Returns
        -------
        str
            Path of PsychoPy's own files, for the setting "Data filename".
        """
        given = {name: str(info[name]).strip() for name in FIELDS if name in info}
        options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value]
        options += ["--pilot"] if piloting else []
        arguments = shell.options("", "").parse_args(options)
        with _one_sentence():
            if not arguments.participant:
                raise BadInput("the field participant is empty, expected an id such as p007")
            design = read_design(arguments.design)
            shell.check_task(design, self._task)
            request = shell.make_request(arguments, design, arguments.participant)
            self._session = Session.open(request)
            # A screen that cannot be given its gamma fails a check, in place of this script.
            open_without_gamma()
        shell.report_start(self._session)
        self._arguments = arguments
        atexit.register(self._close)
        return str(shell.psychopy_files(self._session))

    def use(self, win: Any, experiment: Any) -> None:
        """Take over Builder's window, and the experiment that collects the rows."""
        with _one_sentence():
            if self._session is None:
                raise BadInput(
                    "the session is not open; let the setting 'Data filename' be "
                    "unitscope.open(expInfo, PILOTING)"
                )
            if self._session.design.window:
                raise BadInput(
                    f"design {self._session.design.name} has arguments for the window, but Builder "
                    "opens it; use the Coder script"
                )
            monitor = None
            try:
                monitor = check_monitor(win.monitor.name)
            except BadInput:
                if not shell.is_lenient(self._arguments):
                    raise
            self._display = take_over(win, monitor)
        self.session.note({"shell": "builder"})
        # Rows contain these columns; fields of the same name would duplicate them.
        own = names(log_columns(self._task))
        experiment.extraInfo = {k: v for k, v in experiment.extraInfo.items() if k not in own}
        self._experiment = experiment
        # Registered after PsychoPy's own handler, so that it runs before it.
        atexit.register(shell.close_psychopy_files, experiment)

    def begin(self, routine: str, trial_number: int | None = None) -> None:
        """Begin a routine.

        Parameters
        ----------
        routine
            One of ``SHOWN_IN``.
        trial_number
            Of the condition file's row, in the routine of the trial.
        """
        self._routine, self._trial_number = routine, trial_number
        if self._stepper is None:
            self._start()
        with _one_sentence():
            self._begin_next()

    def frame(self) -> bool:
        """Draw the next frame; returns whether the routine goes on."""
        with _one_sentence():
            return self._frame()

    def _frame(self) -> bool:
        assert self._stepper
        while self._running:
            if self._stepper.frame():
                return True
            row = self._stepper.end()
            self._running = False
            if row:
                shell.add_row(self._experiment, row)
            if self._stepper.left:
                self._experiment.status = FINISHED
                self.finish()
            else:
                self._begin_next()
        return False

    def end(self) -> None:
        """End a routine.

        Raises
        ------
        RuntimeError
            If something else ended it, so that a trial would be lost.
        """
        if self._running:
            raise RuntimeError(f"routine {self._routine!r} was ended before its stage was over")

    def finish(self, reason: str | None = None) -> None:
        """Record how the run ended; only the first call counts."""
        if self._stepper:
            self._stepper.close()
            self._stepper = None
            self._cleanup.close()
            self.session.finish(reason)
            shell.report_end(self.session)
        self.session.finish(reason)

    def _close(self) -> None:
        """End the session at exit if nothing else has; errors were reported before."""
        if self._stepper is None and self.session.facts["end_reason"] == RUNNING:
            self.session.refuse()
        with suppress(BadInput):
            self.finish(INTERRUPTED)

    def _start(self) -> None:
        """Open the devices; not earlier, as Builder's script resets PsychoPy's clock before."""
        assert self._display
        with _one_sentence():
            self._stepper = shell.make_stepper(self.session, self._display, self._arguments)
        self._stages = iter(stages_of(self.session, self._display.frame_s))
        self._cleanup.enter_context(undisturbed())

    def _begin_next(self) -> None:
        """Begin the next stage if this routine shows it."""
        assert self._stepper
        if self._coming is None:
            self._coming = next(self._stages, None)
        if self._coming is not None and self._shows(self._coming):
            self._stepper.begin(self._coming)
            self._coming, self._running = None, True

    def _shows(self, stage: Stage) -> bool:
        if stage.name == NOTE:  # belongs wherever it was asked for
            return True
        if isinstance(stage, Standing):
            self._blocks_began |= stage.name == "part"
            other = "block_start" if self._blocks_began else "instructions"
            return HOMES.get(stage.name, other) in SHOWN_IN[self._routine]
        assert isinstance(stage, Trial)
        coming, number = int(stage.row["trial_number"]), self._trial_number
        if self._routine != "trial" or number is None:
            return False
        if coming < number:
            raise BadInput(
                f"the loop is at trial {number}, but trial {coming} is next; make the loops "
                "sequential and skip no row"
            )
        # Trials that are complete and practice that is not needed are skipped.
        return coming == number


@contextmanager
def _one_sentence() -> Iterator[None]:
    """End the script with one sentence after bad input, as the commands do."""
    try:
        yield
    except BadInput as error:
        print(f"unitscope: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT_EXIT_CODE)
