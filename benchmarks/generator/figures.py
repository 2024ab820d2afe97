"""Speed of stimgen on this machine, compared with common scripts and with the machine's limit."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.generator import own, usual
from benchmarks.generator.commands_timed import demo_seconds, sweep_seconds
from benchmarks.generator.decoding import decode_rates
from benchmarks.generator.limits import flops_of_convolutions, flops_of_pass
from benchmarks.generator.own import IMAGES, LAYER, Asked
from benchmarks.generator.sides import Clock, Way, in_turns
from benchmarks.generator.study_hours import study_seconds, write_photographs
from stimgen.networks.compute_device import device_model
from stimgen.networks.network import Precision
from unitscope.versions import versions

PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    Parameters
    ----------
    work
        Description of the work.
    value, unit
        Measured rate, duration or amount.
    ratio
        Rate relative to the usual way, measured in alternation with it; None without one.
    share
        Proportion of the measured peak of this machine's arithmetic; None if that is not a limit.
    """

    work: str
    value: float
    unit: str
    ratio: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Sizes:
    """Amounts of work in a measurement.

    Parameters
    ----------
    sweep, k
        Images of a sweep, and number of images kept at each pole.
    recorded
        Images recorded in the middle of a long sweep.
    steps, usual_units
        Steps of an optimisation, and units rendered by the usual way.
    batches
        Batches that are rendered by themselves: numbers of units, and of images of each.
    stride_px, usual_positions
        Step between positions of a patch, and number of positions for the usual way.
    memory
        Images of a short and of a long sweep.
    files
        JPEG files of a sweep from files.
    map_stride_px, map_units
        Step between positions of a whole map, and numbers of units that share one.
    studies
        Settings files whose duration is estimated; all that are shipped if None.
    """

    sweep: int = 448
    k: int = 200
    recorded: int = 1024
    steps: int = 32
    usual_units: int = 1
    batches: tuple[tuple[int, int], ...] = ()
    stride_px: int = 6
    usual_positions: int = 20
    memory: tuple[int, int] = (1024, 8192)
    files: int = 448
    map_stride_px: int = 2
    map_units: tuple[int, ...] = (1, 18)
    studies: tuple[str, ...] | None = None


ON_CUDA = Sizes(
    sweep=8192, recorded=8192, steps=256, files=12288, batches=((1, 1), (4, 9), (48, 8))
)
"""Amounts that keep a CUDA device at work for some seconds."""


