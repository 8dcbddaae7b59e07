"""Where texts meet items, held to plain Python sets of reference shingles."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.similarity.candidates import near_pairs
from provenance.similarity.evidence import exact_matches
from provenance.similarity.index import hash_filter, index_lookup, reference_index, siphash
from provenance.similarity.text import shingles

KEY = bytes(range(16))
WORDS = st.sampled_from(["a", "b", "c", "d", "e"])
TEXTS = st.lists(st.lists(WORDS, min_size=0, max_size=40).map(" ".join), min_size=1, max_size=6)


def distinct(text):
    return set(shingles.shingles_reference(text))


def index(texts, kind="protected", of="shingles", scale=1, title="works"):
    """An index of texts, each an item, made with the reference definitions alone."""
    rows = []
    for number, text in enumerate(texts):
        held = distinct(text) if of == "shingles" else {" ".join(text.split())} - {""}
        hashes = (siphash.siphash_reference(KEY, xxhash.xxh64_digest(each.encode())[::-1]) for each in held)
        kept = sorted(value for value in hashes if value <= reference_index.hash_limit(scale))
        rows.append({"item": str(number), "part": None, "view": "whole", "distinct": len(held), "hashes": kept})
    table = pa.Table.from_pylist(rows, schema=reference_index.ITEMS)
    return reference_index.ReferenceIndex(
        Path("x"), kind, title, of, scale, reference_index.key_id(KEY), len(rows), (), "", "", table
    )


def met(indexes, records, *, whole=False, cut=None, chosen=None):
    """The entries that each record of one file tells of, added up."""
    texts = pa.array(records, pa.large_string())
    shingled = shingles.shingle_texts(texts, pa.array(range(len(records))))
    described = near_pairs.describe_texts(shingled)
    united, (placed,) = near_pairs.unite_descriptions([described], len(records))
    batches = described.to_sets(placed).to_batches(max_chunksize=cut)
    within = index_lookup.build_catalogue(indexes)
    some = [batch for batch in batches if len(batch)]
    hits = index_lookup.find_hits(some, united, KEY, [within], whole_texts=whole, chosen=chosen)[0]
    meets = index_lookup.CatalogueHits(pa.concat_tables([hits, hits]), within)  # a text may be found by two workers
    nodes = shingled.nodes
    zeros = np.zeros(nodes.num_rows, np.int64)
    columns = [zeros, *(nodes[name] for name in ("row", "low", "high"))]
    node = meets.find_texts(pa.table(columns, schema=exact_matches.MEMBERS))
    found = meets.count_entries(node[node >= 0], nodes["row"].to_numpy()[node >= 0]) if (node >= 0).any() else None
    if found is None:
        return {}
    rows = zip(*(column.tolist() for column in found), strict=True)
    return {int(within.row[entry]): tuple(rest) for entry, *rest in rows}


def tells(kind, shared, item, record, of_all):
    """The rule, as the module's first lines say it."""
    if shared < 4:
        return False
    whole = Fraction(shared, max(item, 1)) >= Fraction(4, 5) and of_all >= Fraction(4, 5)
    passage = kind == "protected" and shared >= 8 and Fraction(shared, record) >= Fraction(1, 2)
    long = kind == "protected" and shared >= 20 and Fraction(shared, record) >= Fraction(1, 20)
    enough = shared >= index_lookup.LEAST_PART and Fraction(shared, max(item, 1)) >= Fraction(1, 3)
    part = kind == "benchmark" and enough and of_all >= Fraction(1, 3)
    return whole or passage or long or part


def oracle(items, records, kind, crowd):
    sets = [distinct(item) for item in items]
    common = {each for held in sets for each in held if sum(each in other for other in sets) > crowd}
    found = {}
    for number, item in enumerate(sets):
        telling = item - common
        best, union, rows = (0, 0, 0), set(), 0
        for row, record in enumerate(map(distinct, records)):
            of_all = Fraction(len(item & record), max(len(item), 1))
            if record and tells(kind, len(telling & record), len(telling), len(record), of_all):
                union |= item & record
                rows += 1
                best = max(best, (len(item & record), -row, len(record)))
        if rows:
            found[number] = (len(union), rows, -best[1], best[0], best[2])
    return found


