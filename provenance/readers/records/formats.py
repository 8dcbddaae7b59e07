"""The formats of records, one line each, in the order in which they are asked whether a file is theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.registry import Registry

if TYPE_CHECKING:
    from provenance.readers.records.record_format import RecordFormat

FORMATS: Registry[RecordFormat] = Registry(
    "RECORD_FORMAT",
    "provenance.readers.records.parquet",
    "provenance.readers.records.arrow_files",
    "provenance.readers.records.warc",
    "provenance.readers.records.json",
    "provenance.readers.records.annotated_sentences",
    "provenance.readers.records.yaml",
    "provenance.readers.records.csv",
    "provenance.readers.records.markup",
    "provenance.readers.records.sqlite",
    "provenance.readers.records.text",
)
"""Every format that is read, by name; each may be compressed or stand in an archive (`storage.CODECS, CONTAINERS`)."""
