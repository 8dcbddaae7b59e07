"""Snapshots of what sites said: which file speaks for which host, at what time, and what a scan makes of it."""

import json
from pathlib import Path

import pytest

import provenance as pv
from provenance.origins.signals import TIMES
from provenance.readers.manifests import native
from provenance.sources.signal_snapshots import place_in_time

MANIFEST = """\
provenance: 1
sources:
  - id: crawl
    path: {path}
    licence: CC0-1.0
    kind: crawl
    acquired: 2026-03-10
    crawler: CCBot
    signals:
      - {{ folder: sites, fetched: 2026-03-10 }}
      - {{ host: Gone.example.org, status: 404, fetched: 2026-03-10 }}
      - {{ host: late.example.org, file: late.txt, fetched: 2026-05 }}
      - {{ host: late.example.org, file: lost.txt, fetched: 2026-03-10 }}
      - {{ kind: tdmrep, host: news.example.net, file: tdm.json, fetched: 2026-03-09 }}
"""
RESERVED = "User-agent: CCBot\nDisallow: /\n"
ADDRESSES = [
    "https://news.example.net/1", "https://shop.example.com/a", "https://shop.example.com/private/a",
    "https://gone.example.org/", "https://late.example.org/", "https://nobody.example.org/", "no address",
]  # fmt: skip


def write(folder, place, path):
    home = folder / place
    (home / "sites" / "shop.example.com").mkdir(parents=True)
    (home / "web").mkdir(exist_ok=True)
    (home / "provenance.yaml").write_text(MANIFEST.format(path=path))
    (home / "sites/shop.example.com/robots.txt").write_text("User-agent: ccbot\nDisallow: /private\n")
    (home / "sites/other.example.com.txt").write_text(RESERVED)
    (home / "late.txt").write_text(RESERVED)
    (home / "tdm.json").write_text(
        json.dumps([{"location": "/", "tdm-reservation": 1}, {"location": "/*", "tdm-reservation": 1}])
    )
    records = [{"text": f"a record of {number}", "url": url} for number, url in enumerate(ADDRESSES)]
    (home / "web/part.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def states(audit):
    rows = audit.observations[audit.observations["detector"] == "web"]
    return {(row.kind, row.state): row.records for row in rows.itertuples()}


EXPECTED = {
    ("example.net", "reserved"): 1,
    ("example.com", "allowed"): 1,
    ("example.com", "reserved"): 1,
    ("example.org", "allowed"): 1,
    ("example.org", "reserved (later)"): 1,
    ("example.org", "not-evaluated"): 1,
    ("(unparsable)", "unparsable"): 1,
}


def test_a_scan_asks_the_snapshots_that_the_manifest_names(tmp_path):
    write(tmp_path, ".", "web")
    audit = pv.scan(tmp_path, workers=1)
    assert states(audit) == EXPECTED
    files = audit.files.set_index("path")
    apart = ["late.txt", "sites/other.example.com.txt", "sites/shop.example.com/robots.txt", "tdm.json"]
    assert set(files.loc[apart, "role"]) == {"manifest"}
    assert set(files.loc[apart, "format"]) == {"web-signals"}
    assert (files.loc[apart, "bytes_skipped"] == 0).all()
    assert files.loc[apart, "sha256"].notna().all()
    assert (
        "sites is read as what sites said, not as data" in audit.coverage.set_index("check").loc["overrides", "reason"]
    )
    absent = audit.findings[audit.findings["check"] == "file-declared-absent"]
    assert list(absent["path"]) == ["lost.txt"]


def test_a_manifest_below_the_root_takes_nothing_out_of_the_data(tmp_path):
    write(tmp_path, "crawl", "web")
    audit = pv.scan(tmp_path, workers=1)
    assert states(audit) == EXPECTED
    assert audit.files.set_index("path").loc["crawl/late.txt", "role"] == "data"


def test_without_snapshots_nothing_is_evaluated(tmp_path):
    (tmp_path / "part.csv").write_text("url,text\nhttps://a.example.org/x,some words\n")
    assert states(pv.scan(tmp_path, workers=1)) == {("example.org", "not-evaluated"): 1}


@pytest.mark.parametrize(
    ("fetched", "crawled", "expected"),
    [
        ("2026-03-10", "2026-03-10", ""),
        ("2026-03-09", "2026-03-10", ""),  # RFC 9309, section 2.4: a copy of up to 24 hours
        ("2026-03-08", "2026-03-10", "earlier"),
        ("2026-03-11", "2026-03-10", "later"),
        ("2026-03", "2026-03-10", ""),
        ("2026-02", "2026-03-10", "earlier"),
        ("2026-02", "2026-03-01", ""),
        ("2026-03-10", "2026", ""),
        ("2027", "2026", "later"),
        ("2025-12-31", "2026", ""),
        ("2025-12-30", "2026", "earlier"),
        ("2024-02-31", "2024-03-01", ""),  # no such day: the last of the month
        ("2026-03-20", "2026-03-10/2026-04", ""),
        ("2026-05-01", "2026-03-10/2026-04", "later"),
        (None, "2026", "undated"),
        ("2026", None, "undated"),
        (None, None, "undated"),
    ],
)
def test_when(fetched, crawled, expected):
    assert place_in_time(fetched, crawled) == expected
    assert expected in TIMES


def test_the_example_of_the_documentation_is_a_manifest():
    text = (Path(pv.__file__).parents[1] / "docs/describe-a-source.md").read_text("utf-8")
    example = next(block for block in text.split("```yaml\n")[1:] if "signals:" in block).split("```")[0]
    stated = {claim.pointer: claim.value for claim in native.read("provenance.yaml", example.encode(), "native")}
    assert stated["/sources/0/signals/0/folder"] == "robots"
    assert stated["/sources/0/crawler"] == "OurBot"
