"""Every column of every table, defined once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from unitscope.vocabulary import (
    CHOICES,
    CONFIDENCES,
    DEPTHS,
    INPUTS,
    KINDS,
    MATCHINGS,
    OBSERVER_KINDS,
    POLES,
    REFERENCE_CONDITIONS,
    TASKS,
    TRIAL_ROLES,
)


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Name in the file's header.
    type
        ``str``, ``int``, ``float`` or ``bool`` (written True and False).
    description
        What the value means, in one sentence.
    unit
        Unit of a quantity, empty where it has none.
    levels
        The only values allowed; empty where any value is.
    blank
        Whether a cell may be empty.
    source
        Who fills the column: ``stimgen``, ``table``, ``session`` or ``response``.
    since
        First version of the columns that has it.
    formerly
        Its name before that version, where it was renamed.
    """

    name: str
    type: str
    description: str
    unit: str = ""
    levels: tuple[str | int, ...] = ()
    blank: bool = False
    source: str = "table"
    since: int = 1
    formerly: str = ""


COLUMNS_VERSION = 3
"""Version of the columns defined here. A change raises it: a new or renamed column says ``since``
which version it is there, so that files of every version before are read for ever."""

VERSION_COLUMN = Column(
    "columns_version",
    "int",
    "Version of the columns of this file; a file without this column is of version 1.",
    levels=(COLUMNS_VERSION,),
    since=2,
)
"""First column of every log and condition table."""


def as_of(columns: tuple[Column, ...], version: int) -> tuple[Column, ...]:
    """Return the columns that a file of a version has, under the names that they had then."""
    found = []
    for column in columns:
        if column.name == VERSION_COLUMN.name and column.since <= version:
            found.append(replace(column, levels=(version,)))
        elif column.since <= version:
            found.append(column)
        elif column.formerly:
            found.append(replace(column, name=column.formerly))
    return tuple(found)


def filled_by(source: str, *rows: Column) -> tuple[Column, ...]:
    """Return columns that one source fills."""
    return tuple(replace(column, source=source) for column in rows)


UNIT_COLUMNS = filled_by(
    "stimgen",
    Column("network", "str", "Network that the unit belongs to."),
    Column("layer", "str", "Layer of the unit."),
    Column("branch", "str", "Branch of a mixed layer; blank where it has none.", blank=True),
    Column("channel", "int", "Channel of the unit, an index into the whole layer, from 0."),
)


def names(columns: tuple[Column, ...]) -> list[str]:
    """Return the names of columns, in order."""
    return [column.name for column in columns]


MAX_REFERENCES = 9
"""References a side that a condition table has room for."""

MAX_ROWS = 5
"""Rows of an exemplar-matching trial that a condition table has room for."""

MAX_ROW_IMAGES = 5
"""Images of half a row that a condition table has room for."""

REFERENCE_COLUMN_NAMES = tuple(
    f"reference_{pole}_{place}" for pole in POLES for place in range(MAX_REFERENCES)
)
ROW_IMAGE_NAMES = tuple(
    f"{side}_{row}_{place}"
    for side in ("left", "right")
    for row in range(MAX_ROWS)
    for place in range(MAX_ROW_IMAGES)
)
"""Images of exemplar matching: ``left_{row}_{place}`` and ``right_{slot}_{place}``."""


def _reference(name: str) -> Column:
    pole, place = name.split("_")[1:]
    extreme = "least" if pole == "min" else "most"
    text = f"Reference image, place {place} of the {extreme} activating ones."
    return Column(name, "str", text, blank=True)


def _row_image(name: str) -> Column:
    side, row, place = name.split("_")
    half = f"half of row {row}" if side == "left" else f"half in slot {row}"
    return Column(name, "str", f"Image, place {place} of the {side} {half}.", blank=True)


