"""Names stand in one table of a ledger: it can be withheld and erased, and nothing else changes."""

from __future__ import annotations

import io
import json
import shutil
import tarfile

import pytest

import provenance as pv
from provenance import ledger
from provenance.cli import run
from provenance.ledger.exports import ExportRequest, write
from provenance.pipeline.reproduce import DIFFERS, SAME, reproduce
from provenance.sources import contacts

pytestmark = pytest.mark.usefixtures("in_process")

MANIFEST = """
provenance: 1
sources:
- id: lamps
  creator: Jane Qwertz
  owner: Acme University
  licence: CC-BY-4.0
  contract: { parties: [Jane Qwertz, Zed GmbH], scope: "as agreed with Jane Qwertz, jane@qwertz-mail.org" }
  url: https://user:hunter2pw@acme.org/lamps?id=3
"""
TEXT = "".join(json.dumps({"text": f"lamp {k} of a harbour and its winter"}) + "\n" for k in range(5))


@pytest.fixture
def world(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "provenance.yaml").write_text(MANIFEST)
    (tmp_path / "data" / "x.jsonl").write_text(TEXT)
    pv.scan(tmp_path / "data", tmp_path / "ledger")
    return tmp_path


def erase(folder):
    for table in folder.glob("scans/*/contacts.parquet"):
        table.unlink()


def test_the_same_person_has_the_same_id_in_every_scan_and_field(world):
    first = pv.open_ledger(world / "ledger").claims
    second = pv.scan(world / "data", world / "ledger").claims
    ids = [value for value in first["value"] if value.startswith("person:")]
    assert ids == [value for value in second["value"] if value.startswith("person:")]
    assert {each.split(":")[1] for each in ids} == {"creator", "party"}
    assert len({each.split(":")[2] for each in ids}) == 1
    assert "Acme University" in first["value"].to_list()
    assert "Zed GmbH" in first["value"].to_list()
    assert "as agreed with person:contact:{}, [email]".format(ids[0].split(":")[2]) in first["value"].to_list()
    assert "https://[removed]@acme.org/lamps?id=3" in first["value"].to_list()


def test_a_scan_without_a_ledger_has_ids_of_its_own(world):
    one, two = (pv.scan(world / "data") for _ in range(2))
    assert set(one.contacts["value"]) == {"Jane Qwertz", "jane@qwertz-mail.org"} == set(two.contacts["value"])
    assert set(one.contacts["id"]).isdisjoint(two.contacts["id"])


def test_contacts_are_withheld_and_everything_else_is_there(world):
    write(world / "ledger", world / "left.tar", "tar", ExportRequest(withhold=("table=contacts",)))
    with tarfile.open(fileobj=io.BytesIO((world / "left.tar").read_bytes())) as tar:
        tar.extractall(world / "left", filter="data")
    there = {path.relative_to(world / "ledger").as_posix() for path in (world / "ledger").rglob("*") if path.is_file() and "latest" not in path.parts}  # fmt: skip
    left = {path.relative_to(world / "left").as_posix() for path in (world / "left").rglob("*") if path.is_file()}
    assert there - left == {"scans/00000000/contacts.parquet"}
    found = ledger.verify(world / "left")
    assert found.exit_code == 5, found.lines()
    assert [each.name for each in found.steps if each.status == "failed"] == ["objects"]


@pytest.mark.parametrize(
    "command",
    [
        ["show", "{}"], ["report", "{}", "--format", "html", "-o", "-"], ["report", "{}", "--format", "json", "-o", "-"],
        ["report", "{}", "--format", "sarif", "-o", "-"], ["report", "{}", "--format", "clause-matrix-md", "-o", "-"],
        ["reproduce", "{}", "--data", "{data}"],
    ],
    ids=lambda words: "-".join(words[:4:3]),
)  # fmt: skip
def test_erasing_contacts_breaks_nothing(world, command, capfd):
    before = run([each.format(world / "ledger", data=world / "data") for each in command])
    said = capfd.readouterr().out
    erase(world / "ledger")
    assert run([each.format(world / "ledger", data=world / "data") for each in command]) == before
    again = capfd.readouterr().out
    if command[0] != "reproduce":
        assert again == said
    assert ledger.verify(world / "ledger").exit_code == 5


def test_a_scan_goes_on_after_contacts_were_erased(world):
    erase(world / "ledger")
    assert pv.scan(world / "data", world / "ledger").entry.index == 1
    assert len(pv.open_ledger(world / "ledger", 0).contacts) == 0
    assert ledger.verify(world / "ledger").exit_code == 5


