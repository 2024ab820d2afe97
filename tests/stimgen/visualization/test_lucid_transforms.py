import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stimgen.networks.network import Network
from stimgen.studies.build_settings import ActivationSettings, read
from stimgen.studies.synthetic_settings import SyntheticSettings
from stimgen.visualization import ascend as ascending
from stimgen.visualization.ascend import ascend
from stimgen.visualization.goals import Goal, goals_for
from stimgen.visualization.lucid_transforms import LucidDraw, LucidTransforms, as_numbers
from stimgen.visualization.render import render
from tests.conftest import some

STILL = LucidTransforms((0, 0), (1.0,), 0)
STUDY = LucidTransforms()
SMALL = SyntheticSettings(
    per_pole=3,
    steps=4,
    transforms="lucid",
    image_px=56,
    margin_px=4,
    jitter_px=(4, 2),
    activation_unit="raw",
    learning_rate=0.1,
)
MEAN = ActivationSettings()


def only(**changes: object) -> LucidDraw:
    still = LucidDraw((0, 0), 1.0, 0, (0, 0))
    return dataclasses.replace(still, **changes)  # type: ignore[arg-type]


def test_nothing_drawn_changes_nothing() -> None:
    images = torch.rand(2, 3, 20, 20)
    assert torch.equal(STILL.apply(images, STILL.draw(1, 1, 20)[0]), images)


def test_the_network_sees_sizes_of_the_study() -> None:
    # 256 - 16 = 240, times .95 to 1.05 in single precision (251.99998 becomes 251), minus 8.
    assert STUDY.sides_px(256) == [232, 226, 238, 220, 243]
    images = torch.rand(2, 3, 256, 256)
    seen = {STUDY.apply(images, one).shape[-1] for one in STUDY.draw(3, 40, 256)}
    assert seen == {232, 226, 238, 220, 243}


def test_all_images_of_a_batch_are_transformed_alike() -> None:
    images = torch.rand(1, 3, 64, 64).expand(5, 3, 64, 64)
    drawn = STUDY.draw(7, 6, 64)
    assert len(set(drawn)) == 6
    for one in some(drawn):
        seen = STUDY.apply(images, one)
        assert torch.equal(seen, seen[:1].expand_as(seen))


def test_crops_are_nested_and_reach_all_positions() -> None:
    transforms = LucidTransforms((3, 2), (1.0,), 0)
    images = torch.arange(20 * 20).float().reshape(1, 1, 20, 20)
    first, offsets = set(), set()
    for one in some(transforms.draw(1, 400, 20)):
        (x, y), (left, top) = one.before_px, one.after_px
        seen = transforms.apply(images, one)
        assert seen.shape[-1] == 15
        assert torch.equal(seen, images[..., y + top : y + top + 15, x + left : x + left + 15])
        first.add((x, y))
        offsets.add((x + left, y + top))
    assert first == {(x, y) for x in range(4) for y in range(4)}
    assert offsets == {(x, y) for x in range(6) for y in range(6)}


@pytest.mark.parametrize(("of", "scale"), [(40, 0.95), (40, 1.05), (33, 1.3), (33, 0.4)])
def test_scaling_is_linear_interpolation_from_the_first_pixel(of: int, scale: float) -> None:
    image = np.random.default_rng(0).random((of, of)).astype(np.float32)
    transforms = LucidTransforms((0, 0), (scale,), 0)
    seen = transforms.apply(torch.from_numpy(image)[None, None], only(scale=scale))[0, 0].numpy()
    side = int(of * scale)
    assert seen.shape == (side, side)
    places = np.arange(side) * of / side
    rows = np.stack([np.interp(places, np.arange(of), row) for row in image])
    expected = np.stack([np.interp(places, np.arange(of), column) for column in rows.T]).T
    np.testing.assert_allclose(seen, expected, atol=1e-5)


@pytest.mark.parametrize("degrees", [-5, 3, 10, 90])
def test_rotation_is_to_the_nearest_pixel_and_black_outside(degrees: int) -> None:
    pixels = np.random.default_rng(1).integers(1, 256, (41, 41), dtype=np.uint8)
    expected = Image.fromarray(pixels).rotate(degrees, Image.Resampling.NEAREST)
    image = torch.from_numpy(pixels)[None, None].float()
    seen = STILL.apply(image, only(rotate_deg=degrees))[0, 0].numpy()
    # Halves of a pixel may be rounded otherwise.
    assert (seen == np.asarray(expected)).mean() > 0.98
    if degrees % 90:
        assert seen[0, 0] == 0 and (seen[10:30, 10:30] > 0).all()


