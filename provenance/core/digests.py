"""Digests of bytes and of canonical JSON: the one place that says how anything here is hashed."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def sha256(data: bytes | memoryview) -> str:
    """Return the SHA-256 of `data`, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """Return `value` as canonical JSON (RFC 8785): one byte string for one value.

    Args:
        value: what JSON can hold; integers beyond 2**53 must be sent as strings.

    Returns:
        UTF-8 without a closing newline.

    Raises:
        rfc8785.CanonicalizationError: the value has no canonical form.
    """
    return rfc8785.dumps(value)


def fingerprint(check: str, source: str, other: str | None = None, field: str | None = None) -> str:
    """Return `fingerprint/v1` of a finding, which survives a rescan because no count or row is in it.

    Args:
        check: the check's name.
        source: id of the source that carries the finding.
        other: id of the other source.
        field: what tells findings of one check and pair apart.

    Returns:
        32 hexadecimal digits.
    """
    return sha256(b"fingerprint/v1\n" + canonical([check, source, other, field]))[:32]
