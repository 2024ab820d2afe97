"""That the figures are made and mean what they say; how large they are is no test's business."""

import pytest
import torch

from stimgen import bench
from stimgen.registry import load_network

CPU = torch.device("cpu")


def test_rates_are_positive():
    assert bench.decode_rate(4) > 0
    assert bench.peak_flops(CPU) > 0


def test_operations_are_counted_to_a_layer_and_to_the_end():
    module = bench._usual_googlenet(CPU)
    whole = bench._flops_forward(module, CPU)
    # GoogLeNet's published size is 1.5 billion multiplications with additions.
    assert whole == pytest.approx(2 * 1.5e9, rel=0.02)
    assert bench._flops_forward(module, CPU, "inception4a") == pytest.approx(2 * 0.94e9, rel=0.03)
    assert bench._flops_forward(module, CPU) == whole


@pytest.mark.slow
def test_both_ways_are_measured():
    network = load_network("googlenet", "random")
    figures = [
        bench._sweep_figure(network, 1e11, 1, n_images=32),
        bench._render_figure(network, 1e11, 1, steps=1),
    ]
    for figure in figures:
        assert figure.rate > 0
        assert figure.ratio > 0
        assert figure.share > 0
    printed = bench.table(figures)
    assert "sweep of GoogLeNet" in printed
    assert len(printed.splitlines()) == 4
