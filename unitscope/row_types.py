"""Types of rows, by which mypy finds a misspelt column.

This file is made by ``python -m unitscope.dictionary`` from the one place that defines columns.
"""

from __future__ import annotations

from typing import TypedDict


class SessionCells(TypedDict):
    """What all rows of a run have in common."""

    participant: str
    session: int
    run: int
    observer_kind: str
    observer: str | None


class EveryTrialRow(TypedDict):
    """What the rows of every task's table have."""

    design: str
    design_sha256: str
    stimulus_set: str
    manifest_sha256: str
    task: str
    participant_number: int
    trial_number: int
    block_number: int
    block_name: str
    trial_in_block: int
    trial_role: str
    reference_condition: str
    group: str | None
    scheme: str | None
    practice_round: int | None
    repeat_of: str | None


class TrialRow(EveryTrialRow, total=False):
    """A row of a condition table, as its trial shows it, with the columns of its task only."""

    network: str
    layer: str
    branch: str | None
    channel: int
    unit_pool: str
    batch: int
    query_a: str
    query_b: str
    activation_a: float | None
    activation_b: float | None
    correct_choice: str
    reference_min_0: str | None
    reference_min_1: str | None
    reference_min_2: str | None
    reference_min_3: str | None
    reference_min_4: str | None
    reference_min_5: str | None
    reference_min_6: str | None
    reference_min_7: str | None
    reference_min_8: str | None
    reference_max_0: str | None
    reference_max_1: str | None
    reference_max_2: str | None
    reference_max_3: str | None
    reference_max_4: str | None
    reference_max_5: str | None
    reference_max_6: str | None
    reference_max_7: str | None
    reference_max_8: str | None
    base: str
    base_activation: float
    occluder_a_x_px: int
    occluder_a_y_px: int
    occluder_b_x_px: int
    occluder_b_y_px: int
    occluder_size_px: int
    relative_activation_difference: float | None
    depth: str
    matching: str
    n_rows: int
    n_images: int
    unit_0: str | None
    unit_1: str | None
    unit_2: str | None
    unit_3: str | None
    unit_4: str | None
    left_0_0: str | None
    left_0_1: str | None
    left_0_2: str | None
    left_0_3: str | None
    left_0_4: str | None
    left_1_0: str | None
    left_1_1: str | None
    left_1_2: str | None
    left_1_3: str | None
    left_1_4: str | None
    left_2_0: str | None
    left_2_1: str | None
    left_2_2: str | None
    left_2_3: str | None
    left_2_4: str | None
    left_3_0: str | None
    left_3_1: str | None
    left_3_2: str | None
    left_3_3: str | None
    left_3_4: str | None
    left_4_0: str | None
    left_4_1: str | None
    left_4_2: str | None
    left_4_3: str | None
    left_4_4: str | None
    right_0_0: str | None
    right_0_1: str | None
    right_0_2: str | None
    right_0_3: str | None
    right_0_4: str | None
    right_1_0: str | None
    right_1_1: str | None
    right_1_2: str | None
    right_1_3: str | None
    right_1_4: str | None
    right_2_0: str | None
    right_2_1: str | None
    right_2_2: str | None
    right_2_3: str | None
    right_2_4: str | None
    right_3_0: str | None
    right_3_1: str | None
    right_3_2: str | None
    right_3_3: str | None
    right_3_4: str | None
    right_4_0: str | None
    right_4_1: str | None
    right_4_2: str | None
    right_4_3: str | None
    right_4_4: str | None
    correct_slot_0: int | None
    correct_slot_1: int | None
    correct_slot_2: int | None
    correct_slot_3: int | None
    correct_slot_4: int | None


class AnswerCells(TypedDict, total=False):
    """The answer to a trial, with the columns of its task only."""

    response_key: str | None
    choice: str | None
    confidence: int | None
    confidence_s: float | None
    confidence_rt_s: float | None
    match_0: int | None
    match_1: int | None
    match_2: int | None
    match_3: int | None
    match_4: int | None
    match_0_s: float | None
    match_1_s: float | None
    match_2_s: float | None
    match_3_s: float | None
    match_4_s: float | None
    hits: int | None
    undos: int | None
    input: str | None


class TrialResponse(AnswerCells):
    """What a trial knows of its response."""

    trial_began_utc: str
    fixation_onset_s: float | None
    onset_s: float
    response_s: float | None
    rt_s: float | None
    correct: bool | None
    timed_out: bool
    early_presses: int
    paused_s: float
    exposures: int
    feedback_onset_s: float | None
    continue_onset_s: float | None
    trial_end_s: float


class HookMeasures(TypedDict, total=False):
    """What a device beside the screen measures in a trial."""

    photodiode: str
    trigger: str | None


