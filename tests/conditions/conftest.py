"""Stimulus sets for every shipped design, with a manifest but no images."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from conditions.design.design import Design
from conditions.design.reading import DESIGNS, read_design
from conditions.trials.table_maker import TableMaker
from tests.conftest import KINDS_OF_OCCLUSION, toy_units, write_stimulus_set
from unitscope.stimulus_set import StimulusSet
from unitscope.vocabulary import Unit

FURTHER = {
    "borowski2021_exp2": (2,),
    "zimmermann2021_occlusion": (4,),
    "zimmermann2021_occlusion_experts": (4,),
}
"""Numbers of further synthetic images, as the studies' stimulus settings have them."""


def units_for(design: Design) -> list[Unit]:
    """Return the units that a stimulus set for a design needs."""
    if design.units.table is not None:
        with (DESIGNS / design.units.table).open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [
            Unit("toy", row["layer"], row["branch"], int(row["channel"]))
            for row in rows
            if row["role"] != "instruction"
        ]
    number = sum(design.units.sample.values())
    if design.matching is None:
        return toy_units(number)
    return [
        Unit("toy", layers[i % len(layers)], "1x1", i)
        for layers in design.matching.depths.values()
        for i in range(number + 2)
    ]


@pytest.fixture(scope="session")
def maker_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], TableMaker]:
    """Return a function that gives the maker of a shipped design's tables."""
    makers: dict[str, TableMaker] = {}
    folder: Path = tmp_path_factory.mktemp("sets")

    def maker(name: str) -> TableMaker:
        if name not in makers:
            design = read_design(name)
            write_stimulus_set(
                folder / name,
                units=units_for(design),
                n_batches=20 if design.units.table else 5,
                n_synthetic=10 if design.units.table else 9,
                n_pairs=20 if name == "borowski2021_exp2" else 0,
                further=FURTHER.get(name, ()),
                kinds=KINDS_OF_OCCLUSION
                if design.task == "occlusion"
                else ("natural", "synthetic"),
                with_files=False,
            )
            makers[name] = TableMaker(design, StimulusSet.open(folder / name))
        return makers[name]

    return maker


@pytest.fixture(scope="session")
def table_of(maker_of: Callable[[str], TableMaker]) -> Callable[[str, int], pd.DataFrame]:
    """Return a function that gives the table of a shipped design and a participant's number."""
    tables: dict[tuple[str, int], pd.DataFrame] = {}

    def table(name: str, participant: int) -> pd.DataFrame:
        if (name, participant) not in tables:
            tables[name, participant] = maker_of(name).table(participant)
        return tables[name, participant]

    return table
