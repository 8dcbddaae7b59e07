"""Records by the registrable domain they come from and by what its site said."""

import pyarrow as pa
import pytest

from provenance import detectors
from provenance.core import schemas
from provenance.detectors import web
from provenance.origins.signals import NOTHING_KNOWN, SitePolicy, Snapshot


def batch(*rows):
    full = [{"row": number, "url": url, "whole": whole} for number, url, whole in rows]
    return pa.RecordBatch.from_pylist(full, schema=schemas.RECORDS)


def seen(table):
    names = ("kind", "state", "records", "values", "bytes", "row")
    return sorted(tuple(row[name] for name in names) for row in table.to_pylist())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0, None, "text"), (1, "", "text")], []),
        ([(3, "http://www.a.org/x", "für"), (4, "https://b.a.org/", None)], [("a.org", "not-evaluated", 2, 2, 4, 3)]),
        (
            [(0, "http://kept.org/private", "ab"), (1, "http://kept.org/", "abc"), (2, "kept.org", "d"), (3, None, "e")],
            [("(unparsable)", "unparsable", 1, 1, 1, 2), ("kept.org", "allowed", 1, 1, 3, 1), ("kept.org", "reserved", 1, 1, 2, 0)],
        ),
    ],
    ids=["no addresses", "one domain", "states"],
)  # fmt: skip
def test_cases(rows, expected, tmp_path):
    (tmp_path / "robots").write_text("User-agent: *\nDisallow: /private\n")
    policy = SitePolicy(None, {"kept.org": Snapshot(None, str(tmp_path / "robots"), "")})
    found = web.observe(batch(*rows), None, policy)
    assert found.schema.equals(schemas.OBSERVED, check_metadata=True)
    assert set(found["detector"].to_pylist()) <= {"web"}
    assert seen(found) == expected


def test_without_a_policy_nothing_is_evaluated():
    found = web.observe(batch((0, "http://a.org/", "x")), None, NOTHING_KNOWN)
    assert found["state"].to_pylist() == ["not-evaluated"]


def test_what_is_named_does_not_depend_on_how_a_file_is_cut(monkeypatch):
    monkeypatch.setattr(detectors, "MOST_KINDS", 3)
    monkeypatch.setattr(detectors, "DETECTORS", {"web": web.DETECTOR})
    rows = [(number, f"http://{name}.org/", "x") for number, name in enumerate("aabcadebcdefag")]
    expected = [("(others)", "not-evaluated", 6, 6, 6, 5), ("a.org", "not-evaluated", 4, 4, 4, 0)]
    expected += [("b.org", "not-evaluated", 2, 2, 2, 2), ("c.org", "not-evaluated", 2, 2, 2, 3)]
    for size in (1, 2, 5, 14):
        parts = [detectors.observe(batch(*rows[k : k + size])) for k in range(0, len(rows), size)]
        assert seen(detectors.add_batches(parts)) == expected
        in_steps = detectors.add_batches([])
        for part in parts:
            in_steps = detectors.add_batches([in_steps, part])
        assert seen(in_steps) == expected
