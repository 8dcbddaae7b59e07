"""What was once written verifies for ever: ledgers that earlier versions wrote, kept as they were."""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from provenance import ledger
from provenance.core.package_data import DATA_FOLDER
from provenance.core.schemas import OPTIONAL, SEALED
from provenance.ledger import layout
from provenance.ledger.log import reading
from provenance.ledger.proofs import check_proof

FOLDER = Path(__file__).parent / "golden"
GOLDEN = {path.name.removesuffix(".tar.gz"): path for path in sorted(FOLDER.glob("*.tar.gz"))}
FILES = {"v0": 2, "v1": 6}  # rows of the newest scan's table of files
# Entries of version 1, in order: a schema may gain what is not required, and must go on to hold for these.
KINDS = [
    "dataset-scan", "waiver", "draw", "review", "decision", "filter-run", "dataset-scan", "declaration", "derivation",
    "key", "renewal", "key", "key",
]  # fmt: skip
PIECES = sorted(FOLDER.glob("v1.*.json"))


def unpacked(version, folder):
    with tarfile.open(GOLDEN[version]) as tar:
        tar.extractall(folder, filter="data")
    return folder / "ledger"


def failed(found):
    return [step.name for step in found.steps if step.status == "failed"]


@pytest.mark.parametrize("version", GOLDEN)
def test_an_old_ledger_verifies(version, home, tmp_path, third_party):
    folder = unpacked(version, tmp_path)
    found = ledger.verify(folder, strict=True)
    assert found.exit_code == 3, found.lines()  # consistent; nobody here pinned its keys
    assert failed(found) == ["keys"]
    assert ledger.read_tables(folder)["files"].num_rows == FILES[version]
    assert ledger.read_entries(folder, "declaration")[0][2]["by"]["name"] == "A. Person"
    assert found.uncompared == ()  # rows and lines of every table could be compared
    assert bool(found.gaps) == (version == "v0")
    assert third_party(folder) == 0


@pytest.mark.parametrize("version", [version for version in GOLDEN if (FOLDER / f"{version}.trust.yaml").exists()])
def test_to_who_knows_its_keys_it_is_sound(version, home, tmp_path):
    """Keys, a witness, a timestamp authority and an approver of waivers are pinned, and each is asked for."""
    found = ledger.verify(unpacked(version, tmp_path), trust=FOLDER / f"{version}.trust.yaml", strict=True)
    assert found.exit_code == 0, found.lines()
    assert {"witnesses", "timestamps", "claimed times", "renewals", "rotation", "revocation", "acts", "waivers"} <= {
        step.name for step in found.steps if step.status == "ok"
    }


@pytest.mark.parametrize("number", range(len(KINDS)), ids=lambda number: f"{number}-{KINDS[number]}")
def test_every_statement_holds_to_the_schema_that_is_published_now(number, packed):
    value = reading.read_statement(packed / "ledger", number).value
    assert value["predicateType"] == f"https://provenance-auditor.dev/attestation/{KINDS[number]}/v1"
    published = {
        path.name: json.loads(path.read_bytes())
        for path in (DATA_FOLDER / "schemas" / "ledger").glob("*-v1.schema.json")
    }
    registry = Registry().with_resources(
        (schema["$id"], DRAFT202012.create_resource(schema)) for schema in published.values()
    )
    for name, said in (("statement", value), (KINDS[number], value["predicate"])):
        holds = Draft202012Validator(published[f"{name}-v1.schema.json"], registry=registry)
        assert [error.message for error in holds.iter_errors(said)] == []


@pytest.mark.parametrize("path", PIECES, ids=lambda path: path.name)
def test_what_was_taken_from_it_verifies(path, packed, home):
    assert ledger.verify(path, trust=packed / "pieces.yaml").exit_code == 0
    assert ledger.verify(path).exit_code == 3


@pytest.mark.parametrize("path", [path for path in PIECES if ".proof." in path.name], ids=lambda path: path.name)
def test_the_public_script_verifies_it(path, packed):
    keys = sorted((packed / "ledger" / "keys").glob("*.pub.pem"))
    command = [sys.executable, "-I", check_proof.__file__, path, *keys]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "PROVEN" in done.stdout.splitlines()) == (0, True), done.stderr


def test_the_columns_of_the_specification_are_those_that_are_sealed():
    text = layout.__file__.replace("layout.py", "SPECIFICATION.md")
    told = dict(re.findall(r"^\| `(\w+)` \| `(.*)` \|$", Path(text).read_text("utf-8"), re.MULTILINE))
    marks = {"string": "", "int64": "#", "double": "%", "bool": "!", "list<item: string>": "[]",
             "list<hash: uint64 not null>": "[]&"}  # fmt: skip
    made = {
        name: " ".join(f"{field.name}{marks[str(field.type)]}{'?' * field.nullable}" for field in schema)
        for name, schema in (SEALED | OPTIONAL).items()
    }
    assert {name: told[name] for name in made} == made


@pytest.mark.parametrize("name", GOLDEN)
def test_the_first_version_of_verdicts_is_shown_in_the_words_of_the_second(name, tmp_path):
    """What was signed is never made milder, and stands in the reason."""
    with tarfile.open(GOLDEN[name]) as tar:
        tar.extractall(tmp_path, filter="data")
    (folder,) = (path.parent for path in tmp_path.rglob("entries"))
    at = max(index for index, _, _ in ledger.read_entries(folder, "dataset-scan"))
    lines = (folder / ledger.read_entry(folder, at)["predicate"]["tables"]["verdicts"]["lines"]).read_text()
    signed = [json.loads(line) for line in lines.splitlines()]
    shown = reading.read_tables(folder, at, ("verdicts",))["verdicts"]
    assert shown.schema.equals(SEALED["verdicts"], check_metadata=True)
    assert len(signed) == shown.num_rows
    assert bool(signed) is (name != "v0")
    for old, new in zip(signed, shown.to_pylist(), strict=True):
        assert new["reason"] == f"signed as {old['verdict']!r}: {old['reason']}"
        assert new["observed"] != "nothing found in what was examined" or (
            old["verdict"] in {"no contrary evidence", "conforms"} and not old["findings"]
        )
        assert (new["assessed"] is None) or old["declared"] is not None
        assert {key: old[key] for key in new if key in old and key != "reason"} == {
            key: new[key] for key in new if key in old and key != "reason"
        }
