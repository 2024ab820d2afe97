import subprocess
import sys

from conditions.__main__ import main


def test_make_then_check(tmp_path, stimulus_set, capsys):
    options = ["--stimuli", str(stimulus_set), "--out", str(tmp_path)]
    assert main(["make", "demo_two_afc", "--participants", "1-2", *options]) == 0
    assert "2 condition tables in" in capsys.readouterr().out
    table = str(tmp_path / "demo_two_afc" / "p002.csv")
    assert main(["check", table, "--stimuli", str(stimulus_set)]) == 0
    assert "23 trials, every image present and unchanged" in capsys.readouterr().out


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
