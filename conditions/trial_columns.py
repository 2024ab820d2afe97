"""Columns of condition tables: what a trial shows, by task."""

from __future__ import annotations

from conditions.column import UNIT_COLUMNS, Column
from conditions.vocabulary import (
    CHOICES,
    DEPTHS,
    MATCHINGS,
    POLES,
    REFERENCE_CONDITIONS,
    TASKS,
    TRIAL_ROLES,
)

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
        "Pictures that explain the unit in this trial.",
        levels=REFERENCE_CONDITIONS,
    ),
    Column("group", "str", "Group of the participant, where groups are compared.", blank=True),
    Column("scheme", "str", "Presentation scheme, which fixes the references shown.", blank=True),
    Column(
        "practice_round",
        "int",
        "Round of a practice that is repeated until all its trials are right, from 1.",
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
    Column("activation_a", "float", "The unit's activation for query a."),
    Column("activation_b", "float", "The unit's activation for query b."),
    Column("correct_choice", "str", "The query that drives the unit more.", levels=CHOICES),
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
        "Activation of the higher query minus that of the lower, as a share of the base's.",
    ),
)

FILLED_BY_SESSION = tuple(
    column.name for column in (*_QUERIES, *_OCCLUSION) if column.name != "branch"
)
"""Columns that a trial to be repeated has no value for before the session."""

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
