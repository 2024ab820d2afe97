"""What a difference is evidence for: corrected p values, equivalence, Bayes factors."""

from __future__ import annotations

import numpy as np
from scipy import integrate, stats

JZS_SCALE = 2**0.5 / 2
"""Scale of the Cauchy prior on the standardised effect."""


def holm(p: np.ndarray) -> np.ndarray:
    """Return p values corrected by Holm's method (Scand. J. Stat. 1979, 6, 65-70).

    Parameters
    ----------
    p
        Shape (tests,); NaN stands for a test that could not be made and does not count.
    """
    p = np.asarray(p, float)
    corrected = np.full(p.shape, np.nan)
    made = np.flatnonzero(np.isfinite(p))
    order = made[np.argsort(p[made], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return corrected


def equivalence(
    difference: float, standard_error: float, df: float, smallest_effect: float
) -> float:
    """Return the p value of two one-sided tests (Schuirmann, J. Pharmacokin. Biopharm. 1987, 15).

    Small values speak for a difference nearer to 0 than ``smallest_effect``.

    Raises
    ------
    ValueError
        If the smallest effect is not above 0.
    """
    if not smallest_effect > 0:
        raise ValueError(f"smallest_effect is {smallest_effect}, expected more than 0")
    above = stats.t.sf((difference + smallest_effect) / standard_error, df)
    below = stats.t.cdf((difference - smallest_effect) / standard_error, df)
    return float(max(above, below))


def jzs_bayes_factor(
    t: float, df: float, scale: float = JZS_SCALE, size: float | None = None
) -> float:
    """Return the JZS Bayes factor of a t statistic for a difference over none.

    Rouder, Speckman, Sun, Morey & Iverson, Psychon. Bull. Rev. 2009, 16, 225-237. The size of the
    sample is taken as ``df + 1``, so that with crossed intervals, whose degrees of freedom count
    participants and units alike, it speaks for both as well.

    Parameters
    ----------
    t
        Statistic, any sign.
    df
        Degrees of freedom, more than 0.
    scale
        Of the Cauchy prior on the standardised effect.
    size
        Effective size of the sample, n1 n2 / (n1 + n2) for two groups; ``df + 1`` if None.

    Returns
    -------
    float
        More than 1 for a difference, less than 1 for none; at most 1e300.
    """
    n = df + 1 if size is None else size

    log_g = np.linspace(-12, 60, 14_401)
    spread = 1 + n * np.exp(log_g)
    likelihood = np.log1p(t**2 / (spread * df)) - np.log1p(t**2 / df)
    # The log of the density over ln g, relative to that of no difference; it is smooth and falls
    # off at both ends, for which no rule is better than that of trapezoids.
    log_density = (
        -0.5 * np.log(spread)
        - (df + 1) / 2 * likelihood
        + np.log(scale / np.sqrt(2 * np.pi))
        - 0.5 * log_g
        - scale**2 / 2 * np.exp(-log_g)
    )
    top = log_density.max()
    area = integrate.trapezoid(np.exp(log_density - top), log_g)
    return float(np.exp(min(top + np.log(area), np.log(1e300))))
