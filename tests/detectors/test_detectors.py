"""The room: what detectors saw in several batches adds up to one row a kind and state."""

import pyarrow as pa
import pytest

from provenance import detectors, schemas


def seen(*rows):
    names = ("detector", "kind", "state", "records", "values", "bytes", "row")
    return schemas.rows([dict(zip(names, row, strict=True)) for row in rows], schemas.OBSERVED)


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([], []),
        ([seen(), seen()], []),
        ([seen(("d", "a", "x", 1, 2, 30, 5))], [("d", "a", "x", 1, 2, 30, 5)]),
        (
            [seen(("d", "b", "x", 1, 2, 30, 5), ("d", "a", "x", 1, 1, 4, 6)), seen(("d", "b", "x", 3, 4, 50, 2))],
            [("d", "a", "x", 1, 1, 4, 6), ("d", "b", "x", 4, 6, 80, 2)],
        ),
        (
            [seen(("d", "a", "x", 1, 1, 1, 0)), seen(("d", "a", "y", 1, 1, 1, 1), ("c", "a", "x", 1, 1, 1, 2))],
            [("c", "a", "x", 1, 1, 1, 2), ("d", "a", "x", 1, 1, 1, 0), ("d", "a", "y", 1, 1, 1, 1)],
        ),
    ],
    ids=["nothing", "empty", "one", "added", "apart"],
)
def test_what_was_seen_adds_up(batches, expected):
    added = detectors.add(batches)
    assert added.schema.equals(schemas.OBSERVED, check_metadata=True)
    assert [tuple(row.values()) for row in added.to_pylist()] == expected


def test_no_order_of_batches_changes_the_sum():
    one, two = seen(("d", "a", "x", 1, 1, 1, 3)), seen(("d", "a", "x", 2, 2, 2, 1))
    assert detectors.add([one, two]).equals(detectors.add([two, one]))


def test_every_listed_detector_looks_at_an_empty_batch():
    batch = pa.RecordBatch.from_pylist([], schema=schemas.RECORDS)
    assert detectors.observe(batch).num_rows == 0
