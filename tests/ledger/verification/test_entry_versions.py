"""Old forms of entries: accepted where an old program wrote them before a newer entry, and what they lack is named."""

import json
import re

import pytest

from provenance import ledger
from provenance.core.digests import canonical, sha256
from provenance.errors import VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.log import leaf_hashes
from provenance.ledger.trees import merkle
from provenance.ledger.verification import entry_versions
from provenance.ledger.verification.verified_reader import open_reader

OK, INVALID = range(2)
LINED = ("coverage", "files", "findings", "sources", "verdicts")
TABLES = (*LINED, "claims", "matches", "observations", "overlaps", "references", "sketches")


def payloads(folder):
    return [
        json.loads(envelope.read_envelope((folder / layout.entry_path(index)).read_bytes()).payload)
        for index in range(ledger.size(folder))
    ]


def sign(folder, values):
    """The owner signs these entries, one after another, and every checkpoint."""
    keys, signed = ledger.user_keys(), []
    origin = (folder / layout.ORIGIN).read_text().strip()
    for index, value in enumerate(values):
        value["predicate"]["log"] |= {
            "index": index,
            "prev": {"rootHash": merkle.hash_root(signed).hex(), "size": index},
        }
        sealed = envelope.seal_payload(canonical(value), keys.statement)
        (folder / layout.entry_path(index)).write_bytes(sealed)
        signed.append(envelope.read_envelope(sealed).leaf_hash)
        note = checkpoint.sign_head(origin, index + 1, merkle.hash_root(signed), keys.log).note
        (folder / layout.note_path(index + 1)).write_bytes(note)
    (folder / leaf_hashes.PATH).write_bytes(b"".join(signed))


def unsalted(folder, value, **changes):
    """Make of an entry of version 1 what an old program would have written, every line and digest as it should be."""
    said = value["predicate"]
    bound = {each["path"]: each["sha256"] for each in said["folder"]}
    bound.pop(said.pop("contentSet")["object"])
    for table in said["tables"].values():
        if "tree" not in table:
            continue
        del table["tree"]
        bound.pop(table.pop("nodes"), None)
        old = table["lines"]
        lines = re.sub(rb',"(salt":"[0-9a-f]{32}"|tree":\{[^}]*\})', b"", (folder / old).read_bytes())
        bound.pop(old, None)
        table["lines"] = statement.object_path(sha256(lines))
        bound[table["lines"]] = sha256(lines)
        (folder / table["lines"]).parent.mkdir(exist_ok=True, parents=True)
        (folder / table["lines"]).write_bytes(lines)
    value["subject"][0]["digest"]["sha256"] = bound[said["tables"]["files"]["lines"]]
    said["folder"] = [{"path": path, "sha256": digest} for path, digest in sorted(bound.items())]
    value["predicateType"] = value["predicateType"].replace("/v1", "/v0")
    said |= changes
    return value


def scanner(version):
    return {"scanner": {"name": "provenance", "version": version, "digest": {"sha256": "ab" * 32}}}


@pytest.fixture
def old(world):
    """Makes a ledger of two scans whose entries are of these versions."""

    def make(*which, **changes):
        values = payloads(world / "ledger")
        sign(
            world / "ledger",
            [
                unsalted(world / "ledger", value, **changes) if version == 0 else value
                for value, version in zip(values, which, strict=True)
            ],
        )
        return ledger.verify(world / "ledger")

    return make


def detail(found, name="versions"):
    return " ".join(step.detail for step in found.steps if step.name == name)


def test_what_an_old_program_wrote_verifies_and_what_it_lacks_is_named(old, world, third_party, capsys):
    found = old(0, 1)
    assert found.exit_code == OK, found.lines()
    assert "versions" in found.as_json()["not_checked"]
    lacks = "not checked: trees and content set, which version 0 does not have (entry 0)"
    assert found.lines()[0] == f"The ledger verifies; {lacks}."
    assert "10 tables have the rows that their lines say" in detail(found, "tables")
    assert third_party(world / "ledger") == 0
    assert "not checked: entry 0 has no trees and no content set" in capsys.readouterr().out


def test_a_ledger_of_old_entries_alone_is_no_plain_success(old):
    found = old(0, 0)
    assert found.exit_code == OK
    assert "(entries 0, 1)" in found.meaning
    assert found.as_json()["gaps"] == ["trees and content set, which version 0 does not have (entries 0, 1)"]


def test_of_one_old_entry_alone_nobody_sees_what_stands_before_it(old, world):
    old(1, 0)
    found = ledger.verify(world / "ledger", entry=1)
    assert found.exit_code == OK
    assert "whether a newer version stands before it" in detail(found, "other entries")
    assert found.gaps


