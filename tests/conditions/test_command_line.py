import subprocess
import sys

import pytest

from conditions.__main__ import main
from conditions.design.reading import shipped_designs


def test_make_then_check(tmp_path, stimulus_set, capsys):
    options = ["--stimuli", str(stimulus_set), "--out", str(tmp_path)]
    assert main(["make", "demo_two_afc", "--participants", "1-2", *options]) == 0
    assert "2 condition tables in" in capsys.readouterr().out
    table = str(tmp_path / "demo_two_afc" / "p002.csv")
    assert main(["check", table, "--stimuli", str(stimulus_set)]) == 0
    assert (
        "23 trials, every cell as the design makes it, every image present"
        in capsys.readouterr().out
    )


def test_list_names_the_designs(capsys):
    assert main(["list"]) == 0
    assert "demo_two_afc" in capsys.readouterr().out


def test_bad_input_is_one_sentence_and_exit_code_2(tmp_path, capsys):
    assert main(["make", "demo_two_afc", "--stimuli", str(tmp_path), "--participants", "1"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1
    assert "no stimulus set there" in printed.err


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m conditions list | true"
    for _ in range(3):
        done = subprocess.run(command, shell=True, capture_output=True, text=True)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", shipped_designs())
def test_show_says_what_a_design_is(name, capsys):
    assert main(["show", name]) == 0
    printed = capsys.readouterr().out
    # A terminal may know no other letters.
    assert printed.isascii()
    assert printed.startswith(f"{name}: ")
    assert "Blocks of participant 1" in printed


def test_show_draws_a_diagram(tmp_path, capsys):
    diagram = tmp_path / "exp1.svg"
    assert main(["show", "borowski2021_exp1", "--participant", "2", "--out", str(diagram)]) == 0
    assert "Blocks of participant 2" in diagram.read_text(encoding="utf-8")
    assert "diagram of borowski2021_exp1 in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--participant", "77"], "--participant 77: expected 1 to 76"),
        (["--participant", "0"], "--participant 0: expected 1 to 76"),
        (["--out", "diagram.png"], "diagram.png: expected a name that ends in .svg"),
        (["--out", "nowhere/diagram.svg"], "nowhere: no such folder"),
    ],
)
def test_what_show_cannot_do_is_one_sentence(options, message, capsys):
    assert main(["show", "borowski2021_exp1", *options]) == 2
    assert message in capsys.readouterr().err


def test_check_names_a_column_that_would_break_a_builder_script(tmp_path, stimulus_set, capsys):
    options = ["--stimuli", str(stimulus_set)]
    main(["make", "demo_two_afc", "--participants", "1", "--out", str(tmp_path), *options])
    path = tmp_path / "demo_two_afc" / "p001.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join([f"{lines[0]},win", *(f"{line},1" for line in lines[1:])])
    path.write_text(text + "\n", encoding="utf-8")
    assert main(["check", str(path), *options]) == 2
    printed = capsys.readouterr()
    assert "unknown column 'win', a name that Builder's scripts use themselves" in printed.err
