import dataclasses
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stimgen.files import save_png
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import to_tensor
from stimgen.networks.registry import load_network
from stimgen.occlusion.activation_maps import (
    activation_maps,
    choose_queries,
    edited,
    relative_difference,
)
from stimgen.occlusion.patch_forward import PatchForward
from stimgen.occlusion.patches import Edit, Occlusion, Patch, Sharpening, apply
from stimgen.sets.measure import measure
from stimgen.studies.build_settings import ActivationSettings
from stimgen.studies.occlusion_settings import OcclusionSettings
from tests.stimgen.conftest import NoiseImages


def image(size_px: int = 224, seed: int = 3) -> np.ndarray:
    return np.asarray(NoiseImages(9, size_px).load(seed))


def activation_of(network: Network, shown: np.ndarray, unit) -> float:
    layer = network.layer(unit.layer).name
    found = network.activations(to_tensor([shown]), [layer], "pre", "mean")
    return float(found[0, unit.channel])


@pytest.mark.parametrize("incremental", [True, False])
def test_each_value_is_that_of_the_image_with_the_patch_there(toy: Network, incremental: bool):
    units = [toy.unit("late", "", 6), toy.unit("early", "", 1), toy.unit("late", "", 0)]
    shown = image(40)
    maps, base = activation_maps(
        toy, Occlusion(shown), units, size_px=16, stride_px=8, batch=3, incremental=incremental
    )
    assert maps.shape == (3, 4, 4)
    for i, unit in enumerate(units):
        assert base[i] == pytest.approx(activation_of(toy, shown, unit), abs=1e-6)
        for row, column in product(range(4), range(4)):
            hidden = apply(Occlusion(shown), Patch(column * 8, row * 8, 16))
            assert maps[i, row, column] == pytest.approx(activation_of(toy, hidden, unit), abs=1e-5)


