"""Each task's report, from sessions of observers that the runner itself has logged."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.__main__ import main
from analysis.logs.load import load_log
from analysis.planning.analysis_settings import Settings
from analysis.report.analyse import analyse
from analysis.report.report import write_report
from analysis.report.section import Section, Sentence
from analysis.report.sections.baseline_comparison import BASELINES
from analysis.report.sections.observer_agreement import AGREEMENT
from analysis.report.study import Results
from conditions.design.reading import read_design
from stimgen.occlusion.baselines import Centre
from stimgen.occlusion.patches import Patch
from stimgen.occlusion.saliency import NamedImage
from tests.conftest import some

QUICK = Settings(n_bootstrap=20)

TASKS = ("two_afc", "occlusion", "exemplar_matching")


def analysed(folder: Path, settings: Settings = QUICK) -> Results:
    log = load_log(folder)
    return analyse(log, settings, read_design(log.design))


@pytest.fixture(scope="session")
def occlusion(simulated: Callable[[str], Path]) -> Results:
    """The results of the simulated occlusion study."""
    return analysed(simulated("occlusion"))


def test_occlusion_has_its_conditions_between_participants(occlusion: Results) -> None:
    assert [group.key for group in occlusion.groups] == ["simulated_graded"]
    numbers = occlusion.numbers
    names = [f"simulated_graded.accuracy.{c}" for c in ("natural", "synthetic", "mixed", "blur")]
    assert set(names) <= set(numbers)
    differences = occlusion.tables["differences_all_sessions"]
    assert len(differences) == 10 and set(differences["comparison"]) == {"between"}


def test_baselines_are_what_people_are_compared_with(occlusion: Results) -> None:
    own, trials = occlusion.tables["baselines"], occlusion.log.trials
    assert list(own["baseline"]) == ["centre", "variance"]
    for row in own.itertuples(index=False):
        logged = trials[(trials["observer"] == row.baseline) & (trials["trial_role"] == "main")]
        met = logged.drop_duplicates(["unit", "batch"])
        assert row.n_right == met["correct"].sum() and row.n_trials == len(met)
    compared = occlusion.tables["against_baselines"]
    expected = compared["proportion"] - compared["baseline_proportion"]
    assert compared["difference"].to_numpy() == pytest.approx(expected.to_numpy())


def test_agreement_has_every_pair_of_conditions_and_baselines(occlusion: Results) -> None:
    table = occlusion.tables["agreement"]
    assert len(table) == 7 * 8 / 2
    silent = table[table["kappa"].isna()]
    assert (silent["reason"].str.startswith("not computable because")).all()


def notes(section: Section, results: Results) -> str:
    blocks = section.shown(results)
    return " ".join(block.text for block in blocks if isinstance(block, Sentence))


def test_the_baselines_conventions_stand_wherever_people_are_compared_with_them(
    occlusion: Results, simulated: Callable[[str], Path]
) -> None:
    for section in (BASELINES, AGREEMENT):
        text = notes(section, occlusion)
        assert "two patches at the same distance are a tie" in text
        assert "A tie counts as incorrect" in text
        assert "variance chooses" in text
        assert "saliency chooses" not in text, "no baseline of that name is there"
    assert "aselines: " not in notes(AGREEMENT, analysed(simulated("two_afc")))


def test_the_convention_of_the_centre_is_that_of_the_rule_itself() -> None:
    image = NamedImage("one", np.zeros((224, 224, 3), np.uint8))
    for x, y in ((0, 0), (10, 30), (134, 66)):
        pair = Patch(x, y, 90), Patch(134 - x, 134 - y, 90)
        assert Centre().choose(image, *pair) is None
        # The study's middle of a patch, x + size / 2, tells them apart.
        far = [
            math.hypot(*(place + 45 - 111.5 for place in (patch.x_px, patch.y_px)))
            for patch in pair
        ]
        assert far[0] != far[1]


def test_queries_csv_gives_baselines_of_its_own(simulated: Callable[[str], Path]) -> None:
    log = load_log(simulated("occlusion"))
    items = log.trials[["network", "layer", "channel", "batch"]].drop_duplicates()
    queries = items.assign(saliency=pd.array([True] * len(items), dtype="boolean"))
    results = analyse(log, QUICK, read_design(log.design), queries)
    assert results.numbers["simulated_graded.baseline.saliency"]["value"] == 1


def test_matching_scores_stand_against_chance(simulated: Callable[[str], Path]) -> None:
    results = analysed(simulated("exemplar_matching"))
    assert results.chance == pytest.approx(1 / 6)
    numbers = results.numbers
    found = numbers["simulated_graded.matching.exemplar.hit_share"]
    trials = results.kept[results.kept["matching"] == "exemplar"]
    assert found["value"] == pytest.approx((trials["hits"] / trials["n_rows"]).mean())
    assert found["chance"] == pytest.approx(1 / 3)
    assert numbers["simulated_graded.pairing_s.exemplar.1"]["value"] > 0
    assert "accuracy_by_unit" not in results.tables


def printed_text(pdf: Path) -> str:
    """Return what the streams of a PDF write, a line for each of their texts."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf.read_bytes(), re.DOTALL):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            continue
        for shown in re.findall(rb"\[(.*?)\] TJ", content, re.DOTALL):
            letters = b"".join(re.findall(rb"\((.*?)(?<!\\)\)", shown, re.DOTALL))
            found.append(letters.replace(b"\0", b"").decode("latin-1"))
    return "\n".join(found)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What each PNG that is saved meanwhile shows as text, by the file's name."""
    found: dict[str, str] = {}
    save = Figure.savefig

    def kept(figure: Figure, file: Any, **options: Any) -> None:
        if isinstance(file, Path) and file.suffix == ".png":
            found[file.name] = "\n".join(text.get_text() for text in figure.findobj(Text))
        save(figure, file, **options)

    monkeypatch.setattr(Figure, "savefig", kept)
    return found


