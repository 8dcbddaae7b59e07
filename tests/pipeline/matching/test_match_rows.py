"""Matches dealt to partitions: every record's in one, in the order in which MATCHES is sealed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.scratch import partitions
from provenance.core.scratch.partitions import gather_partitions
from provenance.pipeline.matching import match_rows
from provenance.similarity.evidence import exact_matches

FILES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=8)


def orders(files, records):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(match_rows, "RECORDS_PER_PARTITION", records)
        return match_rows.order_records(*(np.array(column, np.int64) for column in zip(*files, strict=True)))


@given(FILES, st.integers(1, 5))
def test_keys_are_in_the_order_of_source_file_and_row(files, records):
    order = orders(files, records)
    places = sorted((owner, file, row) for file, (owner, count) in enumerate(files) for row in range(count + 1))
    file, row = (np.array([place[at] for place in places], np.int64) for at in (1, 2))
    keys = order.make_keys(file, row)
    assert np.all(np.diff(keys.astype(object)) > 0)
    assert [each.tolist() for each in order.read_keys(keys)] == [file.tolist(), row.tolist()]


@given(FILES, st.integers(1, 5))
def test_partitions_are_of_about_one_size(files, records):
    order = orders(files, records)
    places = [(file, row) for file, (_, count) in enumerate(files) for row in range(count)]
    total = len(places)
    assert order.count == min(match_rows.MOST_PARTITIONS, max(1, -(-total // records)))
    if total:
        keys = order.make_keys(*(np.array(column, np.int64) for column in zip(*places, strict=True)))
        part = np.searchsorted(order.starts, keys, "right") - 1
        assert np.bincount(part).max() <= -(-total // order.count)
        bits = [order.count_bits(number) for number in part.tolist()]
        assert all(
            int(key) >> bit == int(order.starts[at]) >> bit for key, bit, at in zip(keys, bits, part, strict=True)
        )


def make_rows(places):
    columns = [[place[at] for place in places] for at in range(4)]
    return pa.table(
        [pa.array(each, pa.int64()) for each in (*columns, *[range(len(places))] * 4)], schema=exact_matches.ROWS
    )


def test_a_match_stands_in_the_partition_of_its_record_and_once(tmp_path):
    order = orders([(0, 4), (1, 4)], 4)
    places = [(1, 0, 0, 3), (0, 3, 1, 0), (0, 0, 1, 1), (1, 3, 0, 0)]
    for _ in range(2):  # the first was ended, and begins anew
        dealer = match_rows.RowDealer(tmp_path / "rows", order)
        kind = match_rows.pack_kinds(1, 2, True)
        dealer.add(make_rows(places), np.full(len(places), kind, np.int32))
        dealer.add(make_rows([]), np.zeros(0, np.int32))
        parts = gather_partitions([dealer.close()])
    found = []
    for part in parts:
        key, row_b, file_b, *_, kind = partitions.read_columns(part, match_rows.MATCH_ROWS)
        found.append(list(zip(*(each.tolist() for each in (*order.read_keys(key), file_b, row_b)), strict=True)))
        assert [each.tolist() for each in match_rows.unpack_kinds(kind.astype(np.int64))] == [
            [1] * 2,
            [2] * 2,
            [True] * 2,
        ]
    assert found == [[places[1], places[2]], [places[0], places[3]]]
