import errno
import shutil
from pathlib import Path

import pandas as pd
import pytest

from stimgen.__main__ import main
from stimgen.networks.registry import network_layers


def test_the_layout_of_an_earlier_study(
    tiny_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "exported"
    command = ["export", str(tiny_set), "--layout", "borowski2021", "--out", str(out), "--quiet"]
    assert main(command) == 0
    assert "exported 32 images" in capsys.readouterr().out
    manifest = pd.read_csv(tiny_set / "manifest.csv")
    assert len(list(out.rglob("*.png"))) == len(manifest) == 32
    branches = {"1x1", "3x3", "5x5", "pool"}
    for row in manifest.itertuples():
        below = [p for p in out.rglob(f"{row.pole}_{row.rank}.png") if same(p, tiny_set / row.path)]
        (found,) = below
        parts = found.relative_to(out).parts
        assert parts[0] == "layer_inception4b"
        assert parts[1].removeprefix("kernel_size_") in branches & {row.branch}
        if row.kind == "natural":
            assert parts[3:5] == ("natural_images", f"batch_{int(row.batch)}")
        else:
            assert parts[3] == "optimized_images"
    channels = {p.parts[-1] for p in out.glob("*/*/*")}
    layer = next(layer for layer in network_layers("demo") if layer.name == "inception4b")
    starts = {branch.name: branch.channels.start for branch in layer.branches}
    expected = {f"channel_{r.channel - starts[r.branch]}" for r in manifest.itertuples()}
    assert channels == expected
    assert {p.name for p in tmp_path.iterdir()} == {"exported"}


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def test_mistakes(tiny_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["export", str(tiny_set), "--out", str(tmp_path), "--quiet"]
    assert main([*command, "--layout", "borowski2021"]) == 2
    assert "already exists; give another folder" in capsys.readouterr().err
    assert main([*command, "--layout", "borowsky"]) == 2
    assert "did you mean 'borowski2021'" in capsys.readouterr().err
    copy = tmp_path / "set"
    shutil.copytree(tiny_set, copy)
    next(copy.rglob("*.png")).unlink()
    out = ["--out", str(tmp_path / "out")]
    assert main(["export", str(copy), "--layout", "borowski2021", *out, "--quiet"]) == 2
    assert "is missing" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 2, "out: cannot be written (No space"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_what_cannot_be_exported_whole_leaves_nothing(
    tiny_set: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    code: int,
    message: str,
) -> None:
    copied = shutil.copyfile

    def copy(source: Path, target: Path) -> Path:
        if target.name == "max_2.png":
            raise failure
        return Path(copied(source, target))

    monkeypatch.setattr("shutil.copyfile", copy)
    out = ["--out", str(tmp_path / "new" / "out")]
    command = ["export", str(tiny_set), "--layout", "borowski2021", *out, "--quiet"]
    assert main(command) == code
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert main(command) == 0
