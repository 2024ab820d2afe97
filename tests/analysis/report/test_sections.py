"""One list of sections makes page, files and numbers: what is drawn is shown, and the other way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.logs.load import load_log
from analysis.planning.analysis_settings import Settings
from analysis.report.analyse import analyse
from analysis.report.report import write_report
from analysis.report.section import (
    Drawing,
    Number,
    Section,
    Sentence,
    ShownColumn,
    Table,
    TableView,
    signed,
)
from analysis.report.sections import SECTIONS, sections_of
from unitscope.vocabulary import TASKS

QUICK = Settings(n_bootstrap=20)


def planted_table(study) -> dict[str, pd.DataFrame]:
    def counts(trials: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame([{"what": "trials", "number": len(trials), "reason": ""}])

    return {"planted": study.per_group(study.kept, counts)}


def planted_figure(_) -> Figure:
    figure = Figure()
    figure.subplots().plot([0, 1])
    return figure


PLANTED = Section(
    "planted",
    "A planted section",
    planted_table,
    numbers=(Number("planted", "planted.{what}", "number", "a planted number"),),
    drawings=(Drawing("planted", "A planted figure", "Its caption.", planted_figure),),
    views=(TableView("planted", "A planted table", (ShownColumn("N", "number", "count"),)),),
    note="A planted sentence.",
)


def test_a_table_without_values_is_a_sentence(demo_study: Path) -> None:
    results = analyse(load_log(demo_study), QUICK)
    column = ShownColumn("Value", "value", "number", interval=True)
    view = TableView("planted", "Its caption", (ShownColumn("Of", "of"), column))
    section = Section("planted", "Planted", views=(view,), note="A note.")
    group = results.groups[0].key
    why = "not computable because of this"
    rows = pd.DataFrame([{"group": group, "of": "a", "low": np.nan, "high": np.nan}])
    for value, kinds in ((np.nan, [Sentence]), (1.0, [Table, Sentence, Sentence])):
        table = rows.assign(value=value, reason=why)
        shown = section.shown(replace(results, tables={"planted": table}))
        assert [type(block) for block in shown] == kinds
        assert any(isinstance(b, Sentence) and b.text.endswith(f"{why}.") for b in shown)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a section to the list, and to nothing else."""
    own = (PLANTED, *SECTIONS)

    def few(task: str) -> tuple[Section, ...]:
        """Return the others without their figures, which take time."""
        return (PLANTED, *(replace(section, drawings=()) for section in sections_of(task)))

    for module in ("analysis.report.analyse", "analysis.report.report"):
        monkeypatch.setattr(f"{module}.sections_of", few)
    numbers = tuple(number for section in own for number in section.numbers)
    monkeypatch.setattr("analysis.report.analyse.NUMBERS", numbers)


def test_a_section_in_the_list_is_everywhere(planted, demo_study: Path, tmp_path: Path) -> None:
    folder = write_report(demo_study, tmp_path / "report", QUICK).folder
    page = (folder / "report.html").read_text(encoding="utf-8")
    for text in (
        "A planted section",
        "A planted table",
        "A planted figure.",
        "A planted sentence.",
    ):
        assert text in page
    assert (folder / "tables" / "planted.csv").is_file()
    assert (folder / "figures" / "planted.svg").is_file()
    assert '<figure id="figure-planted">' in page
    numbers = json.loads((folder / "results.json").read_text(encoding="utf-8"))["numbers"]
    assert numbers["simulated_graded.planted.trials"]["value"] > 0


@pytest.mark.parametrize("task", TASKS)
def test_what_is_drawn_is_shown_and_the_other_way(
    task: str, simulated: Callable[[str], Path], demo_study: Path, tmp_path: Path
) -> None:
    data = demo_study if task == "two_afc" else simulated(task)
    folder = write_report(data, tmp_path / "report", QUICK).folder
    page = (folder / "report.html").read_text(encoding="utf-8")
    shown = re.findall(r'<figure id="figure-(\w+)">', page)
    drawn = {path.stem for path in (folder / "figures").iterdir()}
    assert set(shown) == drawn != set()
    assert len(shown) == len(set(shown))
    of_task = {drawing.name for section in sections_of(task) for drawing in section.drawings}
    assert drawn <= of_task


def test_names_are_unique() -> None:
    names = [section.name for section in SECTIONS]
    assert len(set(names)) == len(names)
    drawings = [drawing.name for section in SECTIONS for drawing in section.drawings]
    assert len(set(drawings)) == len(drawings)


def test_an_empty_section_is_not_on_the_page(demo_study: Path, tmp_path: Path) -> None:
    page = write_report(demo_study, tmp_path / "report", QUICK).page.read_text(encoding="utf-8")
    shown = re.findall(r'<h2 id="(\w+)">', page)
    assert "preregistration" not in shown
    assert shown == [section.name for section in SECTIONS if section.name in shown]


def test_a_zero_has_no_sign() -> None:
    written = [signed(value) for value in (0.004, -0.004, 0.0, 0.1, -0.1)]
    assert written == ["0.00", "0.00", "0.00", "+0.10", "−0.10"]
