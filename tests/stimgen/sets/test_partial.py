import subprocess
import sys
import time
from pathlib import Path

import pytest

from stimgen.sets.partial import PartialFolder
from unitscope.errors import BadInput

HOLD = """
import sys, time
from pathlib import Path
from stimgen.sets.partial import PartialFolder
with PartialFolder(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_kept_out_while_one_is_at_work(tmp_path: Path) -> None:
    final = tmp_path / "out" / "set"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(final)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with (
        pytest.raises(BadInput, match="another process is writing it"),
        PartialFolder(final).locked(),
    ):
        pass
    # One that dies leaves nothing locked.
    other.kill()
    other.communicate()
    time.sleep(0.1)
    with PartialFolder(final).locked():
        pass
    assert list((tmp_path / "out").iterdir()) == []


def test_holding_twice_is_holding_until_the_first_ends(tmp_path: Path) -> None:
    partial, other = PartialFolder(tmp_path / "set"), PartialFolder(tmp_path / "set")
    with partial.locked():
        with partial.locked():
            pass
        with pytest.raises(BadInput, match="another process"), other.locked():
            pass
    with other.locked():
        pass


def test_work_goes_on_where_the_fingerprint_is_the_same(tmp_path: Path) -> None:
    partial = PartialFolder(tmp_path / "set")
    partial.open("a")
    (partial.path / "work").write_text("")
    PartialFolder(tmp_path / "set").open("a")
    assert (partial.path / "work").exists()
    PartialFolder(tmp_path / "set").open("b")
    assert not (partial.path / "work").exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    partial = PartialFolder(tmp_path / "set")
    partial.path.mkdir()
    (partial.path / "thesis.txt").write_text("")
    with pytest.raises(BadInput, match="not the folder of an interrupted run"):
        partial.open("a")
    assert (partial.path / "thesis.txt").exists()


def test_what_served_the_making_is_gone_at_the_end(tmp_path: Path) -> None:
    partial = PartialFolder(tmp_path / "set")
    partial.open("a")
    for _ in range(2):
        with partial.timed("work"):
            pass
    assert set(partial.seconds) == {"work"}
    (partial.path / "rough").mkdir()
    (partial.path / "rough" / "draft").write_text("")
    (partial.path / "fair").write_text("")
    partial.finish("rough", "never made")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["fair"]
    assert not partial.path.exists()


def test_a_disk_that_was_full_leaves_nothing_that_stops_the_next_run(tmp_path: Path) -> None:
    partial = PartialFolder(tmp_path / "set")
    partial.open("one")
    with partial.timed("sweep"):
        pass
    for name in ("seconds.json", "fingerprint.json"):
        (partial.path / name).write_text("")
    assert partial.seconds == {}
    (partial.path / "old").touch()
    # Whose files these were is not known any more, so they are made again.
    partial.open("one")
    assert not (partial.path / "old").exists()
    with partial.timed("sweep"):
        pass
    partial.finish()
    assert list(partial.final.iterdir()) == []


def test_a_folder_without_any_work_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the mark of its fingerprint nothing could be resumed in it."""

    def fail(*_: object) -> None:
        raise BadInput("cannot be written")

    monkeypatch.setattr("stimgen.sets.partial.write_file", fail)
    partial = PartialFolder(tmp_path / "set")
    with pytest.raises(BadInput, match="cannot be written"), partial.locked():
        partial.open("a")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    partial.open("a")
