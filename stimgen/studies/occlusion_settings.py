"""Settings of the occlusion stimuli."""

from __future__ import annotations

from dataclasses import dataclass

from unitscope.bounds import at_least, between


@dataclass(frozen=True)
class OcclusionSettings:
    """Occluded queries and the positions of their patches (Zimmermann et al., 2021).

    Parameters
    ----------
    size_px
        Side of the patch. The study's 66, 90 and 112 px are 30, 40 and 50 % of 224 px.
    stride_px
        Step between positions.
    max_overlap
        Largest proportion of its area that a query's patch may share with the other query's.
    min_effect
        Smallest relative activation difference that a base image must allow; no limit if None.
    blur_kernel_px, blur_sigma_px
        Gaussian kernel of the blurred references.
    batches
        Number of batches that get occlusion stimuli, from batch 0; all if None.
    blur
        Whether blurred references are made too, which takes one more map for each reference.
    saliency
        ``spectral_residual``, a folder of maps, or a function ``package.module:function``.
    objects
        CSV file of boxes around primary objects, relative to the settings file.
    """

    size_px: int = 90
    stride_px: int = 2
    max_overlap: float = 1.0
    min_effect: float | None = None
    blur_kernel_px: int = 21
    blur_sigma_px: float = 3.5
    batches: int | None = None
    blur: bool = False
    saliency: str = "spectral_residual"
    objects: str | None = None

    def __post_init__(self) -> None:
        at_least(1, size_px=self.size_px, stride_px=self.stride_px, batches=self.batches)
        between(0, 1, max_overlap=self.max_overlap)
        if self.blur_kernel_px < 1 or self.blur_kernel_px % 2 == 0:
            raise ValueError(f"blur_kernel_px is {self.blur_kernel_px}, expected an odd number")
        if not self.blur_sigma_px > 0:
            raise ValueError(f"blur_sigma_px is {self.blur_sigma_px}, expected more than 0")
