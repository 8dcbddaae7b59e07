"""A record format: `%pairs` on the first line, then one record a line, `key=text`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from provenance.readers.records import views
from provenance.readers.records.record_format import RecordFormat


def read(stream, tally, limits, roles):
    """Read all lines at once: a fixture holds few."""
    del limits, roles
    lines = stream.read(1 << 20).decode().splitlines()[1:]
    whole = pa.array([line.partition("=")[2] for line in lines], pa.large_string())
    errors = np.zeros(len(lines), np.int64)
    out = views.make_batch(views.make_text_views(whole), errors, tally.records)
    tally.count_records(errors, errors)
    yield out


RECORD_FORMAT = RecordFormat("pairs", read, sniff=lambda opening: opening.body.startswith(b"%pairs"))
