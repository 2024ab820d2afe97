"""That the figures are made and mean what they say; how large they are is no test's business."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.generator import usual
from benchmarks.generator.__main__ import PARTS, main
from benchmarks.generator.decoding import decode_rates
from benchmarks.generator.figures import HEAD, Bench, Figure, Sizes, row
from benchmarks.generator.limits import flops_of_convolutions, flops_of_pass
from benchmarks.generator.own import Asked, NoiseCrops, maps_of_units, occluded_images
from benchmarks.generator.study_hours import Repeated, write_photographs
from stimgen.sweeps.photographs import read_rgb

CPU = torch.device("cpu")
SMALL = Sizes(
    sweep=8,
    k=3,
    recorded=8,
    steps=1,
    usual_units=1,
    batches=((1, 2),),
    stride_px=67,
    usual_positions=2,
    memory=(400, 500),
    files=70,
    map_stride_px=67,
    map_units=(1, 2),
    studies=("demo", "klein2023"),
)


def test_rates_are_positive() -> None:
    rates = decode_rates(4, CPU)
    assert len(rates) == 3 and all(rate > 0 for rate in rates.values())
    for precision in ("fp32", "bf16"):
        assert flops_of_convolutions(CPU, precision, "processor") > 0


def test_operations_are_counted_to_a_layer() -> None:
    # Published: 1.5 billion multiplications with additions, .94 of them up to inception4a.
    assert flops_of_pass("inception4a") == pytest.approx(2 * 0.94e9, rel=0.03)
    assert flops_of_pass("inception5b") == pytest.approx(2 * 1.5e9, rel=0.02)


def test_the_usual_ways_do_what_they_are_to() -> None:
    images = [np.asarray(NoiseCrops(3).load(i)) for i in range(3)]
    usual.hook_loop(CPU, images, 5, 2, batch=2)()
    usual.render_loop(CPU, "inception3a", [0], 1)()
    usual.occlusion_loop(CPU, occluded_images(1), "inception3a", 0)()


def test_the_table_has_a_row_a_figure() -> None:
    assert row(Figure("sweep", 12.34, "images/s", 2.0, 0.5)) == (
        "| sweep | 12.3 images/s | 2.0 | 50 % |"
    )
    assert row(Figure("limit", 1.0, "s")) == "| limit | 1.0 s |  |  |"
    assert [line.count("|") for line in HEAD.splitlines()] == [5, 5]


def test_each_row_is_printed_as_it_is_measured_and_kept_on_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    def measured(self: Bench, parts: Sequence[str]) -> Iterator[Figure]:
        yield Figure("first", 1.0, "s")
        shown.append(capsys.readouterr().out)
        raise KeyboardInterrupt

    monkeypatch.setattr(Bench, "measure", measured)
    assert main(["limit", "--device", "cpu"]) == 130
    assert shown[0].endswith("| first | 1.0 s |  |  |\n")


def test_an_unknown_part_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["swep"]) == 2
    assert "did you mean 'sweep'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["render", "--network", "demo", "--layer", "mixed4a"], "is for files and map"),
        (["map", "--network", "demo"], "needs --layer"),
        (["map", "--network", "demo", "--layer", "mixed4"], "did you mean 'mixed4"),
        (["map", "--network", "no.where:at_all", "--layer", "a"], "is not a function"),
    ],
)
def test_any_network_but_not_in_every_part(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert message in capsys.readouterr().err


def test_the_command_prints_the_machine_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    try:
        argv = ["limit", "--device", "cpu", "--repeats", "1", "--processor-time"]
        assert main(argv) == 0
    finally:
        torch.set_num_threads(threads)
    first, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("cpu: ") and ", 1 threads; Python " in first
    assert [row.count("|") for row in rows[:4]] == [5] * 4
    assert "in fp32, the limit | " in rows[2] and "in bf16, the limit | " in rows[3]
    assert main(["limit", "--repeats", "0"]) == 2
    assert "--repeats 0: expected 1 or more" in capsys.readouterr().err


@pytest.fixture(scope="module")
def bench() -> Bench:
    """One for all parts: it measures the machine's limit once."""
    return Bench(CPU, 1, "processor", SMALL, ("fp32", "bf16"))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["sweep", "memory", "render", "occlusion"])
def test_both_ways_are_measured(part: str, bench: Bench) -> None:
    figures = list(bench.measure([part]))
    compared = [figure for figure in figures if figure.ratio is not None]
    assert len(figures) == {"sweep": 5, "render": 4}.get(part, 2)
    assert len(compared) == (0 if part == "memory" else 2)
    for figure in compared:
        assert figure.value > 0
        assert figure.ratio > 0  # type: ignore[operator]
        assert figure.share > 0  # type: ignore[operator]


@pytest.mark.slow
def test_what_a_lab_asks_is_measured(bench: Bench) -> None:
    (fp32, bf16), maps = bench.measure(["files"]), list(bench.measure(["map"]))
    assert fp32.unit == bf16.unit == "images/s" and min(fp32.value, bf16.value) > 0
    assert [figure.unit for figure in maps] == ["s"] * 4
    assert "occlusion map of 9 positions, inception4a, 2 units, in bf16" in maps[3].work
    other = Bench(CPU, 1, "processor", SMALL, ("fp32",), Asked("demo", "inception4a"))
    assert "sweep of demo, in fp32" in next(other.measure(["files"])).work
    demo, klein = bench.measure(["studies"])
    assert "demo, 3,000 images" in demo.work and "klein2023, 50,000 images" in klein.work
    assert klein.unit == "h" and klein.value > 0


class Fixed(nn.Module):
    """A network of one size, whose occlusion maps take full passes."""

    input_px, mean, sd = 32, (0, 0, 0), (1, 1, 1)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.flat, self.last = (
            nn.Conv2d(3, 4, 8, 8),
            nn.Linear(64, 64),
            nn.Conv2d(4, 5, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = self.flat(self.first(x).view(len(x), 64))
        last: torch.Tensor = self.last(flat.view(len(x), 4, 4, 4))
        return last


@pytest.mark.parametrize(
    ("name", "layer"), [("demo", "inception4a"), (f"{__name__}:Fixed", "last")]
)
def test_maps_of_any_network(name: str, layer: str) -> None:
    assert maps_of_units(CPU, "fp32", 67, 2, Asked(name, layer))() == 9


def test_photographs_are_of_a_common_size(tmp_path: Path) -> None:
    write_photographs(tmp_path, 66)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 66 and files[0].read_bytes() == files[64].read_bytes()
    assert read_rgb(files[1]).size == (500, 375)
    assert 60_000 < files[0].stat().st_size < 160_000
    again = Repeated(tmp_path, 1000)
    assert len(again) == 1000 and again.name(66) == again.name(0)


@pytest.mark.parametrize(("peak", "precisions"), [(2.0, 2), (0.5, 1)])
def test_bf16_is_left_out_where_it_is_slower(
    peak: float,
    precisions: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    peaks = {"fp32": 1.0, "bf16": peak}
    monkeypatch.setattr(
        "benchmarks.generator.figures.flops_of_convolutions", lambda device, p, clock: peaks[p]
    )
    assert len(Bench(CPU).precisions) == precisions
    assert main(["limit", "--device", "cpu"]) == 0
    assert ("no faster in bf16" in capsys.readouterr().out) == (precisions == 1)


def test_all_parts_are_known() -> None:
    assert list(Bench(CPU)._parts) == list(PARTS)
