"""The room: what detectors saw in several batches adds up to one row a kind and state."""

import numpy as np
import pyarrow as pa
import pytest

from provenance import detectors
from provenance.core import schemas


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
    added = detectors.add_batches(batches)
    assert added.schema.equals(schemas.OBSERVED, check_metadata=True)
    assert [tuple(row.values()) for row in added.to_pylist()] == expected


def test_no_order_of_batches_changes_the_sum():
    one, two = seen(("d", "a", "x", 1, 1, 1, 3)), seen(("d", "a", "x", 2, 2, 2, 1))
    assert detectors.add_batches([one, two]).equals(detectors.add_batches([two, one]))


def test_every_listed_detector_looks_at_an_empty_batch():
    batch = pa.RecordBatch.from_pylist([], schema=schemas.RECORDS)
    assert detectors.observe(batch).num_rows == 0


RECORDS = [
    ("write to anna.berg@uni-ulm.de or to info@example.org", "http://a.org/x", "wiki", "mit", None),
    ("call +49 731 1234098 and +49 731 1234098", None, None, None, None),
    (None, "https://b.co.uk/1", None, None, None),
    (None, None, None, None, "no JSON"),
    ("nothing of note", "none", "n/a", "", None),
]


@pytest.mark.parametrize("sizes", [[5], [1, 1, 1, 1, 1], [2, 3], [0, 4, 0, 1], [3, 0, 0, 2]])
def test_many_files_at_once_are_counted_as_each_by_itself(sizes):
    names = ("whole", "url", "origin", "licence", "error")
    parts, at = [], 0
    for size in sizes:
        held = [
            dict(zip(names, record, strict=True)) | {"row": 7 + k} for k, record in enumerate(RECORDS[at : at + size])
        ]
        parts.append(pa.RecordBatch.from_pylist(held, schema=schemas.RECORDS))
        at += size
    files = np.repeat(np.arange(len(sizes)), sizes)
    together = detectors.add_by_file([detectors.observe(pa.concat_batches(parts), files=files)])
    assert together.schema.equals(detectors.BY_FILE, check_metadata=True)
    alone = [
        {"file": number} | row
        for number, part in enumerate(parts)
        for row in detectors.add_batches([detectors.observe(part)]).to_pylist()
    ]
    assert together.to_pylist() == alone


def test_of_each_file_the_kinds_that_come_first_are_named(monkeypatch):
    monkeypatch.setattr(detectors, "MOST_KINDS", 2)
    held = {1: "abc", 2: "ab", 3: "cba"}
    tables = [
        seen(*(("d", kind, "x", 1, 1, 1, row) for row, kind in enumerate(kinds))).add_column(
            0, detectors.BY_FILE.field(0), pa.array([number] * len(kinds))
        )
        for number, kinds in held.items()
    ]
    kinds = {number: [] for number in held}
    for row in detectors.add_by_file(tables).to_pylist():
        kinds[row["file"]].append(row["kind"])
    assert kinds == {1: ["(others)", "a", "b"], 2: ["a", "b"], 3: ["(others)", "b", "c"]}
