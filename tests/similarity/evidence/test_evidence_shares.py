"""How much of a source, folder or file is shared: against sums by hand, and which parts are kept."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import schemas
from provenance.core.model import FindingPart
from provenance.core.tables import evidence_schemas
from provenance.similarity.evidence import evidence_shares
from provenance.similarity.evidence.evidence_shares import SharedPart, TextSizes
from provenance.similarity.evidence.shared_text import CopiedRecords, SharedRecords

PATHS = ("a/p/1", "a/p/2", "a/q.zip!/1", "a/3", "b/1")
PARENTS = {"a/p/1": ("a/p", "a", ""), "a/p/2": ("a/p", "a", ""), "a/q.zip!/1": ("a/q.zip!", "a", ""), "a/3": ("a", "")}


def make_sizes(files, counted=True, distinct=0):
    """Text sizes of files: path -> source, records, words; five bytes a word, in records of two kinds."""
    blank = dict.fromkeys(("bytes", "bytes_consumed", "bytes_skipped"), 0) | {"records_distinct": distinct}
    rows = [
        blank | {"path": path, "source": source, "role": "data", "records": records + 1, "records_unreadable": 1, "tokens": words}
        for path, (source, records, words) in files.items()
    ]  # fmt: skip
    seen = [
        {"source": source, "path": path, "detector": "record-origin", "kind": "any", "state": state, "records": 1, "values": 1,
         "bytes": size, "row": 0}
        for path, (source, _, words) in files.items() for state, size in (("stated", words), ("missing", 4 * words))
    ]  # fmt: skip
    seen += [row | {"kind": "url", "bytes": 999} for row in seen]
    return TextSizes(schemas.rows(rows, schemas.FILES), schemas.rows(seen if counted else [], schemas.OBSERVATIONS))


@st.composite
def shared_parts(draw):
    files = {path: (path[0], draw(st.integers(1, 20)), draw(st.integers(1, 400))) for path in PATHS}
    parts = []
    for path in draw(st.lists(st.sampled_from(PATHS[:4]), min_size=1, unique=True)):
        _, records, words = files[path]
        count = draw(st.integers(1, records))
        parts.append(SharedPart(path, count, draw(st.integers(1, 30)), draw(st.integers(0, words))))
    return files, parts


@given(shared_parts())
def test_every_file_folder_and_source_is_measured_and_none_that_is_kept_is_less_than_another(drawn):
    files, parts = drawn
    every = set()
    groups = [[part] for part in parts]
    groups += [
        [part for part in parts if folder in PARENTS[part.path]]
        for folder in {f for p in parts for f in PARENTS[p.path]}
    ]
    folders = [{part.path} for part in parts]
    folders += [
        {path for path in PATHS[:4] if folder in PARENTS[path]}
        for folder in {f for p in parts for f in PARENTS[p.path]}
    ]
    for group, within in zip(groups, folders, strict=True):
        records, words = sum(part.records for part in group), sum(part.words for part in group)
        rest = (records, min(records, max(part.texts for part in group)), 5 * words, within == set(PATHS[:4]))
        every.add((records / sum(files[path][1] for path in within), "share of records", *rest))
        every.add((words / sum(files[path][2] for path in within), "share of text", *rest))
    found = [
        (part.value, part.unit, part.records, part.texts, part.text, part.whole)
        for part in make_sizes(files).measure(parts)
    ]
    assert set(found) <= every
    for each in every - set(found):
        assert any(
            other[1] == each[1]
            and other[0] >= each[0]
            and all(a >= b for a, b in zip(other[2:], each[2:], strict=True))
            for other in found
        ), each
    for one, other in itertools.permutations(found, 2):
        assert one[1] != other[1] or any(a > b for a, b in zip(one, other, strict=True) if not isinstance(a, str))
    assert [part[1] for part in found] == sorted(part[1] for part in found)  # by records first


def test_sixty_of_a_file_of_forty_files_do_not_vanish():
    sizes = make_sizes({f"a/{number}": ("a", 100, 1000) for number in range(40)})
    parts = sizes.measure([SharedPart("a/7", 60, 60, 500)])
    assert [(part.value, part.records) for part in parts][:1] == [(0.6, 60)]


def test_of_a_file_of_one_record_no_more_is_said_than_that():
    sizes = make_sizes({f"a/{number}": ("a", 1, 10) for number in range(100)})
    parts = sizes.measure([SharedPart(f"a/{number}", 1, 12, 9) for number in range(12)])
    assert {(part.value, part.records) for part in parts if part.unit == "share of records"} == {(1.0, 1), (0.12, 12)}


def test_prompts_are_a_share_of_those_that_have_one():
    part = make_sizes({"a/1": ("a", 100, 1000)}).measure([SharedPart("a/1", 5, 5, 1, 10)], "share of prompts")[0]
    assert (part.value, part.unit) == (0.5, "share of prompts")


@pytest.mark.parametrize(("words", "counted"), [(100, False), (0, True)])
def test_where_no_text_was_counted_its_bytes_are_not_known(words, counted):
    sizes = make_sizes({"a/1": ("a", 10, words)}, counted=counted)
    assert sizes.measure([SharedPart("a/1", 5, 5, 50)])[0].text is None
    assert sizes.add_bytes([("a/1", 50)]) is None


def shared(view, path, records, licence="MIT", words=10):
    ends = (view, path[0], path, licence, "z", "z/1", "CC-BY-NC-4.0", 0)
    return SharedRecords(*ends, records, records, records, 0, records, 10, 0.0, 0, 0, words)


def test_views_and_licences_are_measured_each_by_itself():
    sizes = make_sizes({"a/1": ("a", 10, 100), "a/2": ("a", 10, 100)})
    items = [shared("whole", "a/1", 4), shared("prompt", "a/1", 5), shared("whole", "a/2", 3, "Apache-2.0")]
    parts = evidence_shares.measure_shared([*items, shared("whole", "a/2", 0)], sizes)
    assert {(part.value, part.records) for part in parts if part.unit == "share of records"} == {(0.5, 5), (0.25, 5)}
    assert {(part.value, part.whole) for part in parts if part.unit == "share of records"} == {
        (0.5, False),
        (0.25, True),
    }
    assert evidence_shares.count_bytes([shared("whole", "a/1", 4), shared("prompt", "a/1", 5, words=20)], sizes) == 100
    assert evidence_shares.count_bytes([], sizes) is None


def test_copies_are_measured_whatever_the_licence():
    sizes = make_sizes({"a/1": ("a", 10, 100), "a/2": ("a", 10, 100)})
    items = [CopiedRecords("a", f"a/{number}", "b", 6, 0, 6, 0, 9, words=30) for number in (1, 2)]
    assert evidence_shares.measure_copied(items, sizes)[0] == FindingPart(0.6, "share of records", 12, 9, 300)
    assert evidence_shares.measure_copied([], sizes) == ()


def uncounted(path, records, evident=0, view="whole", source_b="z"):
    row = {"view": view, "source_a": "a", "path_a": path, "source_b": source_b, "records": records, "evident": evident}
    return row | {"licence_a": "MIT", "licence_b": None}


def test_what_is_no_evidence_is_measured_by_file_the_most_first_and_no_more_texts_than_there_are():
    sizes = make_sizes({"a/1": ("a", 10, 100), "a/2": ("a", 100, 100)}, distinct=3)
    rows = [
        uncounted("a/1", 9),
        uncounted("a/2", 50),
        uncounted("a/2", 100, evident=1),
        uncounted("a/1", 2, view="prompt"),
    ]
    table = schemas.rows(rows, evidence_schemas.UNCOUNTED)
    found = list(evidence_shares.measure_uncounted(table, sizes))
    assert [(row["path_a"], part.value, part.records, part.texts) for row, part in found] == [
        ("a/2", 0.5, 50, 3), ("a/1", 0.9, 9, 3), ("a/1", 0.2, 2, 2)
    ]  # fmt: skip
    made = evidence_shares.make_uncounted("split-leak", *found[0], "x")
    assert (made.check, made.source, made.other, made.field, made.records, made.uncounted) == (
        "split-leak", "a", "z", "x", 0, found[0][1]
    )  # fmt: skip
