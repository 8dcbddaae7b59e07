"""Oracles: the exact sum of binomial probabilities in rationals, and values that others published."""

from fractions import Fraction
from math import comb, exp, fsum, lgamma, log, log1p

import pytest

from provenance.core import confidence_intervals

# passed, drawn, lower and upper bound as published
PUBLISHED = {
    # Brown, Cai and DasGupta, Statistical Science 16 (2001): rule of three and its exact form, 1 - 0.025^(1/n)
    "none of 10": (0, 10, 0.0, 0.3085),
    "all of 10": (10, 10, 0.6915, 1.0),
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81/263, 15/148, 0/20, 1/29, Clopper-Pearson
    "81 of 263": (81, 263, 0.2527, 0.3676),
    "15 of 148": (15, 148, 0.0578, 0.1617),
    "none of 20": (0, 20, 0.0, 0.1684),
    "1 of 29": (1, 29, 0.0009, 0.1776),
}


@pytest.mark.parametrize(("passed", "drawn", "low", "high"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_values(passed, drawn, low, high):
    assert confidence_intervals.clopper_pearson(passed, drawn) == pytest.approx((low, high), abs=5e-5)


def at_most(count, drawn, share):
    return sum(comb(drawn, each) * share**each * (1 - share) ** (drawn - each) for each in range(count + 1))


@pytest.mark.parametrize(("passed", "drawn"), [(0, 1), (1, 1), (1, 2), (3, 7), (96, 100), (99, 100)])  # fmt: skip
def test_the_bounds_leave_a_fortieth_on_either_side(passed, drawn):
    low, high = (Fraction(f"{bound:.6f}") for bound in confidence_intervals.clopper_pearson(passed, drawn))
    tail, step = Fraction(1, 40), Fraction(1, 10**6)
    if passed:  # to have seen so many or more is rarer below the lower bound, and not so one step above it
        assert 1 - at_most(passed - 1, drawn, low) <= tail <= 1 - at_most(passed - 1, drawn, low + step)
    else:
        assert low == 0
    if passed < drawn:
        assert at_most(passed, drawn, high) <= tail <= at_most(passed, drawn, high - step)
    else:
        assert high == 1


def logarithmic(count, drawn, share):
    """The same sum, term by term in logarithms."""
    terms = (
        lgamma(drawn + 1)
        - lgamma(each + 1)
        - lgamma(drawn - each + 1)
        + each * log(share)
        + (drawn - each) * log1p(-share)
        for each in range(count + 1)
    )
    return fsum(map(exp, terms))


@pytest.mark.parametrize(("passed", "drawn"), [(3840, 4000), (3999, 4000), (1, 4000), (980, 1000)])
def test_the_bounds_of_samples_that_laws_ask_for(passed, drawn):
    low, high = confidence_intervals.clopper_pearson(passed, drawn)
    assert 1 - logarithmic(passed - 1, drawn, low) <= 0.025 <= 1 - logarithmic(passed - 1, drawn, low + 1e-6)
    assert logarithmic(passed, drawn, high) <= 0.025 <= logarithmic(passed, drawn, high - 1e-6)


def test_large_samples():
    low, high = confidence_intervals.clopper_pearson(980_000, 1_000_000)
    assert low < 0.98 < high
    assert high - low == pytest.approx(
        2 * 1.959964 * (0.98 * 0.02 / 10**6) ** 0.5, rel=0.01
    )  # as the normal curve has it


@pytest.mark.parametrize(("passed", "drawn"), [(0, 0), (-1, 3), (4, 3)])
def test_what_is_no_share(passed, drawn):
    with pytest.raises(ValueError, match="is no share"):
        confidence_intervals.clopper_pearson(passed, drawn)
