"""Damaged and hostile files: read rightly or refused in one sentence, never a traceback or a hang.

``UNITSCOPE_FUZZ=5000 python -m pytest tests/test_fuzz.py`` makes so many examples of every kind.
"""

from __future__ import annotations

import copy
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from dataclasses import asdict, replace

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from analysis.logs.imports import import_logs
from analysis.logs.load import load_log
from analysis.logs.mapping import read_mapping, shipped_mappings
from analysis.logs.sessions import load_frames
from conditions.design.reading import find_design, read_design, shipped_designs
from conditions.trials.condition_tables import images_of, read_table, write_tables
from conditions.trials.table_checks import TableChecks
from experiments.lab.calibration import READING_COLUMNS, read_readings
from experiments.lab.watch import watch
from experiments.runner.observers import make_observer
from experiments.runner.request import Request
from experiments.runner.session import Session
from experiments.runner.simulation import simulate
from tests.conftest import some, write_stimulus_set
from unitscope.columns import names
from unitscope.errors import BadInput
from unitscope.places import ROOT
from unitscope.queries import read_queries
from unitscope.records import read_session
from unitscope.stimulus_set import StimulusSet

EXAMPLES = int(os.environ.get("UNITSCOPE_FUZZ", "15"))
MORE_EXAMPLES = 200
LONGEST_SENTENCE = 1000
MOST_S = 10.0
"""Of the processor's time, whatever else the machine does."""

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=EXAMPLES <= 40,
    database=None,
)
seeds = given(seed=st.integers(0, 2**64))

NASTY = (
    "", " ", "nan", "NaN", "inf", "-inf", "1e999", "-1", "0", "1.5", "007", "9" * 25, "9" * 400,
    "True", "true", "None", "null", "~", "[]", "{}", "[1, 2", "{a: b", "a: b: c", "&a [*a]", "*a",
    "!!python/object/apply:os.system [id]", "!!binary x", "!!float x", "!!set {a, b}", "!!int x",
    "!!timestamp 2001-99-99", "2001-01-01", "0x10", "0o17", "1_000", "1:30", "<<: 1", "? [a]",
    "../../etc/passwd", "/etc/passwd", "C:\\x", "a\\b", "\x00", "\ud7ff", "\u202e", "\ufeff", "\r",
    "\r\n", "\t", "\x1b[2J", '"', "'", '""', ",", ";", "#", "=1+1", "<script>alert(1)</script>",
    "0x" + "f" * 5000, "%", "|", "- ", "---", "...", "a" * 5000, "1e-400", "1e400", "--", "é",
    "\x85", "\u2028",
)  # fmt: skip
DEEP = "[" * 3000, "{a: " * 500, "- " * 3000
BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 9) + "]" for i in range(1, 12)]
)
ENCODINGS = ("utf-16", "utf-32", "utf-8-sig", "latin-1", "cp037")


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return a file after one to three of the things that may happen to it."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        content = rng.choice(DAMAGES)(content, rng)
    return content


def _flip(content: bytes, rng: random.Random) -> bytes:
    array = bytearray(content)
    for _ in range(rng.choice((1, 1, 5))):
        if array:
            array[rng.randrange(len(array))] = rng.randrange(256)
    return bytes(array)


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randint(0, len(content))]


def _lose(content: bytes, rng: random.Random) -> bytes:
    first, last = sorted(rng.randint(0, len(content)) for _ in range(2))
    return content[:first] + content[min(last, first + rng.choice((1, 10, 300))) :]


