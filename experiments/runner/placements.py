"""Where everything stands in the trials of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from conditions.design.design import Design
from experiments.runner.exemplar_matching import place_matching
from experiments.runner.layout import Measures, Placement, Screen, fit
from experiments.runner.occlusion import place_occlusion
from experiments.runner.two_afc import place_two_afc
from unitscope.row_types import TrialRow
from unitscope.rows import references
from unitscope.vocabulary import POLES

Sort = tuple[Any, ...]
"""What tells apart trials whose parts stand elsewhere."""


def sort_of(row: TrialRow, design: Design) -> Sort:
    """Return which placement a trial has.

    A 2AFC trial without references is placed as those with the design's own.
    """
    if design.task == "occlusion":
        return ()
    if design.task == "exemplar_matching":
        return row["n_rows"], row["n_images"]
    shown = {pole: len(references(row, pole)) for pole in POLES}
    poles = tuple(pole for pole, number in shown.items() if number)
    if not poles:
        own = design.references
        return tuple(pole for pole in POLES if pole in own.poles), own.per_side
    return poles, sum(shown.values()) // len(poles)


def placements(
    rows: Iterable[TrialRow], design: Design, screen: Screen, *, shrink: bool = False
) -> dict[Sort, Placement]:
    """Place the parts of every sort of trial that a session has, all at one scale.

    Parameters
    ----------
    rows
        Rows of the condition table.
    design
        Its task, layout and way of answering.
    screen
        Where they are shown.
    shrink
        Whether to scale everything down where the screen is too small.

    Raises
    ------
    BadInput
        If the screen is too small and ``shrink`` is False, or parts overlap.
    """
    sorts = sorted({sort_of(row, design) for row in rows})
    two_step, self_paced = design.confidence == "two_step", design.durations.self_paced
    arrangements: list[Callable[[Measures], Placement]] = []
    for sort in sorts:
        if design.task == "occlusion":
            arrangements.append(partial(place_occlusion, two_step=two_step, self_paced=self_paced))
        elif design.task == "exemplar_matching":
            n_rows, n_images = sort
            arrangements.append(partial(place_matching, n_rows=n_rows, n_images=n_images))
        else:
            poles, per_side = sort
            arrangements.append(
                partial(
                    place_two_afc,
                    layout=design.layout,
                    poles=poles,
                    per_side=per_side,
                    numbered=design.input == "mouse",
                    two_step=two_step,
                    self_paced=self_paced,
                )
            )
    clicked = design.input != "keys"
    placed = fit(arrangements, design.layout, screen, shrink=shrink, clicked=clicked)
    return dict(zip(sorts, placed, strict=True))
