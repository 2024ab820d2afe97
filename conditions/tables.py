"""Condition tables: which trials a participant gets, in which order, with which images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from conditions.blocks import Block
from conditions.columns import REFERENCE_COLUMN_NAMES, names, table_columns
from conditions.csv_files import read_by_task, write_csv
from conditions.design import Design, read_design
from conditions.errors import BadInput
from conditions.places import STIMULI, TABLES
from conditions.pools import pools_of
from conditions.randomness import generator
from conditions.stimulus_set import StimulusSet, sha256_of
from conditions.vocabulary import Unit


def participant_id(number: int) -> str:
    """Return the id of a numbered participant: ``p001``."""
    return f"p{number:03d}"


def parse_participants(text: str) -> list[int]:
    """Read participant numbers such as ``1-20`` or ``1,3,7-9``.

    Raises
    ------
    BadInput
        If the text is anything else or a number is below 1.
    """
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise BadInput(f"participants {text!r}: found {part!r}, expected such as 1-20 or 1,3,5")
        numbers.extend(range(int(first), int(last or first) + 1))
    if not numbers or min(numbers) < 1:
        raise BadInput(f"participants {text!r}: expected numbers from 1 on, rising")
    return sorted(set(numbers))


def make_table(design: Design, stimuli: StimulusSet, participant: int) -> pd.DataFrame:
    """Make the trials of one participant.

    Parameters
    ----------
    design
        What to show, in which order.
    stimuli
        Holds the images of every unit and batch that the design needs.
    participant
        Number from 1; fixes order, batches and sides.

    Returns
    -------
    pandas.DataFrame
        One row per trial, in order, with the columns of the design's task.

    Raises
    ------
    BadInput
        If the set lacks units or images (naming them) or the participant's number exceeds what the
        design can counterbalance.
    """
    if not 1 <= participant <= design.participants:
        raise BadInput(
            f"{design.path}: participant {participant} cannot be counterbalanced, "
            f"expected 1 to {design.participants}"
        )
    planned = list(_planned_trials(design, stimuli, participant))
    sides = _balanced_sides(design, participant, [trial.block_number for trial in planned])
    rows = [
        _row(design, stimuli, participant, number, trial, side)
        for number, (trial, side) in enumerate(zip(planned, sides, strict=True), start=1)
    ]
    return pd.DataFrame(rows, columns=names(table_columns(design.task)))


@dataclass(frozen=True)
class _Trial:
    block_number: int
    block_name: str
    trial_in_block: int
    role: str
    condition: str
    unit: Unit
    pool: str
    batch: int


def _planned_trials(design: Design, stimuli: StimulusSet, participant: int) -> Iterator[_Trial]:
    pools = pools_of(design, stimuli)
    streams: dict[tuple[str, ...], Iterator[Unit]] = {}

    def next_unit(block: Block, pool: str, *stream: str) -> Unit:
        """Go on with the shuffled units of a pool, each once a stream."""
        if pool not in pools:
            raise BadInput(f"{design.path}: units have no pool {pool!r}, found {', '.join(pools)}")
        if stream not in streams:
            rng = generator(design, participant, *stream)
            streams[stream] = iter([pools[pool][i] for i in rng.permutation(len(pools[pool]))])
        try:
            return next(streams[stream])
        except StopIteration:
            raise BadInput(
                f"{design.path}: pool {pool!r} has {len(pools[pool])} units, too few for the "
                f"{stream[0]} trials that use it with condition {block.condition!r}"
            ) from None

    for block_number, name in enumerate(design.order(participant), start=1):
        block = design.blocks[name]
        batches = design.batches
        if block.role == "practice":
            # One stream for all conditions: practice shows each unit once.
            role, batch = "practice", int(batches.practice)
            stream: tuple[str, ...] = ("practice", block.pool)
        else:
            role, batch = "main", batches.main(block.condition, participant)
            stream = ("main", block.pool, block.condition)
        content = [
            (role, next_unit(block, block.pool, *stream), block.pool, batch)
            for _ in range(block.trials)
        ]
        content += [
            (
                "catch",
                next_unit(block, block.catch_pool, "catch", block.catch_pool),
                block.catch_pool,
                int(batches.catch),
            )
            for _ in range(block.catch)
        ]
        order = generator(design, participant, "order", block_number).permutation(len(content))
        for place, i in enumerate(order, start=1):
            trial_role, unit, pool, trial_batch = content[i]
            yield _Trial(
                block_number, name, place, trial_role, block.condition, unit, pool, trial_batch
            )


def _balanced_sides(design: Design, participant: int, blocks: list[int]) -> list[str]:
    """Put the right answer at each side equally often within each block, give or take one."""
    sides: list[str] = []
    for block in sorted(set(blocks)):
        number = blocks.count(block)
        rng = generator(design, participant, "sides", block)
        half = ["a", "b"] * (number // 2) + [("a", "b")[rng.integers(2)]] * (number % 2)
        sides += [half[i] for i in rng.permutation(number)]
    return sides


def _row(
    design: Design, stimuli: StimulusSet, participant: int, number: int, trial: _Trial, side: str
) -> dict[str, Any]:
    references = _references(design, stimuli, trial)
    if trial.role == "catch":
        low, high = _catch_queries(design, participant, references, number)
    else:
        low, high = _query_pair(design, stimuli, trial)
    a, b = (high, low) if side == "a" else (low, high)
    row: dict[str, Any] = {
        "design": design.name,
        "design_sha256": design.sha256,
        "stimulus_set": stimuli.name,
        "manifest_sha256": stimuli.manifest_sha256,
        "task": design.task,
        "participant_number": participant,
        "trial_number": number,
        "block_number": trial.block_number,
        "block_name": trial.block_name,
        "trial_in_block": trial.trial_in_block,
        "trial_role": trial.role,
        "reference_condition": trial.condition,
        "network": trial.unit.network,
        "layer": trial.unit.layer,
        "branch": trial.unit.branch or None,
        "channel": trial.unit.channel,
        "unit_pool": trial.pool,
        "batch": trial.batch,
        "query_a": a["path"],
        "query_b": b["path"],
        "activation_a": a["activation"],
        "activation_b": b["activation"],
        "correct_choice": side,
    }
    row.update(dict.fromkeys(REFERENCE_COLUMN_NAMES))
    for pole, images in references.items():
        row.update({f"reference_{pole}_{i}": image["path"] for i, image in enumerate(images)})
    return row


def _images(
    design: Design, stimuli: StimulusSet, trial: _Trial, kind: str, pole: str, at_least: int
) -> list[dict[str, Any]]:
    batch = trial.batch if kind == "natural" else None
    images: list[dict[str, Any]] = stimuli.images(trial.unit, kind, pole, batch).to_dict("records")
    if len(images) < at_least:
        where = "" if batch is None else f" in batch {batch}"
        raise BadInput(
            f"{stimuli.folder}: unit {trial.unit.name} has {len(images)} {kind} {pole} images"
            f"{where}, but design {design.name!r} needs {at_least}"
        )
    return images


def _query_pair(
    design: Design, stimuli: StimulusSet, trial: _Trial
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take the lowest of the min images and the highest of the max images of the batch."""
    shown = 0 if trial.condition != "natural" else design.references.per_side
    low, high = (
        _images(design, stimuli, trial, "natural", pole, 1 + shown) for pole in ("min", "max")
    )
    if not low[0]["activation"] < high[-1]["activation"]:
        raise BadInput(
            f"{stimuli.folder}: unit {trial.unit.name}, batch {trial.batch}: the min query's "
            f"activation {low[0]['activation']:g} is not below the max query's "
            f"{high[-1]['activation']:g}"
        )
    return low[0], high[-1]