class Bench:
    """The parts of the benchmark.

    Parameters
    ----------
    device
        Device of the networks.
    repeats
        Number of measurements of each way, in alternation with the others.
    clock
        Clock of the measurements; see :data:`benchmarks.generator.sides.Clock`.
    sizes
        By default those for the device.
    precisions
        Precisions of the networks; by default fp32, and bf16 if its convolutions are faster.
    asked
        Network and layer of the parts ``files`` and ``map``.
    """

    def __init__(
        self,
        device: torch.device,
        repeats: int = 3,
        clock: Clock = "wall",
        sizes: Sizes | None = None,
        precisions: Sequence[Precision] | None = None,
        asked: Asked | None = None,
    ) -> None:
        self.asked = asked or Asked()
        self.device, self.repeats, self.clock = device, repeats, clock
        self.sizes = sizes or (Sizes() if device.type == "cpu" else ON_CUDA)
        self._parts: dict[str, Callable[[], Iterator[Figure]]] = {
            "limit": self._limit,
            "decode": self._decode,
            "sweep": self._sweep,
            "files": self._files,
            "memory": self._memory,
            "render": self._render,
            "occlusion": self._occlusion,
            "map": self._map,
            "ranks": self._ranks,
            "demo": self._demo,
            "studies": self._studies,
        }
        self._peaks: dict[Precision, float] = {}
        self._precisions = precisions

    def measure(self, parts: Sequence[str]) -> Iterator[Figure]:
        """Measure some parts, with a progress bar, and yield each figure as it is measured."""
        for part in tqdm(parts, desc="bench", unit="part", leave=False):
            yield from self._parts[part]()

    @property
    def precisions(self) -> Sequence[Precision]:
        """Precisions of the networks."""
        if self._precisions is None:
            faster = self._peak("bf16") > self._peak("fp32")
            self._precisions = PRECISIONS if faster else PRECISIONS[:1]
        return self._precisions

    def _peak(self, precision: Precision) -> float:
        if precision not in self._peaks:
            self._peaks[precision] = flops_of_convolutions(self.device, precision, self.clock)
        return self._peaks[precision]

    def _limit(self) -> Iterator[Figure]:
        for precision in PRECISIONS:
            work = f"3 x 3 convolutions in {precision}, the limit"
            yield Figure(work, self._peak(precision) / 1e9, "GFLOP/s")

    def _decode(self) -> Iterator[Figure]:
        device = self.device if self.device.type == "cuda" else None
        for name, rate in decode_rates(device=device).items():
            work = f"decoding photographs of 500 x 375 and cropping them, by {name}"
            yield Figure(work, rate, "images/s")

    def _sweep(self) -> Iterator[Figure]:
        n, k = self.sizes.sweep, self.sizes.k
        ways: list[Way] = [(usual.hook_loop, (self.device, IMAGES, n, k))]
        for precision in self.precisions:
            ways.append((own.sweep_images, (self.device, precision, n, k)))
        ways.append((own.sweep_end, (self.device, k)))
        (before, *seconds, end), (_, *flops) = in_turns(ways, self.repeats, self.clock)
        for i, precision in enumerate(self.precisions):
            share = n * flops[i] / seconds[i] / self._peak(precision)
            work = f"sweep of GoogLeNet, all units, in {precision}"
            yield Figure(work, n / seconds[i], "images/s", before / seconds[i], share)
        for precision in self.precisions:
            yield self._recording(precision)
        yield Figure("the end of a sweep, once for any number of images", 1000 * end, "ms")

    def _recording(self, precision: Precision) -> Figure:
        n, k = self.sizes.recorded, self.sizes.k
        ways: list[Way] = [
            (own.recording, (self.device, precision, n, k)),
            (own.bare_passes, (self.device, precision, n)),
        ]
        # A difference of a few percent needs more measurements than a duration.
        (recorded, bare), _ = in_turns(ways, 3 * self.repeats - 2, self.clock)
        work = f"recording all units and keeping the top {k} at both ends, in {precision}"
        return Figure(work, 100 * (recorded / bare - 1), "% more than bare passes")

    def _files(self) -> Iterator[Figure]:
        n, k = self.sizes.files, self.sizes.k
        with tempfile.TemporaryDirectory() as folder:
            write_photographs(Path(folder), n)
            ways: list[Way] = [
                (own.sweep_files, (self.device, precision, Path(folder), k, self.asked))
                for precision in self.precisions
            ]
            seconds, _ = in_turns(ways, self.repeats, self.clock)
        for precision, own_seconds in zip(self.precisions, seconds, strict=True):
            work = (
                f"from a folder of JPEG files of 500 x 375 to a finished sweep of "
                f"{self.asked.network}, in {precision}"
            )
            yield Figure(work, n / own_seconds, "images/s")

    def _memory(self) -> Iterator[Figure]:
        ways = [(own.sweep_memory, (self.device, n)) for n in self.sizes.memory]
        _, peaks = in_turns(ways, 1)
        if None not in peaks:
            for n, peak in zip(self.sizes.memory, peaks, strict=True):
                yield Figure(f"memory of a process that sweeps {n} images", peak / 2**20, "MiB")

    def _render(self) -> Iterator[Figure]:
        n_usual, steps = self.sizes.usual_units, self.sizes.steps
        ways: list[Way] = [(usual.render_loop, (self.device, LAYER, range(n_usual), steps))]
        ways += [(own.render_units, (self.device, p, steps)) for p in self.precisions]
        (before, *seconds), (_, *counts) = in_turns(ways, self.repeats, self.clock)
        usual_rate = n_usual * steps / before
        # A step is a forward and a backward pass, to the image only: about twice a forward pass.
        flops = 2 * flops_of_pass(LAYER)
        for precision, own_seconds, n_images in zip(self.precisions, seconds, counts, strict=True):
            rate = n_images * steps / own_seconds
            work = f"rendering units of {LAYER} in {precision}"
            share = rate * flops / self._peak(precision)
            yield Figure(work, rate, "image steps/s", rate / usual_rate, share)
        for batch in self.sizes.batches:
            for precision in self.precisions:
                way: Way = own.render_units, (self.device, precision, steps, batch)
                (took,), (n_images,) = in_turns([way], self.repeats, self.clock)
                work = f"rendering {batch[0]} x {batch[1]} images, with diversity, in {precision}"
                yield Figure(work, n_images * steps / took, "image steps/s")

    def _occlusion(self) -> Iterator[Figure]:
        n_usual = self.sizes.usual_positions
        ways: list[Way] = [
            (usual.occlusion_loop, (self.device, own.occluded_images(n_usual), LAYER, 0))
        ]
        ways += [
            (own.occlusion_maps, (self.device, p, self.sizes.stride_px)) for p in self.precisions
        ]
        (before, *seconds), (_, *found) = in_turns(ways, self.repeats, self.clock)
        for precision, own_seconds, one in zip(self.precisions, seconds, found, strict=True):
            rate = one.n_positions / own_seconds
            share = rate * one.flops / self._peak(precision)
            work = f"occlusion by 90 px, {LAYER}, in {precision}, largest error {one.error:.0e}"
            yield Figure(work, rate, "positions/s", rate * before / n_usual, share)

    def _map(self) -> Iterator[Figure]:
        stride = self.sizes.map_stride_px
        for precision in self.precisions:
            for n_units in self.sizes.map_units:
                way: Way = (
                    own.maps_of_units,
                    (self.device, precision, stride, n_units, self.asked),
                )
                (seconds,), (n_positions,) = in_turns([way], 1, self.clock)
                units = "1 unit" if n_units == 1 else f"{n_units} units"
                where = f"occlusion map of {n_positions:,} positions, {self.asked.layer}"
                yield Figure(f"{where}, {units}, in {precision}", seconds, "s")

    def _ranks(self) -> Iterator[Figure]:
        cuda = self.device.type == "cuda"
        world = torch.cuda.device_count() if cuda else 2
        if world > 1:
            runs = [[sweep_seconds(self.device.type, n) for n in (1, world)] for _ in range(2)]
            alone, together = (min(run[place] for run in runs) for place in (0, 1))
            work = f"sweep of the demo by {world} processes, against one"
            yield Figure(work, together, "s", alone / together)

    def _demo(self) -> Iterator[Figure]:
        yield Figure("build of the demo set", demo_seconds(self.device.type), "s")

    def _studies(self) -> Iterator[Figure]:
        for name, n_images, seconds in study_seconds(self.device, self.sizes.studies):
            work = f"study {name}, {n_images:,} images, estimated"
            unit = "h" if seconds >= 3600 else "min"
            yield Figure(work, seconds / (3600 if unit == "h" else 60), unit)


def machine(device: torch.device) -> str:
    """Return one line about the machine and software of the measurements."""
    threads = "" if device.type == "cuda" else f", {torch.get_num_threads()} threads"
    found = versions("torch", "torchvision", "numba")
    made_with = ", ".join(f"{package} {version}" for package, version in found.items())
    python = platform.python_version()
    return f"{device.type}: {device_model(device)}{threads}; Python {python}, {made_with}"


HEAD = "| work | measured | times the usual way | share of the limit |\n|---|---|---|---|"
"""First lines of the Markdown table."""


def row(figure: Figure) -> str:
    """Return a figure as a row of the Markdown table."""
    ratio = "" if figure.ratio is None else f"{figure.ratio:.1f}"
    share = "" if figure.share is None else f"{100 * figure.share:.0f} %"
    return f"| {figure.work} | {figure.value:.1f} {figure.unit} | {ratio} | {share} |"