def test_the_owner_reproduces_and_a_stranger_leaves_ids_aside(world, monkeypatch, tmp_path_factory):
    owner = reproduce(world / "ledger", world / "data")
    assert (owner.exit_code, [each.table for each in owner.tables][-1]) == (SAME, "contacts")
    assert not [each for each in owner.uncompared if "ids of people" in each]
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path_factory.mktemp("stranger")))
    stranger = reproduce(world / "ledger", world / "data")
    assert stranger.exit_code == SAME
    assert [each for each in stranger.uncompared if each.startswith("ids of people")]
    text = MANIFEST.replace("creator: Jane Qwertz", "creator: Jane Qwertz and Max Muster")
    (world / "data" / "provenance.yaml").write_text(text)
    assert reproduce(world / "ledger", world / "data").exit_code == DIFFERS


def test_names_are_read_again_from_the_data(world, tmp_path):
    tables = pv.open_ledger(world / "ledger").tables
    again = contacts.read_contacts(tables, world / "data").to_pylist()
    sealed = ledger.read_tables(world / "ledger", None, ["contacts"])["contacts"].to_pylist()
    assert [row | {"salt": "", "id": ""} for row in again] == [row | {"salt": "", "id": ""} for row in sealed]
    assert {row["id"] for row in again} - {""} == {row["id"] for row in sealed if row["kind"] == "person"}
    values = contacts.restore_names(tables, world / "data")["claims"]["value"].to_pylist()
    assert "Jane Qwertz" in values
    assert "https://[removed]@acme.org/lamps?id=3" in values
    out = tmp_path / "report.html"
    words = ["report", str(world / "ledger"), "--format", "html", "-o", str(out), "--force"]
    assert run([*words, "--data", str(world / "data")]) == 0
    assert "Jane Qwertz" in out.read_text()
    assert run(words) == 0
    assert "Jane Qwertz" not in out.read_text()


def test_a_manifest_that_was_changed_names_nobody(world):
    (world / "data" / "provenance.yaml").write_text(MANIFEST.replace("Qwertz", "Other"))
    tables = pv.open_ledger(world / "ledger").tables
    assert contacts.read_contacts(tables, world / "data").num_rows == 0
    assert contacts.restore_names(tables, world / "data")["claims"].equals(tables["claims"])


def test_the_digest_of_contacts_cannot_be_guessed(world):
    """Of one name, table and digest would tell whoever tries names; each row holds a salt of the owner's secret."""
    first = ledger.read_tables(world / "ledger", None, ["contacts"])["contacts"]
    shutil.rmtree(world / "ledger")
    assert {len(each) for each in first["salt"].to_pylist()} == {32}
    assert set(first["salt"].to_pylist()).isdisjoint(pv.scan(world / "data").contacts["salt"])


def test_paths_are_kept_and_counted(tmp_path):
    (tmp_path / "jane@qwertz-mail.org").mkdir()
    (tmp_path / "jane@qwertz-mail.org" / "README.md").write_text("---\nlicense: mit\n---\n# Lamps\n")
    (tmp_path / "jane@qwertz-mail.org" / "x.jsonl").write_text(TEXT)
    found = pv.scan(tmp_path)
    reason = found.coverage.set_index("check").loc["personal-data-in-paths", "reason"]
    assert reason == "2 paths hold what looks like personal data or a secret; paths are identifiers and are kept"
    assert found.sources["source"].to_list() == ["jane@qwertz-mail.org"]
    assert found.sources["licence_concluded"].to_list() == ["MIT"]


def test_two_ids_of_people_stay_two_sources(tmp_path):
    rows = [f"- {{id: {name}@qwertz-mail.org, path: {name}, licence: MIT}}\n" for name in ("jane", "john")]
    (tmp_path / "provenance.yaml").write_text("provenance: 1\nsources:\n" + "".join(rows))
    for name in ("jane", "john"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jsonl").write_text(TEXT.replace("lamp", name))
    sources = pv.scan(tmp_path).sources
    assert len(set(sources["source"])) == 2
    assert all(each.startswith("[email ") for each in sources["source"])
    assert sources["licence_concluded"].to_list() == ["MIT", "MIT"]


def test_verify_knows_the_table_of_contacts(world):
    assert (world / "ledger" / "scans" / "00000000" / "contacts.parquet").is_file()
    found = pv.verify(world / "ledger")
    assert (found.exit_code, found.gaps) == (0, ())
