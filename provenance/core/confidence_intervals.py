"""Intervals for a share that was counted in a sample: what the whole can be, given what the sample was.

Clopper and Pearson (Biometrika 26, 1934): exact, so that the true share lies within at least as often as is claimed,
however small the sample. It is a little wider than approximations are, and never too narrow.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

METHOD = "clopper-pearson"
CONFIDENCE = "0.95"
"""Two-sided, and as it is written into entries."""

_TAIL_PROBABILITY = 0.025  # of the probability, on either side
_BISECTIONS = 60  # halvings: more than a double has bits
_DECIMALS = 10**6  # bounds are told to six decimals, outwards


def clopper_pearson(passed: int, drawn: int) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a share at a confidence of 95 %.

    Args:
        passed: how many of the sample have the property.
        drawn: size of the sample, above 0.

    Returns:
        The lower and upper bound in [0, 1], to six decimals; the lower rounded down, the upper rounded up.

    Raises:
        ValueError: there are no such counts.
    """
    if not 0 <= passed <= drawn or not drawn:
        raise ValueError(f"{passed} of {drawn} is no share")
    low = 0.0 if not passed else _solve(lambda share: 1 - _probability_at_most(passed - 1, drawn, share), rising=True)
    high = 1.0 if passed == drawn else _solve(lambda share: _probability_at_most(passed, drawn, share), rising=False)
    return math.floor(low * _DECIMALS) / _DECIMALS, math.ceil(high * _DECIMALS) / _DECIMALS


def _probability_at_most(count: int, drawn: int, share: float) -> float:
    """Return the probability of at most `count` successes: the regularised incomplete beta (DLMF 8.17.5)."""
    return _beta(drawn - count, count + 1, 1 - share)


def _beta(a: float, b: float, x: float) -> float:
    """Return I_x(a, b) by its continued fraction, from the side on which that converges quickly (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate that continued fraction by Lentz's method (Thompson and Barnett, J. Comput. Phys. 64, 1986)."""
    least = 1e-300  # in the place of zero
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or least)
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / ((1 + term * d) or least)
            c = (1 + term / c) or least
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _solve(tail: Callable[[float], float], *, rising: bool) -> float:
    """Find the share at which a tail has the probability _TAIL_PROBABILITY."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if (tail(middle) > _TAIL_PROBABILITY) == rising:
            high = middle
        else:
            low = middle
    return (low + high) / 2
