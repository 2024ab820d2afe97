import subprocess
import sys
from pathlib import Path

import pytest

from stimgen.__main__ import main
from unitscope.stimulus_set import StimulusSet

SETTINGS = """
name: small
network: {name: demo, weights: random}
units: {sample: {n: 2, layers: [mixed3a]}}
images: {resize_px: 64, crop_px: 64}
natural: {n_batches: 2, n_bins: 3}
synthetic: {per_pole: 1, steps: 1, image_px: 48, margin_px: 2, jitter_px: [2, 2]}
"""


@pytest.fixture
def settings(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(SETTINGS)
    return str(path)


def test_importing_needs_no_torch() -> None:
    code = "import stimgen, stimgen.__main__, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_build_by_steps(
    settings: str, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [settings, "--images", str(photographs), "--out", str(tmp_path / "out"), "--quiet"]
    assert main(["sweep", *options]) == 0
    assert "swept 44 images" in capsys.readouterr().out
    assert main(["render", *options]) == 0
    assert "rendered 4 images" in capsys.readouterr().out
    assert main(["build", *options]) == 0
    shown = capsys.readouterr()
    assert "wrote 28 images of 2 units" in shown.out
    assert "2 images could not be read, such as broken.png" in shown.err
    assert len(StimulusSet.open(tmp_path / "out" / "small").units) == 2
    assert main(["build", *options]) == 0
    assert "already exists" in capsys.readouterr().out
    assert main(["build", *options, "--weights", "DEFAULT"]) == 2
    assert "other name with --name" in capsys.readouterr().err
    assert main(["build", *options, "--weights", "DEFAULT", "--name", "trained"]) == 0


def test_build_writes_condition_tables(
    settings: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide_enough = SETTINGS.replace("n: 2", "n: 9").replace("per_pole: 1", "per_pole: 9")
    wide_enough = wide_enough.replace("n_batches: 2, n_bins: 3", "n_batches: 5, n_bins: 10")
    wide_enough = wide_enough.replace("images: {", "images: {source: demo, n: 100, ")
    Path(settings).write_text(wide_enough)
    options = [settings, "--out", str(tmp_path / "out"), "--quiet"]
    options += ["--design", "demo_two_afc", "--participants", "1-2"]
    options += ["--tables", str(tmp_path / "tables")]
    assert main(["build", *options]) == 0
    assert "2 condition tables in" in capsys.readouterr().out
    assert len(list((tmp_path / "tables").rglob("*.csv"))) == 2


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["build", "dem"], "did you mean 'demo'"),
        (["build", "demo", "--design", "demo_two_afc"], "are given together"),
        (["build", "demo", "--name", "a/b"], "--name: name is 'a/b'"),
        (["build", "demo", "--images", ".", "--out", "nowhere"], "remove --images"),
        (["build", "googlenet", "--weights", "random"], "needs photographs"),
        (["units", "--network", "demi"], "did you mean 'demo'"),
    ],
)
def test_mistakes_are_one_sentence(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_units_lists_every_branch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["units", "--network", "googlenet"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "layer,branch,first_channel,last_channel"
    assert "inception4a,3x3,192,399" in shown.out
    assert "5488 units in 9 layers" in shown.err


def test_networks_lists_every_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["networks"]) == 0
    names = capsys.readouterr().out.split()
    assert {"demo", "inception_v1", "googlenet", "resnet18", "vit_b_16"} < set(names)
    assert len(names) == len(set(names))


def test_units_of_a_network_without_branches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["units", "--network", "resnet18"]) == 0
    shown = capsys.readouterr()
    assert "layer3.1.conv2,,0,255" in shown.out.splitlines()
    assert "6720 units in 28 layers" in shown.err
