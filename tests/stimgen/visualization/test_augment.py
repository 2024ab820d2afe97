import pytest
import torch
import torch.nn.functional as F

from stimgen import loops
from stimgen.visualization.augment import Transforms, transform

STILL = Transforms((0, 0), (1.0,), 0)


def test_nothing_drawn_changes_nothing() -> None:
    images = torch.rand(2, 3, 20, 20)
    seen = transform(images, STILL.draw([1, 2], 1, 20)[0], 20)
    torch.testing.assert_close(seen, images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("has_numba", [True, False])
@pytest.mark.parametrize("size_px", [20, 33])
@pytest.mark.parametrize(
    "transforms",
    [Transforms((4, 2)), Transforms((8, 4), (0.7, 1.6), 90, 5), Transforms((200, 0))],
)
def test_pixels_and_gradients_are_those_of_torchs_affine_grid(
    transforms: Transforms, size_px: int, has_numba: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "has_numba", lambda: has_numba)
    matrices = transforms.draw([1, 2, 3], 1, 40)[0]
    images = torch.rand(3, 3, 40, 40, requires_grad=True)
    grid = F.affine_grid(matrices, [3, 3, size_px, size_px], align_corners=False)
    expected = F.grid_sample(images - 0.5, grid, align_corners=False) + 0.5
    found = transform(images, matrices, size_px)
    assert type(found.grad_fn).__name__ == ("_ResamplingBackward" if has_numba else "AddBackward0")
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    gradients = [torch.autograd.grad(seen.square().sum(), images)[0] for seen in (found, expected)]
    torch.testing.assert_close(*gradients, atol=2e-4, rtol=0)


def test_jitter_is_a_whole_shift_within_its_bounds() -> None:
    transforms = Transforms((4, 2), (1.0,), 0)
    images = torch.rand(30, 3, 20, 20)
    seen_px = transforms.seen_px(20)
    seen = transform(images, transforms.draw(range(30), 1, 20)[0], seen_px)
    offsets = set()
    for image, crop in zip(images, seen, strict=True):
        found = [
            (x, y)
            for x in range(7)
            for y in range(7)
            if torch.allclose(image[:, y : y + seen_px, x : x + seen_px], crop, atol=1e-4)
        ]
        assert len(found) == 1
        offsets.update(found)
    assert len(offsets) > 15


def test_scale_and_rotation_keep_the_centre() -> None:
    images = torch.zeros(1, 1, 21, 21)
    images[..., 10, 10] = 1
    for transforms in (Transforms((0, 0), (1.05, 0.95), 0), Transforms((0, 0), (1.0,), 5)):
        seen = transform(images, transforms.draw([3], 1, 21)[0], 21)
        assert seen[..., 10, 10].item() == pytest.approx(1, abs=1e-4)


def test_scale_enlarges() -> None:
    images = torch.zeros(1, 1, 40, 40)
    images[..., 10:30, 10:30] = 1
    seen = transform(images, Transforms((0, 0), (1.5,), 0).draw([0], 1, 40)[0], 40)
    assert seen.sum().sqrt().item() == pytest.approx(30, abs=0.5)


def test_beyond_the_edge_is_grey() -> None:
    seen = transform(
        torch.ones(1, 3, 40, 40), Transforms((0, 0), (0.5,), 0).draw([0], 1, 40)[0], 40
    )
    torch.testing.assert_close(seen[..., 0, 0], torch.full((1, 3), 0.5))


def test_draws_depend_on_the_images_own_seed_only() -> None:
    transforms = Transforms()
    company = transforms.draw([5, 6, 7], 4, 64)
    torch.testing.assert_close(company[:, 1], transforms.draw([6], 4, 64)[:, 0])
    assert not torch.equal(company[:, 0], company[:, 1])
    assert not torch.equal(company[0], company[1])


def test_padding_shows_grey_at_the_sides() -> None:
    transforms = Transforms((0, 0), (1.0,), 0, pad_px=3)
    seen_px = transforms.seen_px(10)
    seen = transform(torch.ones(1, 3, 10, 10), transforms.draw([0], 1, 10)[0], seen_px)
    assert seen_px == 16
    torch.testing.assert_close(seen[..., 3:13, 3:13], torch.ones(1, 3, 10, 10))
    assert seen[..., :3, :].sum() == pytest.approx(0.5 * 3 * 3 * 16)
