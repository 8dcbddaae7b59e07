"""What a scan makes of statements about files elsewhere: identity that a digest proves, and what nobody compared."""

from __future__ import annotations

import hashlib
import json

import pytest

import provenance as pv
from provenance.reports import json as report
from provenance.reports import text

RECORD = b'{"text": "one two three four five six seven eight nine"}\n'
URL = "https://example.org/x.jsonl"


def infos(digest):
    return json.dumps({"default": {"license": "MIT", "download_checksums": {URL: {"checksum": digest}}}})


@pytest.fixture
def scanned(tmp_path):
    def scan(digest, **files):
        (tmp_path / "hf").mkdir()
        (tmp_path / "hf/dataset_infos.json").write_text(infos(digest))
        (tmp_path / "README.md").write_text("# A set\n")
        (tmp_path / "x.jsonl").write_bytes(RECORD)
        (tmp_path / "empty.jsonl").write_bytes(b"")
        for name, content in files.items():
            (tmp_path / name.replace("_", ".")).write_text(content)
        return pv.scan(tmp_path, workers=1)

    return scan


def test_a_file_with_the_declared_digest_is_the_upstreams(scanned):
    digest = hashlib.sha256(RECORD).hexdigest()
    audit = scanned(digest)
    proved = audit.claims[audit.claims["field"] == "identical-upstream"]
    assert proved[["scope", "source", "value", "witness", "manifest"]].to_numpy().tolist() == [
        ["x.jsonl", ".", f"{URL} sha256:{digest}", "digest", "hf/dataset_infos.json"]
    ]
    rendered = json.loads(report.render(audit.tables, audit.facts))
    at = "/default/download_checksums/https:~1~1example.org~1x.jsonl/checksum"
    assert rendered["identities"] == [
        {"path": "x.jsonl", "url": URL, "sha256": digest, "manifest": "hf/dataset_infos.json", "pointer": at}
    ]
    assert f"x.jsonl is {URL} (hf/dataset_infos.json)" in text.render(audit.tables, audit.facts, width=200).decode()


@pytest.mark.parametrize("digest", [hashlib.sha256(b"").hexdigest(), "0" * 64])
def test_a_digest_that_no_file_has_is_no_fault_and_an_empty_file_proves_nothing(scanned, digest):
    audit = scanned(digest)
    assert "identical-upstream" not in set(audit.claims["field"])
    assert not set(audit.findings["check"]) & {"checksum-mismatch", "file-declared-absent"}
    assert json.loads(report.render(audit.tables, audit.facts))["identities"] == []
    assert "Identity proved" not in text.render(audit.tables, audit.facts).decode()


def test_coverage_says_what_was_not_compared(scanned):
    resources = [{"path": "x.jsonl", "hash": "d" * 32}, {"path": URL}, {"path": ["y", "z"], "hash": "e" * 32}]
    package = json.dumps({"resources": resources})
    audit = scanned("d" * 32, datapackage_json=package)
    assert audit.coverage.set_index("check").loc["manifests", "reason"].split("; ") == [
        "1 declared address was not fetched",
        "1 digest declared as MD5 was not compared",
        "1 digest of a file in several parts was not compared",
        "1 digest declared as SHA-256 is none (64 hexadecimal digits) and was not compared",
    ]


def test_only_a_native_manifest_takes_a_licence_out_of_the_data(tmp_path):
    """A package at the root that calls its data file a licence text does not hide it."""
    (tmp_path / "terms.txt").write_text("A passage of text that is data.\n")
    licences = [{"title": "House rules", "path": "terms.txt"}]
    package = {"resources": [{"path": "terms.txt"}], "licenses": licences}
    (tmp_path / "datapackage.json").write_text(json.dumps(package))
    audit = pv.scan(tmp_path, workers=1)
    assert audit.files.set_index("path").loc["terms.txt", "role"] == "data"
    assert audit.tables["sources"]["licence_concluded"].to_pylist() == [None]


LEGEND = [
    {
        "url": f"http://creativecommons.org/licenses/{kind}/2.0/",
        "name": f"{kind.upper()} licence of some of the pictures",
    }
    for kind in ("by-nc-sa", "by-nc", "by-nc-nd", "by", "by-sa", "by-nd")
]


def test_a_legend_of_many_licences_in_a_record_is_not_the_licence_of_the_record(tmp_path):
    (tmp_path / "README.md").write_text("# Pictures\n\nThis dataset is under CC BY 4.0.\n")
    (tmp_path / "captions.jsonl").write_text(json.dumps({"text": "a bath with a view", "licenses": LEGEND}) + "\n")
    audit = pv.scan(tmp_path, workers=1)
    checks = set(audit.findings["check"])
    assert "licence-unrecognised" in checks  # somebody has to say which holds for what
    assert not checks & {"licence-forbids-purpose", "licence-conflict-between-witnesses"}
    stated = audit.claims[audit.claims["witness"] == "record-column"]
    assert stated["spdx"].isna().all()


def test_a_few_licences_in_a_record_all_hold(tmp_path):
    (tmp_path / "code.jsonl").write_text(json.dumps({"text": "x = 1", "license": ["MIT", "CC-BY-NC-4.0"]}) + "\n")
    audit = pv.scan(tmp_path, workers=1)
    assert "licence-forbids-purpose" in set(audit.findings["check"])
