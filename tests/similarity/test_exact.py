from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.similarity import exact


def members(items):
    """items: (file, source, row, text number)."""
    columns = list(zip(*items, strict=True)) if items else [[], [], [], []]
    file, source, row, text = (np.array(column, np.int64) for column in columns)
    mixed = (text.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return pa.table([file, source, row, mixed, mixed, text + 3], schema=exact.MEMBERS)


def own(items):
    """Shingles beyond boilerplate: of every second text none."""
    return np.array([text % 2 * text for *_, text in items], np.int64)


def brute(items):
    """Every record against every other file, by nested loops."""
    rows, files, sources, telling = set(), defaultdict(set), defaultdict(set), defaultdict(set)
    for file_a, source_a, row_a, text_a in items:
        for file_b, source_b, _, text_b in items:
            if text_a != text_b:
                continue
            if file_a != file_b:
                first = min(r for f, _, r, t in items if f == file_b and t == text_a)
                rows.add((file_a, row_a, file_b, first, *[text_a + 3] * 3, text_a % 2 * text_a))
                files[file_a, file_b].add(row_a)
                if text_a % 2:
                    telling["file", file_a, file_b].add(row_a)
            if source_a != source_b:
                sources[source_a, source_b].add((file_a, row_a))
                if text_a % 2:
                    telling["source", source_a, source_b].add((file_a, row_a))
    return rows, *({k: len(v) for k, v in each.items()} for each in (files, sources, telling))


def counts(table):
    return {(a, b): n for a, b, n in zip(*(table[c].to_pylist() for c in exact.PAIRS.names), strict=True)}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=60))
def test_matches_equal_brute_force(cells):
    rows_seen = defaultdict(int)
    items = []
    for file, text in cells:
        items.append((file, file // 2, rows_seen[file], text))
        rows_seen[file] += 1
    found = exact.match(members(items), own(items))
    rows, files, sources, telling = brute(items)
    listed = [tuple(row.values()) for row in found.rows.to_pylist()]
    assert len(listed) == len(set(listed))
    assert set(listed) == rows
    assert counts(found.files) == files
    assert counts(found.sources) == sources
    assert {("file", *pair): n for pair, n in counts(found.files_distinctive).items()} | {
        ("source", *pair): n for pair, n in counts(found.sources_distinctive).items()
    } == telling
    for file in range(5):
        distinct = len({text for f, _, _, text in items if f == file})
        assert (found.distinct_files[file] if file < len(found.distinct_files) else 0) == distinct


def test_a_node_beyond_the_pivot_is_compared_with_its_first_file_and_said(monkeypatch):
    monkeypatch.setattr(exact, "PIVOT", 30)
    items = [(file, file, row, 0) for file in range(4) for row in range(3)]
    found = exact.match(members(items), own(items))
    assert found.pivoted == 12
    assert {(a, b) for a, b in counts(found.files)} == {(0, b) for b in (1, 2, 3)} | {(b, 0) for b in (1, 2, 3)}


@pytest.mark.parametrize("chunk", [1, 2, 7])
def test_rows_do_not_depend_on_the_chunk(monkeypatch, chunk):
    items = [(file, file, row, row % 2) for file in range(3) for row in range(4)]
    expected = exact.match(members(items), own(items)).rows
    monkeypatch.setattr(exact, "_CHUNK", chunk)
    assert exact.match(members(items), own(items)).rows.equals(expected)


def test_partitions_add_up():
    one = pa.table([[0, 1], [1, 0], [2, 3]], schema=exact.PAIRS)
    assert counts(exact.add_pairs([one, one])) == {(0, 1): 4, (1, 0): 6}
    assert exact.add_pairs([]).num_rows == 0
