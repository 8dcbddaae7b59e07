"""YAML whose document is a list of mappings: each is a record. Any other YAML is a configuration, and is not read.

What a file may take is bounded: its size, and aliases, which would let a line stand for a million, are refused. It is
written as JSON, which says what its records are. Source: yaml.org, YAML 1.2.2.
"""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

from provenance.core.package_data import parse_yaml
from provenance.readers.records.json import read as read_json
from provenance.readers.records.record_format import RecordFormat
from provenance.readers.storage import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from provenance.readers.records import column_roles
    from provenance.readers.records.tally import Tally
    from provenance.readers.storage import Limits

LARGEST = 16 << 20
"""Bytes of the largest file that is read: its values take many times as much in memory."""

_ALIAS = re.compile(rb"(?m)(?:^|[\s\[{,:-])\*[^\s,\]}*]+\s*(?:$|[,\]}])")
_NO_RECORDS = "no reader for YAML that is no list of records"


def read(stream: Stream, tally: Tally, limits: Limits, roles: column_roles.Roles) -> Iterator[pa.RecordBatch]:
    """Read a YAML document that is a list of mappings.

    Args:
        stream: its bytes, UTF-8.
        tally: gains counts; of any other document all bytes are skipped.
        limits: as of JSON.
        roles: which key means what.

    Yields:
        RECORDS batches, one row a mapping.
    """
    import yaml

    data = stream.read(LARGEST + 1)
    size = len(data) + (stream.drain() if len(data) > LARGEST else 0)
    if size > LARGEST:
        tally.skip_bytes(size, f"no reader for YAML larger than {LARGEST:,} bytes yet")
        return
    if _ALIAS.search(data):
        tally.skip_bytes(size, "no reader for YAML with aliases")
        return
    try:
        document: Any = parse_yaml(data)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        problem = getattr(error, "problem", None) or type(error).__name__
        tally.skip_bytes(size, f"yaml: {problem}")
        return
    if not isinstance(document, list) or not all(isinstance(each, dict) for each in document) or not document:
        tally.skip_bytes(size, _NO_RECORDS)
        return
    lines = json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    del document
    yield from read_json(Stream(io.BytesIO(lines)), tally, limits, roles)


RECORD_FORMAT = RecordFormat("yaml", read, suffixes=("yaml", "yml"), only_records=False)
