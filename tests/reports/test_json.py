import json
import math

import jsonschema
import pytest

import provenance as pv
from provenance.core.package_data import DATA_FOLDER
from provenance.reports import json as report

SCHEMA = json.loads((DATA_FOLDER / "schemas" / "report.schema.json").read_text())


@pytest.fixture
def audit(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "README.md").write_text("# A\n\nLicense: MIT\n")
    (tmp_path / "a" / "x.jsonl").write_text('{"text": "one two three four five six seven eight nine"}\nbroken\n')
    (tmp_path / "y.bin").write_bytes(b"\0\1\2")
    return pv.scan(tmp_path, workers=1)


def test_the_report_holds_to_its_published_schema_and_is_canonical(audit):
    rendered = report.render(audit.tables, audit.facts)
    jsonschema.validate(json.loads(rendered), SCHEMA)
    from provenance.core.digests import canonical

    assert rendered == canonical(json.loads(rendered)) + b"\n"


def test_bytes_add_up_and_the_unread_is_named(audit):
    found = json.loads(report.render(audit.tables, audit.facts))
    assert found["bytes"]["bytes"] == found["bytes"]["bytes_consumed"] + found["bytes"]["bytes_skipped"]
    assert {row["path"] for row in found["unread"]} == {"a/x.jsonl", "y.bin"}


def test_no_number_is_beyond_what_json_can_hold(audit):
    found = json.loads(report.render(audit.tables, audit.facts))
    assert all(row["value"] is None or math.isfinite(row["value"]) for row in found["findings"])


def test_domains_with_most_text_are_named_and_all_are_counted(tmp_path):
    rows = [{"text": "word " * number, "url": f"https://www.site{number}.org/"} for number in range(1, 26)]
    rows += [{"text": "more", "url": "https://site1.org/"}, {"text": "no address"}]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    audit = pv.scan(tmp_path, workers=1)
    found = json.loads(report.render(audit.tables, audit.facts))
    jsonschema.validate(found, SCHEMA)
    (of,) = found["domains"]
    assert (of["domains"], of["records"]) == (25, 26)
    assert of["bytes"] == sum(len(row["text"]) for row in rows[:-1])
    assert [each["domain"] for each in of["largest"]] == [f"site{number}.org" for number in range(25, 5, -1)]
    assert of["largest"][0] == {"domain": "site25.org", "records": 1, "bytes": 125, "states": {"not-evaluated": 1}}
