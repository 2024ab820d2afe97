"""That measures of feature visualizations tell good from bad, and what was chosen is better."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.feature_visualization.__main__ import main
from benchmarks.feature_visualization.demo_units import DemoUnits, demo_settings
from benchmarks.feature_visualization.measured_units import Images, Made, settings_from
from benchmarks.feature_visualization.naming import (
    Observer,
    ceiling,
    colours_and_edges,
    extremes,
    interval,
    looks,
    naming,
)
from benchmarks.feature_visualization.prior_sheet import (
    SHOWN,
    ShownPrior,
    statistics,
    with_prior,
    without_prior,
)
from benchmarks.feature_visualization.subjects import HELD_OUT, TUNED, tried
from stimgen.studies.build_settings import read
from stimgen.studies.synthetic_settings import SyntheticSettings
from tests.conftest import some
from unitscope.vocabulary import POLES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def few() -> Observer:
    return Observer(DemoUnits(n=6, seed=3, n_images=300), colours_and_edges)


def natural(of: DemoUnits, shift: int = 0) -> Made:
    """The most extreme natural images, each unit's or those of another one."""
    shown = [*of.units[shift:], *of.units[:shift]]
    return {
        (unit, pole): of.extremes(other, pole, 4)
        for unit, other in zip(of.units, shown, strict=True)
        for pole in POLES
    }


def measured(observer: Observer, made: Made) -> dict[str, float]:
    found = naming(observer, made, extremes(observer.of, 20))
    return {measure: float(values.mean()) for measure, values in vars(found).items()}


def test_natural_images_name_their_units_and_noise_does_not(few: Observer) -> None:
    good = measured(few, natural(few.of))
    assert good["two_afc"] > 0.7 and good["naming"] > 0.7
    rng = np.random.default_rng(0)
    noise = {
        key: [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(4)]
        for key in natural(few.of)
    }
    bad = measured(few, noise)
    assert bad["two_afc"] < good["two_afc"] - 0.1 and bad["naming"] < good["naming"] - 0.1
    assert looks(few.of, noise).variation > 3 * looks(few.of, natural(few.of)).variation


@pytest.mark.slow
def test_images_of_other_units_name_them_less(few: Observer) -> None:
    good, bad = (measured(few, natural(few.of, shift)) for shift in (0, 2))
    assert bad["two_afc"] < good["two_afc"] - 0.15 and bad["naming"] < good["naming"] - 0.15
    assert bad["of_ten"] < good["of_ten"]


def test_of_one_pole_the_images_are_compared_with_that_one(few: Observer) -> None:
    both = natural(few.of)
    found = naming(few, {key: images for key, images in both.items() if key[1] == "max"})
    assert found.two_afc.mean() > 0.55 and found.naming.mean() > 0.7


def test_the_ceiling_is_that_of_natural_images(few: Observer) -> None:
    found = ceiling(few, 2)
    assert found.two_afc.mean() > 0.55 and found.naming.mean() > 0.55
    assert found.of_ten.shape == (6,)


@pytest.mark.slow
def test_poles_that_are_exchanged_turn_the_choice_round(few: Observer) -> None:
    shown = natural(few.of)
    other = {"min": "max", "max": "min"}
    turned = {(unit, pole): shown[unit, other[pole]] for unit, pole in shown}
    right, wrong = (measured(few, made)["two_afc"] for made in (shown, turned))
    assert wrong == pytest.approx(1 - right, abs=1e-9)


def test_naming_one_of_ten_is_as_often_as_drawn(few: Observer) -> None:
    # With six units all five others are drawn: it is first, or it is not.
    found = naming(few, natural(few.of), extremes(few.of, 20))
    assert set(found.of_ten) <= {0.0, 0.5, 1.0}
    assert ((found.of_ten == 1) == (found.naming == 1)).all()


def test_centred_features_do_not_see_what_all_images_share(few: Observer) -> None:
    def with_more(images: Images) -> np.ndarray:
        return colours_and_edges(images) + 5.0

    plain, more = (
        measured(Observer(few.of, features, centred=True), natural(few.of))
        for features in (colours_and_edges, with_more)
    )
    assert more == pytest.approx(plain)
    assert measured(Observer(few.of, with_more), natural(few.of)) != pytest.approx(plain)


def test_the_interval_is_that_of_the_mean_over_units() -> None:
    values = np.random.default_rng(1).normal(0.2, 0.5, 400)
    low, high = interval(values)
    error = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - error, abs=0.005)
    assert high == pytest.approx(values.mean() + error, abs=0.005)


def test_held_out_units_are_not_those_of_tuning() -> None:
    tuned = DemoUnits(*TUNED["demo"])
    held_out = DemoUnits(*HELD_OUT["demo"], without=tuned.drawn)
    assert len(set(held_out.drawn)) == HELD_OUT["demo"][0]
    assert not set(tuned.drawn) & set(held_out.drawn)


def test_the_demos_render_with_the_settings_that_were_chosen() -> None:
    assert read("demo").synthetic == read("demo_occlusion").synthetic == demo_settings()
    before, after = (settings_from(tried("demo")[name], name) for name in ("before", "after"))
    assert after == demo_settings() != before


def test_settings_were_tried_against_the_defaults_and_the_preset() -> None:
    every = {name: settings_from(asked, name) for name, asked in tried("photographs").items()}
    assert every["default"] == SyntheticSettings(steps=128)
    assert every["photographs"] == settings_from({"preset": "photographs"}, "the preset")
    assert every["photographs"].steps == every["default"].steps


def test_bad_input_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quality", "befor"]) == 2
    assert "did you mean 'before'" in capsys.readouterr().err


@pytest.mark.slow
def test_images_of_held_out_units_are_better_than_before() -> None:
    units = DemoUnits(20, HELD_OUT["demo"][1], without=DemoUnits(*TUNED["demo"]).drawn)
    observer = Observer(units, colours_and_edges)
    made = [
        units.render(settings_from(tried("demo")[name], name), 2) for name in ("before", "after")
    ]
    before, after = (looks(units, images) for images in made)
    assert after.saturated < before.saturated / 2
    assert after.variation < before.variation
    assert after.beyond > before.beyond - 0.02
    named_before, named_after = (naming(observer, images).naming.mean() for images in made)
    assert named_after > named_before


def test_the_guides_examples_are_the_middle_weights_of_the_sheet() -> None:
    guide = (ROOT / "docs" / "feature_visualization.md").read_text(encoding="utf-8")
    for shown in some(SHOWN):
        (example,) = re.findall(rf"^\| `({shown.name}: .*?)` \|", guide, re.MULTILINE)
        assert yaml.safe_load(example) == {shown.name: shown.values[1]}


@pytest.mark.slow
@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.name)
def test_a_prior_acts_visibly_and_more_with_its_weight(shown: ShownPrior) -> None:
    units = DemoUnits(n=3, seed=5, n_images=500)
    made = [without_prior(units, shown.of_pixels), *with_prior(shown, units)]
    without, *found = statistics(shown, made)
    assert without > found[0] > found[1] > found[2]
    assert found[1] < 0.8 * without
