"""The cache gives what the files give, and nothing else ever."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.logs import cache as module
from analysis.logs.load import load, load_log
from unitscope.errors import BadInput


@pytest.fixture
def logs(study: Any) -> Path:
    """Three sessions, the last of which was cut off within a line."""
    study.write_session("p001", 1, windowed=True)
    study.write_session("p002", 2, kind="person", observer=None)
    folder = study.write_session("p003", 3, kind="machine", observer="similarity")
    with (folder / "trials.csv").open("ab") as file:
        file.write(b"p003,1,1,mach")
    return Path(study.folder)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every reading of the files themselves."""
    found: list[Path] = []
    read = loading.read_log

    def count(path: Path) -> Any:
        found.append(path)
        return read(path)

    monkeypatch.setattr(loading, "read_log", count)
    return found


def entries(logs: Path) -> list[Path]:
    return sorted((logs / module.FOLDER).iterdir())


loading: Any = importlib.import_module("analysis.logs.load")


def assert_same(one: Any, two: Any) -> None:
    pd.testing.assert_frame_equal(one.trials, two.trials)
    pd.testing.assert_frame_equal(one.sessions, two.sessions)
    assert one.warnings == two.warnings and one.warnings


def test_the_second_time_comes_from_the_cache_and_is_the_same(
    logs: Path, reads: list[Path]
) -> None:
    plain = load_log(logs, cache=False)
    first, second = load_log(logs, cache=True), load_log(logs, cache=True)
    assert len(reads) == 2
    assert_same(plain, first)
    assert_same(plain, second)
    assert len(entries(logs)) == 1


def test_small_logs_have_no_cache_unless_asked_for(logs: Path, reads: list[Path]) -> None:
    load_log(logs)
    load_log(logs)
    assert len(reads) == 2 and not (logs / module.FOLDER).exists()


def test_large_logs_have_one(
    logs: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LARGE_BYTES", 1000)
    load_log(logs)
    load_log(logs)
    assert len(reads) == 1 and (logs / module.FOLDER).is_dir()


def test_another_folder_can_hold_it(logs: Path, reads: list[Path], tmp_path: Path) -> None:
    load_log(logs, cache=tmp_path / "fast" / "disk")
    load_log(logs, cache=tmp_path / "fast" / "disk")
    assert len(reads) == 1 and not (logs / module.FOLDER).exists()


def longer(logs: Path) -> None:
    path = logs / "sub-p001" / "ses-01" / "trials.csv"
    path.write_bytes(path.read_bytes()[:-1])


def touched(logs: Path) -> None:
    path = logs / "sub-p001" / "ses-01" / "trials.csv"
    os.utime(path, ns=(1, 1))


def other_facts(logs: Path) -> None:
    path = logs / "sub-p002" / "ses-01" / "session.json"
    path.write_text(path.read_text(encoding="utf-8").replace("completed", "aborted"), "utf-8")


def one_less(logs: Path) -> None:
    shutil.rmtree(logs / "sub-p002")


def without_frames(logs: Path) -> None:
    (logs / "sub-p001" / "ses-01" / "frames.csv").unlink()


@pytest.mark.parametrize("change", [longer, touched, other_facts, one_less, without_frames])
def test_any_change_of_the_logs_counts(change: Any, logs: Path, reads: list[Path]) -> None:
    load_log(logs, cache=True)
    change(logs)
    after = load_log(logs, cache=True)
    assert len(reads) == 2
    assert_same(after, load_log(logs, cache=False))
    assert len(entries(logs)) == 1  # the old one is gone


@pytest.mark.parametrize("small", [True, False])
def test_an_edit_that_keeps_size_and_time_counts(
    small: bool, logs: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SMALL_BYTES", 2**30 if small else 0)
    path = logs / "sub-p001" / "ses-01" / "trials.csv"
    content, before = path.read_bytes(), path.stat()
    edited = content.replace(b",True,", b",true,")
    assert edited != content
    load_log(logs, cache=True)
    path.write_bytes(edited)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    load_log(logs, cache=True)
    assert len(reads) == 2


def test_other_definitions_of_columns_count(
    logs: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_log(logs, cache=True)
    monkeypatch.setattr(module, "_defined", lambda columns: [column.name for column in columns])
    load_log(logs, cache=True)
    assert len(reads) == 2


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 8] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [emptied, cut, flipped, Path.unlink])
@pytest.mark.parametrize("name", ["trials.parquet", "warnings.json", "sha256.json"])
def test_a_damaged_cache_is_written_anew(
    damage: Any, name: str, logs: Path, reads: list[Path]
) -> None:
    load_log(logs, cache=True)
    damage(entries(logs)[0] / name)
    again = load_log(logs, cache=True)
    assert len(reads) == 2
    assert_same(again, load_log(logs, cache=True))
    assert len(reads) == 2


def test_an_interrupted_writing_leaves_nothing(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_parquet", stop)
        with pytest.raises(KeyboardInterrupt):
            load_log(logs, cache=True)
    assert entries(logs) == []


def test_logs_that_change_while_they_are_read_are_not_kept(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = loading.read_log

    def read_and_change(path: Path) -> Any:
        found = read(path)
        touched(path)
        return found

    monkeypatch.setattr(loading, "read_log", read_and_change)
    load_log(logs, cache=True)
    assert not (logs / module.FOLDER).exists()


def test_it_works_without_pyarrow(
    logs: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyarrow" else find(name)
    )
    load_log(logs, cache=True)
    assert len(reads) == 1 and not (logs / module.FOLDER).exists()


@pytest.mark.filterwarnings("ignore:.*cut off while it was written")
def test_columns_can_be_chosen(logs: Path, reads: list[Path]) -> None:
    wanted = ["unit", "correct"]
    plain = load(logs)[wanted]
    for _ in range(2):
        pd.testing.assert_frame_equal(load(logs, cache=True, columns=wanted), plain)
    assert len(reads) == 2
    with pytest.raises(BadInput, match=r"no column 'corect'; did you mean 'correct'\?"):
        load(logs, cache=True, columns=["corect"])


def test_nothing_is_ever_unpickled() -> None:
    assert "pickle" not in Path(module.__file__).read_text(encoding="utf-8")
