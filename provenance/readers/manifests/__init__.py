"""Manifests: what data says of itself, read into claims. Code; the manifests that ship as data stand in `/manifests`.

One file a format, each with one verb, `read`, and its declaration, `MANIFEST_FORMAT`. To add a format: its file, a line
in `formats.FORMATS`, a case table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import ManifestError, UnknownFormat
from provenance.readers.manifests.formats import FORMATS, by_witness, is_doubtful, is_read, recognise

if TYPE_CHECKING:
    from provenance.core.model import Claim

__all__ = ["FORMATS", "LARGEST", "by_witness", "is_doubtful", "is_read", "read", "recognise"]

LARGEST = 4 * 1024 * 1024
"""Bytes of a manifest; a larger one is refused."""


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the contract's word
    """Read one manifest into claims.

    Args:
        path: the manifest's own path, relative to the scan root, '/' between parts: scopes are computed from it.
        data: its bytes, all of them.
        format: what `recognise` said it is.

    Returns:
        Its statements, in the order in which they stand; [] if it makes none.

    Raises:
        ManifestError: it is not what its name says, breaks its format, or is too large.
        UnknownFormat: no reader knows the format yet.
    """
    form = FORMATS.get(format)
    if form is None or form.read is None:
        raise UnknownFormat(f"{path}: no reader for manifests of the format {format!r} yet")
    if len(data) > LARGEST:
        raise ManifestError(f"{path} is larger than a manifest may be ({LARGEST} bytes)")
    return form.read(path, data, format)
