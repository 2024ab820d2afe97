from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import unitscope
from unitscope.versions import versions

ROOT = Path(unitscope.__file__).parents[1]


def test_versions_of_what_is_installed_and_what_is_not() -> None:
    found = versions("numpy", "no-such-package")
    assert found["numpy"] == metadata.version("numpy")
    assert found["no-such-package"] is None


def test_the_suite_knows_its_own_without_being_installed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "unitscope", tmp_path / "unitscope")
    code = "from unitscope.versions import versions; print(versions('numpy'))"
    command = [sys.executable, "-S", "-c", code]  # -S: nothing that is installed is seen
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "{'unitscope':",
        f"'{unitscope.__version__}',",
        "'numpy':",
        "None}",
    ]


def test_the_installed_package_has_the_same() -> None:
    assert metadata.version("unitscope") == unitscope.__version__
