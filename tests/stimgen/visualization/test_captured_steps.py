"""Captured steps: the same images as steps in Python, and no waiting for the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stimgen import loops
from stimgen.networks.network import Network
from stimgen.networks.registry import load_network
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.prior_settings import (
    BlurSettings,
    GradientBlurSettings,
    PatchColourSettings,
    PriorSettings,
)
from stimgen.studies.synthetic_settings import MacoSettings, StopSettings, SyntheticSettings
from stimgen.visualization import captured_steps
from stimgen.visualization.ascend import _Climb, ascend
from stimgen.visualization.captured_steps import CapturedSteps
from stimgen.visualization.fourier import FourierImages
from stimgen.visualization.goals import Goal
from stimgen.visualization.layer_images import caricature, dream
from stimgen.visualization.parametrization import Parametrization
from stimgen.visualization.rendering_methods import open_method
from stimgen.visualization.saved_state import SavedState
from tests.conftest import first_quick, some
from tests.stimgen.apart import moved, second_device
from tests.stimgen.conftest import make_toy
from tests.stimgen.replaying import Recording, Replaying

SMALL = SyntheticSettings(
    per_pole=2,
    steps=9,
    image_px=48,
    margin_px=4,
    jitter_px=(4, 2),
    diversity_weight=0.1,
    redirected_steps=4,
)
LONGER = replace(SMALL, steps=14, redirected_steps=6)
PRIORS = PriorSettings(
    l2=0.1,
    l6=0.1,
    total_variation=0.1,
    high_frequency=0.1,
    patch_colour=PatchColourSettings(weight=0.1),
    blur=BlurSettings(sd_px=0.5, every=2),
    gradient_blur=GradientBlurSettings(first_sd_px=1.5, last_sd_px=0.3),
    gradient_octaves=2,
)
METHODS = {
    "fourier": SMALL,
    "blurred": replace(LONGER, priors=PriorSettings(blur=BlurSettings(sd_px=0.5, every=2))),
    "pixels": replace(LONGER, method="pixels", priors=PRIORS),
    "stopping": replace(SMALL, steps=20, stop=StopSettings(at_least=6, window=3, tolerance=0.15)),
    "generator": replace(SMALL, method="generator"),
    "maco": replace(SMALL, method="maco", margin_px=0, image_px=40, maco=MacoSettings(crops=3)),
    "lucid": replace(SMALL, steps=16, transforms="lucid", pad_px=2, scales=(1.0, 0.9)),
}
N_FORMS = {"blurred": 4, "pixels": 4, "lucid": 4}
"""By method, where there are others than steps with and without redirected ReLUs."""

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture(autouse=True)
def like_the_second_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "has_numba", lambda: False)
    monkeypatch.setattr(captured_steps, "_GIVEN_UP", [])
    monkeypatch.setattr(captured_steps, "WARM_UP", 1)


@pytest.fixture
def there() -> Iterator[Network]:
    with second_device() as device:
        yield moved(make_toy(), device)


Use = Callable[[Replaying | None], Replaying | None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Have steps captured in a given way."""

    def by(capture: Replaying | None) -> Replaying | None:
        monkeypatch.setattr("stimgen.visualization.ascend.capture_on", lambda device: capture)
        return capture

    return by