@pytest.mark.parametrize("incremental", [True, False])
def test_too_little_memory_halves_the_batch(
    toy: Network,
    incremental: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    owner, name = (PatchForward, "__call__") if incremental else (Network, "activations")
    usual, sizes = getattr(owner, name), []

    def scarce(self, some, *others):
        if len(some) > 3:
            raise torch.OutOfMemoryError
        sizes.append(len(some))
        return usual(self, some, *others)

    monkeypatch.setattr(owner, name, scarce)
    hidden, units = Occlusion(image(40)), [toy.unit("late", "", 6)]
    options = {"size_px": 16, "stride_px": 8, "incremental": incremental}
    maps, _ = activation_maps(toy, hidden, units, batch=8, **options)
    assert max(sizes) == 2
    assert "continuing with 2" in capsys.readouterr().err
    monkeypatch.undo()
    expected, _ = activation_maps(toy, hidden, units, batch=8, **options)
    np.testing.assert_allclose(maps, expected, atol=1e-6)


def test_the_studies_positions_are_all_there(toy: Network):
    seen = []
    maps, _ = activation_maps(toy, Occlusion(image()), [toy.units()[0]], report=seen.append)
    assert maps.shape == (1, 68, 68)
    assert sum(seen) == 4624


def test_units_share_the_passes(toy: Network):
    shown = image(32)
    units = toy.units(["late"])
    maps, _ = activation_maps(toy, Occlusion(shown), units, size_px=12, stride_px=10)
    for unit, values in zip(units, maps, strict=True):
        alone, _ = activation_maps(toy, Occlusion(shown), [unit], size_px=12, stride_px=10)
        np.testing.assert_allclose(values, alone[0], atol=1e-6)


def test_a_image_that_is_no_square_is_refused(toy: Network):
    with pytest.raises(ValueError, match=r"40 x 30 px, expected a square"):
        activation_maps(toy, Occlusion(image(40)[:30]), toy.units()[:1], size_px=8)


def test_the_saved_query_has_the_maps_value(tmp_path):
    network = load_network("demo")
    unit = network.unit("inception4b", "3x3", 60)
    shown = image()
    plan = OcclusionSettings(stride_px=16)
    maps, base = activation_maps(network, Occlusion(shown), [unit], stride_px=16)
    pair = choose_queries(maps[0], base[0], plan)
    assert pair is not None
    assert (pair.low_activation, pair.high_activation) == (maps.min(), maps.max())
    for name, patch in (("low", pair.low), ("high", pair.high)):
        save_png(apply(Occlusion(shown), patch), tmp_path / f"{name}.png")
    files = [(tmp_path / "low.png", unit), (tmp_path / "high.png", unit)]
    found = measure(network, files, ActivationSettings(), quiet=True)
    np.testing.assert_allclose(found, [maps.min(), maps.max()], atol=1e-5)


@given(st.integers(0, 99), st.floats(0, 1), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_the_best_allowed_pair_is_found(seed: int, max_overlap: float, size: int):
    values = np.random.default_rng(seed).integers(0, 20, (5, 5)).astype(float)
    plan = OcclusionSettings(size, 3, max_overlap)
    pair = choose_queries(values, 1.0, plan)
    places = list(product(range(5), range(5)))

    def overlap(a: tuple[int, int], b: tuple[int, int]) -> int:
        shared = [max(0, size - 3 * abs(p - q)) for p, q in zip(a, b, strict=True)]
        return shared[0] * shared[1]

    allowed = [
        values[b] - values[a]
        for a, b in product(places, places)
        if overlap(a, b) <= max_overlap * size**2
    ]
    if pair is None:
        assert max(allowed, default=0) <= 0
        return
    low, high = (
        (patch.y_px // 3, patch.x_px // 3, patch.size_px) for patch in (pair.low, pair.high)
    )
    assert low[2] == high[2] == size
    assert overlap(low[:2], high[:2]) <= max_overlap * size**2
    assert pair.low_activation == values[low[:2]]
    assert pair.high_activation == values[high[:2]]
    assert pair.high_activation - pair.low_activation == max(allowed)


def test_without_constraints_the_extremes_are_chosen():
    values = np.zeros((4, 5))
    values[1, 3], values[1, 4] = -1, 2
    pair = choose_queries(values, 6.0, OcclusionSettings())
    assert pair is not None
    assert (pair.low, pair.high) == (Patch(6, 2, 90), Patch(8, 2, 90))
    assert pair.effect == 0.5


@pytest.mark.parametrize(
    ("base", "least", "found"),
    [
        (6.0, 0.5, True),
        (6.0, 0.51, False),
        (-6.0, 0.1, False),
        (0.0, 0.1, False),
        (0.0, None, True),
    ],
)
def test_a_least_effect(base: float, least: float | None, found: bool):
    values = np.array([[1.0, 4.0]])
    plan = OcclusionSettings(min_effect=least)
    assert (choose_queries(values, base, plan) is not None) == found


def test_even_activations_allow_no_pair():
    assert choose_queries(np.ones((3, 3)), 1.0, OcclusionSettings()) is None


def test_relative_difference():
    assert relative_difference(1, 4, 6) == 0.5
    assert np.isnan(relative_difference(1, 4, 0))


@pytest.mark.parametrize(
    "change",
    [
        {"size_px": 0},
        {"stride_px": 0},
        {"max_overlap": 1.5},
        {"blur_kernel_px": 20},
        {"blur_sigma_px": 0},
    ],
)
def test_impossible_settings(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        dataclasses.replace(OcclusionSettings(), **change)


@pytest.mark.parametrize("make", [Occlusion, lambda base: Sharpening(base, 5, 1.0)])
def test_images_edited_together_are_those_edited_alone(make: Callable[[np.ndarray], Edit]) -> None:
    edit = make(image(40))
    patches = [Patch(x, y, 9) for x, y in ((0, 0), (5, 21), (23, 3), (5, 21))]
    base, inside = to_tensor([edit.base])[0], to_tensor(list(edit.inside(patches)))
    expected = to_tensor([apply(edit, patch) for patch in patches])
    assert torch.equal(edited(base, patches, inside), expected)
