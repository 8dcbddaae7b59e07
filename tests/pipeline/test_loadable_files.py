"""What a loader may have: an archive only if each of its members was read as records or is a document."""

import pytest

from provenance.core.schemas import FILES, rows
from provenance.pipeline import loadable_files


def file(path, role="data", format_="jsonl", *, skipped=0, records=3, broken=0, size=9):
    counts = {"bytes_consumed": size - skipped, "records": records if role == "data" else 0}
    zeros = dict.fromkeys(("records_distinct", "tokens"), 0)
    kept = {"bytes": size, "bytes_skipped": skipped, "records_unreadable": broken, "sha256": "ab" * 32}
    return {"path": path, "source": None, "role": role, "format": format_, **counts, **zeros, **kept}


def table(*listed):
    return rows([{name: each.get(name) for name in FILES.names} for each in listed], FILES)


ZIP = file("a.zip", format_="zip", records=0)
GOOD = file("a.zip!/x.jsonl")


@pytest.mark.parametrize(
    ("members", "allow", "why"),
    [
        ([GOOD], (), None),
        ([GOOD, file("a.zip!/README.md", "documentation")], (), None),
        ([GOOD, file("a.zip!/LICENSE", "licence")], (), None),
        ([GOOD, file("a.zip!/datasheet.json", "manifest")], (), "a.zip!/datasheet.json is a manifest that a loader"),
        ([GOOD, file("a.zip!/README.jsonl", "documentation")], (), "a.zip!/README.jsonl is documentation, which a"),
        ([GOOD, file("a.zip!/README.md", "documentation", skipped=4)], (), "a.zip!/README.md is documentation"),
        ([GOOD, file("a.zip!/.h.txt", "ignored", None)], (), "a.zip!/.h.txt is ignored"),
        ([GOOD, file("a.zip!/x.bin", format_=None, skipped=9)], (), "a.zip!/x.bin is not read as records"),
        ([GOOD, file("a.zip!/y.jsonl", broken=3, skipped=9)], (), "a.zip!/y.jsonl is not read as records"),
        ([GOOD, file("a.zip!/x.bin", "unreadable", None)], (), "a.zip!/x.bin is unreadable"),
        ([GOOD, file("a.zip!/b.zip!/z.json", "manifest")], (), "a.zip!/b.zip!/z.json is a manifest"),
        ([file("a.zip!/README.md", "documentation")], (), "none of its members holds records"),
        ([GOOD, file("a.zip!/x.bin", format_=None, skipped=9)], ("a.zip!/x.bin",), None),
        ([GOOD, file("a.zip!/d.json", "manifest")], ("**/a.zip!/*.json",), None),
    ],
)
def test_an_archive_is_as_good_as_its_members(members, allow, why):
    found = loadable_files.select_loadable(table(ZIP, *members), ["a.zip"], allow)
    assert ("a.zip" in found.digests) is (why is None)
    if why is not None:
        [(path, told)] = found.refused
        assert path == "a.zip"
        assert told.startswith(why)
    documents = [each["path"] for each in members if each["role"] in {"documentation", "licence"}]
    assert found.documents == (documents if why is None else [])


def test_what_changed_or_is_no_data_is_not_handed_out():
    listed = table(file("x.jsonl"), file("y.jsonl"), file("README.md", "documentation"), ZIP, GOOD)
    assert set(loadable_files.select_loadable(listed, ["x.jsonl", "README.md"], ()).digests) == {"x.jsonl"}