DOWNGRADES = {
    "after an entry of version 1": ((1, 0), {}, "entry 1 is of version 0, and stands after entry 0 of version 1"),
    "by a program that writes version 1": ((0, 1), scanner("0.2.0"), "was written by a program that writes version 1"),
    "by a program of another name for its version": ((0, 1), scanner("x"), "was written by a program that writes"),
    "today": ((0, 1), {"finishedOn": "2026-11-30T00:00:00Z"}, "no program wrote version 0 after 2026-11-26"),
    "begun today": ((0, 0), {"startedOn": "2027-01-01T00:00:00Z"}, "says that it is of 2027-01-01"),
}


@pytest.mark.parametrize("name", DOWNGRADES)
def test_a_downgrade_is_refused(old, world, third_party, name):
    which, changes, why = DOWNGRADES[name]
    found = old(*which, **changes)
    assert found.exit_code == INVALID
    assert why in detail(found)
    assert third_party(world / "ledger") == 1
    index = int(why[6]) if why.startswith("entry") else which.index(0)
    with pytest.raises(VerificationError, match=re.escape(why)):
        open_reader(world / "ledger", index)
    warned = []
    assert open_reader(world / "ledger", index, verified=False, warn=warned.append).tables()["findings"].num_rows == 1
    assert any(why in each for each in warned)


@pytest.mark.parametrize(
    "name", ["findings", "coverage", "files", "sources", "verdicts", "claims", "matches", "overlaps"]
)
def test_an_old_entry_binds_the_tables_of_its_time(world, third_party, name):
    values = [unsalted(world / "ledger", value) for value in payloads(world / "ledger")]
    for value in values:
        del value["predicate"]["tables"][name]
    sign(world / "ledger", values)
    found = ledger.verify(world / "ledger")
    assert found.exit_code == INVALID
    assert f"'{name}' is a required property" in detail(found, "signatures")
    with pytest.raises(VerificationError, match="is a required property"):
        ledger.read_tables(world / "ledger")
    assert third_party(world / "ledger") == 1


@pytest.mark.parametrize(
    "what", [*TABLES, *(f"{name} {what}" for name in LINED for what in ("lines", "tree", "nodes"))]
)
def test_an_entry_binds_every_table_that_it_must(world, third_party, what):
    """For ever: an entry that says nothing of findings does not say that there are none."""
    values = payloads(world / "ledger")
    name, _, member = what.partition(" ")
    if member:
        del values[1]["predicate"]["tables"][name][member]
    else:
        del values[1]["predicate"]["tables"][name]
    sign(world / "ledger", values)
    assert ledger.verify(world / "ledger").exit_code == INVALID
    with pytest.raises(VerificationError, match=r"required property|dependency"):
        ledger.read_tables(world / "ledger", 1)
    assert third_party(world / "ledger") == 1


def test_an_old_table_is_its_lines(world, third_party):
    values = [unsalted(world / "ledger", value) for value in payloads(world / "ledger")]
    said = values[1]["predicate"]
    lines = (world / "ledger" / said["tables"]["findings"]["lines"]).read_bytes().replace(b'"error"', b'"note"')
    path = statement.object_path(sha256(lines))
    (world / "ledger" / path).parent.mkdir(exist_ok=True)
    (world / "ledger" / path).write_bytes(lines)
    said["tables"]["findings"]["lines"] = path
    said["folder"] = sorted([*said["folder"], {"path": path, "sha256": sha256(lines)}], key=lambda each: each["path"])
    sign(world / "ledger", values)
    found = ledger.verify(world / "ledger")
    assert found.exit_code == INVALID
    assert "entry 1: the table findings: row 0 is not what line 1 says" in detail(found, "tables")
    assert third_party(world / "ledger") == 1


def test_lines_that_an_old_entry_does_not_bind_are_refused(world, third_party):
    values = [unsalted(world / "ledger", value) for value in payloads(world / "ledger")]
    values[0]["predicate"]["tables"]["findings"]["lines"] = statement.object_path("00" * 32)
    sign(world / "ledger", values)
    found = ledger.verify(world / "ledger")
    assert found.exit_code == INVALID
    assert "which it does not bind" in detail(found)
    assert third_party(world / "ledger") == 1


def test_the_last_day_is_no_later_than_the_first_of_version_1(packed):
    """The golden ledger of version 1 was written on that day."""
    first = ledger.read_entry(packed / "ledger", 0)["predicate"]["finishedOn"]
    assert first[:10] == entry_versions.LAST