def _references(
    design: Design, stimuli: StimulusSet, trial: _Trial
) -> dict[str, list[dict[str, Any]]]:
    """Take the references of each pole, activation rising, without the queries' ranks."""
    if trial.condition == "none":
        return {}
    number = design.references.per_side
    references: dict[str, list[dict[str, Any]]] = {}
    for pole in design.references.poles:
        if trial.condition == "natural":
            images = _images(design, stimuli, trial, "natural", pole, number + 1)
            references[pole] = images[1 : number + 1] if pole == "min" else images[-number - 1 : -1]
        else:
            images = _images(design, stimuli, trial, "synthetic", pole, number)
            references[pole] = images[:number] if pole == "min" else images[-number:]
    return references


def _catch_queries(
    design: Design, participant: int, references: dict[str, list[dict[str, Any]]], number: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Repeat one of the shown references of each pole."""
    if set(references) != {"min", "max"}:
        raise BadInput(f"{design.path}: catch trials need references of both poles")
    rng = generator(design, participant, "catch", number)
    low, high = (references[pole][rng.integers(len(references[pole]))] for pole in ("min", "max"))
    return low, high


def table_path(design: Design, participant: int, tables: Path = TABLES) -> Path:
    """Return where a participant's condition table lies."""
    return tables / design.name / f"{participant_id(participant)}.csv"


def write_tables(
    design: str | Path,
    stimuli: Path | str | None,
    participants: Sequence[int],
    out: Path | None = None,
) -> list[Path]:
    """Write the condition tables of participants: ``<out>/<design>/p001.csv``.

    Parameters
    ----------
    design
        Name or path of the design.
    stimuli
        Folder of the stimulus set; None for the design's usual one.
    participants
        Numbers from 1.
    out
        Folder of all designs' tables; ``conditions/tables`` if None.

    Returns
    -------
    list of pathlib.Path
        The tables, whether written now or found there with the same content.

    Raises
    ------
    BadInput
        If a table with other content is already there; nothing is overwritten and nothing written.
    """
    read = read_design(design)
    opened = StimulusSet.open(stimuli or STIMULI / read.stimulus_set)
    made = {
        table_path(read, number, out or TABLES): make_table(read, opened, number)
        for number in participants
    }
    for path, table in made.items():
        if path.exists() and not _as_text(read_table(path)) == _as_text(table):
            raise BadInput(
                f"{path}: a table with other content is there already (another stimulus set or "
                "version of the design); move it away first, tables are never overwritten"
            )
    for path, table in made.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            write_csv(table, partial, table_columns(read.task))
            partial.replace(path)
    return list(made)


def _as_text(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False))


