"""Every column of every table, defined once."""

from __future__ import annotations

from dataclasses import replace

from conditions.column import UNIT_COLUMNS, Column, filled_by, names
from conditions.response_columns import OF_RESPONSE, RESPONSE
from conditions.trial_columns import (
    FILLED_BY_SESSION,
    MAX_REFERENCES,
    MAX_ROW_IMAGES,
    MAX_ROWS,
    OF_TRIAL,
    REFERENCE_COLUMN_NAMES,
    ROW_IMAGE_NAMES,
    TRIAL,
)
from conditions.vocabulary import KINDS, OBSERVER_KINDS, POLES, TASKS

__all__ = [
    "FRAME_COLUMNS",
    "IMPORT_COLUMNS",
    "MANIFEST_COLUMNS",
    "MAX_REFERENCES",
    "MAX_ROWS",
    "MAX_ROW_IMAGES",
    "RATING_COLUMNS",
    "REFERENCE_COLUMN_NAMES",
    "RESERVED_NAMES",
    "ROW_IMAGE_NAMES",
    "SESSION_COLUMNS",
    "TABLES",
    "UNIT_COLUMNS",
    "Column",
    "imported_columns",
    "log_columns",
    "names",
    "response_columns",
    "table_columns",
]

MANIFEST_COLUMNS = filled_by(
    "stimgen",
    Column("path", "str", "Image file, relative to the stimulus set's folder."),
    Column("sha256", "str", "SHA-256 of the image file."),
    *UNIT_COLUMNS,
    Column("kind", "str", "What sort of picture it is.", levels=KINDS),
    Column("pole", "str", "Whether it drives the unit least or most.", levels=POLES, blank=True),
    Column("rank", "int", "Place within its batch by rank bin, from 0, rising with activation."),
    Column("batch", "int", "Batch, from 0; blank for synthetic images.", blank=True),
    Column("activation", "float", "The unit's activation for the saved file, read again."),
    Column("source_image", "str", "Name of the image it was made from.", blank=True),
    Column("seed", "int", "Seed of a synthetic image.", blank=True),
    Column("occluder_x_px", "int", "Left edge of the occluding patch.", "px", blank=True),
    Column("occluder_y_px", "int", "Upper edge of the occluding patch.", "px", blank=True),
    Column("occluder_size_px", "int", "Side of the occluding patch.", "px", blank=True),
)

SESSION_COLUMNS = filled_by(
    "session",
    Column("participant", "str", "Participant id; never a name."),
    Column("session", "int", "Session of the participant, from 1."),
    Column("run", "int", "Run of the session, from 1; each resume adds one."),
    Column("observer_kind", "str", "Who responded.", levels=OBSERVER_KINDS),
    Column(
        "observer", "str", "Which simulated or machine observer; blank for a person.", blank=True
    ),
)


def table_columns(task: str) -> tuple[Column, ...]:
    """Return the columns of a task's condition tables."""
    own = tuple(
        replace(column, blank=column.blank or column.name in FILLED_BY_SESSION)
        if task != "exemplar_matching"
        else column
        for column in OF_TRIAL[task]
    )
    return filled_by("table", *TRIAL, *own)


def response_columns(task: str) -> tuple[Column, ...]:
    """Return the columns that a trial of a task adds to its row."""
    return filled_by("response", *RESPONSE, *OF_RESPONSE[task])


def log_columns(task: str) -> tuple[Column, ...]:
    """Return the columns of a task's ``trials.csv``, in the order in which they are written."""
    rows = filled_by("table", *TRIAL, *OF_TRIAL[task])
    return SESSION_COLUMNS + rows + response_columns(task)


