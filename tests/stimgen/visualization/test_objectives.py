import pytest
import torch

from stimgen.visualization.objectives import similarity


@pytest.mark.parametrize("is_waited_for", [False, True])
def test_similarity_is_that_of_the_double_sum(
    is_waited_for: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "stimgen.visualization.objectives.is_waited_for", lambda device: is_waited_for
    )
    maps = torch.randn(2, 4, 5, 3, 3)
    expected = []
    for group in maps:
        features = group.flatten(2)
        grams = [f @ f.T / (f @ f.T).norm() for f in features]
        pairs = [(grams[i] * grams[j]).sum() for i in range(4) for j in range(4) if i != j]
        expected.append(sum(pairs) / 4)
    torch.testing.assert_close(similarity(maps), torch.stack(expected), atol=1e-5, rtol=1e-5)


def test_factors_of_16_bits_change_similarity_by_their_rounding() -> None:
    drawn = torch.Generator().manual_seed(0)
    maps = (torch.randn(3, 4, 30, 14, 14, generator=drawn) + 0.5).requires_grad_()
    whole, rounded = (similarity(maps, factors) for factors in (torch.float32, torch.bfloat16))
    assert rounded.dtype == torch.float32 and not torch.equal(rounded, whole)
    torch.testing.assert_close(rounded, whole, atol=1e-3, rtol=0)
    one, other = (torch.autograd.grad(each.sum(), maps)[0].flatten() for each in (whole, rounded))
    assert torch.cosine_similarity(one, other, 0).item() > 0.999


def test_equal_images_are_as_similar_as_can_be() -> None:
    maps = torch.randn(1, 1, 5, 3, 3).expand(1, 4, 5, 3, 3)
    assert similarity(maps).item() == pytest.approx(3, abs=1e-5)
    assert similarity(maps[:, :1]).item() == pytest.approx(0, abs=1e-5)
