from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.scratch import external_sort
from provenance.core.scratch.scratch_arrays import SharedArray
from provenance.similarity.candidates import distinct_texts, minhash, near_pairs
from provenance.similarity.evidence import exact_matches

NONE = np.zeros(0, np.int64)


SCRATCH = TemporaryDirectory()


def nodes_of(items):
    """items: (file, source, row, text number), a text having so many shingles and three; numbered as it comes."""
    folder = Path(mkdtemp(dir=SCRATCH.name))
    file, source, row, text = (
        (np.array(column, np.int64) for column in zip(*items, strict=True)) if items else [NONE] * 4
    )
    mixed = (text.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    keys = pa.FixedSizeListArray.from_arrays(
        pa.array(np.zeros(len(text) * minhash.BANDS, np.uint64)), type=near_pairs.SETS.field("keys").type
    )
    hashes = SharedArray(folder / distinct_texts.SETS_FILE_NAME, np.uint64)
    start = np.array([hashes.add(np.arange(number + 3)) for number in text.tolist()], np.int64)
    hashes.close()
    none = np.zeros(len(text), np.int16)
    columns = [mixed, mixed, text, keys, text + 3, start, start + text + 3, none.astype(np.uint8), none]
    write(folder / "sets.arrow", pa.table(columns, schema=near_pairs.SETS))
    write(folder / "members.arrow", pa.table([file, row, mixed, mixed], schema=exact_matches.MEMBERS))
    owner = np.arange(int(file.max(initial=0)) + 1)
    owner[file] = source
    members = [distinct_texts.MembersFile(str(folder / "members.arrow"), np.arange(len(owner)))]
    (folder / "view").mkdir()
    return distinct_texts.build_nodes(
        [str(folder / "sets.arrow")], members, file_sources=owner, scratch=folder / "view"
    )


def write(path, table):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def matched(items):
    """What all parts of a match say, put together."""
    held = nodes_of(items)
    own = np.array([text % 2 * text for text in (held.words.tolist())], np.int64)
    parts = list(exact_matches.match_exact(held, own))
    counts = {
        name: exact_matches.add_pairs([getattr(part, name) for part in parts]) for name in exact_matches.PAIR_FIELDS
    }
    distinct = np.zeros(10, np.int64)
    for part in parts:
        distinct[: len(part.distinct_files)] += part.distinct_files
    rows = pa.concat_tables([exact_matches.ROWS.empty_table(), *(part.rows for part in parts)])
    return exact_matches.ExactMatches(rows, **counts, distinct_files=distinct, distinct_sources=distinct,
                       pivoted=sum(part.pivoted for part in parts),
                       repeats=exact_matches.add_repeats([part.repeats for part in parts]))  # fmt: skip


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
    return {(a, b): n for a, b, n in zip(*(table[c].to_pylist() for c in exact_matches.PAIRS.names), strict=True)}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=60), st.sampled_from([64, 500, 1 << 20]))
def test_matches_equal_brute_force(cells, budget):
    rows_seen = defaultdict(int)
    items = []
    for file, text in cells:
        items.append((file, file // 2, rows_seen[file], text))
        rows_seen[file] += 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "MEMORY_BUDGET", budget)
        found = matched(items)
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
        assert found.distinct_files[file] == len({text for f, _, _, text in items if f == file})
    assert {tuple(row.values()) for row in found.repeats.to_pylist()} == repeated(items)


def repeated(items):
    """By file and shingles, the records whose text stands earlier in their source, and the first of them."""
    rows, texts = defaultdict(list), set()
    for file, source, row, text in sorted(items):
        if (source, text) in texts:
            rows[file, min(text + 3, exact_matches.MOST_SHINGLES)].append(row)
        texts.add((source, text))
    return {(*key, len(found), min(found)) for key, found in rows.items()}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(10, 16)), max_size=40))
def test_repeats_of_long_texts_are_counted_together(cells):
    items = [(file, file // 2, row, text) for row, (file, text) in enumerate(cells)]
    assert {tuple(row.values()) for row in matched(items).repeats.to_pylist()} == repeated(items)


def test_a_node_beyond_the_pivot_is_compared_with_its_first_file_and_said(monkeypatch):
    monkeypatch.setattr(exact_matches, "LARGEST_NODE", 30)
    items = [(file, file, row, 0) for file in range(4) for row in range(3)]
    found = matched(items)
    assert found.pivoted == 12
    assert {(a, b) for a, b in counts(found.files)} == {(0, b) for b in (1, 2, 3)} | {(b, 0) for b in (1, 2, 3)}


@pytest.mark.parametrize("chunk", [1, 2, 7])
def test_rows_do_not_depend_on_the_chunk(monkeypatch, chunk):
    items = [(file, file, row, row % 2) for file in range(3) for row in range(4)]
    expected = matched(items).rows
    monkeypatch.setattr(exact_matches, "_ROWS_AT_A_TIME", chunk)
    assert matched(items).rows.equals(expected)
    monkeypatch.setattr(exact_matches, "_NODES_AT_A_TIME", chunk)
    assert matched(items).rows.equals(expected)


def test_partitions_add_up():
    one = pa.table([[0, 1], [1, 0], [2, 3]], schema=exact_matches.PAIRS)
    assert counts(exact_matches.add_pairs([one, one])) == {(0, 1): 4, (1, 0): 6}
    assert exact_matches.add_pairs([]).num_rows == 0
