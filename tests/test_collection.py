"""Files of tests that need what is not installed are skipped by name; mistakes are not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_what_is_not_installed_is_named_and_what_is_missing_of_ours_is_an_error(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_other.py").write_text("import nowhere_to_be_found.at_all\n")
    (tmp_path / "test_ours.py").write_text("import unitscope.nowhere_to_be_found\n")
    (tmp_path / "test_fine.py").write_text("def test_fine(): pass\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    command += ["-ra", "--rootdir", str(tmp_path), str(tmp_path), "--continue-on-collection-errors"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    told = done.stdout
    assert "needs nowhere_to_be_found, which is not installed" in told
    assert "ERROR" in told and "No module named 'unitscope.nowhere_to_be_found'" in told
    assert "1 passed, 1 skipped, 1 error" in told and done.returncode == 1