class DisplayMeasures(TypedDict):
    """What whoever shows a trial measures, devices beside the screen together."""

    response_source: str
    frames: int
    dropped_frames: int
    largest_frame_interval_s: float | None
    photodiode: str
    trigger: str | None


class LogRow(SessionCells, TrialRow, TrialResponse, DisplayMeasures):
    """A row of ``trials.csv`` without the version of its columns."""

    repeated_trial: int | None


class LogText(TypedDict, total=False):
    """A row of ``trials.csv`` as text, of any task and version."""

    columns_version: str
    participant: str
    session: str
    run: str
    observer_kind: str
    observer: str
    design: str
    design_sha256: str
    stimulus_set: str
    manifest_sha256: str
    task: str
    participant_number: str
    trial_number: str
    block_number: str
    block_name: str
    trial_in_block: str
    trial_role: str
    reference_condition: str
    group: str
    scheme: str
    practice_round: str
    repeat_of: str
    network: str
    layer: str
    branch: str
    channel: str
    unit_pool: str
    batch: str
    query_a: str
    query_b: str
    activation_a: str
    activation_b: str
    correct_choice: str
    reference_min_0: str
    reference_min_1: str
    reference_min_2: str
    reference_min_3: str
    reference_min_4: str
    reference_min_5: str
    reference_min_6: str
    reference_min_7: str
    reference_min_8: str
    reference_max_0: str
    reference_max_1: str
    reference_max_2: str
    reference_max_3: str
    reference_max_4: str
    reference_max_5: str
    reference_max_6: str
    reference_max_7: str
    reference_max_8: str
    trial_began_utc: str
    fixation_onset_s: str
    onset_s: str
    response_s: str
    rt_s: str
    correct: str
    timed_out: str
    early_presses: str
    paused_s: str
    exposures: str
    feedback_onset_s: str
    continue_onset_s: str
    trial_end_s: str
    repeated_trial: str
    response_source: str
    frames: str
    dropped_frames: str
    largest_frame_interval_s: str
    photodiode: str
    trigger: str
    response_key: str
    choice: str
    confidence: str
    confidence_s: str
    confidence_rt_s: str
    base: str
    base_activation: str
    occluder_a_x_px: str
    occluder_a_y_px: str
    occluder_b_x_px: str
    occluder_b_y_px: str
    occluder_size_px: str
    relative_activation_difference: str
    depth: str
    matching: str
    n_rows: str
    n_images: str
    unit_0: str
    unit_1: str
    unit_2: str
    unit_3: str
    unit_4: str
    left_0_0: str
    left_0_1: str
    left_0_2: str
    left_0_3: str
    left_0_4: str
    left_1_0: str
    left_1_1: str
    left_1_2: str
    left_1_3: str
    left_1_4: str
    left_2_0: str
    left_2_1: str
    left_2_2: str
    left_2_3: str
    left_2_4: str
    left_3_0: str
    left_3_1: str
    left_3_2: str
    left_3_3: str
    left_3_4: str
    left_4_0: str
    left_4_1: str
    left_4_2: str
    left_4_3: str
    left_4_4: str
    right_0_0: str
    right_0_1: str
    right_0_2: str
    right_0_3: str
    right_0_4: str
    right_1_0: str
    right_1_1: str
    right_1_2: str
    right_1_3: str
    right_1_4: str
    right_2_0: str
    right_2_1: str
    right_2_2: str
    right_2_3: str
    right_2_4: str
    right_3_0: str
    right_3_1: str
    right_3_2: str
    right_3_3: str
    right_3_4: str
    right_4_0: str
    right_4_1: str
    right_4_2: str
    right_4_3: str
    right_4_4: str
    correct_slot_0: str
    correct_slot_1: str
    correct_slot_2: str
    correct_slot_3: str
    correct_slot_4: str
    match_0: str
    match_1: str
    match_2: str
    match_3: str
    match_4: str
    match_0_s: str
    match_1_s: str
    match_2_s: str
    match_3_s: str
    match_4_s: str
    hits: str
    undos: str
    input: str


class RatedImage(TypedDict):
    """An image that is to be rated."""

    moment: str
    rating_number: int
    network: str
    layer: str
    branch: str | None
    channel: int
    image: str


class RatingRow(RatedImage):
    """A row of ``ratings.csv`` without the version of its columns."""

    participant: str
    session: int
    run: int
    rating: int
    onset_s: float
    rt_s: float
    response_source: str


class Flip(TypedDict):
    """A frame that was shown."""

    frame: int
    flip_s: float
    interval_s: float | None
    phase: str


class FrameRow(Flip):
    """A row of ``frames.csv`` without the version of its columns."""

    run: int
    trial_number: int


class NoteRow(TypedDict):
    """A row of ``notes.csv`` without the version of its columns."""

    run: int | None
    noted_utc: str
    trial_number: int | None
    during: str | None
    note: str | None