def rendered(network: Network, settings: SyntheticSettings, layer: str = "late") -> torch.Tensor:
    units = [network.unit(layer, "", 5), network.unit(network.layers[0].name, "", 0)]
    goals = [Goal(unit, "max", (2 * i, 2 * i + 1)) for i, unit in enumerate(units)]
    magnitude = np.ones((3, settings.image_px, settings.image_px // 2 + 1), np.float32)
    start = open_method(settings, network, magnitude=magnitude)
    return ascend(network, goals, settings, ActivationSettings(), start=start).cpu().detach()


@pytest.mark.parametrize("method", first_quick(list(METHODS)))
def test_graphs_make_the_same_images(method: str, there: Network, use: Use) -> None:
    settings = METHODS[method]
    use(None)
    plain = rendered(there, settings)
    capture = Replaying()
    use(capture)
    assert torch.equal(rendered(there, settings), plain)
    # Each graph does one step that is done in Python too.
    assert capture.n_graphs >= 1 and capture.n_repeated > capture.n_graphs
    n_steps = capture.n_python + capture.n_repeated - capture.n_graphs
    assert n_steps == settings.steps or method == "stopping"
    assert capture.n_python <= N_FORMS.get(method, 2) * 2


def test_a_network_with_pools_in_16_bits(use: Use) -> None:
    with second_device() as device:
        network = moved(load_network("demo", precision="bf16"), device)
        settings = replace(SMALL, image_px=64, steps=5, redirected_steps=0)
        use(None)
        plain = rendered(network, settings, "inception4a")
        capture = Replaying()
        use(capture)
        assert torch.equal(rendered(network, settings, "inception4a"), plain)
        assert capture.n_graphs == 1 and capture.n_repeated == 4


def test_images_of_layers(there: Network, use: Use) -> None:
    image = torch.rand(3, 40, 40, generator=torch.Generator().manual_seed(0))

    def made() -> list[torch.Tensor]:
        return [
            dream(there, "late", SMALL, [0]).cpu(),
            caricature(there, "late", image, SMALL, [0]).cpu(),
        ]

    use(None)
    plain = made()
    capture = Replaying()
    use(capture)
    assert all(torch.equal(*pair) for pair in some(list(zip(made(), plain, strict=True))))
    assert capture.n_graphs == 4


def test_early_stopping_ends_with_the_images_of_the_cpu(there: Network, use: Use) -> None:
    """On a device that is waited for, it is asked later, when images have long been held."""
    use(Replaying())
    settings = METHODS["stopping"]
    elsewhere, steps = rendered(there, settings), []
    goals = [Goal(there.unit("late", "", 5), "max", (0, 1))]
    ascend(there, goals, settings, ActivationSettings(), after_step=steps.append)
    assert steps[-1] == 16
    here = rendered(make_toy(), settings)
    assert float((here - elsewhere).abs().mean()) < 1e-3


def test_an_interrupted_optimisation_goes_on(there: Network, use: Use, tmp_path: Path) -> None:
    use(Replaying())
    goals = [Goal(there.unit("late", "", 5), "max", (0, 1))]

    def stop(n_steps: int) -> None:
        if n_steps == 7:
            raise KeyboardInterrupt

    work = (there, goals, replace(METHODS["stopping"], steps=12), ActivationSettings())
    whole = ascend(*work)
    path = tmp_path / "state.npz"
    with suppress(KeyboardInterrupt):
        ascend(*work, saved=SavedState(path), after_step=stop)
    assert path.exists()
    assert torch.equal(ascend(*work, saved=SavedState(path)).cpu(), whole.cpu())


def test_a_method_that_names_no_form_is_not_captured(
    there: Network, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FourierImages, "form", Parametrization.form)
    capture = Replaying()
    use(capture)
    rendered(there, SMALL)
    assert capture.n_graphs == capture.n_python == 0


@pytest.mark.parametrize(
    "capture",
    first_quick(
        [
            Replaying(left_out="grid_sampler_2d"),
            Replaying(left_out="_fused_adam_"),
            Replaying(fails_with=RuntimeError("not permitted\nwhen a stream is captured")),
            Replaying(fails_with=torch.OutOfMemoryError("no memory")),
        ]
    ),
)
def test_a_graph_that_is_wrong_is_not_used(
    capture: Replaying, there: Network, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    use(None)
    plain = rendered(there, SMALL)
    use(capture)
    for _ in range(2):
        assert torch.equal(rendered(there, SMALL), plain)
    # There may be memory for the next images.
    goes_on = isinstance(capture.fails_with, torch.OutOfMemoryError)
    told = capsys.readouterr().err
    assert told.count("could not be captured as a CUDA graph") == 1 + goes_on
    assert told.count("\n") == 1 + goes_on
    assert capture.n_tried == 2  # once in each optimisation, which this stand-in does not end
    assert capture.n_repeated == capture.n_graphs
    assert bool(captured_steps._GIVEN_UP) is not goes_on


def test_a_number_of_python_that_differs_between_steps_is_noticed(
    there: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    class Counting:
        total = torch.zeros((), device=there.device)

        def form(self, step: int) -> tuple[()]:
            return ()

        def prepare(self, step: int) -> None:
            pass

        def run(self, step: int) -> None:
            self.total += step

        def tensors(self) -> list[torch.Tensor]:
            return [self.total]

    counting = Counting()
    with CapturedSteps(counting, Replaying()) as steps:
        for step in range(6):
            steps.do(step)
    assert counting.total.item() == 15
    assert "its result differs" in capsys.readouterr().err


def test_the_stand_in_refuses_to_wait(there: Network) -> None:
    values = torch.ones(3, device=there.device)
    mask = torch.ones(3, dtype=torch.bool, device=there.device)
    for waits in (
        lambda: values.sum().item(),
        lambda: bool(mask.all()),
        lambda: mask.nonzero(),
        lambda: values[mask],
        lambda: values.cpu(),
        lambda: torch.tensor([1.0, 2.0], device=there.device),
        lambda: values.copy_(torch.ones(3)),
    ):
        with Recording(), pytest.raises(RuntimeError, match="processor"):
            waits()


def test_the_stand_in_repeats_operations_only(there: Network) -> None:
    total, added = torch.zeros(2, device=there.device), torch.ones(2, device=there.device)
    factor = 2.0

    def work() -> None:
        total.add_(factor * added.expand(2)[:2])

    repeat = Replaying().capture(work)
    assert total.cpu().tolist() == [0, 0]
    factor = 100.0  # which a graph does not see
    added.fill_(3)
    repeat()
    repeat()
    assert total.cpu().tolist() == [12, 12]


@CUDA
@pytest.mark.parametrize("method", sorted(METHODS))
def test_graphs_make_the_same_images_on_cuda(
    method: str, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    network, settings = load_network("demo", device="cuda"), METHODS[method]
    captured = rendered(network, settings, "inception4a")
    assert "captured" not in capsys.readouterr().err
    use(None)
    assert torch.equal(rendered(network, settings, "inception4a"), captured)


@CUDA
@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_step_waits_on_cuda(method: str, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use(None)
    run, seen = _Climb.run, set()

    def strictly(climb: _Climb, step: int) -> None:
        # The first step of a form makes constants.
        torch.cuda.set_sync_debug_mode("error" if climb.form(step) in seen else "default")
        seen.add(climb.form(step))
        try:
            run(climb, step)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(_Climb, "run", strictly)
    rendered(load_network("demo", device="cuda"), METHODS[method], "inception4a")


class FakeCuda:
    """The part of ``torch.cuda`` that captures, which notes what is asked of it."""

    OutOfMemoryError = torch.OutOfMemoryError

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses
        self.heard: list[str] = []
        self.now = "current"

    def current_stream(self, device: torch.device) -> FakeStream:
        return FakeStream(self, "current")

    def current_device(self) -> int:
        return 0

    def Stream(self, device: torch.device) -> FakeStream:  # noqa: N802
        return FakeStream(self, "own")

    def Event(self, blocking: bool) -> FakeEvent:  # noqa: N802
        return FakeEvent(self)

    def CUDAGraph(self) -> FakeGraph:  # noqa: N802
        return FakeGraph(self)

    def graph_pool_handle(self) -> tuple[int, int]:
        return (0, 1)

    def synchronize(self, device: torch.device) -> None:
        self.heard.append("all is waited for")

    @contextmanager
    def device(self, device: torch.device) -> Iterator[None]:
        yield

    @contextmanager
    def stream(self, stream: FakeStream) -> Iterator[None]:
        self.now = stream.name
        yield
        self.now = "current"

    @contextmanager
    def graph(
        self, graph: FakeGraph, pool: object, stream: FakeStream, capture_error_mode: str
    ) -> Iterator[None]:
        assert pool == (0, 1) and capture_error_mode == "thread_local"
        self.now = f"captured on {stream.name}"
        yield
        self.now = "current"
        if self.refuses:
            raise RuntimeError("operation failed due to a previous error during capture")


@dataclass
class FakeStream:
    cuda: FakeCuda
    name: str

    def wait_stream(self, other: FakeStream) -> None:
        self.cuda.heard.append(f"{self.name} waits for {other.name}")


@dataclass
class FakeEvent:
    cuda: FakeCuda

    def record(self, stream: FakeStream) -> None:
        self.number = sum("recorded" in one for one in self.cuda.heard)
        self.cuda.heard.append(f"{self.number} recorded on {stream.name}")

    def synchronize(self) -> None:
        self.cuda.heard.append(f"{self.number} is waited for")


@dataclass
class FakeGraph:
    cuda: FakeCuda

    def replay(self) -> None:
        self.cuda.heard.append(f"repeated on {self.cuda.now}")

    def reset(self) -> None:
        self.cuda.heard.append("forgotten")


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCuda]:
    fake = FakeCuda()
    monkeypatch.setattr(torch, "cuda", fake)
    captured_steps._stream_for.cache_clear()
    yield fake
    captured_steps._stream_for.cache_clear()


DEVICE = torch.device("cuda", 0)


def test_cuda_warms_up_and_captures_on_one_stream(cuda: FakeCuda) -> None:
    capture = captured_steps.CudaCapture(DEVICE)

    def work() -> None:
        cuda.heard.append(f"done on {cuda.now}")

    capture.aside(work)
    assert cuda.heard == ["own waits for current", "done on own", "current waits for own"]
    cuda.heard.clear()
    capture.capture(work)()
    assert cuda.heard == ["done on captured on own", "repeated on current"]


def test_python_is_a_few_steps_ahead_of_cuda(cuda: FakeCuda) -> None:
    capture = captured_steps.CudaCapture(DEVICE)
    for _ in range(captured_steps.AHEAD + 2):
        capture.pace()
    waits = [one for one in cuda.heard if "waited" in one]
    assert waits == ["0 is waited for", "1 is waited for"]
    assert cuda.heard.index(waits[0]) == captured_steps.AHEAD + 1


def test_a_refused_capture_leaves_no_memory_taken(
    cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[tuple[object, ...]] = []
    for name in ("_cuda_endAllocateToPool", "_cuda_releasePool"):
        monkeypatch.setattr(torch._C, name, lambda *args: freed.append(args), raising=False)
    monkeypatch.setattr(captured_steps, "_FAILED", [])
    cuda.refuses = True
    capture = captured_steps.CudaCapture(DEVICE)
    with pytest.raises(RuntimeError, match="previous error"):
        capture.capture(lambda: None)
    assert cuda.heard == ["forgotten"] and freed == [(0, (0, 1))] * 2
    assert len(captured_steps._FAILED) == 1
