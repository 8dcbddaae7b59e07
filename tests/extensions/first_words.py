"""A detector: how many records begin with the word `the`."""

import numpy as np
import pyarrow.compute as pc

from provenance.detectors.counting import count_values
from provenance.detectors.detector import Detector


def observe(batch, files=None):
    """Count the records."""
    begins = pc.fill_null(pc.starts_with(batch["whole"], "the "), False)
    rows = np.flatnonzero(begins.to_numpy(zero_copy_only=False))
    return count_values(
        "first-words", batch, files, keys=[("the", "seen")], codes=np.zeros(len(rows), np.int64), places=rows
    )


DETECTOR = Detector("first-words", observe, scope="only the word `the` is looked for")