TRIAL = (
    Column("design", "str", "Name of the design."),
    Column("design_sha256", "str", "SHA-256 of the design file."),
    Column("stimulus_set", "str", "Name of the stimulus set."),
    Column("manifest_sha256", "str", "SHA-256 of the stimulus set's manifest."),
    Column("task", "str", "Task of the trial.", levels=TASKS),
    Column("participant_number", "int", "Number that fixes order and batches, from 1."),
    Column("trial_number", "int", "Place of the trial in the session, from 1."),
    Column("block_number", "int", "Place of the block in the session, from 1."),
    Column("block_name", "str", "Name of the block in the design."),
    Column(
        "trial_in_block", "int", "Place of the trial in its block or round of practice, from 1."
    ),
    Column("trial_role", "str", "What the trial is for.", levels=TRIAL_ROLES),
    Column(
        "reference_condition",
        "str",
        "Images that explain the unit in this trial.",
        levels=REFERENCE_CONDITIONS,
    ),
    Column("group", "str", "Group of the participant, where groups are compared.", blank=True),
    Column("scheme", "str", "Presentation scheme, which fixes the references shown.", blank=True),
    Column(
        "practice_round",
        "int",
        "Round of a practice that is repeated until every answer is correct, from 1.",
        blank=True,
    ),
    Column(
        "repeat_of",
        "str",
        "Which trial of the session is repeated: condition, least or most confident, place from 1.",
        blank=True,
    ),
)
"""What the tables of every task begin with."""

_QUERIES = (
    *UNIT_COLUMNS,
    Column("unit_pool", "str", "Pool of the design that the unit was taken from."),
    Column("batch", "int", "Batch of natural images that the queries come from."),
    Column("query_a", "str", "Image of query a, relative to the stimulus set's folder."),
    Column("query_b", "str", "Image of query b, relative to the stimulus set's folder."),
    Column("activation_a", "float", "The unit's activation for query a.", blank=True),
    Column("activation_b", "float", "The unit's activation for query b.", blank=True),
    Column("correct_choice", "str", "The query that activates the unit more.", levels=CHOICES),
)

_OCCLUSION = (
    Column("base", "str", "Image that both queries were made from by covering a patch."),
    Column("base_activation", "float", "The unit's activation for the base image."),
    Column("occluder_a_x_px", "int", "Left edge of query a's patch.", "px"),
    Column("occluder_a_y_px", "int", "Upper edge of query a's patch.", "px"),
    Column("occluder_b_x_px", "int", "Left edge of query b's patch.", "px"),
    Column("occluder_b_y_px", "int", "Upper edge of query b's patch.", "px"),
    Column("occluder_size_px", "int", "Side of both patches.", "px"),
    Column(
        "relative_activation_difference",
        "float",
        "Activation of the higher query minus that of the lower, as a share of the base's; like an "
        "activation blank in a catch trial with an image of another unit.",
        blank=True,
    ),
)

FILLED_BY_SESSION = tuple(
    column.name for column in (*_QUERIES, *_OCCLUSION) if column.name != "branch"
)
"""Columns that a trial to be repeated has no value for before the session."""

UNKNOWN_OF_OTHER_UNITS = ("activation_a", "activation_b", "relative_activation_difference")
"""Columns that a catch trial with an image of another unit has no value for."""

_MATCHING = (
    *UNIT_COLUMNS[:2],
    Column("depth", "str", "Third of the network that the layer lies in.", levels=DEPTHS),
    Column("matching", "str", "What is paired with natural images.", levels=MATCHINGS),
    Column("n_rows", "int", "Rows to pair, each of one unit."),
    Column("n_images", "int", "Images of each half of a row."),
    *(
        Column(f"unit_{row}", "str", f"Unit of row {row}; blank without it.", blank=True)
        for row in range(MAX_ROWS)
    ),
    *(_row_image(name) for name in ROW_IMAGE_NAMES),
    *(
        Column(
            f"correct_slot_{row}",
            "int",
            f"Slot that holds the other half of row {row}, from 0.",
            levels=tuple(range(MAX_ROWS)),
            blank=True,
        )
        for row in range(MAX_ROWS)
    ),
)

OF_TRIAL = {
    "two_afc": (*_QUERIES, *map(_reference, REFERENCE_COLUMN_NAMES)),
    "occlusion": (
        *_QUERIES,
        *_OCCLUSION,
        *(_reference(name) for name in REFERENCE_COLUMN_NAMES if "_max_" in name),
    ),
    "exemplar_matching": _MATCHING,
}

IMAGE_NAMES = ("query_a", "query_b", "base", *REFERENCE_COLUMN_NAMES, *ROW_IMAGE_NAMES)
"""Columns that hold images, of all tasks together."""

