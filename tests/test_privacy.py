"""Nothing of a person where it does not belong, and nothing that is read is ever run."""

from __future__ import annotations

import ast
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from conditions.design.reading import find_design, read_design
from conditions.trials.table_maker import TableMaker
from experiments.runner.log import session_folder
from unitscope.errors import BadInput
from unitscope.places import within
from unitscope.settings import read_yaml
from unitscope.stimulus_set import StimulusSet

ROOT = Path(__file__).parents[1]
FOLDERS = ("conditions", "stimgen", "experiments", "analysis", "benchmarks")
SOURCES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not path.stem.endswith("_lastrun")
]

UNPICKLES = {"joblib", "dill", "cloudpickle", "shelve", "marshal"}
PLUGINS = {
    # Named on the command line, or in the settings of whoever builds images: never by data.
    "experiments/display/devices.py",
    "experiments/lab/photometer.py",
    "experiments/runner/likeness.py",
    "unitscope/named_functions.py",
}
"""Modules that import what a user names."""


def dotted(node: ast.expr) -> str:
    """Return the dotted name of what is called, empty where it has none."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def findings(source: str) -> set[str]:
    """Return what of a source could run what it reads."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else ""
            names = {module or alias.name for alias in node.names}
            found |= {name for name in names if name.split(".")[0] in UNPICKLES}
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        given = {keyword.arg: keyword.value for keyword in node.keywords}

        def says(key: str, value: bool, given: dict = given) -> bool:
            return isinstance(given.get(key), ast.Constant) and given[key].value is value

        if name in ("eval", "exec", "compile", "__import__", "os.system", "os.popen"):
            found.add(name)
        if re.search(r"(^|\.)pickle\.(load|loads|Unpickler)$|\.read_pickle$", name):
            found.add(name)
        if name in ("torch.load", "load_state_dict_from_url") and not says("weights_only", True):
            found.add(f"{name} without weights_only=True")
        if name in ("np.load", "numpy.load") and not says("allow_pickle", False):
            found.add(f"{name} without allow_pickle=False")
        if name in ("yaml.unsafe_load", "yaml.full_load", "yaml.load_all"):
            found.add(name)
        if name == "yaml.load" and not dotted(given.get("Loader", ast.Constant(0))).endswith(
            ("_Loader", "SafeLoader")
        ):
            found.add(name)
        if says("shell", True):
            found.add(f"{name} with shell=True")
        if name.endswith("import_module") and not isinstance(node.args[0], ast.Constant):
            found.add("import_module")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_that_is_read_is_run(path):
    allowed = {"import_module"} if path.relative_to(ROOT).as_posix() in PLUGINS else set()
    assert findings(path.read_text(encoding="utf-8")) <= allowed


@pytest.mark.parametrize(
    "source",
    [
        "import pickle\npickle.load(file)",
        "import joblib",
        "from shelve import open",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "yaml.load(text, Loader=yaml.Loader)",
        "eval(cell)",
        "importlib.import_module(cell)",
        "subprocess.run(cell, shell=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(source):
    assert findings(source)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch {}']",
        "!!python/name:os.system",
        "!!python/object/new:os.system ['touch {}']",
        "a: !!python/module:antigravity",
    ],
)
def test_yaml_makes_no_objects(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text.format(tmp_path / "ran"), encoding="utf-8")
    with pytest.raises(BadInput, match="not valid YAML"):
        read_yaml(tmp_path / "a.yaml")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "path", ["", "../x", "a/../../x", "/x", "C:/x", "C:x", "a\\..\\x", "\\\\host\\x", "a\0b", "."]
)
def test_paths_that_lead_out(tmp_path, path):
    assert within(tmp_path, path) is None
    assert within(tmp_path, "a/b.png") == tmp_path / "a" / "b.png"


@pytest.mark.parametrize("table", ["../units.csv", "/etc/passwd", "C:/units.csv"])
def test_a_table_of_units_lies_below_its_design(tmp_path, stimulus_set, table):
    data = yaml.safe_load(find_design("borowski2021_exp1").read_text(encoding="utf-8"))
    data["units"] = {"table": table}
    (tmp_path / "borowski2021_exp1.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    design = read_design(tmp_path / "borowski2021_exp1.yaml")
    with pytest.raises(BadInput, match="expected a file below the design's folder"):
        TableMaker(design, StimulusSet.open(stimulus_set)).table(1)


@pytest.mark.parametrize("participant", ["Ada Lovelace", "ada@example.org", "../p001", "p001/x"])
def test_a_participant_is_letters_and_digits(tmp_path, participant):
    with pytest.raises(BadInput, match="expected 1 to 32 letters and digits"):
        session_folder(tmp_path, "demo", participant, 1)


class Tags(HTMLParser):
    """Counts the tags of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such file names")
def test_the_gallery_escapes_names(tmp_path, stimulus_set):
    gallery = pytest.importorskip("stimgen.sets.gallery")
    folder = tmp_path / HOSTILE.replace("/", "")
    folder.mkdir()
    text = (stimulus_set / "manifest.csv").read_text(encoding="utf-8")
    quoted = '"' + HOSTILE.replace('"', '""').replace("/", "") + '"'
    (folder / "manifest.csv").write_text(text.replace(",mixed4a,", f",{quoted},"), encoding="utf-8")
    page = Tags(gallery.write_gallery(folder).read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert not page.handlers


def test_the_monitor_page_writes_text_only():
    """The live page shows what logs hold; it may set text, never markup."""
    page = (ROOT / "experiments" / "lab" / "monitor.html").read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", page)


def test_the_report_escapes_by_itself():
    """Every template is filled with escaping on, and none switches it off."""
    source = (ROOT / "analysis" / "report" / "report.py").read_text(encoding="utf-8")
    assert "autoescape=True" in source
    for template in sorted((ROOT / "analysis" / "report" / "templates").iterdir()):
        marked = re.findall(r"{{(.*?)\|\s*safe", template.read_text(encoding="utf-8"))
        assert [expression for expression in marked if "<" in expression] == [], template
