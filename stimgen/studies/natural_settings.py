"""Settings of the natural images."""

from __future__ import annotations

from dataclasses import dataclass

from unitscope.bounds import at_least


@dataclass(frozen=True)
class QuerySettings:
    """Queries that are not extremes, and therefore harder (Zimmermann, Klein & Brendel, 2023).

    Parameters
    ----------
    percentile
        Percentile of the max query's activation among all images, above 50; the min query's is
        100 minus it.
    window
        Number of images around that percentile from which the batches' queries are drawn; the
        number of batches if None.
    """

    percentile: float
    window: int | None = None

    def __post_init__(self) -> None:
        if not 50 < self.percentile <= 100:
            raise ValueError(f"percentile is {self.percentile:g}, expected more than 50, up to 100")


@dataclass(frozen=True)
class NaturalSettings:
    """Natural images of a unit: ``n_batches`` times ``n_bins`` at each pole.

    Parameters
    ----------
    n_batches, n_bins
        A pole's most extreme images are divided into ``n_bins`` rank bins; each of ``n_batches``
        batches gets one image of each bin.
    shuffle_top_bin
        Whether the bin of the most activating images is shuffled like the others. If not, the last
        image of batch b of n is the (n - b)-th most activating one.
    pair_batches
        Additional batches with one query and one reference per pole, from the most extreme images
        divided into two bins; they are numbered after the others.
    queries
        If given, queries are drawn around a percentile, and only the references are extremes.
    """

    n_batches: int = 20
    n_bins: int = 10
    shuffle_top_bin: bool = True
    pair_batches: int = 0
    queries: QuerySettings | None = None

    def __post_init__(self) -> None:
        at_least(1, n_batches=self.n_batches, n_bins=self.n_bins)
        at_least(0, pair_batches=self.pair_batches)
        if self.queries is not None:
            at_least(2, n_bins=self.n_bins)
            at_least(self.n_batches, **{"queries.window": self.n_queries_from})

    @property
    def n_dealt(self) -> int:
        """Number of extreme images in a batch, per pole."""
        return self.n_bins - (self.queries is not None)

    @property
    def n_extremes(self) -> int:
        """Number of extreme images needed at each pole."""
        return max(self.n_batches * self.n_dealt, 2 * self.pair_batches)

    @property
    def n_queries_from(self) -> int:
        """Number of images from which the queries at a percentile are drawn."""
        window = self.queries.window if self.queries else None
        return self.n_batches if window is None else window
