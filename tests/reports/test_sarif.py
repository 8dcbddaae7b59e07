import json
import shutil
import subprocess
import tarfile
from urllib.parse import unquote

import jsonschema
import pytest

import provenance as pv
from provenance import checks
from provenance.checks import CHECKS
from provenance.core import path_names
from provenance.core.digests import canonical
from provenance.reports import sarif

HOSTILE = "od:d {0} [click](http:é)\n%20"


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    for name, licence in (("nc", "cc-by-nc-4.0"), (HOSTILE, "mit")):
        (root / name).mkdir()
        (root / name / "README.md").write_text(f"# A set\n\nLicense: {licence}\n")
        (root / name / "x.jsonl").write_text('{"text": "one two three four five six seven eight nine"}\nbroken\n')
    (root / "y.bin").write_bytes(b"\0\1\2")
    return pv.scan(root, workers=1)


@pytest.fixture(scope="module")
def run(audit):
    (only,) = json.loads(sarif.render(audit.tables, audit.facts))["runs"]
    return only


def test_one_result_a_finding_with_its_level_and_fingerprint(audit, run):
    rows = audit.tables["findings"].to_pylist()
    assert len(rows) > 3
    assert [
        (each["ruleId"], each["level"], each["partialFingerprints"]["provenanceFingerprint/v1"])
        for each in run["results"]
    ] == [(row["check"], row["severity"], row["fingerprint"]) for row in rows]
    assert [each["properties"]["limits"] for each in run["results"]] == [row["limits"] for row in rows]


def test_rules_are_the_checks_with_their_documentation(run):
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(CHECKS)
    for rule in rules:
        assert rule["help"]["text"] == checks.explain(rule["id"])
        assert "**Silent when:**" in rule["help"]["markdown"]
        assert rule["fullDescription"]["text"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_locations_are_relative_references_that_lead_back_to_paths(audit, run):
    paths = set(audit.tables["files"]["path"].to_pylist())
    places = [
        place["physicalLocation"]
        for each in run["results"]
        for place in each["locations"]
        if "physicalLocation" in place
    ]
    assert {unquote(place["artifactLocation"]["uri"]) for place in places} <= {*paths, "."}  # an undeclared folder
    assert any(
        path_names.path_to_text(HOSTILE.encode()) in unquote(place["artifactLocation"]["uri"]) for place in places
    )
    for place in places:
        location = place["artifactLocation"]
        assert run["artifacts"][location["index"]]["location"]["uri"] == location["uri"]
        assert ":" not in location["uri"]
        assert location["uri"].isascii()
        assert location["uriBaseId"] in run["originalUriBaseIds"]


def test_a_licence_is_pointed_at_where_it_is_stated(run):
    (related,) = next(each for each in run["results"] if each["ruleId"] == "licence-forbids-purpose")[
        "relatedLocations"
    ]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "nc/README.md"
    assert related["physicalLocation"]["region"] == {"startLine": 3}


def test_a_name_is_no_placeholder_and_no_link(run):
    told = [each["message"]["text"] for each in run["results"] if "click" in each["message"]["text"]]
    assert told
    for text in told:
        assert "{{0}}" in text
        assert "[click](" not in text


def test_what_was_not_looked_at_is_a_notification(audit, run):
    rows = audit.tables["coverage"].to_pylist()
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"]
    told = invocation["toolExecutionNotifications"]
    assert [each["descriptor"]["id"] for each in told] == [f"coverage/{row['check']}" for row in rows]
    assert all(
        row["reason"] is None or row["reason"] in each["message"]["text"] for row, each in zip(rows, told, strict=True)
    )
    assert {each["level"] for each in told} <= {"note", "warning"}


def test_a_check_that_failed_is_no_success(audit):
    broken = audit.tables["coverage"].to_pylist()
    broken[0]["status"] = "errored"
    table = audit.tables["coverage"].from_pylist(broken, schema=audit.tables["coverage"].schema)
    (run,) = json.loads(sarif.render({**audit.tables, "coverage": table}, audit.facts))["runs"]
    assert not run["invocations"][0]["executionSuccessful"]


def test_a_check_of_another_version_still_has_a_rule(audit):
    rows = [audit.tables["findings"].to_pylist()[0] | {"check": "of-old"}]
    table = audit.tables["findings"].from_pylist(rows, schema=audit.tables["findings"].schema)
    (run,) = json.loads(sarif.render({**audit.tables, "findings": table}, audit.facts))["runs"]
    assert run["tool"]["driver"]["rules"][run["results"][0]["ruleIndex"]]["id"] == "of-old"


def test_the_same_scan_gives_the_same_canonical_bytes(audit):
    rendered = sarif.render(audit.tables, audit.facts)
    assert rendered == sarif.render(dict(reversed(audit.tables.items())), audit.facts)
    assert rendered == canonical(json.loads(rendered)) + b"\n"


@pytest.mark.full
def test_the_official_schema_and_validator_agree(audit, tmp_path):
    """Microsoft's SARIF multitool, which carries the OASIS schema: no error, of SARIF or of GitHub's code scanning."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here")
    named = subprocess.run(
        [npm, "pack", "@microsoft/sarif-multitool-linux@5.7.0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if named.returncode:
        pytest.skip(f"the validator cannot be fetched: {named.stderr.strip()[-200:]}")
    with tarfile.open(tmp_path / named.stdout.split()[-1]) as file:
        file.extractall(tmp_path, filter="data")
    rendered = sarif.render(audit.tables, audit.facts)
    schema = json.loads((tmp_path / "package" / "sarif-2.1.0.json").read_bytes())
    jsonschema.validate(json.loads(rendered), schema, format_checker=jsonschema.FormatChecker())
    (tmp_path / "x.sarif").write_bytes(rendered)
    tool = tmp_path / "package" / "Sarif.Multitool"
    tool.chmod(0o755)
    env = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [tool, "validate", tmp_path / "x.sarif", "--rule-kind", "Sarif;Gh"]
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout
    assert "Analysis completed successfully" in said
    assert ": error " not in said, said
