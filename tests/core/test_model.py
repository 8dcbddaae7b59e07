"""Values that pass between rooms, and the digests that name them."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.digests import canonical, fingerprint, sha256
from provenance.core.model import Claim, Died, Finding
from provenance.errors import CheckError, InputError, MissingExtra, ProvenanceError

TEXT = st.none() | st.text(st.characters(codec="utf-8"), max_size=5)


@pytest.mark.parametrize(
    "value", [Claim("licence", "MIT", "./", "readme", "L1"), Finding("c", "s", "m.", "l."), Died("signal 9")]
)
def test_values_are_frozen_and_travel(value):
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - our own
    with pytest.raises(AttributeError):
        value.__setattr__(type(value).__slots__[0], "x")


@given(
    st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")), TEXT, TEXT),
    st.tuples(TEXT, TEXT),
)
def test_a_fingerprint_tells_findings_apart(one, two):
    other = (one[0], one[1], *two)
    assert (fingerprint(*one) == fingerprint(*other)) == (one == other)
    assert len(fingerprint(*one)) == 32


def test_a_fingerprint_is_never_to_change():
    """Waivers and SARIF rely on it: SHA-256 of the version line and canonical JSON, cut to 32 digits."""
    assert fingerprint("licence-missing", "a") == sha256(b'fingerprint/v1\n["licence-missing","a",null,null]')[:32]
    assert fingerprint("c", "a", "b", "f") == sha256(b'fingerprint/v1\n["c","a","b","f"]')[:32]


def test_canonical_json_is_one_byte_string():
    assert canonical({"b": 1, "a": [1.0, "é"]}) == '{"a":[1,"é"],"b":1}'.encode()


def test_errors_say_what_to_do():
    assert "pip install 'provenance-auditor[ray]'" in str(MissingExtra("ray", "use a cluster"))
    assert str(CheckError("licence-missing", KeyError("x"))) == "check licence-missing could not run: KeyError: 'x'"
    assert issubclass(InputError, ProvenanceError)
