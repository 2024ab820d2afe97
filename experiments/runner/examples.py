"""Images for the instructions that no trial shows: solved examples, and example units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from conditions.design.design import Design
from conditions.design.randomness import shuffle
from conditions.trials.unit_pools import pools_of
from experiments.runner.pages import Panel
from unitscope.errors import BadInput
from unitscope.row_types import TrialRow
from unitscope.rows import references, unit_names
from unitscope.stimulus_set import StimulusSet
from unitscope.texts import Texts
from unitscope.vocabulary import POLES, Unit

EXAMPLE_ROWS = 2
"""Rows of the example of exemplar matching."""


def example_panels(
    rows: Sequence[TrialRow], like: TrialRow, stimuli: StimulusSet, texts: Texts
) -> tuple[Panel, ...]:
    """Make an example of a trial with its correct answer marked.

    Its unit is one that no trial shows, else one of practice, else of catch trials; its batch of
    natural images is one that no trial of the unit shows.

    Parameters
    ----------
    rows
        The condition table.
    like
        The row whose kind of trial is shown.
    stimuli
        Where its images come from.
    texts
        Titles.

    Returns
    -------
    tuple of Panel
        From left to right; empty where the set has no images for it.
    """
    if like["task"] == "exemplar_matching":
        return _matching_panels(rows, like, stimuli)
    for unit, batch in _candidates(rows, stimuli):
        panels = _choice_panels(like, unit, batch, stimuli, texts)
        if panels:
            return panels
    return ()


def explanation_panels(
    design: Design, stimuli: StimulusSet, texts: Texts
) -> Iterator[tuple[Panel, ...]]:
    """Yield the images of each unit of a design's explanation: those of both poles and kinds.

    Raises
    ------
    BadInput
        If the pool has too few units.
    """
    wanted = design.explanation
    assert wanted is not None
    members = pools_of(design, stimuli)[wanted.pool]
    if len(members) < wanted.units:
        raise BadInput(
            f"{design.path}: pool {wanted.pool!r} has {len(members)} units, but explanation has "
            f"{wanted.units}"
        )
    for member in shuffle(design, members, "explanation")[: wanted.units]:
        panels = []
        for kind in ("natural", "synthetic"):
            for pole in POLES:
                batch = next(iter(stimuli.batches(member.unit)), None)
                paths = _paths(stimuli, member.unit, kind, pole, batch)
                shown = (paths if pole == "min" else paths[::-1])[: wanted.n_images]
                title = f"{getattr(texts, f'title_{kind}')}, {getattr(texts, f'title_{pole}')}"
                panels += [Panel(title, tuple(shown), _columns(shown))] if shown else []
        yield tuple(panels)


def _candidates(rows: Sequence[TrialRow], stimuli: StimulusSet) -> Iterator[tuple[Unit, int]]:
    """Yield units with a free batch: first unused ones, then those of practice, then of catch."""
    batches: dict[Unit, set[int]] = {}
    roles: dict[Unit, set[str]] = {}
    for row in rows:
        if row["channel"] is not None:
            unit = Unit(row["network"], row["layer"], row["branch"] or "", row["channel"])
            batches.setdefault(unit, set()).add(row["batch"])
            roles.setdefault(unit, set()).add(row["trial_role"])
    sorts: dict[int, list[Unit]] = {0: [], 1: [], 2: []}
    for unit in stimuli.units:
        own = roles.get(unit, set())
        if not own & {"main", "repeat"}:
            sorts[0 if not own else 2 if "catch" in own else 1].append(unit)
    for unit in [*sorts[0], *sorts[1], *sorts[2]]:
        free = [b for b in stimuli.batches(unit) if b not in batches.get(unit, set())]
        yield from ((unit, batch) for batch in free[-1:])


def _choice_panels(
    like: TrialRow, unit: Unit, batch: int, stimuli: StimulusSet, texts: Texts
) -> tuple[Panel, ...]:
    occlusion = like["task"] == "occlusion"
    kind = "occluded" if occlusion else "natural"
    low, high = (_paths(stimuli, unit, kind, pole, batch) for pole in POLES)
    if not low or not high:
        return ()
    kinds = dict(zip(stimuli.manifest["path"], stimuli.manifest["kind"], strict=True))
    sides = {}
    for pole in POLES:
        shown = references(like, pole)
        wanted = [str(kinds[name]) for name in shown]
        found = _references(unit, batch, pole, wanted, stimuli)
        if len(found) < len(wanted):
            return ()
        if wanted:
            sides[pole] = Panel(getattr(texts, f"title_{pole}"), tuple(found), _columns(found))
    queries = (high[-1], low[0])
    if occlusion:
        base = _paths(stimuli, unit, "base", "max", batch)
        middle = [Panel(texts.title_base, (base[0],), 1)] if base else []
        pair = Panel(texts.example_queries, queries, 2, correct=0)
        return (*sides.values(), *middle, pair)
    pair = Panel(texts.example_queries, queries, 1, correct=0)
    parts = (sides.get("min"), pair, sides.get("max"))
    return tuple(part for part in parts if part is not None)


def _references(
    unit: Unit, batch: int, pole: str, wanted: list[str], stimuli: StimulusSet
) -> list[str]:
    """Take as many images of each kind as wanted, without the most extreme natural ones."""
    found: list[str] = []
    for kind in dict.fromkeys(wanted):
        names = _paths(stimuli, unit, kind, pole, batch)
        if kind == "natural":
            names = names[1:] if pole == "min" else names[:-1]
        number = wanted.count(kind)
        found += names[:number] if pole == "min" else names[-number:]
    return found


def _columns(images: Sequence[str]) -> int:
    return next(columns for columns in (1, 2, 3) if columns**2 >= min(9, len(images)))


def _matching_panels(
    rows: Sequence[TrialRow], like: TrialRow, stimuli: StimulusSet
) -> tuple[Panel, ...]:
    """Put rows together, with as many images as the set allows."""
    in_main = {unit for row in rows if row["trial_role"] == "main" for unit in unit_names(row)}
    fresh = [unit for unit in stimuli.units if unit.name not in in_main]
    for number in sorted({row["n_images"] for row in rows}, reverse=True):
        halves: list[tuple[list[str], list[str]]] = []
        for unit in fresh:
            natural = _natural_images(unit, stimuli)
            other = natural[number:]
            if like["matching"] != "exemplar":
                other = _paths(stimuli, unit, "synthetic", "max")[::-1]
            if len(natural) >= number and len(other) >= number:
                halves.append((natural[:number], other[:number]))
        if len(halves) >= EXAMPLE_ROWS:
            sides = zip(*halves[:EXAMPLE_ROWS], strict=True)
            return tuple(Panel("", tuple(chain(*side)), number) for side in sides)
    return ()


def _natural_images(unit: Unit, stimuli: StimulusSet) -> list[str]:
    """Return the most activating natural images of a unit, the strongest first."""
    return [stimulus.path for stimulus in reversed(stimuli.most_activating(unit, "natural"))]


def _paths(
    stimuli: StimulusSet, unit: Unit, kind: str, pole: str, batch: int | None = None
) -> list[str]:
    return [stimulus.path for stimulus in stimuli.ranked(unit, kind, pole, batch)]
