"""Every column of every table, defined once."""

from __future__ import annotations

from dataclasses import dataclass

from conditions.vocabulary import (
    CHOICES,
    CONFIDENCES,
    KINDS,
    OBSERVER_KINDS,
    POLES,
    REFERENCE_CONDITIONS,
    TASKS,
    TRIAL_ROLES,
)

MAX_REFERENCES = 9
"""References a side that a condition table has room for."""


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
    """

    name: str
    type: str
    description: str
    unit: str = ""
    levels: tuple[str | int, ...] = ()
    blank: bool = False
    source: str = "table"


def _columns(source: str, *rows: Column) -> tuple[Column, ...]:
    return tuple(
        Column(c.name, c.type, c.description, c.unit, c.levels, c.blank, source) for c in rows
    )


UNIT_COLUMNS = _columns(
    "stimgen",
    Column("network", "str", "Network that the unit belongs to."),
    Column("layer", "str", "Layer of the unit."),
    Column("branch", "str", "Branch of a mixed layer; blank where it has none.", blank=True),
    Column("channel", "int", "Channel of the unit, an index into the whole layer, from 0."),
)

MANIFEST_COLUMNS = _columns(
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

REFERENCE_COLUMN_NAMES = tuple(
    f"reference_{pole}_{place}" for pole in POLES for place in range(MAX_REFERENCES)
)

TABLE_COLUMNS = _columns(
    "table",
    Column("design", "str", "Name of the design."),
    Column("design_sha256", "str", "SHA-256 of the design file."),
    Column("stimulus_set", "str", "Name of the stimulus set."),
    Column("manifest_sha256", "str", "SHA-256 of the stimulus set's manifest."),
    Column("task", "str", "Task of the trial.", levels=TASKS),
    Column("participant_number", "int", "Number that fixes order and batches, from 1."),
    Column("trial_number", "int", "Place of the trial in the session, from 1."),
    Column("block_number", "int", "Place of the block in the session, from 1."),
    Column("block_name", "str", "Name of the block in the design."),
    Column("trial_in_block", "int", "Place of the trial in its block, from 1."),
    Column("trial_role", "str", "What the trial is for.", levels=TRIAL_ROLES),
    Column(
        "reference_condition",
        "str",
        "Pictures that explain the unit in this trial.",
        levels=REFERENCE_CONDITIONS,
    ),
    *UNIT_COLUMNS,
    Column("unit_pool", "str", "Pool of the design that the unit was taken from."),
    Column("batch", "int", "Batch of natural images that the queries come from."),
    Column("query_a", "str", "Image of query a, relative to the stimulus set's folder."),
    Column("query_b", "str", "Image of query b, relative to the stimulus set's folder."),
    Column("activation_a", "float", "The unit's activation for query a."),
    Column("activation_b", "float", "The unit's activation for query b."),
    Column("correct_choice", "str", "The query that drives the unit more.", levels=CHOICES),
    *(
        Column(
            name,
            "str",
            f"Reference image, place {name.rsplit('_', 1)[1]} of the "
            f"{'least' if '_min_' in name else 'most'} activating ones.",
            blank=True,
        )
        for name in REFERENCE_COLUMN_NAMES
    ),
)

SESSION_COLUMNS = _columns(
    "session",
    Column("participant", "str", "Participant id; never a name."),
    Column("session", "int", "Session of the participant, from 1."),
    Column("run", "int", "Run of the session, from 1; each resume adds one."),
    Column("observer_kind", "str", "Who responded.", levels=OBSERVER_KINDS),
    Column(
        "observer", "str", "Which simulated or machine observer; blank for a person.", blank=True
    ),
)

RESPONSE_COLUMNS = _columns(
    "response",
    Column("trial_began_utc", "str", "Wall-clock time at which the trial began, ISO 8601, UTC."),
    Column("fixation_onset_s", "float", "Flip that showed the fixation cross.", "s", blank=True),
    Column("onset_s", "float", "Flip that showed the queries, on the session's clock.", "s"),
    Column("response_s", "float", "Key press, on the same clock.", "s", blank=True),
    Column("rt_s", "float", "Reaction time: key press minus onset.", "s", blank=True),
    Column("response_key", "str", "Key that was pressed.", blank=True),
    Column("choice", "str", "Chosen query.", levels=CHOICES, blank=True),
    Column("confidence", "int", "Confidence in the choice.", levels=CONFIDENCES, blank=True),
    Column("correct", "bool", "Whether the choice was right.", blank=True),
    Column("timed_out", "bool", "Whether the response limit passed without a response."),
    Column("early_presses", "int", "Response keys pressed before onset, which do not count."),
    Column("paused_s", "float", "Time spent in the pause screen before onset or response.", "s"),
    Column("feedback_onset_s", "float", "Flip that showed the feedback.", "s", blank=True),
    Column("trial_end_s", "float", "Time at which the trial ended.", "s"),
    Column("response_source", "str", "What delivered the press, such as keyboard-ptb."),
    Column("frames", "int", "Frames drawn during the trial."),
    Column("dropped_frames", "int", "Frame intervals above 1.5 nominal ones."),
    Column("largest_frame_interval_s", "float", "Longest frame interval.", "s", blank=True),
    Column(
        "photodiode", "str", "Photodiode patch: off, or on with the queries.", levels=("off", "on")
    ),
)

LOG_COLUMNS = SESSION_COLUMNS + TABLE_COLUMNS + RESPONSE_COLUMNS
"""Columns of ``trials.csv``, in the order in which they are written."""

FRAME_COLUMNS = _columns(
    "session",
    Column("run", "int", "Run of the session."),
    Column("trial_number", "int", "Trial during which the frame was shown."),
    Column("frame", "int", "Frame within the trial, from 1."),
    Column("flip_s", "float", "Time of the flip, on the session's clock.", "s"),
    Column(
        "interval_s", "float", "Time since the flip before; blank for the first.", "s", blank=True
    ),
    Column("phase", "str", "Phase that the frame showed."),
)

TABLES = {
    "manifest.csv of a stimulus set": MANIFEST_COLUMNS,
    "condition table": TABLE_COLUMNS,
    "trials.csv": LOG_COLUMNS,
    "frames.csv": FRAME_COLUMNS,
}


def names(columns: tuple[Column, ...]) -> list[str]:
    """Return the names of columns, in order."""
    return [column.name for column in columns]
