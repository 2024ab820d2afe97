"""The command line: what it writes and how it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main


def test_check_sums_up(demo_study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(demo_study)]) == 0
    out = capsys.readouterr().out
    assert "36 sessions (simulated 24, machine 12; 35 completed, 1 unfinished)" in out


def test_report_ends_by_saying_what_it_wrote(
    study: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    draw_only: Any,
) -> None:
    study.write_session("p001", 1)
    draw_only()
    monkeypatch.setattr("analysis.report.report.REPORTS", tmp_path / "reports")
    assert main(["report", str(study.folder), "--paper"]) == 0
    assert (tmp_path / "reports" / "demo_two_afc" / "report.html").is_file()
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("report: ") and "report.html" in last


@pytest.mark.parametrize("command", ["check", "report"])
def test_bad_input_is_one_sentence(
    command: str, study: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = study.write_session("p001", 1) / "trials.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",natural,", ",naturl,", 1), encoding="utf-8")
    assert main([command, str(study.folder)]) == 2
    error = capsys.readouterr().err
    assert "column 'reference_condition': found 'naturl'" in error
    assert error.count("\n") == 1


def test_an_empty_folder_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "no session there" in capsys.readouterr().err


def test_importing_needs_no_drawing_library() -> None:
    code = "import sys, conditions, analysis; print({'matplotlib', 'torch', 'psychopy', 'scipy'}"
    code += " & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