@pytest.mark.parametrize(
    "task",
    [
        pytest.param("two_afc", marks=pytest.mark.slow),
        pytest.param("occlusion", marks=pytest.mark.slow),
        "exemplar_matching",
    ],
)
def test_a_blinded_report_names_no_condition(
    task: str, simulated: Callable[[str], Path], tmp_path: Path, drawn: dict[str, str]
) -> None:
    written = write_report(simulated(task), tmp_path / "out", Settings(blind=3, n_bootstrap=20))
    told = re.compile(
        r"\b(natural|synthetic|blur|exemplar|feature.visualization)s?\b(?! logarithm)"
    )
    files = [f for f in written.folder.rglob("*") if f.suffix in (".html", ".csv", ".svg")]
    texts = {file.name: file.read_text(encoding="utf-8") for file in files}
    numbers = json.loads((written.folder / "results.json").read_text(encoding="utf-8"))
    assert numbers["about"]["blinded"]
    texts["numbers"] = json.dumps(numbers["numbers"])
    texts["file names"] = " ".join(file.name for file in written.folder.rglob("*"))
    texts |= {file.name: printed_text(file) for file in written.folder.rglob("*.pdf")}
    assert "correct answers" in texts["accuracy.pdf"] and "correct answers" in drawn["accuracy.png"]
    assert sorted(drawn) == sorted(file.name for file in written.folder.rglob("*.png"))
    texts |= drawn
    title = read_design(f"demo_{task}").title
    about = numbers["about"]["design"]
    for name, text in texts.items():
        text = text.replace(title, "").replace(about, "").replace(about.upper(), "")
        text = text.replace("Exemplar matching", "")
        assert not told.search(text), (name, told.search(text))
    assert "In condition " in texts["report.html"]
    assert "rules of one group alone are left out" in texts["report.html"]
    letters = sorted(pd.read_csv(written.folder / "tables" / "accuracy.csv")["reference_condition"])
    assert letters == list("ABCDE")[: len(letters)]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("case", ["one participant", "one condition", "all right", "no catch"])
def test_little_data_gives_a_report_that_says_what_is_missing(
    task: str, case: str, simulated: Callable[[str], Path]
) -> None:
    log = load_log(simulated(task))
    trials = log.trials[log.trials["observer"] == "graded"]
    if case == "one participant":
        trials = trials[trials["participant"] == trials["participant"].iloc[0]]
    elif case == "one condition":
        trials = trials[trials["reference_condition"] == "natural"]
    elif case == "no catch":
        trials = trials[trials["trial_role"] != "catch"]
    else:
        trials = trials.assign(correct=pd.array([True] * len(trials), dtype="boolean"))
        if "hits" in trials.columns:
            trials = trials.assign(hits=trials["n_rows"])
    little = type(log)(trials, log.sessions, log.warnings)
    results = analyse(little, QUICK, read_design(log.design))
    for name, number in some(results.numbers.items()):
        assert number["value"] is not None or number["reason"], name


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("damage", ["cut", "renamed", "missing", "empty"])
def test_damaged_logs_are_one_sentence_or_are_used(
    task: str,
    damage: str,
    simulated: Callable[[str], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = simulated(task) / "sub-p001" / "ses-01" / "trials.csv"
    folder = tmp_path / "data" / "sub-p001" / "ses-01"
    folder.mkdir(parents=True)
    text = source.read_text(encoding="utf-8")
    if damage == "renamed":
        text = text.replace("rt_s", "rt_seconds", 1)
    elif damage == "missing":
        frame = pd.read_csv(source, dtype=str, keep_default_na=False).drop(columns="correct")
        text = frame.to_csv(index=False, lineterminator="\n")
    elif damage == "cut":
        text = text[:-40]
    if damage != "empty":
        (folder / "trials.csv").write_text(text, encoding="utf-8", newline="\n")
    code = main(["check", str(tmp_path / "data")])
    out, error = capsys.readouterr()
    if damage == "cut":
        assert code == 0 and "was cut off" in out
    else:
        assert code == 2 and error.count("\n") == 1 and "Traceback" not in error
