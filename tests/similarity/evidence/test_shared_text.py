"""What two sources share, against a count by hand over every pair of records."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import schemas
from provenance.licences.compatibility import find_losses
from provenance.similarity.evidence import shared_text

LICENCES = (None, "MIT", "CC-BY-4.0", "CC-BY-NC-4.0")
VIEWS = ("whole", "prompt")


@st.composite
def corpora(draw):
    """Files of up to four sources; a record is (node, shingles), so that equal nodes have equal texts."""
    shingles = draw(st.lists(st.integers(1, 6), min_size=4, max_size=4))
    files = {}
    for k in range(draw(st.integers(2, 6))):
        source = draw(st.sampled_from("abcd"))
        records = {view: draw(st.lists(st.integers(0, 3), min_size=1, max_size=6)) for view in VIEWS}
        files[f"{source}/{k}"] = (source, draw(st.sampled_from(LICENCES)), records)
    originals = dict.fromkeys(draw(st.sets(st.sampled_from(sorted(files)), max_size=2)), "known")
    return files, shingles, originals, draw(st.integers(1, 6))


def tables(files, shingles):
    matches, overlaps = [], []
    for view, (a, fa), (b, fb) in product(VIEWS, files.items(), files.items()):
        if a == b:
            continue
        count = 0
        for row, node in enumerate(fa[2][view]):
            if node in fb[2][view]:
                count += 1
                same = dict.fromkeys(("shared", "distinct_a", "distinct_b", "distinctive"), shingles[node])
                ends = {
                    "source_a": fa[0],
                    "path_a": a,
                    "row_a": row,
                    "source_b": fb[0],
                    "path_b": b,
                    "row_b": fb[2][view].index(node),
                }
                matches.append({"view": view, "jaccard": 1.0, "method": "exact"} | ends | same)
        if count:
            sizes = {"records_a": len(fa[2][view]), "records_b": len(fb[2][view])}
            counts = dict.fromkeys(("exact", "near", "near_distinctive"), count) | {
                "contained_ab": 0,
                "contained_ba": 0,
            }
            overlaps.append(
                {"view": view, "source_a": fa[0], "path_a": a, "source_b": fb[0], "path_b": b} | sizes | counts
            )
    listed = [
        {"path": path, "source": source, "role": "data", "licence": licence}
        | dict.fromkeys(
            ("bytes", "bytes_consumed", "bytes_skipped", "records", "records_unreadable", "records_distinct", "tokens"),
            0,
        )
        for path, (source, licence, _) in files.items()
    ]
    return (
        schemas.rows(matches, schemas.MATCHES),
        schemas.rows(overlaps, schemas.OVERLAPS),
        schemas.rows(listed, schemas.FILES),
    )


def explained(path, node, view, files, originals):
    """Whether a record also stands in a known original of which its own licence keeps all."""
    own = files[path][1]
    return any(
        node in files[known][2][view] and own and files[known][1] and not find_losses(own, files[known][1])
        for known in originals
        if known != path
    )


def by_hand(files, shingles, originals, minimum):
    found = {}
    for view, (a, (source, _, records)) in product(VIEWS, files.items()):
        for other, licence in {(f[0], f[1]) for f in files.values() if f[0] != source}:
            paths = [b for b, f in files.items() if (f[0], f[1]) == (other, licence)]
            rows = {
                b: [
                    row
                    for row, node in enumerate(records[view])
                    if shingles[node] >= minimum
                    and node in files[b][2][view]
                    and (b in originals or not explained(a, node, view, files, originals))
                ]
                for b in paths
            }
            union = sorted({row for held in rows.values() for row in held})
            if union:
                most = max(paths, key=lambda b: (len(rows[b]), [-ord(c) for c in b]))
                found[view, a, other, licence] = (len(union), union[0], len(records[view]), most)
    return found


@given(corpora())
def test_shared_is_what_a_count_by_hand_says(corpus):
    files, shingles, originals, minimum = corpus
    items = shared_text.count_shared(*tables(files, shingles), minimum=minimum, originals=originals)
    said = {(i.view, i.path_a, i.source_b, i.licence_b): (i.records, i.row, i.records_a, i.path_b) for i in items}
    assert len(said) == len(items)
    assert said == by_hand(files, shingles, originals, minimum)
    assert all(0 < item.share <= 1 and item.records / item.records_a <= 1 for item in items)
    assert all((item.licence_a, item.source_a) == (files[item.path_a][1], files[item.path_a][0]) for item in items)


@given(corpora())
def test_the_share_is_the_highest_of_any_pair_of_files(corpus):
    files, shingles, _, minimum = corpus
    for item in shared_text.count_shared(*tables(files, shingles), minimum=minimum, originals={}):
        shares = []
        for source, licence, records in files.values():
            if (source, licence) == (item.source_b, item.licence_b):
                mine, theirs = files[item.path_a][2][item.view], records[item.view]
                for one, two in ((mine, theirs), (theirs, mine)):
                    shares.append(sum(node in two and shingles[node] >= minimum for node in one) / len(one))
        assert item.share == pytest.approx(max(shares))


def shared(path, records, of, view="whole", exact=None, matched=None, explained=0):
    every = records + explained if matched is None else matched
    same = every if exact is None else exact
    ends = (view, "a", path, "MIT", "b", "b/x", "CC-BY-NC-4.0", 0)
    return shared_text.SharedRecords(*ends, records, every, same, explained, records, of, records / of)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "no records"),
        ([shared("a/x", 5, 10)], "5 of 10 records"),
        ([shared("a/x", 1234, 56789)], "1,234 of 56,789 records"),
        ([shared("a/x", 63, 999, exact=48)], "63 of 999 records (48 word for word)"),
        ([shared("a/x", 5, 10, exact=0)], "5 of 10 records (none word for word)"),
        (
            [shared("a/x", 849, 999, "prompt", matched=999)],
            "999 of 999 prompts (849 of them long and distinctive enough to count)",
        ),
        ([shared("a/x", 5, 10, explained=3)], "8 of 10 records (3 also in a known original and left out)"),
        ([shared("a/x", 5, 10), shared("a/y", 2, 100)], "7 of 110 records (in 2 files)"),
        ([shared("a/x", 48, 999), shared("a/x", 999, 999, "prompt")], "999 of 999 prompts and 48 of 999 records"),
        ([shared("a/x", 5, 10), shared("a/x", 5, 10, "prompt")], "5 of 10 records"),
        ([shared("a/x", 3, 4, "prompt")], "3 of 4 prompts"),
        ([shared("a/x", 30, 40), shared("a/q", 30, 30, "prompt")], "30 of 30 prompts and 30 of 40 records"),
    ],
)
def test_in_words(items, words):
    assert shared_text.phrase_shared(items) == words


@pytest.mark.parametrize(
    ("items", "verb"),
    [
        ([shared("a/x", 5, 10)], "stand word for word"),
        ([shared("a/x", 5, 10), shared("a/y", 5, 10, exact=4)], "stand"),
        ([shared("a/x", 5, 10), shared("a/x", 5, 10, "prompt", exact=4)], "stand word for word"),  # prompts go untold
    ],
)
def test_word_for_word_is_said_of_exact_matches_alone(items, verb):
    assert shared_text.phrase_verb(items) == verb


def answers(files, kept, shingles=None):
    """Files of prompts that all are the same; `kept` are the pairs of files whose whole records are too."""
    matches, overlaps = [], []
    for view, (a, (source, count)), (b, (other, more)) in product(("whole", "prompt"), files.items(), files.items()):
        if source == other or (view == "whole" and {a, b} not in kept):
            continue
        same = dict.fromkeys(("shared", "distinct_a", "distinct_b", "distinctive"), (shingles or {}).get(a, 5))
        ends = {"view": view, "source_a": source, "path_a": a, "source_b": other, "path_b": b}
        rows = min(count, more)
        matches += [ends | {"row_a": k, "row_b": k, "jaccard": 1.0, "method": "exact"} | same for k in range(rows)]
    for view, (a, (source, count)), (b, (other, more)) in product(VIEWS, files.items(), files.items()):
        ends = {"view": view, "source_a": source, "path_a": a, "source_b": other, "path_b": b}
        counts = dict.fromkeys(("exact", "near", "near_distinctive", "contained_ab", "contained_ba"), 0)
        overlaps.append(ends | {"records_a": count, "records_b": more} | counts)
    return schemas.rows(matches, schemas.MATCHES), schemas.rows(overlaps, schemas.OVERLAPS)


def test_prompts_whose_records_stand_there_too_are_not_renewed():
    files = {"a/x": ("a", 10), "a/y": ("a", 5), "b/z": ("b", 8)}
    items = shared_text.count_copied(*answers(files, [{"a/y", "b/z"}]), minimum=4, originals={})
    counts = {(i.path, i.other): (i.records, i.prompts, i.reanswered, i.records_of, i.prompts_of) for i in items}
    assert counts == {
        ("a/x", "b"): (0, 8, 8, 10, 10),
        ("a/y", "b"): (5, 5, 0, 5, 5),
        ("b/z", "a"): (5, 8, 3, 8, 8),
    }
    assert {(i.path, i.texts, i.texts_reanswered) for i in items} == {("a/x", 5, 8), ("a/y", 5, 8), ("b/z", 5, 3)}


def test_short_prompts_are_counted_and_no_evidence():
    short = shared_text.count_copied(
        *answers({"a/x": ("a", 3), "b/z": ("b", 3)}, [], {"a/x": 3}), minimum=4, originals={}
    )
    assert [(i.path, i.prompts, i.prompts_matched) for i in short] == [("b/z", 3, 3)]


def test_what_a_known_original_explains_says_nothing_of_two_others():
    files = {"a/x": ("a", 5), "b/z": ("b", 5), "o/o": ("o", 5)}
    items = shared_text.count_copied(*answers(files, []), minimum=4, originals={"o/o": "known"})
    assert {(i.source, i.other) for i in items} == {("a", "o"), ("b", "o"), ("o", "a"), ("o", "b")}
    assert (
        shared_text.name_published_original(items[-1:], {"o/o": "known"})
        == " o holds the file that the authors of known published."
    )
    assert shared_text.name_published_original(items[:1], {"o/o": "known"}) == ""
