"""Figures of conditions that are no reference images of ours: told apart, named, and all there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis.figure_style import styled
from analysis.logs.load import load_log
from analysis.planning.analysis_settings import Settings
from analysis.report.analyse import analyse
from analysis.report.phrasing import headline
from analysis.report.sections import sections_of
from analysis.report.study import Results
from tests.conftest import some

LEVELS = ("natural", "noise_10", "noise_2", "edges", "silhouettes", "sketches", "stylised", "grey")


def results_of(study: Path, conditions: tuple[str, ...]) -> Results:
    """Return the results of a study whose trials have these conditions in turn."""
    log = load_log(study)
    named = [conditions[row % len(conditions)] for row in range(len(log.trials))]
    trials = log.trials.assign(reference_condition=named)
    settings = Settings(n_bootstrap=20, models=False)
    return analyse(replace(log, trials=trials), settings)


def drawn(results: Results) -> dict[str, Figure]:
    """Return every figure that the report of a study has, laid out."""
    figures = {}
    with styled("test"):
        for section in sections_of(results.task):
            for drawing in section.drawings:
                figure = drawing.draw(results)
                if figure is not None:
                    figure.draw_without_rendering()
                    figures[drawing.name] = figure
    return figures


def test_each_has_one_colour_and_shape_in_all_figures(demo_study: Path) -> None:
    conditions = ("edges", "silhouettes", "sketches")
    results = results_of(demo_study, conditions)
    figures = drawn(results)
    legends = {name: figure.legends for name, figure in figures.items() if figure.legends}
    shown = {}
    for name, (legend,) in legends.items():
        texts = [text.get_text() for text in legend.get_texts()]
        if not {*conditions} <= {*texts}:
            continue
        for text, line in zip(texts, legend.legend_handles, strict=True):
            if text in conditions:
                shown[name, text] = (to_hex(line.get_color()).upper(), line.get_marker())
    assert {"calibration", "accuracy_by_unit"} <= {name for name, _ in shown}
    for (_, condition), look in some(shown.items()):
        mark = results.marks[condition]
        assert look == (mark.colour.upper(), mark.marker)
    axis = figures["accuracy"].axes[0]
    dots = {to_hex(c.get_facecolor()[0]).upper() for c in axis.collections}
    assert dots == {mark.colour.upper() for mark in results.marks.values()}


@pytest.mark.parametrize("conditions", [LEVELS, LEVELS[:3]])
def test_legends_and_names_have_room(conditions: tuple[str, ...], demo_study: Path) -> None:
    figures = drawn(results_of(demo_study, conditions))
    for name, figure in some(figures.items()):
        for legend in figure.legends:
            box = legend.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= figure.bbox.width, name
    axis = figures["accuracy"].axes[0]
    rotations = {text.get_rotation() for text in axis.get_xticklabels()}
    assert rotations == ({0} if len(conditions) == 3 else {35})


def test_sentences_name_references_only_where_they_are(demo_study: Path) -> None:
    results = results_of(demo_study, ("natural", "none", "edges"))
    told = " ".join(headline(results, results.groups[0]))
    assert "Natural rather than no references:" in told
    assert "Natural references rather than condition edges:" in told
    assert "No references rather than condition edges:" in told
