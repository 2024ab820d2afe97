"""Columns that a response adds to its trial, by task."""

from __future__ import annotations

from conditions.column import Column
from conditions.trial_columns import MAX_ROWS
from conditions.vocabulary import CHOICES, CONFIDENCES, INPUTS

RESPONSE = (
    Column("trial_began_utc", "str", "Wall-clock time at which the trial began, ISO 8601, UTC."),
    Column("fixation_onset_s", "float", "Flip that showed the fixation cross.", "s", blank=True),
    Column("onset_s", "float", "Flip that showed the images, on the session's clock.", "s"),
    Column("response_s", "float", "The response, on the same clock.", "s", blank=True),
    Column("rt_s", "float", "Reaction time: response minus onset.", "s", blank=True),
    Column("correct", "bool", "Whether the response was right, as a whole.", blank=True),
    Column("timed_out", "bool", "Whether the response limit passed without a response."),
    Column("early_presses", "int", "Response keys pressed before onset, which do not count."),
    Column("paused_s", "float", "Time spent in the pause screen before onset or response.", "s"),
    Column("feedback_onset_s", "float", "Flip that showed the feedback.", "s", blank=True),
    Column("trial_end_s", "float", "Time at which the trial ended.", "s"),
    Column("repeated_trial", "int", "Number of the trial that this one repeats.", blank=True),
    Column("response_source", "str", "What delivered the response, such as keyboard-ptb."),
    Column("frames", "int", "Frames drawn during the trial."),
    Column("dropped_frames", "int", "Frame intervals above 1.5 nominal ones."),
    Column("largest_frame_interval_s", "float", "Longest frame interval.", "s", blank=True),
    Column(
        "photodiode", "str", "Photodiode patch: off, or on with the queries.", levels=("off", "on")
    ),
    Column(
        "trigger", "str", "Triggers sent since the trial before: event=code, in order.", blank=True
    ),
)

_CHOICE = (
    Column("response_key", "str", "Key that gave the choice.", blank=True),
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
    Column("hits", "int", "Rows that were paired rightly.", blank=True),
    Column("undos", "int", "Pairings that were taken back.", blank=True),
    Column("input", "str", "What the participant paired with.", levels=INPUTS, blank=True),
)

OF_RESPONSE = {"two_afc": _CHOICE, "occlusion": _CHOICE, "exemplar_matching": _PAIRING}
