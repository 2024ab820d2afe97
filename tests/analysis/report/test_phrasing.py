"""Sentences say what the numbers say, also where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.logs.load import load_log
from analysis.planning.analysis_settings import Settings
from analysis.report import phrasing
from analysis.report.analyse import analyse
from analysis.report.section import Table
from analysis.report.sections.condition_differences import DIFFERENCES
from analysis.report.sections.exemplar_matching import MATCHING
from analysis.report.sections.factor_tests import TESTS
from analysis.report.sections.methods_paragraph import methods
from analysis.statistics.evidence import jzs_bayes_factor
from conditions.design.reading import read_design
from tests.conftest import some


def plain(sentence: str) -> str:
    """Return a sentence with ordinary spaces."""
    return sentence.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0004, "< .001"),
        (0.00096, "< .001"),
        (0.0123, "= .012"),
        (0.0499, "= .0499"),
        (0.04996, "= .04996"),
        (0.05, "= .050"),
        (0.0504, "= .050"),
        (0.9994, "= .999"),
        (0.99951, "> .999"),
        (1.0, "= 1.000"),
        (np.nan, "–"),
    ],
)
def test_p_values(p: float, text: str) -> None:
    assert plain(phrasing.p_value(p)) == text


def test_p_values_tell_on_which_side_of_the_significance_they_are() -> None:
    assert plain(phrasing.p_value(0.0099996, 0.99)) == "= .0099996"
    assert phrasing.p_cell(0.0499, 0.99) == ".050"
    assert phrasing.p_cell(0.0499) == ".0499"


def test_a_p_just_below_the_significance_is_so_in_sentence_and_table(demo_study: Path) -> None:
    results = analyse(load_log(demo_study))
    table = results.tables["differences"]
    table["p_holm"] = 0.0499
    told = [plain(sentence) for sentence in phrasing.headline(results, results.groups[0])[1:]]
    assert all("p = .0499" in sentence and " – a difference" in sentence for sentence in some(told))
    results.tables["anova"]["p_corrected"] = 0.0499
    for section, column in ((DIFFERENCES, "p (Holm)"), (TESTS, "p")):
        table = next(block for block in section.shown(results) if isinstance(block, Table))
        place = [heading.text for heading in table.headings].index(column)
        assert {row[place].text for row in table.rows} == {".0499"}


@pytest.mark.parametrize(
    ("factor", "text"),
    [(2e4, "> 1000"), (123.4, "123"), (8.93, "8.9"), (0.31, "0.31"), (0.001, "< 0.01")],
)
def test_bayes_factors(factor: float, text: str) -> None:
    assert plain(phrasing.bayes_factor(factor)) == text


def test_points_have_signs() -> None:
    assert [phrasing.points(x) for x in (0.123, -0.05, 0.001, np.nan)] == ["+12", "−5", "0", "–"]


def test_headline_names_every_condition(demo_study: Path) -> None:
    results = analyse(load_log(demo_study))
    first, *rest = map(plain, phrasing.headline(results, results.groups[0]))
    assert first.startswith(
        "With natural references simulated participants (graded) were correct in"
    )
    assert "% of trials (95 % interval" in first and "without references in" in first
    assert len(rest) == 3
    assert any(sentence.startswith("Natural rather than no references: +") for sentence in rest)


def test_headline_of_one_session_says_why_there_is_no_interval(study: Any) -> None:
    study.write_session("p001", 1, kind="person", observer=None, catch_right=1.0)
    results = analyse(load_log(study.folder))
    sentences = phrasing.headline(results, results.groups[0])
    assert "people were correct in" in sentences[0]
    assert "not computable because" in sentences[0]
    assert "only one participant" in sentences[1]
    assert sentences[0].count("only one participant") <= 1


def test_headline_without_remaining_trials(study: Any) -> None:
    study.write_session("p001", 1, always="a")
    results = analyse(load_log(study.folder))
    assert phrasing.headline(results, results.groups[0]) == [
        "No main trial of simulated participants (graded) remains after the exclusions."
    ]


def test_methods_follow_the_design_and_the_settings(demo_study: Path) -> None:
    log = load_log(demo_study)
    text = " ".join(methods(read_design("demo_two_afc"), analyse(log)))
    assert "18 main trials about 6 units" in text
    assert "3 practice trials and 2 catch trials" in text
    assert "without a time limit" in text
    assert "Intervals (95 %) generalise to new participants and new units." in text
    paper = " ".join(methods(None, analyse(log, Settings(ci_unit="paper"))))
    assert "is not at hand" in paper and "2 SEM" in paper


def test_methods_say_how_many_sessions_were_online(study: Any) -> None:
    for number in (1, 2, 3):
        study.write_session(f"p00{number}", 1)
    for online, said in (
        ((), "3 in 3 sessions. "),
        ((1,), "3 in 3 sessions, 1 of them online. "),
        (
            (1, 2, 3),
            "3 in 3 sessions, all of them online. ",
        ),
    ):
        for number in online:
            path = study.folder / f"sub-p00{number}" / "ses-01" / "session.json"
            record = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(record | {"place": "online"}), encoding="utf-8")
        text = " ".join(methods(None, analyse(load_log(study.folder))))
        assert f"Who took part – simulated participants (graded): {said}" in text


def test_methods_speak_of_what_the_design_has(study: Any) -> None:
    study.write_session("p001", 1)
    results = analyse(load_log(study.folder))

    def course(name: str) -> str:
        return methods(read_design(name), results)[1]

    # Exemplar matching has no catch trials.
    replication = course("zimmermann2021_replication")
    assert "A session had 9 main trials, 5 practice trials and 3 catch trials (both" in replication
    assert "Correct answers were shown after practice, main and catch trials." in replication
    assert "(36 with natural references) and 3 practice trials. Trials" in course(
        "klein2023_exemplar"
    )
    assert (
        "showed 1, 3 or 5 natural images" in methods(read_design("klein2023_exemplar"), results)[0]
    )
    assert (
        course("borowski2021_exp2").count("Correct answers were shown after practice, main and")
        == 1
    )


def test_methods_count_every_kind_of_trial(study: Any) -> None:
    study.write_session("p001", 1)
    results = analyse(load_log(study.folder))

    def course(name: str) -> str:
        return methods(read_design(name), results)[1]

    # One of four blocks of 11 trials has a twelfth.
    first = course("borowski2021_exp1")
    assert "135 main trials (45 without references, 45 with synthetic" in first
    assert (
        "45 with natural references), 15 practice trials, 18 catch trials (both queries were ref"
        in first
    )
    assert "18 repeated trials of those with the least and the most confidence. Trials" in first
    assert "shown after practice, main, catch and repeated trials" in first
    # Catch trials of occlusion have units of their own, those of 2AFC the references as queries.
    experts = course("zimmermann2021_occlusion_experts")
    assert "15 catch trials (the answer was easy). Practice was repeated" in experts
    assert "Fixation" not in experts
    # Its practice is drawn from pools, and answered until all is correct.
    assert "4 practice trials and 15" in experts and "shown after practice trials." in experts
    # Some schemes show the references of one pole only.
    assert "catch trials (the query that activates the unit more was a ref" in course(
        "borowski2021_exp2"
    )


def test_a_condition_that_exclusions_empty_is_named(study: Any) -> None:
    study.write_session("p001", 1)
    log = load_log(study.folder)
    results = analyse(log, Settings(rules=()))
    fewer = replace(
        results,
        tables=results.tables
        | {"accuracy": results.tables["accuracy"].query("reference_condition != 'natural'")},
    )
    told = phrasing.headline(fewer, results.groups[0])[0]
    assert told.endswith("No trial with natural references remains after the exclusions.")
    assert "remains" not in phrasing.headline(results, results.groups[0])[0]


def test_a_figure_of_one_group_says_of_which(study: Any) -> None:
    study.write_session("p001", 1)
    drawing = next(one for one in MATCHING.drawings if one.name == "matching")
    alone = analyse(load_log(study.folder), Settings(rules=()))
    assert "Shown:" not in drawing.caption_of(alone)
    study.write_session("p002", 2, kind="person", observer=None)
    both = analyse(load_log(study.folder), Settings(rules=()))
    assert drawing.caption_of(both).endswith("Shown: people.")


def test_methods_say_what_sample_bayes_factors_take(
    study: Any, simulated: Callable[[str], Path]
) -> None:
    study.write_session("p001", 1)
    within = methods(None, analyse(load_log(study.folder), Settings(rules=())))[-1]
    assert within.endswith("and n the number of participants.")
    results = analyse(load_log(simulated("occlusion")), Settings(rules=(), n_bootstrap=20))
    told = methods(None, results)[-1]
    assert told.endswith("n the number of participants (of two groups, n1 n2 / (n1 + n2)).")
    row = next(r for r in results.tables["differences"].itertuples() if not r.reason)
    counts = results.tables["accuracy"].set_index("reference_condition")["n_participants"]
    first, second = counts[row.first], counts[row.second]
    expected = jzs_bayes_factor(row.t, row.df, size=first * second / (first + second))
    assert row.bayes_factor == pytest.approx(expected)
