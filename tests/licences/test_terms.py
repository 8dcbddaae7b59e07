from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.model import PURPOSES
from provenance.licences import terms as room
from provenance.licences.expressions import normalise
from provenance.licences.terms import STRICTNESS, choose_strictest, find_obligations, find_right, find_terms

LISTED = sorted(room._load_terms())
SOME = st.sampled_from(
    ["MIT", "CC0-1.0", "CC-BY-NC-4.0", "CC-BY-SA-4.0", "GPL-3.0-only", "Glide", "LicenseRef-provenance-CC-BY-ND"]
)


@pytest.mark.parametrize(
    ("expression", "purpose", "value", "licence"),
    [
        ("MIT", "commercial-service", "yes", "MIT"),
        ("MIT", "redistribution", "conditional", "MIT"),
        ("CC-BY-NC-4.0", "commercial-service", "no", "CC-BY-NC-4.0"),
        ("CC-BY-NC-4.0", "research", "yes", "CC-BY-NC-4.0"),
        ("CC-BY-SA-3.0", "release-weights", "review", "CC-BY-SA-3.0"),
        ("CC-BY-NC-SA-3.0-IGO", "commercial-service", "no", "CC-BY-NC-SA-3.0-IGO"),
        ("LicenseRef-provenance-CC-BY-NC", "commercial-service", "no", "LicenseRef-provenance-CC-BY-NC"),
        ("MIT AND CC-BY-NC-4.0", "commercial-service", "no", "CC-BY-NC-4.0"),
        ("MIT OR CC-BY-NC-4.0", "commercial-service", "yes", "MIT"),
        ("MIT AND (CC-BY-NC-4.0 OR CC0-1.0)", "commercial-service", "yes", "MIT"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "internal", "yes", "GPL-2.0-only"),
        ("Glide", "internal", "unknown", "Glide"),
        ("MIT AND LicenseRef-provenance-unknown", "internal", "unknown", "LicenseRef-provenance-unknown"),
        (None, "research", "unknown", None),
        ("not (an expression", "research", "unknown", "not (an expression"),
    ],
)
def test_a_right_and_who_decides_it(expression, purpose, value, licence):
    found = find_right(expression, purpose)
    assert (found.value, found.licence) == (value, licence)


def test_an_unknown_purpose_is_refused():
    with pytest.raises(ValueError, match="commercial-service"):
        find_right("MIT", "world-domination")


@pytest.mark.parametrize("licence", LISTED)
def test_every_record_is_whole(licence):
    record = find_terms(licence)
    assert set(record.rights) == set(PURPOSES)
    assert set(record.rights.values()) <= set(STRICTNESS) - {"unknown"}
    for purpose, value in record.rights.items():
        assert value == "yes" or record.clauses[purpose], f"{licence}: {purpose} is {value} without a clause"
    assert all(record.clauses[name] for name in record.obligations)
    assert normalise(licence).expression == licence


@given(SOME, SOME, st.sampled_from(PURPOSES))
def test_and_is_as_strict_as_its_strictest_or_as_good_as_its_best(a, b, purpose):
    ranks = sorted((find_right(a, purpose).rank, find_right(b, purpose).rank))
    assert find_right(f"{a} AND {b}", purpose).rank == ranks[0]
    assert find_right(f"{a} OR {b}", purpose).rank == ranks[1]


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        (["MIT", None, "CC-BY-NC-4.0"], "CC-BY-NC-4.0"),
        (["MIT", None], None),
        ([None], None),
        ([], None),
        (["MIT", "Apache-2.0"], "Apache-2.0"),
        (["CC-BY-SA-4.0", "MIT"], "CC-BY-SA-4.0"),
        (["CC-BY-NC-4.0", "LicenseRef-provenance-research-only"], "LicenseRef-provenance-research-only"),
    ],
)
def test_the_strictest_wins_whatever_the_order(expressions, expected):
    assert choose_strictest(expressions, "commercial-service") == expected
    assert choose_strictest(reversed(expressions), "commercial-service") == expected


def test_obligations_of_and_add_up_and_of_or_are_shared():
    assert set(find_obligations("MIT AND CC-BY-SA-4.0")) == {"attribution", "share-alike"}
    assert set(find_obligations("MIT OR CC-BY-SA-4.0")) == {"attribution"}
    assert find_obligations("CC0-1.0") == find_obligations(None) == {}


@pytest.mark.realdata
def test_quotes_are_verbatim(realdata):
    plain = {}
    for path in (realdata / "licences").rglob("*"):
        if path.suffix in {".xml", ".LICENSE"}:
            text = re.sub(r"<bullet>[^<]*</bullet>", " ", path.read_text(encoding="utf-8"))
            text = re.sub(r"<[^>]+>", "", text).replace("&#34;", '"').replace("&#8217;", "’")
            plain[path.name] = " ".join(text.replace("&quot;", '"').split())
    everything = "\n".join(plain.values()).casefold()
    quotes = {
        quote
        for licence in [
            *LISTED,
            *(f"CC-BY-NC-{part}-{version}" for part in ("SA", "ND") for version in ("2.0", "3.0", "4.0")),
        ]
        if find_terms(licence).read == "text"
        for quote in find_terms(licence).clauses.values()
    }
    assert len(quotes) > 30
    missing = [
        q
        for q in quotes
        if not all(" ".join(part.split()).casefold() in everything for part in re.findall(r'"([^"]+)"', q))
    ]
    assert missing == []
