"""Originals: files that are a well-known data set themselves, by digest or word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.licences.compatibility import find_losses
from provenance.origins import known_datasets
from provenance.similarity.evidence import shared_text

if TYPE_CHECKING:
    import pyarrow as pa


def find_known_originals(files: pa.Table, references: pa.Table) -> dict[str, str]:
    """Return which files are the originals of known data sets, by digest or word for word.

    Args:
        files: FILES.
        references: REFERENCES.

    Returns:
        Path -> id of the data set whose published digest the file has; or of which every record of the file is a
        record, where the file's licence keeps that of the set: who copies under the same terms takes nothing away.
    """
    digests = known_datasets.known_by_digest()
    columns = (files[name].to_pylist() for name in ("path", "sha256"))
    found = {path: digests[digest].id for path, digest in zip(*columns, strict=True) if digest in digests}
    licences = shared_text.licences_by_path(files)
    for row in references.to_pylist():
        all_in_one_set = (
            row["of"] == "texts" and row["view"] == "whole" and row["records"] == row["records_view"] >= row["scale"]
        )
        entry = known_datasets.known_by_name().get(row["title"]) if all_in_one_set and row["path"] is not None else None
        licence = licences.get(row["path"])
        if entry is not None and entry.licence and licence and not find_losses(licence, entry.licence):
            found.setdefault(row["path"], entry.id)
    return found
