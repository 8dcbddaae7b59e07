"""Manifests: what data says of itself, read into claims. Code; the manifests that ship as data stand in `/manifests`.

To add a format: one file with `read(path, data, format)`, one line in READERS, one rule in `recognition.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import ManifestError, UnknownFormat
from provenance.readers.manifests import (
    cards,
    croissant,
    dataset_infos,
    dpi,
    frictionless,
    licence_files,
    llama_factory,
    native,
    nltk,
    readmes,
)
from provenance.readers.manifests.recognition import UNREAD, recognise

if TYPE_CHECKING:
    from types import ModuleType

    from provenance.core.model import Claim

__all__ = ["LARGEST", "READERS", "UNREAD", "read", "recognise"]

LARGEST = 4 * 1024 * 1024
"""Bytes of a manifest; a larger one is refused."""

READERS: dict[str, ModuleType] = {
    "croissant": croissant,
    "data-licence": licence_files,
    "dpi-summary": dpi,
    "frictionless": frictionless,
    "hf-card": cards,
    "hf-dataset-infos": dataset_infos,
    "licence": licence_files,
    "llama-factory": llama_factory,
    "native": native,
    "nltk-xml": nltk,
    "notice": licence_files,
    "readme": readmes,
    "weights-licence": licence_files,
}
"""Format -> the module that reads it."""


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
    reader = READERS.get(format)
    if reader is None:
        raise UnknownFormat(f"{path}: no reader for manifests of the format {format!r} yet")
    if len(data) > LARGEST:
        raise ManifestError(f"{path} is larger than a manifest may be ({LARGEST} bytes)")
    claims: list[Claim] = reader.read(path, data, format)
    return claims
