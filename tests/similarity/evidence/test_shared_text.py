"""What two sources share, in words."""

from __future__ import annotations

import pytest

from provenance.similarity.evidence import shared_text


def shared(path, records, of, view="whole", exact=None, matched=None, explained=0, inside=0, around=0):
    every = records + explained if matched is None else matched
    same = every if exact is None else exact
    ends = (view, "a", path, "MIT", "b", "b/x", "CC-BY-NC-4.0", 0)
    counts = (records, every, same, explained, records, of, records / of, inside, around)
    return shared_text.SharedRecords(*ends, *counts)


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
        ([shared("a/x", 5, 10, exact=0, inside=5)], "5 of 10 records (all inside longer ones)"),
        ([shared("a/x", 5, 10, exact=2, inside=3)], "5 of 10 records (2 word for word; 3 inside longer ones)"),
        ([shared("a/x", 5, 10, exact=0, around=5)], "5 of 10 records"),
        (
            [shared("a/x", 7, 10, exact=2, inside=1, around=3)],
            "7 of 10 records (2 word for word; 1 inside longer ones; 3 of them hold one)",
        ),
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
        ([shared("a/x", 5, 10, exact=0, around=5), shared("a/y", 2, 10, exact=0, around=2)], "hold one of"),
        ([shared("a/x", 5, 10, exact=0, around=4)], "stand in, or hold one of,"),
        ([shared("a/x", 5, 10, exact=0, inside=5)], "stand"),
    ],
)
def test_word_for_word_is_said_of_exact_matches_alone(items, verb):
    assert shared_text.phrase_relation(items, "b") == f"{verb} b" if "hold" in verb else f"{verb} in b"


def test_the_published_original_that_shows_most_is_named():
    items = [
        shared_text.CopiedRecords("o", path, "a", count, 0, count, 0, count) for path, count in (("o/o", 2), ("o/p", 3))
    ]
    known = {"o/o": "one", "o/p": "two"}
    assert shared_text.name_published_original(items, known) == " o holds the file that the authors of two published."
    assert shared_text.name_published_original(items, {}) == ""
