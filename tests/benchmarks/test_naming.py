"""That measures of feature visualizations tell good from bad, and what was chosen is better."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.feature_visualization.__main__ import HELD_OUT, TUNED, main, tried
from benchmarks.feature_visualization.demo_units import DemoUnits, Made, demo_settings
from benchmarks.feature_visualization.naming import quality
from benchmarks.feature_visualization.prior_sheet import (
    SHOWN,
    ShownPrior,
    statistics,
    with_prior,
    without_prior,
)
from stimgen.studies.build_settings import read
from tests.conftest import some
from unitscope.vocabulary import POLES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def few() -> DemoUnits:
    return DemoUnits(n=6, seed=3, n_images=300)


def natural(of: DemoUnits, shift: int = 0) -> Made:
    """The most extreme natural images, each unit's or those of another one."""
    shown = [*of.units[shift:], *of.units[:shift]]
    return {
        (unit, pole): of.extremes(other, pole, 4)
        for unit, other in zip(of.units, shown, strict=True)
        for pole in POLES
    }


def test_natural_images_name_their_units_and_noise_does_not(few: DemoUnits) -> None:
    good = quality(few, natural(few), n_natural=20)
    assert good.two_afc > 0.7 and good.naming > 0.7
    rng = np.random.default_rng(0)
    noise = {
        key: [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(4)]
        for key in natural(few)
    }
    bad = quality(few, noise, n_natural=20)
    assert bad.two_afc < good.two_afc - 0.1 and bad.naming < good.naming - 0.1
    assert bad.variation > 3 * good.variation


@pytest.mark.slow
def test_images_of_other_units_name_them_less(few: DemoUnits) -> None:
    good, bad = (quality(few, natural(few, shift), n_natural=20) for shift in (0, 2))
    assert bad.two_afc < good.two_afc - 0.15 and bad.naming < good.naming - 0.15


@pytest.mark.slow
def test_poles_that_are_exchanged_turn_the_choice_round(few: DemoUnits) -> None:
    shown = natural(few)
    other = {"min": "max", "max": "min"}
    turned = {(unit, pole): shown[unit, other[pole]] for unit, pole in shown}
    right, wrong = (quality(few, made, n_natural=20).two_afc for made in (shown, turned))
    assert wrong == pytest.approx(1 - right, abs=1e-9)


def test_held_out_units_are_not_those_of_tuning() -> None:
    tuned = DemoUnits(**TUNED)
    held_out = DemoUnits(**HELD_OUT, without=tuned.units)
    assert len(set(held_out.units)) == HELD_OUT["n"] and not set(tuned.units) & set(held_out.units)


def test_the_demos_render_with_the_settings_that_were_chosen() -> None:
    assert read("demo").synthetic == read("demo_occlusion").synthetic == demo_settings()
    assert tried()["after"] == {} and demo_settings(tried()["before"]) != demo_settings()


def test_bad_input_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quality", "befor"]) == 2
    assert "did you mean 'before'" in capsys.readouterr().err


@pytest.mark.slow
def test_images_of_held_out_units_are_less_saturated_and_smoother_than_before() -> None:
    units = DemoUnits(**HELD_OUT, without=DemoUnits(**TUNED).units)
    before, after = (
        quality(units, units.render(demo_settings(tried()[name]), 2))
        for name in ("before", "after")
    )
    assert after.saturated < before.saturated / 3
    assert after.variation < before.variation
    assert after.beyond > before.beyond - 0.02


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
