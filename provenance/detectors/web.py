"""From which registrable domains records come, and what their sites said when they were crawled.

Reads: RECORDS(url, whole, row); the policy of the file's source. Records without an address yield nothing. Kinds are
registrable domains, states those of `origins.signals`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.detectors.counting import count_values
from provenance.detectors.detector import Detector
from provenance.origins import signals as origins
from provenance.origins import urls

if TYPE_CHECKING:
    from provenance.detectors.counting import Ints
    from provenance.origins.signals import SitePolicy

UNPARSABLE = "(unparsable)"
"""In place of the domain of what stands in a column of addresses and is none of the web."""


def observe(batch: pa.RecordBatch, files: Ints | None, signals: SitePolicy) -> pa.Table:
    """Count records by the site they come from and what it said.

    Args:
        batch: rows of RECORDS.
        files: as for `detectors.observe`.
        signals: what is known of the sites of the files' source.

    Returns:
        OBSERVED, by file where there are several; `values` are the records' addresses, one each.
    """
    has = pc.greater(pc.fill_null(pc.binary_length(batch["url"]), 0), 0)
    rows = pc.indices_nonzero(has)
    if not len(rows):
        return count_values("web", batch, files, keys=(), codes=np.zeros(0, np.int64), places=np.zeros(0, np.int64))
    split = urls.split_urls(batch["url"].take(rows))
    kinds = pc.fill_null(urls.find_domains(split.field(0)), UNPARSABLE).dictionary_encode()
    states = origins.find_states(signals, split).dictionary_encode()
    pairs, codes = np.unique(
        np.asarray(kinds.indices).astype(np.int64) * len(states.dictionary) + np.asarray(states.indices),
        return_inverse=True,
    )
    names, state_names = kinds.dictionary.to_pylist(), states.dictionary.to_pylist()
    keys = [(names[pair // len(state_names)], state_names[pair % len(state_names)]) for pair in pairs.tolist()]
    return count_values(
        "web", batch, files, keys=keys, codes=codes.astype(np.int64), places=np.asarray(rows).astype(np.int64)
    )


DETECTOR = Detector("web", observe, asks=("signals",))
