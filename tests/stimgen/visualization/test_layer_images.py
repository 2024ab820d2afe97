from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stimgen.__main__ import main
from stimgen.networks.network import Network
from stimgen.networks.preprocessing import resize
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.visualization import layer_images
from stimgen.visualization.layer_images import caricature, dream
from stimgen.visualization.objectives import likeness, mean_square
from tests.stimgen.conftest import NoiseImages
from unitscope.errors import BadInput

SMALL = SyntheticSettings(
    steps=30, image_px=48, margin_px=4, jitter_px=(4, 2), learning_rate=0.1, redirected_steps=0
)
SETTINGS = """
name: tiny
network: {name: demo}
images: {source: demo, n: 10, resize_px: 64, crop_px: 64}
units: {sample: {n: 1}}
synthetic: {steps: 3, image_px: 48, margin_px: 4, jitter_px: [4, 2]}
"""


def maps_of(toy: Network, images: torch.Tensor) -> torch.Tensor:
    return toy.maps(resize(images, toy.input_px), ["late"], "post")["late"]


@pytest.fixture
def image() -> torch.Tensor:
    pixels = np.asarray(NoiseImages(1, 40).load(0))
    return torch.tensor(pixels).permute(2, 0, 1).float() / 255


def test_a_dream_drives_the_whole_layer(toy: Network) -> None:
    made = dream(toy, "late", SMALL, [1, 2])
    assert made.shape == (2, 3, 40, 40)
    start = dream(toy, "late", SyntheticSettings(**{**vars(SMALL), "steps": 1}), [1, 2])
    assert (mean_square(maps_of(toy, made)) > 1.5 * mean_square(maps_of(toy, start))).all()


def test_a_caricature_is_like_its_image_and_more_so(toy: Network, image: torch.Tensor) -> None:
    made = caricature(toy, "late", image, SMALL, [1, 2], cosine_power=4)
    dreamt = dream(toy, "late", SMALL, [1, 2])
    wanted = maps_of(toy, image[None]).expand(2, -1, -1, -1)
    cosines = [
        torch.cosine_similarity(maps_of(toy, each).flatten(1), wanted.flatten(1))
        for each in (made, dreamt)
    ]
    assert (cosines[0] > cosines[1]).all() and (cosines[0] > 0.8).all()
    assert (likeness(maps_of(toy, made), wanted, 0) > 1).all()


def test_each_image_stands_alone(toy: Network, image: torch.Tensor) -> None:
    both = caricature(toy, "late", image, SMALL, [1, 2])
    torch.testing.assert_close(
        caricature(toy, "late", image, SMALL, [2])[0], both[1], atol=2e-3, rtol=0
    )
    assert torch.equal(caricature(toy, "late", image, SMALL, [1, 2]), both)
    assert not torch.allclose(both[0], both[1], atol=0.05)


def test_the_image_is_moved_as_the_images_are(
    toy: Network, image: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def groups_of(network: Network, groups: object, *others: object, **named: object) -> object:
        return groups

    monkeypatch.setattr(layer_images, "climb", groups_of)
    assert caricature(toy, "late", image, SMALL, [4, 7]) == [[4], [7], [4], [7]]


def test_likeness() -> None:
    wanted = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    for power in (0.0, 1.0, 3.0):
        torch.testing.assert_close(likeness(wanted, wanted, power), torch.ones(2))
        torch.testing.assert_close(likeness(3 * wanted, wanted, power), torch.full((2,), 3.0))
        assert (likeness(-wanted, wanted, power) < 0).all()
    sideways = torch.zeros(1, 2, 1, 1)
    sideways[:, 0] = 1
    diagonal = torch.ones(1, 2, 1, 1)
    assert likeness(diagonal, sideways, 2).item() == pytest.approx(0.5)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = tmp_path / "tiny.yaml"
    settings.write_text(SETTINGS)
    image = tmp_path / "photo.png"
    NoiseImages(1, 90).load(0).crop((0, 0, 90, 60)).save(image)
    shared = [str(settings), "--layer", "mixed4a", "--quiet", "--out"]
    first, second = tmp_path / "caricature.png", tmp_path / "dream.png"
    assert main(["caricature", str(image), *shared, str(first)]) == 0
    assert main(["dream", *shared, str(second), "--side", "pre"]) == 0
    for path in (first, second):
        with Image.open(path) as made:
            assert (made.size, made.mode) == ((64, 64), "RGB")
    assert first.read_bytes() != second.read_bytes()
    capsys.readouterr()
    assert main(["dream", *shared, str(first)]) == 2
    assert "already exists" in capsys.readouterr().err
    assert main(["caricature", str(tmp_path / "no.png"), *shared, str(tmp_path / "a.png")]) == 2
    assert "no.png: cannot be read" in capsys.readouterr().err
    shared[2] = "mixed9z"
    assert main(["dream", *shared, str(tmp_path / "a.png")]) == 2
    assert "no layer 'mixed9z'" in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_maco_has_no_whole_layers(toy: Network) -> None:
    with pytest.raises(BadInput, match="method 'maco' needs"):
        dream(toy, "late", SyntheticSettings(method="maco"), [1])
