"""The calibration command, with readings from a file, a photometer and the keyboard."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.lab.calibration import Reading, fit_guns, read_readings, write_readings
from experiments.lab.photometer import GUNS, SimulatedPhotometer, find_photometer
from tests.conftest import first_quick, some

GEOMETRY = ["--width-cm", "53", "--distance-cm", "60", "--size", "640x400"]


class FixedPhotometer:
    """A photometer as a lab would plug it in."""

    name = "fixed"

    def read_cd_m2(self, gun: str, level: float) -> float:
        return 0.5 + 100 * level**2


class PsychoPyLike:
    def __init__(self, port="none"):
        self.port = port

    def getLum(self):  # noqa: N802
        return 42.0


@pytest.fixture
def readings():
    photometer = SimulatedPhotometer(2.3, seed=3)
    return [
        Reading(gun, level / 8, photometer.read_cd_m2(gun, level / 8))
        for gun in GUNS
        for level in range(9)
    ]


@pytest.fixture
def calibrate(tmp_path, virtual_screen):
    def command(*options):
        environment = dict(virtual_screen, HOME=str(tmp_path), USERPROFILE=str(tmp_path))
        environment["PYTHONPATH"] = str(Path(__file__).parents[3])
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "experiments",
                "calibrate",
                "lab1",
                *GEOMETRY,
                "--out",
                str(tmp_path / "out"),
                *options,
            ],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    return command


def monitor(tmp_path):
    (file,) = tmp_path.rglob("lab1.json")
    return json.loads(file.read_text(encoding="utf-8"))


def test_readings_travel_through_their_file(tmp_path, readings):
    write_readings(readings, tmp_path / "r.csv")
    assert read_readings(tmp_path / "r.csv") == readings
    fits = fit_guns(readings)
    assert [round(fit.gamma, 1) for fit in fits.values()] == [2.3] * 4


def test_grey_alone_serves_every_gun(readings):
    fits = fit_guns([r for r in readings if r.gun == "grey"])
    assert set(fits) == set(GUNS)
    assert len({fit.gamma for fit in fits.values()}) == 1


def test_photometers_are_found_by_path():
    assert find_photometer(f"{__name__}:FixedPhotometer").read_cd_m2("grey", 1) == 100.5
    assert find_photometer(f"{__name__}:PsychoPyLike", "COM1").read_cd_m2("grey", 1) == 42
    with pytest.raises(Exception, match="is not simulated or a factory"):
        find_photometer(f"{__name__}:Nothing")
    with pytest.raises(Exception, match="expected a number"):
        find_photometer("simulated:bright")


@pytest.mark.window
class TestCommand:
    def test_readings_from_a_file_become_a_monitor(self, calibrate, tmp_path, readings):
        write_readings(readings, tmp_path / "r.csv")
        for _ in range(2):  # a second calibration is added to the first
            process = calibrate("--readings", str(tmp_path / "r.csv"))
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
            assert "gamma 2.3" in out
        saved = monitor(tmp_path)
        assert len(saved) == 2
        assert all(calibration["sizePix"] == [640, 400] for calibration in some(saved.values()))
        assert len(list((tmp_path / "out").glob("*.png"))) == 2

    @pytest.mark.slow
    def test_a_photometer_measures_fields_in_a_window(self, calibrate, tmp_path):
        process = calibrate("--photometer", "simulated:1.9", "--settle-s", "0", "--levels", "5")
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert len(re.findall(r"gamma 1\.(8[5-9]|9[0-5])", out)) == 4
        (csv,) = (tmp_path / "out").glob("*.csv")
        assert len(read_readings(csv)) == 4 * 5

    @pytest.mark.slow
    def test_luminances_are_typed_with_real_keys(self, calibrate, tmp_path, virtual_screen):
        process = calibrate("--grey-only", "--levels", "4")
        typing = (
            "import time; from Xlib.display import Display; "
            "from experiments.display.robot import InputInjector\n"
            "def is_open():\n"
            "    tree = Display().screen().root.query_tree().children\n"
            "    return any(w.get_wm_name() == 'Unitscope' for w in tree)\n"
            "while not is_open(): time.sleep(0.1)\n"
            "time.sleep(3)\n"
            "injector = InputInjector()\n"
            "for text in ('1', '12', '45', '100'):\n"
            "    for key in [*text, 'Return']: injector.press(key); time.sleep(0.25)\n"
            "    time.sleep(0.5)\n"
        )
        subprocess.run(
            [sys.executable, "-c", typing],
            env=dict(virtual_screen, PYTHONPATH=str(Path(__file__).parents[3])),
            check=True,
            timeout=120,
        )
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        (csv,) = (tmp_path / "out").glob("*.csv")
        assert [r.luminance_cd_m2 for r in read_readings(csv)] == [1, 12, 45, 100]

    @pytest.mark.slow
    def test_a_screen_that_takes_no_gamma_fails_the_check_of_the_monitor(
        self, calibrate, tmp_path, readings, virtual_screen, quick_design_file, stimulus_set
    ):
        write_readings(readings, tmp_path / "r.csv")
        _, err = calibrate("--readings", str(tmp_path / "r.csv")).communicate(timeout=120)
        where = ["--stimuli", str(stimulus_set), "--data", str(tmp_path / "data")]
        how = ["--monitor", "lab1", "--size", "640x400", "--no-press"]
        done = subprocess.run(
            [sys.executable, "-m", "experiments", "check", str(quick_design_file), *where, *how],
            capture_output=True,
            text=True,
            env=dict(virtual_screen, HOME=str(tmp_path), USERPROFILE=str(tmp_path)),
            cwd=Path(__file__).parents[3],
            timeout=240,
        )
        assert done.returncode == 1, err + done.stderr
        assert "lab1: the screen cannot be given its gamma" in done.stdout
        assert "the layout needs " in done.stdout
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize(
        ("row", "message"),
        first_quick(
            [
                ("grey,2,50", "line 6, column 'level': found 2"),
                ("purple,1,50", "purple"),
                ("red,1,50", "no readings of green, blue"),
                ("grey,0.9,999", "the largest residual is"),
                ("grey,1,-3", "expected 0 or more"),
            ]
        ),
    )
    def test_bad_readings_get_one_sentence(self, calibrate, tmp_path, row, message):
        lines = ["gun,level,luminance_cd_m2", "grey,0,0.5", "grey,0.4,16.5", "grey,0.7,49.5"]
        lines += ["grey,1,100.5", row]
        (tmp_path / "r.csv").write_text("\n".join(lines) + "\n")
        process = calibrate("--readings", str(tmp_path / "r.csv"))
        _, err = process.communicate(timeout=120)
        assert process.returncode == 2
        assert message in err
        assert "Traceback" not in err
        assert not (tmp_path / "out").exists()
        assert not list(tmp_path.rglob("lab1.json"))


def test_a_missing_width_is_asked_for_or_named(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "experiments", "calibrate", "lab1", "--distance-cm", "60"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 2
    assert "give --width-cm" in done.stderr