RATING_COLUMNS = filled_by(
    "response",
    *SESSION_COLUMNS[:3],
    Column("moment", "str", "Before or after the trials.", levels=("before", "after")),
    Column("rating_number", "int", "Place of the rating at its moment, from 1."),
    *UNIT_COLUMNS,
    Column("image", "str", "Image that was rated."),
    Column("rating", "int", "How intuitive it is, from -100 (not at all) to 100."),
    Column("onset_s", "float", "Flip that showed the image, on the session's clock.", "s"),
    Column("rt_s", "float", "Confirmation minus onset.", "s"),
    Column("response_source", "str", "What delivered the response."),
)
"""Columns of ``ratings.csv``."""

IMPORT_COLUMNS = filled_by(
    "response",
    Column("import_flags", "str", "What is odd, separated by semicolons.", blank=True),
    Column("import_file", "str", "File that the row was imported from."),
    Column("import_line", "int", "Line of that file, from 1 for the header."),
)
"""What rows imported from elsewhere have besides; their other cells may mostly be blank."""

_NEVER_BLANK = (
    *("participant", "session", "run", "observer_kind", "design", "task", "participant_number"),
    *("trial_number", "trial_role", "reference_condition", "network", "layer", "channel"),
    *("correct_choice", "moment", "rating_number"),
)


def imported_columns(task: str, record: str = "trials") -> tuple[Column, ...]:
    """Return the columns of imported trials or ratings: what is not known there stays blank."""
    ours = RATING_COLUMNS if record == "ratings" else log_columns(task)
    return IMPORT_COLUMNS + tuple(
        replace(column, blank=column.blank or column.name not in _NEVER_BLANK) for column in ours
    )


FRAME_COLUMNS = filled_by(
    "session",
    Column("run", "int", "Run of the session."),
    Column(
        "trial_number",
        "int",
        "Trial during which the frame was shown; where a crash came between a trial's frames and "
        "its row, trials.csv has the trial with a later run only.",
    ),
    Column("frame", "int", "Frame within the trial, from 1."),
    Column("flip_s", "float", "Time of the flip, on the session's clock.", "s"),
    Column(
        "interval_s", "float", "Time since the flip before; blank for the first.", "s", blank=True
    ),
    Column("phase", "str", "Phase that the frame showed."),
)

_RESERVED = """
FINISHED FOREVER NOT_STARTED PAUSED PILOTING PLAYING PRESSED RELEASED STARTED STOPPED STOPPING
asarray average clock colors comp continueRoutine core cos currentLoop currentRoutine data dataDir
defaultKeyboard deg2rad deviceManager dlg endExpNow endExperiment environmenttools event expInfo
expName expVersion eyetracker fcn filename frameDur frameN frameTolerance globalClock gui hardware
inputs ioConfig ioServer ioSession key keyboard layout linspace locale_setup log log10 logFile
logging newKey normal np os paramName pauseExperiment pauseTimer pi plugins prefs priority
psychopyVersion rad2deg randchoice randint random routineForceEnded routineTimer run runAtExit
saveData setupData setupDevices setupLogging setupWindow showExpInfoDlg shuffle sin sound sqrt std
sys t tThisFlip tThisFlipGlobal tan theseKeys thisComponent thisExp thisSession thisTrial timer
timers trial trialComponents trials val visual waitOnFlip win
"""
RESERVED_NAMES = frozenset(_RESERVED.split())
"""Names that compiled Builder scripts use: every column of a condition table becomes a global."""

TABLES = {
    "manifest.csv of a stimulus set": MANIFEST_COLUMNS,
    "condition table": filled_by("table", *TRIAL),
    **{f"condition table, {task}": filled_by("table", *OF_TRIAL[task]) for task in TASKS},
    "trials.csv": SESSION_COLUMNS + filled_by("response", *RESPONSE),
    **{f"trials.csv, {task}": filled_by("response", *OF_RESPONSE[task]) for task in TASKS},
    "ratings.csv": RATING_COLUMNS,
    "frames.csv": FRAME_COLUMNS,
    "imported trials.csv, besides": IMPORT_COLUMNS,
}
"""What the data dictionary lists; what stands in every task's table stands there once."""