@settings(max_examples=200)
@given(TEXTS, TEXTS, st.sampled_from(["protected", "benchmark"]), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_it_says_what_sets_say(items, records, kind, crowd, cut, filtered):
    """Of long items too, of which a third is a part: here six shingles are long; and through a filter as without one."""
    records += [f"{records[0]} {item} {item}" for item in items]
    records += [item[: len(item) // 2] for item in items]
    raw = [xxhash.xxh64_intdigest(each.encode()) for item in items for each in distinct(item)]
    chosen = hash_filter.make_filter(np.array(raw, np.uint64), []) if filtered else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_lookup, "ITEMS_PER_SHINGLE", crowd)
        patch.setattr(index_lookup, "LEAST_PART", 6)
        found = met([index(items, kind)], records, cut=cut, chosen=chosen)
        assert found == oracle(items, records, kind, crowd)


def test_pairs_come_in_pieces_and_none_is_lost(monkeypatch):
    monkeypatch.setattr(index_lookup, "_PAIRS_AT_A_TIME", 1)
    items = [" ".join(f"w{k}x{n}" for k in range(12)) for n in range(5)]
    records = [" ".join(items), *items, "nothing of these words stands here at all"]
    assert met([index(items)], records) == oracle(items, records, "protected", index_lookup.ITEMS_PER_SHINGLE)
    assert all(rows == 2 for _, rows, *_ in met([index(items)], records).values())


@given(TEXTS, TEXTS)
def test_whole_texts_are_equal_texts(items, records):
    records += items
    found = met([index(items, "known", "texts")], records, whole=True)
    normal = [" ".join(each.split()) for each in records]
    for number, item in enumerate(items):
        rows = [row for row, record in enumerate(normal) if record and record == " ".join(item.split())]
        assert found.get(number, (0, 0, 0))[:3] == ((1, len(rows), rows[0]) if rows else (0, 0, 0))


def test_indexes_of_texts_share_a_catalogue():
    within = [index(["a b c"], "known", "texts", title="one"), index(["a b c", "d"], "known", "texts", title="two")]
    held = index_lookup.build_catalogue(within)
    assert held.index_number.tolist() == [0, 1, 1]
    assert held.row.tolist() == [0, 0, 1]
    assert not held.common.any()


def test_a_scaled_index_has_the_lowest_hashes_alone():
    items = [f"text number {k}" for k in range(400)]
    scaled = index(items, "known", "texts", scale=4)
    kept = [len(each) for each in scaled.table["hashes"].to_pylist()]
    assert 60 < sum(kept) < 140
    found = met([scaled], items, whole=True)
    assert sorted(found) == [number for number, count in enumerate(kept) if count]


def test_a_question_is_not_another_question():
    """Hits of the real data, by words: 13 of a row would not see them, half of an item would accuse the last two."""
    items = [
        "Write a function to find the area of a rectangle.",
        "Write a function to calculate the area of a regular polygon.",
    ]
    records = [
        "Construct a function to find the area of a rectangle. def find_area(length, width): area = length * width",
        "Write a function to calculate the area of a triangle given the lengths of its sides. def area(a, b, c): pass",
        "Provide sample input data to the following program. Create a function to calculate the area of a circle, given the radius",
    ]
    assert met([index(items, "benchmark")], records) == {0: (5, 1, 0, 5, 14)}


def test_members_of_no_item_are_nowhere():
    assert met([index(["one two three four five six seven eight nine"])], ["ten eleven twelve"]) == {}


def test_the_catalogue_counts_items_not_views():
    table = pa.concat_tables([index(["a b c d e f g h i j"]).table] * 2)
    table = table.set_column(2, reference_index.ITEMS.field("view"), pa.array(["whole", "prompt"]))
    both = reference_index.ReferenceIndex(Path("x"), "benchmark", "t", "shingles", 1, "", 1, (), "", "", table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_lookup, "ITEMS_PER_SHINGLE", 1)
        held = index_lookup.build_catalogue([both])
    assert not held.common.any()
    assert held.distinctive.tolist() == [6, 6]
