"""Files that are whole, or as they were."""

import os
import shutil
import stat
import subprocess
import sys

import pytest

from unitscope.disk import append, make_folder, replace, whole_folder, write_file, write_files
from unitscope.errors import BadInput

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_only_the_owner_can_read_what_is_written(tmp_path):
    before = os.umask(0)
    try:
        make_folder(tmp_path / "sub-p001" / "ses-01")
        append(tmp_path / "sub-p001" / "ses-01" / "trials.csv", b"a\n")
        replace(tmp_path / "sub-p001" / "ses-01" / "session.json", b"{}\n")
    finally:
        os.umask(before)
    for path in (tmp_path / "sub-p001").rglob("*"):
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path
    assert mode(tmp_path / "sub-p001") == 0o700


@posix
def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    (tmp_path / "shared").mkdir(mode=0o755)
    make_folder(tmp_path / "shared" / "ses-01")
    assert mode(tmp_path / "shared") == 0o755


def test_what_cannot_be_written_whole_leaves_the_file_as_it_was(tmp_path):
    """A limit of the process stands for a full disk; it ends a write in its middle."""
    pytest.importorskip("resource")
    code = """
import resource, sys
from pathlib import Path
from unitscope.errors import BadInput
from unitscope.disk import append, replace
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
for write in (append, replace):
    try:
        write(Path(sys.argv[1]), b"x" * 90)
        write(Path(sys.argv[1]), b"y" * 110)
    except BadInput as error:
        print(error)
"""
    path = tmp_path / "trials.csv"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert path.read_bytes() == b"x" * 90
    said = done.stdout.splitlines()
    assert len(said) == 2
    for sentence in said:
        assert sentence.startswith(f"{path}: cannot be written (File too large)")
        assert sentence.endswith("what was recorded before is kept")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /dev/full")
def test_a_full_disk_is_said_in_one_sentence(tmp_path):
    (tmp_path / "trials.csv").symlink_to("/dev/full")
    with pytest.raises(
        BadInput, match=r"trials.csv: cannot be written \(No space left on device\)"
    ):
        append(tmp_path / "trials.csv", b"a\n")


def test_a_folder_that_is_gone_is_said_in_one_sentence(tmp_path):
    make_folder(tmp_path / "ses-01")
    shutil.rmtree(tmp_path / "ses-01")
    for write in (append, replace):
        with pytest.raises(BadInput, match="cannot be written"):
            write(tmp_path / "ses-01" / "trials.csv", b"a\n")


def test_several_files_are_written_or_none(tmp_path):
    (tmp_path / "kept").write_text("before")
    (tmp_path / "taken").mkdir()  # A folder cannot be replaced by a file.
    contents = {tmp_path / "new" / "a": "a", tmp_path / "kept": "after", tmp_path / "taken": "b"}
    with pytest.raises(BadInput, match="taken: cannot be written"):
        write_files(contents)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept", "taken"]
    write_files({path: text for path, text in contents.items() if path.name != "taken"})
    assert (tmp_path / "new" / "a").read_text() == "a"
    assert (tmp_path / "kept").read_text() == "after"


def test_a_folder_appears_once_it_is_complete(tmp_path):
    with (
        pytest.raises(BadInput, match=r"out/a: cannot be written"),
        whole_folder(tmp_path / "new" / "out") as folder,
    ):
        (folder / "a").mkdir()
        write_file(folder / "a", "text")
    assert list(tmp_path.iterdir()) == []
    with whole_folder(tmp_path / "new" / "out") as folder:
        assert not (tmp_path / "new" / "out").exists()
        write_file(folder / "b" / "c", "text")
    assert (tmp_path / "new" / "out" / "b" / "c").read_text() == "text"
    with (
        pytest.raises(BadInput, match="out: exists already"),
        whole_folder(tmp_path / "new" / "out"),
    ):
        pass
