"""Where a record says that it comes from: an address, the name of a source, a licence; and records that say nothing.

Source: GB/T 45652 (draft of 2024-03-28), 6.1 c and 6.2 a: every sample carries its source, or the address of its page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.detectors.counting import count_values
from provenance.detectors.detector import Detector

if TYPE_CHECKING:
    from provenance.detectors.counting import Ints

_ADDRESS = r"[^\s.][.][^\s.]|:/|^\s*[A-Za-z][A-Za-z0-9+.-]*:\w"
_NOTHING = r"^(?i:none|null|nil|nan|n/?a|unknown|undefined|[\s\p{P}\p{S}]*|未知|无)$"


def observe(batch: pa.RecordBatch, files: Ints | None = None) -> pa.Table:
    """Count the records that state an origin of their own, and those that do not.

    Args:
        batch: rows of RECORDS.
        files: as for `detectors.observe`.

    Returns:
        OBSERVED, by file where there are several: of kind `url`, `origin` and `licence` in the state `stated`, records
        with such a value; of kind `link`, those with an address and no text; of kind `any`, those with an address or an
        origin in the state `stated`, and those with neither in the state `missing`. Unreadable records count nowhere.
        Values are records.
    """
    readable = pc.is_null(batch["error"])
    url = pc.and_(readable, _mark_filled(batch["url"], _ADDRESS))
    origin = pc.and_(readable, _mark_filled(batch["origin"]))
    either = pc.or_(url, origin)
    rows = {
        ("any", "missing"): pc.and_(readable, pc.invert(either)),
        ("any", "stated"): either,
        ("licence", "stated"): pc.and_(readable, _mark_filled(batch["licence"])),
        ("link", "stated"): pc.and_(url, pc.is_null(batch["whole"])),
        ("origin", "stated"): origin,
        ("url", "stated"): url,
    }
    places = [np.flatnonzero(mask.to_numpy(zero_copy_only=False)) for mask in rows.values()]
    codes = np.repeat(np.arange(len(rows)), [len(each) for each in places])
    return count_values("record-origin", batch, files, keys=list(rows), codes=codes, places=np.concatenate(places))


def _mark_filled(column: pa.Array, pattern: str | None = None) -> pa.Array:
    """Tell where a value says something: not empty, no word for nothing, and of a shape where one is asked for."""
    if column.null_count == len(column):  # nearly always; a pattern costs a third of a millisecond
        return pa.repeat(pa.scalar(False), len(column))
    filled = pc.invert(pc.match_substring_regex(column, _NOTHING))
    if pattern is not None:
        filled = pc.and_(filled, pc.match_substring_regex(column, pattern))
    return pc.fill_null(filled, False)


DETECTOR = Detector("record-origin", observe)
