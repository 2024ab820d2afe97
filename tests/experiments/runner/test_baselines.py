import numpy as np
import pytest
from experiments.runner.baselines import CentreObserver, VarianceObserver
from PIL import Image

from tests.conftest import some


@pytest.fixture
def trial(tmp_path):
    """Make a trial on a base image of 24 x 24 px that is flat at the left, noisy at the right."""
    rng = np.random.default_rng(1)
    pixels = np.full((24, 24, 3), 100, np.uint8)
    pixels[:, 12:] = rng.integers(0, 256, (24, 12, 3))
    Image.fromarray(pixels).save(tmp_path / "base.png")

    def make(a, b, correct="a"):
        cells = {"base": "base.png", "correct_choice": correct, "occluder_size_px": 6}
        for query, (x, y) in (("a", a), ("b", b)):
            cells |= {f"occluder_{query}_x_px": x, f"occluder_{query}_y_px": y}
        return cells

    make.file = tmp_path.joinpath
    return make


def test_a_patch_at_the_centre_matters_more(trial):
    observer = CentreObserver(trial.file)
    assert observer.respond(trial((9, 9), (0, 0))).choice == "b"
    assert observer.respond(trial((18, 9), (10, 9))).choice == "a"


@pytest.mark.parametrize("correct", ["a", "b"])
def test_a_tie_is_wrong(trial, correct):
    # (0, 5) and (18, 13) lie opposite each other; the picture's middle is (11.5, 11.5).
    assert CentreObserver(trial.file).respond(trial((0, 5), (18, 13), correct)).choice != correct
    flat = trial((0, 0), (4, 4), correct)
    assert VarianceObserver(trial.file).respond(flat).choice != correct


def test_a_patch_that_varies_matters_more(trial):
    observer = VarianceObserver(trial.file)
    assert observer.respond(trial((14, 4), (2, 4))).choice == "b"
    assert observer.respond(trial((2, 4), (14, 4))).choice == "a"
    assert observer.respond(trial((0, 0), (14, 4))).confidence == 1


def test_baselines_agree_with_those_of_the_generator(tmp_path):
    from stimgen.occlusion import baselines, patches
    from stimgen.occlusion.saliency import NamedPicture

    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "base.png")
    pairs = (
        (CentreObserver, baselines.Centre()),
        (VarianceObserver, baselines.Variance()),
    )
    for _ in range(50):
        (ax, ay), (bx, by) = rng.integers(0, 18, (2, 2)).tolist()
        cells = {"base": "base.png", "correct_choice": "a", "occluder_size_px": 6}
        cells |= {"occluder_a_x_px": ax, "occluder_a_y_px": ay}
        cells |= {"occluder_b_x_px": bx, "occluder_b_y_px": by}
        a, b = (patches.Patch(x, y, 6) for x, y in ((ax, ay), (bx, by)))
        for ours, theirs in some(pairs):
            chosen = theirs.choose(NamedPicture("base", picture), a, b)
            assert ours(tmp_path.joinpath).respond(cells).choice == (chosen or "b")
