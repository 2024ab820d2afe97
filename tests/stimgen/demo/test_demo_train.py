"""Training from the command line: it writes what loads again, and overwrites nothing."""

import pytest
import yaml

from stimgen.demo.demo_network import WEIGHTS, load_demo_network
from stimgen.demo.training.train_network import main

SHORT = ["--images", "128", "--epochs", "1", "--held-out", "20"]


def test_a_short_run_writes_weights_that_load_and_a_card(tmp_path, capsys):
    out = tmp_path / "new" / "network"
    assert main(["--out", str(out), *SHORT]) == 0
    assert "Held-out accuracy: shape" in capsys.readouterr().out
    load_demo_network(out / "weights.safetensors")
    figures = yaml.safe_load((out / "CARD.md").read_text(encoding="utf-8").split("---\n")[1])
    assert figures["training"]["images"] == 128
    assert figures["held_out"]["images"] == 20
    assert set(figures["held_out"]["accuracy"]) == set(figures["chance"])


def test_existing_weights_are_not_overwritten(capsys):
    before = WEIGHTS.read_bytes()
    assert main(["--out", str(WEIGHTS.parent), *SHORT]) == 2
    message = capsys.readouterr().err
    assert "weights.safetensors exists already" in message
    assert message.count("\n") == 1
    assert WEIGHTS.read_bytes() == before


@pytest.mark.parametrize("option", ["--images", "--epochs", "--held-out"])
def test_too_few_is_refused_in_one_sentence(option, tmp_path, capsys):
    assert main(["--out", str(tmp_path), option, "0"]) == 2
    assert f"{option} is 0" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    for option in ("--out", "--images", "--epochs", "--held-out", "--seed"):
        assert option in text
