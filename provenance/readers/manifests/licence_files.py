"""Licence files: LICENSE and its kin, DATA_LICENSE, WEIGHT_DIFF_LICENSE, NOTICE. They open no source."""

from __future__ import annotations

import re

from provenance.core.model import Claim
from provenance.licences.expressions import conjunction, normalise
from provenance.licences.texts import identify
from provenance.readers.manifests.yaml_documents import decode, folder

_WITNESSES = {
    "data-licence": ("data-licence-file", "data"),
    "weights-licence": ("weights-licence-file", "model"),
    "licence": ("licence-file", "any"),
}


def read(path: str, data: bytes, format: str) -> list[Claim]:  # noqa: A002 - the family's signature
    """Read a licence file.

    Args:
        path: the file's path.
        data: its bytes.
        format: licence | data-licence | weights-licence | notice.

    Returns:
        One claim `licence`: the SPDX expression of what the file holds (all licences of a file apply), else what it
        begins with. A notice states credits, not a licence: no claim. An empty file claims nothing.

    Raises:
        ManifestError: it is not a text.
    """
    if format not in _WITNESSES:
        return []
    text = decode(path, data)
    value = _value(text)
    if not value:
        return []
    witness, subject = _WITNESSES[format]
    if re.search(r"(?:^|[_.-])code(?:[_.-]|$)", path.rsplit("/", 1)[-1], re.IGNORECASE):
        subject = "code"
    first = next(number for number, line in enumerate(text.splitlines(), 1) if line.strip())
    return [Claim("licence", value, folder(path), witness, f"L{first}", subject)]


def _value(text: str) -> str:
    found = identify(text)
    exact = [licence.expression for licence in found if licence.expression]
    if exact and len(exact) == len(found):
        return conjunction(exact)
    if found:
        return str(found[0].note)[:200]
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
    # A title alone must not pass for the licence it names: identify would have found its text.
    return f"unrecognised text: {first}" if first and normalise(first).expression else first