MEASURED_BY_TRIAL = (
    Column("trial_began_utc", "str", "Wall-clock time at which the trial began, ISO 8601, UTC."),
    Column("fixation_onset_s", "float", "Flip that showed the fixation cross.", "s", blank=True),
    Column("onset_s", "float", "Flip that showed the images, on the session's clock.", "s"),
    Column("response_s", "float", "The response, on the same clock.", "s", blank=True),
    Column("rt_s", "float", "Reaction time: response minus onset.", "s", blank=True),
    Column("correct", "bool", "Whether the whole response was correct.", blank=True),
    Column("timed_out", "bool", "Whether the response limit passed without a response."),
    Column("early_presses", "int", "Response keys pressed before onset, which do not count."),
    Column("paused_s", "float", "Time spent in the pause screen before onset or response.", "s"),
    Column(
        "exposures",
        "int",
        "How often the images came on the screen: once, and again after a pause, after the "
        "question whether to end the session, and where that, or online a page that was closed, "
        "ended an earlier run.",
        since=3,
    ),
    Column("feedback_onset_s", "float", "Flip that showed the feedback.", "s", blank=True),
    Column(
        "continue_onset_s",
        "float",
        "Flip that let the participant continue, where trials are self-paced.",
        "s",
        blank=True,
        since=3,
    ),
    Column("trial_end_s", "float", "Time at which the trial ended.", "s"),
)
"""What a trial knows of its own response, whatever its task."""

REPEATED_TRIAL = Column(
    "repeated_trial", "int", "Number of the trial that this one repeats.", blank=True
)

MEASURED_BY_DISPLAY = (
    Column("response_source", "str", "What delivered the response, such as keyboard-ptb."),
    Column("frames", "int", "Frames drawn during the trial."),
    Column("dropped_frames", "int", "Frame intervals above 1.5 nominal ones."),
    Column("largest_frame_interval_s", "float", "Longest frame interval.", "s", blank=True),
)
"""What only whoever shows a trial can know of its response."""

MEASURED_BY_HOOKS = (
    Column(
        "photodiode", "str", "Photodiode patch: off, or on with the queries.", levels=("off", "on")
    ),
    Column(
        "trigger", "str", "Triggers sent since the trial before: event=code, in order.", blank=True
    ),
)
"""What the devices beside the screen add."""

RESPONSE = (*MEASURED_BY_TRIAL, REPEATED_TRIAL, *MEASURED_BY_DISPLAY, *MEASURED_BY_HOOKS)

_CHOICE = (
    Column("response_key", "str", "Key that gave the choice; click for the mouse's.", blank=True),
    Column("choice", "str", "Chosen query.", levels=CHOICES, blank=True),
    Column("confidence", "int", "Confidence in the choice.", levels=CONFIDENCES, blank=True),
    Column(
        "confidence_s",
        "float",
        "Press that gave the confidence; blank where the choice gave it.",
        "s",
        blank=True,
    ),
    Column("confidence_rt_s", "float", "That press minus onset.", "s", blank=True),
)

_PAIRING = (
    *(
        Column(
            f"match_{row}",
            "int",
            f"Slot that row {row} was paired with, from 0.",
            levels=tuple(range(MAX_ROWS)),
            blank=True,
        )
        for row in range(MAX_ROWS)
    ),
    *(
        Column(
            f"match_{row}_s",
            "float",
            f"Time after onset at which row {row} was paired for good.",
            "s",
            blank=True,
        )
        for row in range(MAX_ROWS)
    ),
    Column("hits", "int", "Rows that were paired correctly.", blank=True),
    Column("undos", "int", "Pairings that were undone.", blank=True),
    Column("input", "str", "What the participant paired with.", levels=INPUTS, blank=True),
)

OF_RESPONSE = {"two_afc": _CHOICE, "occlusion": _CHOICE, "exemplar_matching": _PAIRING}

