"""Dates that may be a year or a month, and records of which a source may have several."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

import provenance as pv
from provenance.core import schemas
from provenance.sources import declared_facts


@pytest.mark.parametrize(
    ("date", "end", "expected"),
    [
        ("2026-03-01", "2026-02-28", True),
        ("2026-02-28", "2026-02-28", False),
        ("2026-02-27", "2026-02-28", False),
        ("2026-03", "2026-02", True),
        ("2026-03", "2026-02-28", True),
        ("2026-02", "2026-02", False),
        ("2026-02", "2026-02-01", False),
        ("2026-02-27", "2026-02", False),
        ("2026", "2025", True),
        ("2026", "2026-01-01", False),
        ("2026-12-31", "2026", False),
        ("2027-01-01", "2026", True),
    ],
)
def test_a_date_is_after_another_only_where_it_is_certain(date, end, expected):
    assert declared_facts.is_after(date, end) is expected


def table(*claims):
    rows = [
        {"manifest": "p", "subject": "data", "scope": "./", "witness": "native", "digest": "", "source": "a"} | claim
        for claim in claims
    ]
    sources = schemas.rows(
        [
            {field.name: 0 if str(field.type) == "int64" else None for field in schemas.SOURCES}
            | {"source": "a", "evidence": "none"}
        ],
        schemas.SOURCES,
    )
    return declared_facts.facts_by_source(sources, schemas.rows(rows, schemas.CLAIMS))


def test_keys_of_one_record_stay_together():
    at = "/sources/0/contract"
    (one,) = table(
        {"field": "contract.file", "value": "a", "pointer": f"{at}/0/file"},
        {"field": "contract.until", "value": "2026", "pointer": f"{at}/0/until"},
        {"field": "contract.file", "value": "b", "pointer": f"{at}/1/file"},
        {"field": "contract.parties", "value": "We", "pointer": f"{at}/1/parties/0"},
        {"field": "contract.parties", "value": "They", "pointer": f"{at}/1/parties/1"},
        {"field": "contract.scope", "value": "of another manifest", "pointer": f"{at}/0/scope", "manifest": "q"},
        {"field": "contract.scope", "value": "of another source", "pointer": f"{at}/0/scope", "source": "b"},
    )
    assert sorted(map(sorted, (each.items() for each in one.records["contract"]))) == [
        [("file", "a"), ("until", "2026")],
        [("file", "b"), ("parties", "We")],
        [("scope", "of another manifest")],
    ]


def test_parties_of_the_only_contract_are_no_records():
    (one,) = table(
        {"field": "contract.parties", "value": "We", "pointer": "/sources/0/contract/parties/0"},
        {"field": "contract.sha256", "value": "aa", "pointer": "/sources/0/contract/sha256"},
    )
    assert len(one.records["contract"]) == 1
    assert one.documented("contract")
    assert not one.documented("consent")


EXAMPLE = Path(__file__).parents[2] / "manifests/examples/provenance.yaml"
ASKED = {"origin-undocumented", "contract-missing", "collection-record-missing", "consent-missing", "generator-unnamed"}
ASKED |= {"record-origin-missing", "file-declared-absent"}


def laid(folder):
    """Lay out what the example describes, with every document that it names."""
    shutil.copy(EXAMPLE, folder)
    files = {
        "mails/a.jsonl": '{"body": "my lamp does not work", "answer": "we will send another one"}\n',
        "alpaca/a.jsonl": '{"instruction": "Nenne drei Farben.", "output": "Rot, Gelb und Blau."}\n',
        "feed/a.jsonl": '{"text": "The council met on Monday and decided nothing."}\n',
        "forum/a.jsonl": '{"text": "Has anybody seen my bicycle?", "url": "https://forum.example.org/t/1"}\n',
        "papers/terms-2024.pdf": "%PDF-1.4",
        "papers/news-2026.pdf": "%PDF-1.4 ",
        "papers/forum-2026-01.log": "https://forum.example.org/t/1 2026-01-05 200\n",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_the_example_documents_all_that_it_declares(tmp_path):
    audit = pv.scan(laid(tmp_path), workers=1)
    assert set(audit.sources["source"]) == {"support-mails", "alpaca-de", "news-feed", "forum-2026-01"}
    assert not set(audit.findings["check"]) & ASKED
    papers = audit.files[audit.files["path"].str.startswith("papers/")]
    assert dict(zip(papers["path"], papers["source"], strict=True)) == {
        "papers/forum-2026-01.log": "forum-2026-01",
        "papers/news-2026.pdf": "news-feed",
        "papers/terms-2024.pdf": "support-mails",
    }
    assert set(papers["role"]) == {"documentation"}
    assert pd.isna(audit.coverage.set_index("check").loc["contract-missing", "reason"])


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("contract", ("news-feed", "contract-missing", "error")),
        ("collection", ("forum-2026-01", "collection-record-missing", "error")),
        ("generator", ("alpaca-de", "generator-unnamed", "warning")),
        ("consent", ("support-mails", "consent-missing", "error")),
    ],
)
def test_the_example_without_a_document_is_found(tmp_path, key, found):
    manifest = yaml.safe_load((laid(tmp_path) / "provenance.yaml").read_text())
    for source in manifest["sources"]:
        source.pop(key, None)
    (tmp_path / "provenance.yaml").write_text(json.dumps(manifest, default=str))
    findings = pv.scan(tmp_path, workers=1).findings
    asked = findings[findings["check"].isin(ASKED)]
    assert [tuple(row) for row in asked[["source", "check", "severity"]].itertuples(index=False)] == [found]


def test_the_manifest_that_opens_a_source_speaks_for_it():
    foreign = {"witness": "frictionless"}
    (one,) = table(
        foreign | {"manifest": "a/datapackage.json", "field": "source", "value": "a", "pointer": "/"},
        foreign | {"manifest": "a/datapackage.json", "field": "name", "value": "A", "pointer": "/name"},
        foreign | {"manifest": "0.json", "field": "encoding", "value": "utf-8", "pointer": "/resources/1"},
    )
    assert one.manifest == "a/datapackage.json"
