from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.licences.compatibility import find_losses

SOME = st.sampled_from(
    [
        None,
        "MIT",
        "CC0-1.0",
        "CC-BY-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-SA-4.0",
        "CC-BY-NC-ND-4.0",
        "GPL-3.0-only",
        "Glide",
        "LicenseRef-provenance-research-only",
    ]
)


@pytest.mark.parametrize(
    ("copy", "original", "lost"),
    [
        ("MIT", "CC-BY-NC-4.0", ["commercial-service"]),
        ("Apache-2.0", "CC-BY-NC-4.0", ["commercial-service"]),
        ("MIT", "CC-BY-SA-4.0", ["share-alike"]),
        ("CC-BY-4.0", "CC-BY-NC-SA-4.0", ["commercial-service", "share-alike"]),
        ("CC-BY-4.0", "CC-BY-ND-4.0", ["no-derivatives"]),
        ("CC0-1.0", "MIT", ["attribution"]),
        ("MIT", "LicenseRef-provenance-research-only", ["commercial-service", "redistribution", "use-restrictions"]),
        ("MIT AND CC-BY-NC-4.0", "CC-BY-NC-4.0", []),
        ("MIT OR CC-BY-NC-4.0", "CC-BY-NC-4.0", ["commercial-service"]),
        ("CC-BY-NC-4.0", "MIT", []),
        ("CC-BY-NC-ND-4.0", "CC-BY-SA-4.0", []),
        ("Apache-2.0", "MIT", []),
        ("Glide", "CC-BY-NC-SA-4.0", []),
        ("MIT", "Glide", []),
        (None, "CC-BY-NC-4.0", []),
        ("MIT", None, []),
        ("CC0-1.0", "LicenseRef-provenance-public-domain", []),
    ],
)
def test_what_gets_lost(copy, original, lost):
    found = find_losses(copy, original)
    assert [loss.right for loss in found] == lost
    assert all(loss.clause for loss in found)


@given(SOME)
def test_nothing_is_lost_to_oneself(licence):
    assert find_losses(licence, licence) == ()


@given(SOME, SOME)
def test_who_keeps_the_original_beside_his_own_loses_nothing(copy, original):
    if copy is not None and original is not None:
        assert find_losses(f"{copy} AND {original}", original) == ()