def test_the_border_is_grey() -> None:
    transforms = LucidTransforms((0, 0), (1.0,), 0, pad_px=3)
    seen = transforms.apply(torch.ones(1, 3, 10, 10), only())
    assert seen.shape[-1] == 16
    assert seen[..., :3, :].unique().tolist() == [0.5]


def test_gradients_reach_every_pixel_that_is_seen() -> None:
    images = torch.rand(1, 1, 24, 24, requires_grad=True)
    seen = LucidTransforms((4, 2), (1.1,), 5).apply(images, only(before_px=(2, 1), scale=1.1))
    (gradient,) = torch.autograd.grad(seen.sum(), images)
    assert (gradient[..., 2:20, 3:20] > 0).all()
    assert (gradient[..., 0, :] == 0).all() and (gradient[..., :2] == 0).all()


@pytest.mark.parametrize(
    "transforms",
    [STILL, STUDY, LucidTransforms((7, 4), (1.0, 0.8, 1.3), 90, 3), LucidTransforms((0, 5))],
)
def test_draws_on_a_device_transform_alike(transforms: LucidTransforms) -> None:
    images = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0)).requires_grad_()
    drawn = transforms.draw(3, 12, 48)
    for one, numbers in zip(some(drawn), as_numbers(drawn), strict=True):
        usual = transforms.apply(images, one)
        own = transforms.apply_numbers(images, numbers, one.scale)
        torch.testing.assert_close(own, usual, atol=1e-5, rtol=0)
        weights = torch.rand(own.shape, generator=torch.Generator().manual_seed(1))
        gradients = (torch.autograd.grad((s * weights).sum(), images)[0] for s in (own, usual))
        torch.testing.assert_close(*gradients, atol=1e-4, rtol=0)


def test_images_of_a_goal_share_draws_and_sizes_while_rendered(
    toy: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    maps = Network.maps

    def watched(self: Network, images: torch.Tensor, *rest: object) -> dict[str, torch.Tensor]:
        seen.append((len(images), images.shape[-1]))
        return maps(self, images, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Network, "maps", watched)
    drawn: list[LucidDraw] = []
    apply = LucidTransforms.apply

    def kept(self: LucidTransforms, images: torch.Tensor, one: LucidDraw) -> torch.Tensor:
        drawn.append(one)
        return apply(self, images, one)

    monkeypatch.setattr(ascending.LucidTransforms, "apply", kept)
    settings = dataclasses.replace(SMALL, steps=20)
    ascend(toy, [Goal(toy.unit("late", "", 5), "max", (1, 2, 3))], settings, MEAN)
    assert {number for number, _ in seen} == {3}
    assert len({size for _, size in seen}) == 5, "five scales, five sizes"
    assert drawn == LucidTransforms((4, 2)).draw(1, 20, 56)


def test_an_image_does_not_depend_on_the_other_goals_rendered(toy: Network, tmp_path: Path) -> None:
    units = [toy.unit("late", "", channel) for channel in (5, 1)]
    goals = goals_for(units, SMALL, 0, None)
    files = []
    for name, part in (("all", goals), ("last", goals[-1:])):
        render(toy, part, SMALL, MEAN, 40, tmp_path / name, quiet=True)
        files.append({p.relative_to(tmp_path / name): p for p in (tmp_path / name).rglob("*.png")})
    together, alone = files
    assert len(together) == 12 and len(alone) == 3
    for name, path in some(alone.items()):
        assert path.read_bytes() == together[name].read_bytes()


def test_the_preset_of_the_study_differs_from_ours_in_transforms_and_steps_only(
    tmp_path: Path,
) -> None:
    both = []
    for name in ("borowski2021", "borowski2021_lucid"):
        path = tmp_path / "mine.yaml"
        base = "name: mine\nnetwork: {name: demo}\nunits: {sample: {n: 1}}\n"
        path.write_text(f"{base}synthetic: {{preset: {name}}}\n", encoding="utf-8")
        both.append(dataclasses.asdict(read(str(path)).synthetic))
    ours, study = both
    different = {key for key in ours if ours[key] != study[key]}
    assert different == {"transforms", "steps", "redirected_steps"}
    assert (study["transforms"], study["steps"], study["redirected_steps"]) == ("lucid", 2561, 17)


def test_scales_that_leave_too_little_are_refused() -> None:
    with pytest.raises(ValueError, match="leaves 19 px of image_px 56"):
        dataclasses.replace(SMALL, scales=(1.0, 0.42))
