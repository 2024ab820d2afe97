"""The borders between the packages, kept by looking at every import, lazy ones too."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"conditions", "stimgen", "experiments", "analysis"}

# Part of the suite: what it may import of ours, and of others besides the standard library.
BORDERS = {
    "conditions": (set(), {"yaml", "numpy", "pandas"}),
    "stimgen": (
        {"conditions"},
        {
            "torch",
            "torchvision",
            "torchcodec",
            "numba",
            "llvmlite",
            "numpy",
            "PIL",
            "pandas",
            "tqdm",
            "safetensors",
            "yaml",
            "filelock",
        },
    ),
    "experiments/runner": ({"conditions"}, {"numpy", "pandas", "PIL", "filelock"}),
    "experiments/display": (
        {"conditions", "experiments.runner", "experiments.display"},
        {"psychopy", "pyglet", "PIL", "Xlib", "numpy", "serial", "pylsl"},
    ),
    # Where a session is put together: the pre-flight of the lab comes before its first page.
    "experiments/display/shell.py": (
        {"conditions", "experiments.runner", "experiments.display", "experiments.lab.preflight"},
        {"psychopy"},
    ),
    "experiments/lab": (
        {"conditions", "experiments.runner", "experiments.display", "experiments.lab"},
        {"numpy", "pandas", "scipy", "matplotlib", "psutil", "psychopy", "pyglet"}
        | {"PIL", "Xlib", "tqdm"},
    ),
    **{
        f"experiments/{script}.py": (
            {"conditions", "experiments.runner", "experiments.display"},
            {"psychopy"},
        )
        for script in ("two_afc", "occlusion", "exemplar_matching", "builder_files")
    },
    "experiments/__main__.py": (
        {"conditions", "experiments.runner", "experiments.lab"},
        {"tqdm"},
    ),
    "experiments/__init__.py": (set(), set()),
    "analysis": (
        {"conditions"},
        {"numpy", "pandas", "scipy", "statsmodels", "matplotlib", "jinja2", "pyarrow", "tqdm"},
    ),
    "bootstrap.py": (set(), set()),
}


def part_of(path: Path) -> str:
    """Return the part of the suite that a file belongs to."""
    name = path.relative_to(ROOT).as_posix()
    fitting = [part for part in BORDERS if name == part or name.startswith(f"{part}/")]
    assert fitting, f"{name} belongs to no part of the suite; give it a place in BORDERS"
    return max(fitting, key=len)


def imports_of(path: Path) -> set[str]:
    """Return the dotted names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


SOURCES = sorted(
    path
    for folder in [*OURS, "bootstrap.py"]
    for path in ([ROOT / folder] if folder.endswith(".py") else (ROOT / folder).rglob("*.py"))
    # What Builder compiled a file to when it was last run.
    if not path.stem.endswith("_lastrun")
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_stay_within_the_borders(path):
    part = part_of(path)
    package = part.split("/")[0]
    own, others = BORDERS[part]
    allowed = own | ({part.replace("/", ".")} if not part.endswith(".py") else set())
    for name in imports_of(path):
        top = name.split(".")[0]
        if top in OURS:
            assert any(name == a or name.startswith(f"{a}.") for a in allowed), (
                f"{part} imports {name}"
            )
        elif top not in sys.stdlib_module_names:
            assert top in others, f"{package} imports {name}"


def test_data_is_no_package():
    assert not list((ROOT / "data").glob("**/*.py"))


def test_no_script_hides_a_module_of_the_standard_library():
    """A script in experiments/ puts that folder first on the path."""
    names = {path.stem for path in (ROOT / "experiments").iterdir()}
    assert not names & set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    "modules",
    [
        "conditions, analysis",
        "conditions.tables, analysis.load",
        "experiments.runner.simulation, experiments.__main__",
    ],
)
def test_light_packages_need_neither_torch_nor_psychopy(modules):
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'torch', 'torchvision', 'psychopy', 'pyglet'}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        f"import {modules}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_a_package_is_light():
    code = "import sys, conditions, stimgen, experiments, analysis; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "psychopy", "matplotlib"} & set(done.stdout.split())