def _double(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    place = rng.randrange(len(lines))
    return b"".join(lines[:place] + [lines[place]] * 2 + lines[place + 1 :])


def _drop_line(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def _swap_lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


def _nasty(rng: random.Random) -> bytes:
    return rng.choice((*NASTY, *NASTY, *NASTY, *DEEP)).encode("utf-8", "surrogatepass")


def _insert(content: bytes, rng: random.Random) -> bytes:
    place = rng.randint(0, len(content))
    return content[:place] + _nasty(rng) + content[place:]


def _cell(content: bytes, rng: random.Random) -> bytes:
    """Replace what stands between two separators."""
    lines = content.split(b"\n")
    place = rng.randrange(min(len(lines), rng.choice((2, len(lines)))))
    for separator in rng.sample((b",", b": ", b" "), 3):
        cells = lines[place].split(separator)
        if len(cells) > 1:
            cells[rng.randrange(len(cells))] = _nasty(rng)
            lines[place] = separator.join(cells)
            break
    return b"\n".join(lines)


def _column(content: bytes, rng: random.Random) -> bytes:
    """Replace a column of a table in every line."""
    lines = [line.split(b",") for line in content.split(b"\n")]
    place, nasty = rng.randrange(max(1, len(lines[0]))), _nasty(rng)
    for line in lines[1:]:
        if place < len(line):
            line[place] = nasty
    return b"\n".join(b",".join(line) for line in lines)


def _encode(content: bytes, rng: random.Random) -> bytes:
    return content.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


def _bomb(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    key = lines[place].split(b":")[0]
    lines[place] = BOMB.encode() + b"\n" + key + b": *a11"
    return b"\n".join(lines)


DAMAGES = (
    _flip, _cut, _lose, _double, _drop_line, _swap_lines, _insert, _cell, _cell, _cell, _column,
    _encode, _bomb,
)  # fmt: skip


def is_refused(call) -> bool:
    """Return whether a call refuses its input; anything but one sentence fails the test."""
    with warnings.catch_warnings(), bounded():
        warnings.simplefilter("ignore")
        try:
            call()
        except BadInput as error:
            sentence = str(error)
            assert sentence.strip()
            assert len(sentence.splitlines()) == 1, sentence
            assert sentence.isprintable(), sentence
            assert len(sentence) < LONGEST_SENTENCE, sentence
            return True
    return False


@contextmanager
def bounded():
    """Fail where something takes more than its share of the processor's time."""

    def stop(*_):
        raise AssertionError(f"it took more than {MOST_S} s of the processor's time")

    has_timer = hasattr(signal, "SIGPROF")
    if has_timer:
        before = signal.signal(signal.SIGPROF, stop)
        signal.setitimer(signal.ITIMER_PROF, MOST_S)
    start = time.process_time()
    try:
        yield
    finally:
        if has_timer:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
    assert time.process_time() - start < MOST_S


def write(path, content: bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _nested(value, rng: random.Random):
    """Replace a value somewhere in nested data."""
    odd = rng.choice(
        (None, True, -1, 0, 10**30, 10**400, float("nan"), 1e308, 0.5, "", "x", "../x", [], [[]],
         {}, {"a": {}}, {1: 2}, [None], [1, "a"], "natural", [0] * 500)
    )  # fmt: skip
    if rng.random() < 0.2 or not isinstance(value, dict | list) or not value:
        return odd
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = rng.choice(list(keys))
    copy = value.copy()
    if rng.random() < 0.1:
        if isinstance(copy, dict):
            copy[rng.choice(("x", 1, None, f"{key}_"))] = copy.pop(key)
        else:
            del copy[key]
    else:
        copy[key] = _nested(value[key], rng)
    return copy


def of_yaml(content: bytes, rng: random.Random) -> bytes:
    """Damage a YAML file as text, or its data."""
    if rng.random() < 0.5:
        return damaged(content, rng)
    data = yaml.safe_load(content)
    for _ in range(rng.choice((1, 1, 2))):
        data = _nested(data, rng)
    return yaml.safe_dump(data).encode()


@seeds
@fuzzed
def test_designs(tmp_path_factory, seed):
    rng = random.Random(seed)
    name = rng.choice(shipped_designs())
    path = tmp_path_factory.getbasetemp() / "designs" / f"{name}.yaml"
    write(path, of_yaml(find_design(name).read_bytes(), rng))
    is_refused(lambda: read_design(path))


@seeds
@fuzzed
def test_designs_that_are_read_make_tables_or_say_why(tmp_path_factory, seed, stimulus_set):
    rng = random.Random(seed)
    base = tmp_path_factory.getbasetemp() / "made"
    shutil.rmtree(base, ignore_errors=True)
    data = yaml.safe_load(find_design("demo_two_afc").read_bytes())
    path = write(base / "demo_two_afc.yaml", yaml.safe_dump(_nested(data, rng)).encode())
    is_refused(lambda: write_tables(path, stimulus_set, [1, 2], base / "tables"))


@seeds
@fuzzed
def test_mappings(tmp_path_factory, seed):
    rng = random.Random(seed)
    name = rng.choice(shipped_mappings())
    path = tmp_path_factory.getbasetemp() / "mappings" / f"{name}.yaml"
    source = ROOT / "analysis" / "logs" / "mappings" / f"{name}.yaml"
    write(path, of_yaml(source.read_bytes(), rng))
    is_refused(lambda: read_mapping(str(path)))


@seeds
@fuzzed
def test_build_settings(tmp_path_factory, seed):
    stimgen_settings = pytest.importorskip("stimgen.studies.build_settings")
    rng = random.Random(seed)
    sources = sorted((ROOT / "stimgen" / "studies").glob("*.yaml"))
    source = rng.choice(sources)
    path = tmp_path_factory.getbasetemp() / "settings" / source.name
    write(path, of_yaml(source.read_bytes(), rng))
    is_refused(lambda: stimgen_settings.read(str(path)))


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A finished session with its table, design and stimulus set."""
    base = tmp_path_factory.mktemp("small")
    stimuli = write_stimulus_set(base / "toy")
    # Edited tables are allowed, for otherwise no damage would get as far as a session.
    shipped = find_design("demo_two_afc").read_bytes()
    design = write(base / "demo_two_afc.yaml", shipped + b"edited_tables: true\n")
    (table,) = write_tables(design, stimuli, [1], base / "tables")
    request = Request(
        design=read_design(design),
        participant="p001",
        session=1,
        table=table,
        stimuli=stimuli,
        data=base / "data",
        observer_kind="simulated",
        observer="graded",
    )
    session = Session.open(request)
    simulate(session, make_observer("graded", 1, session.stimuli.file))
    return request


@seeds
@fuzzed
def test_manifests(tmp_path_factory, seed, small):
    rng = random.Random(seed)
    folder = tmp_path_factory.getbasetemp() / "sets" / "toy"
    write(folder / "manifest.csv", damaged((small.stimuli / "manifest.csv").read_bytes(), rng))

    def use():
        opened = StimulusSet.open(folder)
        for unit in opened.units[:3]:
            opened.batches(unit)
            opened.ranked(unit, "natural", "max", 0)
        for path in some(opened.manifest["path"]):
            assert opened.file(path).resolve().is_relative_to(folder.resolve())

    is_refused(use)


@seeds
@fuzzed
def test_condition_tables(tmp_path_factory, seed, small):
    rng = random.Random(seed)
    path = tmp_path_factory.getbasetemp() / "tables" / "p001.csv"
    write(path, damaged(small.table.read_bytes(), rng))
    stimuli = StimulusSet.open(small.stimuli)
    checks = TableChecks(small.design, stimuli)
    is_refused(lambda: checks.check(read_table(path), path))


@seeds
@fuzzed
def test_no_damage_that_changes_a_trial_is_accepted(tmp_path_factory, seed, small):
    rng = random.Random(seed)
    path = tmp_path_factory.getbasetemp() / "strict" / "p001.csv"
    write(path, damaged(small.table.read_bytes(), rng))
    strict = copy.copy(small.design)
    object.__setattr__(strict, "edited_tables", False)
    checks = TableChecks(strict, StimulusSet.open(small.stimuli))

    def use():
        table = read_table(path)
        checks.check(table, path)
        pd.testing.assert_frame_equal(table, read_table(small.table))

    is_refused(use)


def copied(folder, base):
    """Return a fresh copy of a folder, whose files are replaced, never written to."""
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(folder, base / folder.name, copy_function=os.link)
    return base / folder.name


def replaced(file, content: bytes):
    file.unlink(missing_ok=True)
    file.write_bytes(content)


def damage_a_file(folder, images: list[str], others: list[str], rng: random.Random) -> str:
    """Do something to a file in a folder, and return its name there."""
    name = rng.choice(images if rng.random() < 0.5 else others)
    file, other = folder / name, folder / rng.choice([image for image in images if image != name])
    what = rng.choice(("damage",) * 6 + ("remove", "swap", "copy", "link", "folder", "empty"))
    content = file.read_bytes()
    if what == "damage":
        replaced(file, damaged(content, rng))
    elif what == "empty":
        replaced(file, b"")
    elif what == "copy":
        replaced(file, other.read_bytes())
    elif what == "swap":
        replaced(file, other.read_bytes())
        replaced(other, content)
    else:
        file.unlink()
        if what == "link":
            file.symlink_to(folder.parent / "elsewhere")
        elif what == "folder":
            file.mkdir()
    return name


@seeds
@fuzzed
def test_no_damage_to_a_set_that_changes_a_trial_is_accepted(tmp_path_factory, seed, small):
    """Whatever happens to manifest and images, a table is run with those it was made with."""
    folder = copied(small.stimuli, tmp_path_factory.getbasetemp() / "damaged set")
    table = read_table(small.table)
    damage_a_file(folder, images_of(table), ["manifest.csv"], random.Random(seed))

    def use():
        TableChecks(small.design, StimulusSet.open(folder)).check(table, small.table)
        for name in some(images_of(table)):
            assert (folder / name).read_bytes() == (small.stimuli / name).read_bytes()
        assert (folder / "manifest.csv").read_bytes() == (
            small.stimuli / "manifest.csv"
        ).read_bytes()

    is_refused(use)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A set of one of the demo network's units, as it is built, and its settings file."""
    commands = pytest.importorskip("stimgen.__main__")
    folder = tmp_path_factory.mktemp("built")
    settings = write(folder / "tiny.yaml", TINY.encode())
    assert commands.main(["build", str(settings), "--out", str(folder), "--quiet"]) == 0
    return folder / "tiny", settings


TINY = """
name: tiny
network: {name: demo}
images: {source: demo, n: 16, resize_px: 224, crop_px: 224}
units:
  sample: {n: 1, layers: [inception4b]}
natural: {n_batches: 1, n_bins: 3}
synthetic: {per_pole: 1, steps: 1, image_px: 64, margin_px: 4, jitter_px: [4, 2]}
occlusion: {size_px: 90, stride_px: 60}
"""


@seeds
@fuzzed
def test_no_damage_to_a_set_is_overlooked(tmp_path_factory, seed, built):
    """``stimgen verify`` finds any change of any file."""
    from stimgen.sets.provenance import read_provenance
    from stimgen.sets.verify import verify

    folder = copied(built[0], tmp_path_factory.getbasetemp() / "verified")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    paths = [path.relative_to(folder).as_posix() for path in files]
    images = [path for path in paths if path.startswith("images/")]
    others = [path for path in paths if path not in (*images, "checksums.json")]
    name = damage_a_file(folder, images, others, random.Random(seed))
    found = []

    def use():
        found.extend(verify(StimulusSet.open(folder), read_provenance(folder).settings, quiet=True))

    if not is_refused(use) and not found:
        assert (folder / name).read_bytes() == (built[0] / name).read_bytes()
    for fault in found:
        assert str(fault).isprintable() and len(str(fault)) < LONGEST_SENTENCE


@seeds
@fuzzed
def test_queries(tmp_path_factory, seed, built):
    """What baselines answered is the set's own, or is refused; a table apart is read or refused."""
    rng = random.Random(seed)
    content = (built[0] / "queries.csv").read_bytes()
    folder = copied(built[0], tmp_path_factory.getbasetemp() / "queries")
    replaced(folder / "queries.csv", damaged(content, rng))

    def use():
        pd.testing.assert_frame_equal(read_queries(folder), read_queries(built[0]))

    is_refused(use)
    (folder / "checksums.json").unlink()
    is_refused(lambda: read_queries(folder))


@seeds
@fuzzed
def test_no_change_of_settings_passes_for_the_same_set(tmp_path_factory, seed, built):
    """A set is taken for finished only if it was built with just these settings."""
    from stimgen.sets.build import Build
    from stimgen.studies.build_settings import read

    rng = random.Random(seed)
    folder, settings = built
    path = tmp_path_factory.getbasetemp() / "other settings" / "tiny.yaml"
    write(path, of_yaml(settings.read_bytes(), rng))

    def use():
        changed = read(str(path))
        build = Build(replace(changed, name="tiny"), base=path.parent, out=folder.parent)
        assert not build.is_done() or replace(changed, name="tiny") == read(str(settings))

    is_refused(use)


@seeds
@fuzzed
def test_no_change_of_a_design_runs_on_its_old_table(tmp_path_factory, seed, small):
    rng = random.Random(seed)
    content = find_design("demo_two_afc").read_bytes() + b"edited_tables: true\n"
    path = tmp_path_factory.getbasetemp() / "other design" / "demo_two_afc.yaml"
    write(path, of_yaml(content, rng))

    def use():
        changed = read_design(path)
        TableChecks(changed, StimulusSet.open(small.stimuli)).check(
            read_table(small.table), small.table
        )
        assert path.read_bytes() == content

    is_refused(use)


@seeds
@fuzzed
def test_photographs(tmp_path_factory, seed):
    """Of any format and damage: pixels, or the reason why there are none."""
    from stimgen.studies.build_settings import ImagesSettings
    from stimgen.sweeps.image_reading import read_images
    from stimgen.sweeps.image_sources import ImageFolder

    rng = random.Random(seed)
    folder = tmp_path_factory.getbasetemp() / "photographs"
    shutil.rmtree(folder, ignore_errors=True)
    noise = Image.effect_noise((60, 48), 80)
    modes = {"JPEG": "RGB", "PNG": "RGBA", "TIFF": "I;16", "GIF": "P", "BMP": "RGB", "WEBP": "RGB"}
    for file_format, mode in modes.items():
        file = io.BytesIO()
        noise.convert(mode).save(file, file_format)
        write(folder / f"{file_format}.png", damaged(file.getvalue(), rng))
    source = ImageFolder(folder)

    def use():
        images = ImagesSettings(resize_px=40, crop_px=32)
        for _, found in some(list(read_images(source, images, range(len(source))))):
            if isinstance(found, str):
                assert str(folder) not in found and len(found) < LONGEST_SENTENCE
            else:
                assert found.shape == (32, 32, 3)

    assert not is_refused(use)


@pytest.mark.slow
def test_many_more_of_each_kind():
    """More examples of everything here, the same each time."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    command += ["--hypothesis-seed=1", __file__]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "UNITSCOPE_FUZZ": str(MORE_EXAMPLES)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]


@seeds
@fuzzed
def test_sessions_on_a_damaged_table(tmp_path_factory, seed, small):
    """Whatever passes the checks can be run to its end."""
    rng = random.Random(seed)
    base = tmp_path_factory.getbasetemp() / "run"
    shutil.rmtree(base, ignore_errors=True)
    path = write(base / "p001.csv", damaged(small.table.read_bytes(), rng))

    def run():
        session = Session.open(replace(small, table=path, data=base / "data"))
        simulate(session, make_observer("graded", 1, session.stimuli.file))

    is_refused(run)


@pytest.mark.parametrize("name", ["trials.csv", "session.json"])
@seeds
@fuzzed
def test_logs(tmp_path_factory, seed, small, name):
    """Of a session's folder: the analysis reads it, and the session goes on, or both say why.

    The live page shows it whatever it holds, in JSON that a browser can read.
    """
    rng = random.Random(seed)
    base = tmp_path_factory.getbasetemp() / "logs"
    shutil.rmtree(base, ignore_errors=True)
    source = small.folder(1)
    folder = base / source.relative_to(small.data)
    shutil.copytree(source, folder)
    lines = (source / "trials.csv").read_bytes().splitlines(keepends=True)
    (folder / "trials.csv").write_bytes(b"".join(lines[: rng.randint(2, len(lines))]))
    text = (source / "session.json").read_bytes().replace(b'"completed"', b'"running"')
    (folder / "session.json").write_bytes(text)
    write(folder / name, damaged((folder / name).read_bytes(), rng))

    def analyse():
        log = load_log(base / small.design.name)
        load_frames(log)

    is_refused(analyse)
    if not is_refused(lambda: read_session(folder)):
        rules = {small.design.name: small.design.exclusions}
        seen = list(watch("lab", base, rules, accuracy=True))
        assert len(seen) == bool(read_session(folder))
        json.dumps([asdict(state) for state in seen], allow_nan=False)

    def go_on():
        with Session.open(replace(small, data=base, session=None)) as session:
            simulate(session, make_observer("graded", 1, session.stimuli.file))

    is_refused(go_on)


@seeds
@fuzzed
def test_external_logs(tmp_path_factory, seed):
    rng = random.Random(seed)
    base = tmp_path_factory.getbasetemp() / "imports"
    shutil.rmtree(base, ignore_errors=True)
    name = rng.choice(shipped_mappings())
    mapping = read_mapping(name)
    sources = sorted(mapping.sources())
    rows = [
        [rng.choice((*NASTY[:12], "1", "2", "a", "b", "True", "natural")) for _ in sources]
        for _ in range(4)
    ]
    text = "\n".join([",".join(sources), *(",".join(row) for row in rows)]) + "\n"
    path = write(base / "log.csv", damaged(text.encode(), rng))
    is_refused(lambda: import_logs([path], mapping, base / "out"))


@seeds
@fuzzed
def test_readings(tmp_path_factory, seed):
    rng = random.Random(seed)
    header = ",".join(names(READING_COLUMNS))
    values = {"str": "grey", "int": "1", "float": "0.5", "bool": "True"}
    row = ",".join(
        str(column.levels[0]) if column.levels else values[column.type]
        for column in READING_COLUMNS
    )
    path = tmp_path_factory.getbasetemp() / "readings.csv"
    write(path, damaged("\n".join([header, *[row] * 6, ""]).encode(), rng))
    is_refused(lambda: read_readings(path))


def test_a_bomb_of_aliases_is_refused(tmp_path):
    """Eleven lines of YAML that stand for 9 ** 12 words."""
    path = write(tmp_path / "bomb.yaml", BOMB.encode())
    assert is_refused(lambda: read_design(path))


def test_an_alias_that_holds_itself_is_refused(tmp_path):
    path = write(tmp_path / "loop.yaml", b"name: &a [*a]\n")
    assert is_refused(lambda: read_design(path))
