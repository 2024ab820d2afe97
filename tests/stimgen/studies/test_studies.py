"""The shipped settings against the numbers of the studies that they repeat."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from stimgen.networks.registry import load_network
from stimgen.sets.units import UnitChoice, choose_units
from stimgen.studies.build_settings import BuildSettings, find_settings, read

BOROWSKI = ("borowski2021_exp1", "borowski2021_exp2")
ZIMMERMANN = ("zimmermann2021_occlusion",)


def units_of(settings: BuildSettings) -> UnitChoice:
    network = load_network(settings.network.name, "random")
    base = find_settings(settings.name).parent
    return choose_units(network, settings.units, settings.seed, base)


def roles(settings: BuildSettings) -> dict[str, int]:
    assert settings.units.table is not None
    path = find_settings(settings.name).parent / settings.units.table
    return pd.read_csv(path)["role"].value_counts().to_dict()


@pytest.mark.parametrize("name", BOROWSKI + ZIMMERMANN)
def test_network_images_and_activation_of_the_inception_studies(name: str) -> None:
    settings = read(name)
    assert settings.network.name == "inception_v1"
    assert (settings.images.resize_px, settings.images.crop_px) == (256, 224)
    assert (settings.activation.side, settings.activation.reduction) == ("pre", "mean")
    # 200 images a pole, in 10 bins of 20.
    assert (settings.natural.n_batches, settings.natural.n_bins) == (20, 10)
    synthetic = settings.synthetic
    assert (synthetic.steps, synthetic.learning_rate) == (2560, 0.05)
    assert (synthetic.image_px, synthetic.kept_px) == (256, 224)
    assert (synthetic.diversity_weight, synthetic.activation_unit) == (100, "raw")
    assert (synthetic.jitter_px, synthetic.rotate_deg) == ((16, 8), 5)
    assert sorted(synthetic.scales) == [0.95, 0.975, 1, 1.025, 1.05]
    assert synthetic.per_pole == (10 if name in BOROWSKI else 9)
    both = ("min", "max")
    assert settings.poles == (("max",) if name == "zimmermann2021_occlusion" else both)


def test_units_of_borowski_et_al() -> None:
    first, second = (read(name) for name in BOROWSKI)
    assert roles(first)["main"] == 45 and len(units_of(first).units) == 68
    assert roles(second)["main"] == 80 and len(units_of(second).units) == 163
    assert first.natural == dataclasses.replace(second.natural, pair_batches=0)
    # One reference has a set of its own: two images of each pole.
    assert second.natural.pair_batches == second.natural.n_batches
    assert (first.synthetic.further_per_pole, second.synthetic.further_per_pole) == ((), (2,))


def test_units_and_occlusion_of_zimmermann_et_al() -> None:
    (occlusion,) = (read(name) for name in ZIMMERMANN)
    assert roles(occlusion)["main"] == 18
    assert not occlusion.natural.shuffle_top_bin
    # Four of the nine mixed references are synthetic.
    assert occlusion.synthetic.further_per_pole == (4,)
    wanted = occlusion.occlusion
    assert wanted is not None and wanted.blur
    assert (wanted.size_px, wanted.stride_px) == (90, 2)
    assert (wanted.blur_kernel_px, wanted.blur_sigma_px) == (21, 3.5)
    assert (wanted.max_overlap, wanted.min_effect) == (1, None)
    assert wanted.batches == 10
    # Practice and catch trials show one batch each.
    chosen = units_of(occlusion)
    assert {len(batches) for batches in chosen.batches.values()} == {1}
    assert len(chosen.batches) == 18
    assert max(batch for (batch,) in chosen.batches.values()) == 18


def test_units_of_klein_et_al() -> None:
    settings = read("klein2023")
    assert settings.network.name == "googlenet" and settings.poles == ("max",)
    assert (settings.natural.n_batches, settings.natural.n_bins) == (1, 10)
    assert settings.synthetic.per_pole == 10
    units = units_of(settings).units
    assert len(set(units)) == 117
    depths = pd.Series([unit.layer[len("inception")] for unit in units]).value_counts()
    assert depths.to_dict() == {"3": 39, "4": 39, "5": 39}


def test_queries_of_the_later_study() -> None:
    settings = read("zimmermann2023_hard95")
    assert settings.natural.queries is not None and settings.natural.queries.percentile == 95
    assert (settings.synthetic.per_pole, settings.synthetic.plain_per_pole) == (9, 1)
    assert settings.synthetic.stop is not None and settings.synthetic.stop.at_least == 2500
    assert settings.synthetic.steps == 20000 and settings.synthetic.search is not None
    assert len(units_of(settings).units) == 84


def test_the_demos_serve_their_designs() -> None:
    demo, occlusion = read("demo"), read("demo_occlusion")
    assert demo.synthetic.per_pole >= 9 and demo.natural.n_bins == 10
    assert len(units_of(demo).units) >= 9
    assert occlusion.poles == ("max",) and not occlusion.natural.shuffle_top_bin
    assert occlusion.occlusion is not None and occlusion.occlusion.blur
    assert occlusion.occlusion.batches is None and occlusion.synthetic.per_pole == 9


def test_tables_lie_beside_the_designs() -> None:
    for name in BOROWSKI + ZIMMERMANN:
        table = read(name).units.table
        assert table is not None
        assert (find_settings(name).parent / Path(table)).is_file()