MANIFEST_COLUMNS = filled_by(
    "stimgen",
    Column("path", "str", "Image file, relative to the stimulus set's folder."),
    Column("sha256", "str", "SHA-256 of the image file."),
    *UNIT_COLUMNS,
    Column("kind", "str", "What kind of image it is.", levels=KINDS),
    Column("pole", "str", "Whether it activates the unit least or most.", levels=POLES, blank=True),
    Column("rank", "int", "Place within its batch by rank bin, from 0, rising with activation."),
    Column(
        "batch",
        "int",
        "Batch, from 0; blank for synthetic images, except further ones, optimised apart.",
        blank=True,
    ),
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
    return filled_by("table", VERSION_COLUMN, *TRIAL, *own)


def response_columns(task: str) -> tuple[Column, ...]:
    """Return the columns that a trial of a task adds to its row."""
    return filled_by("response", *RESPONSE, *OF_RESPONSE[task])


def log_columns(task: str) -> tuple[Column, ...]:
    """Return the columns of a task's ``trials.csv``, in the order in which they are written."""
    rows = filled_by("table", *TRIAL, *OF_TRIAL[task])
    version = filled_by("session", VERSION_COLUMN)
    return version + SESSION_COLUMNS + rows + response_columns(task)


RATED_IMAGE_COLUMNS = filled_by(
    "response",
    Column("moment", "str", "Before or after the trials.", levels=("before", "after")),
    Column("rating_number", "int", "Place of the rating at its moment, from 1."),
    *UNIT_COLUMNS,
    Column("image", "str", "Image that was rated; of several, the most activating synthetic one."),
)
"""Columns that are known before an image is rated."""

RATING_COLUMNS = filled_by(
    "response",
    VERSION_COLUMN,
    *SESSION_COLUMNS[:3],
    *RATED_IMAGE_COLUMNS,
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
    VERSION_COLUMN.name,
    *("participant", "session", "run", "observer_kind", "design", "task", "participant_number"),
    *("trial_number", "trial_role", "reference_condition", "network", "layer", "channel"),
    *("correct_choice", "moment", "rating_number"),
)


def imported_columns(task: str, record: str = "trials") -> tuple[Column, ...]:
    """Return the columns of imported trials or ratings: what is not known there stays blank.

    Their reference conditions may be others than ours.
    """
    ours = RATING_COLUMNS if record == "ratings" else log_columns(task)
    return IMPORT_COLUMNS + tuple(
        replace(
            column,
            blank=column.blank or column.name not in _NEVER_BLANK,
            levels=() if column.name == "reference_condition" else column.levels,
        )
        for column in ours
    )


FLIP_COLUMNS = filled_by(
    "session",
    Column("frame", "int", "Frame within the trial, from 1."),
    Column("flip_s", "float", "Time of the flip, on the session's clock.", "s"),
    Column(
        "interval_s", "float", "Time since the flip before; blank for the first.", "s", blank=True
    ),
    Column("phase", "str", "Phase that the frame showed."),
)
"""Columns of one frame within its trial."""

FRAME_COLUMNS = filled_by(
    "session",
    VERSION_COLUMN,
    Column("run", "int", "Run of the session."),
    Column(
        "trial_number",
        "int",
        "Trial during which the frame was shown; where a crash came between a trial's frames and "
        "its row, trials.csv has the trial with a later run only.",
    ),
    *FLIP_COLUMNS,
)

NOTE_COLUMNS = filled_by(
    "session",
    VERSION_COLUMN,
    Column("run", "int", "Run of the session; blank for a note taken afterwards.", blank=True),
    Column("noted_utc", "str", "When the key was pressed, or the note taken afterwards; UTC."),
    Column(
        "trial_number",
        "int",
        "Trial that it is about: that in which the key was pressed, else the last one before.",
        blank=True,
    ),
    Column(
        "during",
        "str",
        "Screen on which the key was pressed, such as break, or a trial's condition.",
        blank=True,
    ),
    Column("note", "str", "What the experimenter wrote; may be a mark alone.", blank=True),
)
"""Columns of ``notes.csv``."""

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
    "condition table": filled_by("table", VERSION_COLUMN, *TRIAL),
    **{f"condition table, {task}": filled_by("table", *OF_TRIAL[task]) for task in TASKS},
    "trials.csv": filled_by("session", VERSION_COLUMN)
    + SESSION_COLUMNS
    + filled_by("response", *RESPONSE),
    **{f"trials.csv, {task}": filled_by("response", *OF_RESPONSE[task]) for task in TASKS},
    "ratings.csv": RATING_COLUMNS,
    "frames.csv": FRAME_COLUMNS,
    "notes.csv": NOTE_COLUMNS,
    "imported trials.csv, besides": IMPORT_COLUMNS,
}
"""What the data dictionary lists; what stands in every task's table stands there once."""
