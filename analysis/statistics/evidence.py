"""Corrected p values, equivalence tests and Bayes factors of a difference."""

from __future__ import annotations

import numpy as np
from scipy import integrate, stats

JZS_SCALE = 2**0.5 / 2
"""Scale of the Cauchy prior on the standardised effect size."""


def holm(p: np.ndarray) -> np.ndarray:
    """Return p values corrected by Holm's method (Scand. J. Stat. 1979, 6, 65-70).

    Parameters
    ----------
    p
        Shape (tests,); NaN stands for a test that could not be made and does not count.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, np.nan, 0.03]))
    array([0.03, 0.06,  nan, 0.06])
    """
    p = np.asarray(p, float)
    corrected = np.full(p.shape, np.nan)
    made = np.flatnonzero(np.isfinite(p))
    order = made[np.argsort(p[made], kind="stable")]
    # Of m tests with p_(1) <= ... <= p_(m):  p'_(i) = max_(j <= i) min(1, (m - j + 1) p_(j)).
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(steps))
    return corrected


def equivalence(
    difference: float, standard_error: float, df: float, smallest_effect: float
) -> float:
    """Return the p value of two one-sided tests (Schuirmann, J. Pharmacokin. Biopharm. 1987, 15).

    A small p value is evidence that the difference is closer to 0 than ``smallest_effect``.

    Raises
    ------
    ValueError
        If the smallest effect is not above 0.

    Examples
    --------
    >>> round(equivalence(0.01, 0.03, 20, smallest_effect=0.1), 4)
    0.0035
    """
    if not smallest_effect > 0:
        raise ValueError(f"smallest_effect is {smallest_effect}, expected more than 0")
    # H01: d <= -D, rejected for large (d + D) / se;  H02: d >= D, for small (d - D) / se.
    above = stats.t.sf((difference + smallest_effect) / standard_error, df)
    below = stats.t.cdf((difference - smallest_effect) / standard_error, df)
    return float(max(above, below))


def jzs_bayes_factor(
    t: float, df: float, scale: float = JZS_SCALE, size: float | None = None
) -> float:
    """Return the JZS Bayes factor of a t statistic, of a difference over no difference.

    Rouder, Speckman, Sun, Morey & Iverson, Psychon. Bull. Rev. 2009, 16, 225-237. The prior is on
    the effect size ``d / (se sqrt(n))``, a Cauchy distribution around 0 with the given scale, with
    ``d`` the difference, ``se`` its standard error and ``n`` the sample size. In a paired t test of
    n participants that is the mean of their differences over their standard deviation. Where
    ``se`` is that of a crossed interval, pass the number of participants as ``size``: degrees of
    freedom from Satterthwaite's formula are no sample size, as they depend on which source of
    variance is largest.

    Parameters
    ----------
    t
        Statistic, any sign.
    df
        Degrees of freedom, more than 0.
    scale
        Scale of the Cauchy prior on the standardised effect size.
    size
        Sample size: participants, or n1 n2 / (n1 + n2) for two groups of them; ``df + 1`` if None.

    Returns
    -------
    float
        More than 1 is evidence for a difference, less than 1 for none; at most 1e300.

    Examples
    --------
    The example of the paper, t(79) = 2.03 with a scale of 1, favours no difference by 1.56:

    >>> round(1 / jzs_bayes_factor(2.03, 79, scale=1), 2)
    1.56
    """
    n = df + 1 if size is None else size
    # Under H0 the marginal likelihood is proportional to (1 + t^2 / df)^(-(df + 1) / 2), under H1
    # to the integral over g of
    #     (1 + n g)^(-1/2) (1 + t^2 / ((1 + n g) df))^(-(df + 1) / 2) p(g),
    # where a Cauchy prior of scale r on the effect size is p(g) = r / sqrt(2 pi) g^(-3/2)
    # exp(-r^2 / 2g). The ratio is integrated over ln g, which multiplies by g. It is smooth and
    # falls off at both ends, where the trapezoidal rule converges fastest.
    log_g = np.linspace(-12, 60, 14_401)
    spread = 1 + n * np.exp(log_g)
    likelihood = np.log1p(t**2 / (spread * df)) - np.log1p(t**2 / df)
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
