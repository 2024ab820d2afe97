"""The whole way by the users' commands: stimuli, tables, sessions, report."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import analysis.__main__
import conditions.__main__
import experiments.__main__
import stimgen.__main__

SETTINGS = """
name: small
network: {name: demo}
images: {source: demo, n: 800, resize_px: 224, crop_px: 224}
units:
  sample: {n: 9, layers: [inception4b, inception4c, inception4d, inception4e]}
natural: {n_batches: 5, n_bins: 10}
synthetic:
  per_pole: 9
  steps: 6
  image_px: 64
  margin_px: 4
  jitter_px: [4, 2]
seed: 3
"""


def test_from_a_network_to_a_report(tmp_path, capsys):
    settings = tmp_path / "small.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    stimuli, tables = tmp_path / "stimuli", tmp_path / "tables"
    data, report = tmp_path / "data", tmp_path / "report"

    build = ["build", str(settings), "--out", str(stimuli), "--tables", str(tables), "--quiet"]
    build += ["--design", "demo_two_afc", "--participants", "1-16"]
    assert stimgen.__main__.main(build) == 0
    table = str(tables / "demo_two_afc" / "p001.csv")
    assert conditions.__main__.main(["check", table, "--stimuli", str(stimuli / "small")]) == 0

    places = ["--stimuli", str(stimuli / "small"), "--tables", str(tables), "--data", str(data)]
    for observer, participants in (("graded", "1-12"), ("similarity", "13-16")):
        command = ["simulate", "demo_two_afc", "--participants", participants]
        assert experiments.__main__.main([*command, "--observer", observer, *places]) == 0

    command = ["report", str(data / "demo_two_afc"), "--out", str(report)]
    assert analysis.__main__.main(command) == 0
    assert "correct in" in capsys.readouterr().out
    assert "<svg" in (report / "report.html").read_text(encoding="utf-8")
    assert json.loads((report / "results.json").read_text(encoding="utf-8"))

    frame = analysis.load(data / "demo_two_afc")
    main = frame[frame["trial_role"] == "main"]
    right = main.groupby(["observer_kind", "reference_condition"])["correct"].mean().astype(float)
    # The machine looks at the pictures only: they tell it something, and nothing does without them.
    assert right["machine", "natural"] > 0.7
    assert right["simulated", "natural"] > right["simulated", "none"] + 0.15
    counts = main.groupby("observer_kind").size()
    assert counts.to_dict() == {"machine": 4 * 18, "simulated": 12 * 18}
    # With 24 guesses three standard errors are .31.
    assert right["machine", "none"] == pytest.approx(0.5, abs=0.31)


def test_every_number_of_a_log_can_be_read_with_pandas_alone(tmp_path, stimulus_set):
    tables, data = tmp_path / "tables", tmp_path / "data"
    options = ["--stimuli", str(stimulus_set)]
    make = ["make", "demo_two_afc", "--participants", "1", "--out", str(tables)]
    assert conditions.__main__.main([*make, *options]) == 0
    simulate = ["simulate", "demo_two_afc", "--participants", "1", "--tables", str(tables)]
    assert experiments.__main__.main([*simulate, "--data", str(data), *options]) == 0
    frame = pd.read_csv(data / "demo_two_afc" / "sub-p001" / "ses-01" / "trials.csv")
    assert frame["correct"].dtype == bool
    assert frame["rt_s"].dtype == float
    assert len(frame) == 23
