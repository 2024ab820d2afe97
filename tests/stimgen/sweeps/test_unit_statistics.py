from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from stimgen.sweeps.running import RunningHistogram
from stimgen.sweeps.sweep import Sweep
from stimgen.sweeps.unit_statistics import PERCENTILES, percentiles, write_statistics
from unitscope.vocabulary import Unit


def histogram_of(values: np.ndarray) -> np.ndarray:
    histogram = RunningHistogram(1)
    histogram.add(torch.tensor(values[None], dtype=torch.float32))
    return histogram.result()[0]


@pytest.mark.parametrize("shift", [-3.0, 0.0, 2.0])
def test_percentiles_are_right_within_a_bin(shift: float) -> None:
    values = np.random.default_rng(0).normal(shift, 1, 20000)
    found = percentiles(histogram_of(values), values.min(), values.max())
    expected = np.percentile(values, PERCENTILES)
    # A bin is an eighth of an octave wide.
    assert np.all(np.abs(found - expected) <= np.abs(expected) / 8 + 2**-8)
    assert found == sorted(found)


def test_percentiles_of_a_unit_that_never_changes() -> None:
    assert percentiles(histogram_of(np.full(10, 0.7)), 0.7, 0.7) == [0.7] * len(PERCENTILES)


def test_a_row_for_each_unit_in_order(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(2, 300)).astype(np.float32)
    histogram = RunningHistogram(2)
    histogram.add(torch.from_numpy(values))
    order = values.argsort(1)
    units = [Unit("toy", "late", "3x3", 5), Unit("toy", "early", "", 0)]
    found = Sweep(
        tuple(unit.name for unit in units),
        np.take_along_axis(values, order[:, ::-1][:, :4], 1),
        order[:, ::-1][:, :4],
        np.take_along_axis(values, order[:, :4], 1),
        order[:, :4],
        values.mean(1),
        values.std(1),
        histogram.result(),
        300,
    )
    write_statistics(found, units[::-1], tmp_path)
    table = pd.read_csv(tmp_path / "units.csv")
    assert table["layer"].tolist() == ["early", "late"]
    assert table["n_images"].tolist() == [300, 300]
    np.testing.assert_allclose(table["max"], values[::-1].max(1), rtol=1e-6)
    np.testing.assert_allclose(table["min"], values[::-1].min(1), rtol=1e-6)
    np.testing.assert_allclose(table["mean"], values[::-1].mean(1), rtol=1e-6)
    assert (table["p05"] < table["p50"]).all() and (table["p50"] < table["p95"]).all()
