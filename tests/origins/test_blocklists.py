"""The list of collections: whole names, labels and domains; every entry says why."""

import pytest

from provenance.origins import blocklists


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Books3", "books3"),
        ("books_3", "books3"),
        ("the_pile_books3", "books3"),
        ("owner/the_pile_books3/", "books3"),
        ("https://annas-archive.org/x", "annas-archive"),
        ("https://sci-hub.se", "sci-hub"),
        ("http://www.libgen.is/y", "libgen"),
        ("Library Genesis", "libgen"),
        ("books3 cleaned", None),
        ("zlib", None),
        ("https://example.org/about-libgen", None),
        ("https://libgen.example.org/", None),
        ("http://[", None),
        ("", None),
        ("://", None),
    ],
)
def test_names(name, expected):
    found = blocklists.find_by_name(name)
    assert (found and found.id) == expected


@pytest.mark.parametrize(
    ("domain", "expected"),
    [("libgen.is", "libgen"), ("b-ok.cc", "z-library"), ("library.lol", "libgen"), ("library.org", None), ("xlibgen.is", None), ("(unparsable)", None)],
)  # fmt: skip
def test_domains(domain, expected):
    found = blocklists.find_by_domain(domain)
    assert (found and found.id) == expected


def test_every_entry_says_why_and_names_are_held_once():
    listed = list(blocklists.load_blocklist().values())
    assert all(each.reason and "https://" in each.reference and each.names for each in listed)
    for part in ("labels", "domains"):
        held = [name for each in listed for name in getattr(each, part)]
        assert len(held) == len(set(held))
