"""A report is whole, self-contained, the same each time, and never overwrites what is not ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from analysis import figure_style as style
from analysis.planning.analysis_settings import Settings
from analysis.report.analyse import NUMBER_NAMES
from analysis.report.report import write_report
from conditions.design.reading import find_design
from tests.conftest import some
from unitscope.errors import BadInput

QUICK = Settings(n_bootstrap=40)


class Reader(HTMLParser):
    """Gathers what a page loads, its ids and unclosed tags."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "path", "use", "rect", "circle"})

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        if "id" in values:
            self.ids.append(str(values["id"]))
        for name in ("src", "href"):
            if name in values and not str(values[name]).startswith(("#", "data:")):
                self.loaded.append(str(values[name]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture
def undrawn(draw_only: Callable[..., None]) -> None:
    """Draw one figure alone; they take most of the time."""
    draw_only("accuracy")


@pytest.fixture(scope="module")
def report(demo_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the demo study."""
    return write_report(demo_study, tmp_path_factory.mktemp("reports") / "demo", QUICK).folder


@pytest.mark.parametrize("name", ["report.html", "quality.html"])
def test_the_page_loads_nothing_and_is_well_formed(name: str, report: Path) -> None:
    page = (report / name).read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(page)
    assert reader.loaded == []
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert not re.search(r"url\((?!#|'?data:)|@import|<script", page)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', page))
    assert used <= set(reader.ids)
    assert not re.search(r"\bnan\b|<NA>|\bNone\b", page)


def test_the_page_separates_kinds_of_observers(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    assert page.index("Simulated participants (graded)") < page.index("Machine observers (simil")
    assert "No person took part" in page
    assert "unfinished after 11 of 23 trials" in page
    assert "Sessions that are excluded" in page
    assert page.count("<figure") == 9


def test_every_number_has_a_documented_name(report: Path) -> None:
    text = (report / "results.json").read_text(encoding="utf-8")
    found = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in results.json"))
    patterns = [
        re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(pattern))) for pattern in NUMBER_NAMES
    ]
    assert found["names"] == NUMBER_NAMES
    for name, entry in found["numbers"].items():
        assert any(pattern.fullmatch(name) for pattern in patterns), name
        assert entry["value"] is not None or entry["reason"]
    accuracy = found["numbers"]["simulated_graded.accuracy.natural"]
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert accuracy["n_units"] == 6 and accuracy["reason"] is None
    difference = found["numbers"]["simulated_graded.difference.natural-none"]
    assert {"p_holm", "p_equivalence", "bayes_factor", "df"} <= set(difference)
    assert found["numbers"]["sessions.unfinished"]["value"] == 1


def test_a_quick_look_has_all_but_the_mixed_models(
    demo_study: Path, report: Path, tmp_path: Path, undrawn: None
) -> None:
    quick = write_report(demo_study, tmp_path / "quick", replace(QUICK, models=False)).folder
    page = (quick / "report.html").read_text(encoding="utf-8")
    assert "Not fitted: this report was written with --no-models." in page
    whole, few = (
        set(json.loads((folder / "results.json").read_text(encoding="utf-8"))["numbers"])
        for folder in (report, quick)
    )
    assert few < whole
    assert all(".mixed." in name for name in some(whole - few))


def test_tables_and_figures_lie_beside_the_page(report: Path) -> None:
    accuracy = pd.read_csv(report / "tables" / "accuracy.csv")
    assert list(accuracy["group"].unique()) == ["simulated_graded", "machine_similarity"]
    names = {"accuracy", "differences", "accuracy_by_unit", "reaction_times", "confidence"}
    for name in names | {"calibration", "frames"}:
        for ending in ("svg", "pdf", "png"):
            assert (report / "figures" / f"{name}.{ending}").stat().st_size > 1000


def test_the_same_log_gives_the_same_bytes(report: Path, demo_study: Path, tmp_path: Path) -> None:
    again = write_report(demo_study, tmp_path / "demo", QUICK).folder
    files = sorted(path.relative_to(report) for path in report.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    for file in files:
        assert (report / file).read_bytes() == (again / file).read_bytes(), file


@pytest.mark.usefixtures("undrawn")
def test_an_earlier_report_is_replaced_and_other_folders_are_not(
    study: Any, tmp_path: Path
) -> None:
    study.write_session("p001", 1, kind="person", observer=None)
    out = tmp_path / "reports" / "one"
    write_report(study.folder, out, Settings(ci_unit="paper"))
    page = write_report(study.folder, out).page.read_text(encoding="utf-8")
    assert "not computable because there is only one participant" in page
    assert "No person took part" not in page
    assert [path.name for path in out.parent.iterdir()] == ["one"]

    other = tmp_path / "precious"
    other.mkdir()
    (other / "results.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadInput, match="left alone"):
        write_report(study.folder, other)
    assert [path.name for path in other.iterdir()] == ["results.json"]


def test_a_failed_report_leaves_nothing(
    study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.write_session("p001", 1)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("analysis.report.report.save", fail)
    with pytest.raises(KeyboardInterrupt):
        write_report(study.folder, tmp_path / "reports" / "demo")
    assert not (tmp_path / "reports").exists()


@pytest.mark.usefixtures("undrawn")
def test_a_report_without_a_remaining_session_is_still_written(study: Any, tmp_path: Path) -> None:
    study.write_session("p001", 1, always="a", trials=9)
    page = write_report(study.folder, tmp_path / "out").page.read_text(encoding="utf-8")
    assert "remains after the exclusions" in page


def test_every_kind_of_observer_has_its_place(study: Any, tmp_path: Path) -> None:
    """Also one of which nothing remains, and one that is too few for intervals."""
    for i in (1, 2, 3):
        study.write_session(f"p00{i}", i, kind="person", observer=None, catch_right=1.0)
        study.write_session(f"m00{i}", i, kind="machine", observer="similarity")
    study.write_session("x001", 1, observer="chance", always="a")
    study.write_session("b001", 4, kind="baseline", observer="variance")
    page = write_report(study.folder, tmp_path / "out", QUICK).page.read_text(encoding="utf-8")
    titles = ["People", "Simulated participants (chance)", "Machine observers", "Baselines (var"]
    places = [page.index(f"<caption>{title}") for title in titles]
    assert places == sorted(places)
    assert "No main trial of simulated participants (chance) remains" in page
    assert "Without an interval: not computable because there is only one participant." in page


@pytest.mark.usefixtures("undrawn")
def test_what_a_log_or_a_design_holds_is_never_markup(study: Any, tmp_path: Path) -> None:
    hostile = "\">--><img src=x><script>f()</script>'&lt;"
    for i in (1, 2, 3):
        kept = {} if i < 3 else {"always": "a"}
        folder = study.write_session(f"p00{i}", i, observer=hostile, **kept)
        path = folder / "trials.csv"
        quoted = '"' + hostile.replace('"', '""') + '"'
        text = path.read_text(encoding="utf-8").replace(",mixed4a,", f",{quoted},")
        path.write_text(text, encoding="utf-8")
    design = yaml.safe_load(find_design("demo_two_afc").read_text(encoding="utf-8"))
    file = tmp_path / "demo_two_afc.yaml"
    file.write_text(yaml.safe_dump(design | {"title": hostile}), encoding="utf-8")
    out = write_report(study.folder, tmp_path / "out", QUICK, design=str(file)).folder
    pages = sorted(out.glob("*.html"))
    assert len(pages) == 2
    for path in pages:
        page = Reader()
        page.feed(path.read_text(encoding="utf-8"))
        assert not {"script", "img"} & page.tags, path
        assert hostile in page.text, path


def test_svg_ids_are_prefixed() -> None:
    svg = '<?xml?><svg width="1pt" height="2pt"><g id="a"/><use xlink:href="#a"/></svg>'
    assert style.inline(svg, "fig") == (
        '<svg aria-hidden="true" focusable="false"><g id="fig-a"/><use href="#fig-a"/></svg>'
    )


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("stated", "given", "smallest", "sentence"),
    [
        (None, None, 0.1, "default of 10 points stands in. It equals the published difference"),
        ("0.075", None, 0.075, "7.5 points, is the one that the design states"),
        ("0.075", 0.2, 0.2, "20 points, is the one that the command states"),
    ],
)
def test_the_smallest_effect_comes_from_the_design(
    stated: str | None,
    given: float | None,
    smallest: float,
    sentence: str,
    study: Any,
    tmp_path: Path,
) -> None:
    for i in (1, 2, 3):
        study.write_session(f"p00{i}", i)
    design = tmp_path / "demo_two_afc.yaml"
    text = find_design("demo_two_afc").read_text(encoding="utf-8")
    design.write_text(text + (f"\nsmallest_effect: {stated}\n" if stated else ""), encoding="utf-8")
    settings = Settings(smallest_effect=given, n_bootstrap=20)
    folder = write_report(study.folder, tmp_path / "out", settings, design=str(design)).folder
    written = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert written["about"]["smallest_effect"] == smallest
    found = written["numbers"]["simulated_graded.difference.natural-none"]
    assert found["smallest_effect"] == smallest
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert sentence in page
    assert f"against a difference of {100 * smallest:g} points" in page
    assert "Cauchy distribution around 0 with scale √2/2" in page