def read_table(path: Path | str) -> pd.DataFrame:
    """Read a condition table, checking every cell and that its trials are numbered in order."""
    table = read_by_task(path, table_columns)
    if table.empty:
        raise BadInput(f"{path}: the table has no trials")
    misplaced = np.flatnonzero(table["trial_number"].to_numpy() != np.arange(1, len(table) + 1))
    if len(misplaced):
        line = int(misplaced[0]) + 2
        raise BadInput(
            f"{path}, line {line}, column 'trial_number': "
            f"found {table['trial_number'].iloc[line - 2]}, expected {line - 1}"
        )
    return table


def check_table(table: pd.DataFrame, path: Path, design: Design, stimuli: StimulusSet) -> None:
    """Check that a table belongs to a design and a stimulus set whose images are all unchanged.

    Raises
    ------
    BadInput
        Naming the first thing that does not fit.
    """
    for column, expected, what in (
        ("design", design.name, "design"),
        ("design_sha256", design.sha256, "version of the design"),
        ("stimulus_set", stimuli.name, "stimulus set"),
        ("manifest_sha256", stimuli.manifest_sha256, "version of the stimulus set"),
    ):
        found = sorted(set(table[column]) - {expected})
        if found:
            raise BadInput(
                f"{path}: made for another {what} ({column} is {found[0]}, expected {expected}); "
                "make it again with: python -m conditions make"
            )
    known = dict(zip(stimuli.manifest["path"], stimuli.manifest["sha256"], strict=True))
    for name in images_of(table):
        if name not in known:
            raise BadInput(f"{path}: image {name!r} is not in {stimuli.folder / 'manifest.csv'}")
        file = stimuli.file(name)
        if not file.is_file():
            raise BadInput(f"{file}: the image is missing, though {path} needs it")
        if sha256_of(file) != known[name]:
            raise BadInput(f"{file}: the image has changed since the stimulus set was built")


def images_of(table: pd.DataFrame) -> list[str]:
    """Return every image that a table shows, each once, sorted."""
    columns = ["query_a", "query_b", *REFERENCE_COLUMN_NAMES]
    return sorted({str(name) for column in columns for name in table[column].dropna()})
