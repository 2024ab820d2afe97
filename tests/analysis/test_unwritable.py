"""Full disks, folders that cannot be written, Ctrl-C: one sentence, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import analysis.__main__
import conditions.__main__
from tests.conftest import some
from unitscope.errors import BAD_INPUT_EXIT_CODE, INTERRUPTED_EXIT_CODE

RATINGS = "subject_id,trial_name,trial_nr,rating,rt\n" + "".join(
    f"{person},{image},{place},{20 * place},{place + 1}.5\n"
    for person in range(1, 9)
    for place, image in enumerate("abc")
)

Command = Callable[[Path], list[str]]


@pytest.fixture
def commands(study: Any, stimulus_set: Path, tmp_path: Path, draw_only: Any) -> dict[str, Any]:
    """Return every command that writes: its main function, and its arguments for an output."""
    study.write_session("p001", 1)
    draw_only("accuracy")
    external = tmp_path / "beginning.csv"
    external.write_text(RATINGS, encoding="utf-8")
    make = ["make", "demo_two_afc", "--stimuli", str(stimulus_set), "--participants", "1-3"]
    show = ["show", "demo_two_afc", "--out"]
    power = ["power", "demo_two_afc", "--participants", "10", "--simulations", "2"]
    ratings = ["import", str(external), "--mapping", "borowski2021_intuitiveness"]
    return {
        "make": (conditions.__main__.main, lambda out: [*make, "--out", str(out)]),
        "show": (conditions.__main__.main, lambda out: [*show, f"{out}.svg"]),
        "import": (analysis.__main__.main, lambda out: [*ratings, "--out", str(out)]),
        "report": (
            analysis.__main__.main,
            lambda out: ["report", str(study.folder), "--paper", "--out", str(out)],
        ),
        "bids": (analysis.__main__.main, lambda out: ["export", str(study.folder), "--bids", out]),
        "psychds": (
            analysis.__main__.main,
            lambda out: ["export", str(study.folder), "--psychds", str(out)],
        ),
        "power": (analysis.__main__.main, lambda out: [*power, "--out", str(out)]),
        "preregister": (
            analysis.__main__.main,
            lambda out: ["preregister", "demo_two_afc", "--out", f"{out}.md"],
        ),
    }


NAMES = ("make", "show", "import", "report", "bids", "psychds", "power", "preregister")


def left_in(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def outcome(
    command: tuple[Any, Command], out: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    main, arguments = command
    capsys.readouterr()
    code = main([str(part) for part in arguments(out)])
    return code, capsys.readouterr().err.rpartition("study/s]\n")[-1]  # after a progress bar


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as on a disk that is full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def target(folder: Path, name: str) -> Path:
    """Return an output below folders that are missing, where the command makes them."""
    return folder / "out" if name == "show" else folder / "new" / "deep" / "out"


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_cannot_be_written_whole(
    commands: dict[str, Any], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    out = target(folder, name)
    with file_size_limit(300):
        code, said = outcome(commands[name], out, capsys)
    assert code == BAD_INPUT_EXIT_CODE, said
    assert said.count("\n") == 1 and "cannot be written (File too large)" in said
    assert left_in(folder) == {}
    # What failed is no obstacle once there is room.
    assert outcome(commands[name], out, capsys) == (0, "")
    assert some(left_in(folder))
    assert not [path for path in left_in(folder) if "partial" in path or "/." in path]


@pytest.mark.parametrize("name", NAMES)
def test_ctrl_c(
    commands: dict[str, Any],
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)  # a file's last step
        code, said = outcome(commands[name], target(folder, name), capsys)
    assert code == INTERRUPTED_EXIT_CODE
    assert said.endswith(": stopped\n") and said.count("\n") == 1
    assert left_in(folder) == {}


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that cannot be written; root can write wherever the disk lets it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not hasattr(os, "geteuid"):
        pytest.skip("modes are POSIX's")
    if os.geteuid():
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)
        return
    with mounted(folder, "size=1m"):
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    if not shutil.which("mount") or not hasattr(os, "geteuid") or os.geteuid():
        pytest.skip("only root can mount a file system")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_that_cannot_be_written(
    commands: dict[str, Any], name: str, read_only: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = outcome(commands[name], target(read_only, name), capsys)
    assert code == BAD_INPUT_EXIT_CODE, said
    assert said.count("\n") == 1 and "cannot be written (" in said
    assert left_in(read_only) == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_is_full(
    commands: dict[str, Any], name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with mounted(folder, "size=32k"):
        (folder / "other").write_bytes(b"x" * 32768)
        code, said = outcome(commands[name], target(folder, name), capsys)
        assert code == BAD_INPUT_EXIT_CODE, said
        assert said.count("\n") == 1 and "cannot be written (No space left on device)" in said
        assert set(left_in(folder)) == {"other"}


def test_a_report_removes_only_what_a_report_wrote(
    commands: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    assert outcome(commands["report"], out, capsys) == (0, "")
    (out / ".DS_Store").write_bytes(b"of a file manager")
    assert outcome(commands["report"], out, capsys) == (0, "")
    (out / "tables" / "notes.txt").write_text("mine", encoding="utf-8")
    code, said = outcome(commands["report"], out, capsys)
    assert code == BAD_INPUT_EXIT_CODE and "notes.txt: was written by no report" in said
    (out / "tables" / "notes.txt").unlink()
    page = out / "report.html"
    page.write_text(page.read_text(encoding="utf-8") + "<!-- mine -->", encoding="utf-8")
    code, said = outcome(commands["report"], out, capsys)
    assert code == BAD_INPUT_EXIT_CODE and "report.html: was changed since" in said
    assert page.read_text(encoding="utf-8").endswith("<!-- mine -->")


def test_an_earlier_report_stays_where_a_new_one_cannot_be_written(
    commands: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "reports" / "one"
    assert outcome(commands["report"], out, capsys) == (0, "")
    before = left_in(out.parent)
    with file_size_limit(5000):
        assert outcome(commands["report"], out, capsys)[0] == BAD_INPUT_EXIT_CODE
    assert left_in(out.parent) == before
    renamed = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if target == out and not path.name.endswith("-old"):
            raise KeyboardInterrupt  # The old one has been moved aside by then.
        return renamed(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupted)
        assert outcome(commands["report"], out, capsys)[0] == INTERRUPTED_EXIT_CODE
    assert left_in(out.parent) == before


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_imported_logs_have_the_modes_of_sessions(
    commands: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "logs" / "imported"
    before = os.umask(0)
    try:
        assert outcome(commands["import"], out, capsys) == (0, "")
    finally:
        os.umask(before)
    for path in some([out.parent, out, *out.rglob("*")]):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
