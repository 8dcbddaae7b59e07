"""Trees of a scan's tables against what a few lines of Python make of the lines; and lies that verify finds."""

import hashlib
import hmac
import json

import pytest

from provenance import ledger
from provenance.core.digests import canonical, sha256
from provenance.core.schemas import SEALED, rows
from provenance.errors import ConfigError
from provenance.ledger.format import envelope, statement
from provenance.ledger.log import leaf_hashes, table_trees
from provenance.ledger.trees import merkle, sparse_merkle, stored_trees
from provenance.ledger.verification.results import INVALID, OK, WITHHELD

PATHS = ["a.jsonl", "b/c.zip", "b/c.zip!/one", "d.bin", "é.txt"]


@pytest.fixture
def scan(home, sealed, file_row, tmp_path):
    """A ledger of one scan with two sources, a file of none, and one that was not read."""
    content = [sha256(b"0"), sha256(b"1"), sha256(b"2"), None, sha256(b"0")]
    source = ["./", "b", "b", None, "./"]
    sealed["files"] = rows(
        [file_row(*row, source=of) for *row, of in zip(PATHS, content, source, strict=True)], SEALED["files"]
    )
    named = {name: "" for name in SEALED["sources"].names if not SEALED["sources"].field(name).nullable}
    counted = {name: 0 for name in named if SEALED["sources"].field(name).type == "int64"}
    sealed["sources"] = rows(
        [named | counted | {"evidence": "none", "source": each} for each in ("./", "b", "empty")], SEALED["sources"]
    )
    verdict = {"profile": "p", "requirement": "r", "title": "t", "modality": "shall", "text": "primary", "clause": "c",
               "answered_by": "machine", "observed": "open point", "reason": "r", "findings": 0, "fingerprints": [], "checks": [], "references": []}  # fmt: skip
    sealed["verdicts"] = rows([verdict | {"element": element} for element in (1, 2)], SEALED["verdicts"])
    folder = tmp_path / "ledger"
    entry = ledger.append(folder, sealed, {}, sealed.facts(), keys=ledger.user_keys())
    return folder, entry.statement["predicate"]


def lines(folder, table):
    return (folder / table["lines"]).read_bytes().splitlines()


def test_every_lined_table_has_its_tree(scan):
    folder, said = scan
    assert {name for name, table in said["tables"].items() if "tree" in table} == set(table_trees.SALTED_COLUMNS)
    for name in table_trees.SALTED_COLUMNS:
        table = said["tables"][name]
        leaves = [hashlib.sha256(b"\0" + line).digest() for line in lines(folder, table)]
        assert table["tree"] == {"alg": "rfc9162-sha256", "size": table["rows"], "root": merkle.hash_root(leaves).hex()}
        with stored_trees.StoredTree(folder / table["nodes"]) as tree:
            assert [tree.read_leaf(index) for index in range(tree.size)] == leaves
    assert ledger.verify(folder, strict=True).exit_code == OK


def test_salts_are_of_the_rows_own_names(scan, home):
    folder, said = scan
    secret = (home / "keys" / "salts.key").read_bytes()
    asked = {"files": "path", "sources": "source", "findings": "fingerprint", "coverage": "check"}
    seen = set()
    for name in table_trees.SALTED_COLUMNS:
        for line in lines(folder, said["tables"][name]):
            row = json.loads(line)
            key = (
                f"{row['profile']}\0{row['requirement']}\0{row['element']}" if name == "verdicts" else row[asked[name]]
            )
            made = hmac.new(secret, f"{name}\0{key}".encode(), "sha256").hexdigest()[:32]
            assert row["salt"] == made
            assert canonical(row) == line
            seen.add(made)
    assert len(seen) == sum(said["tables"][name]["rows"] for name in table_trees.SALTED_COLUMNS)
    assert not any(secret in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_source_says_the_tree_of_its_files(scan):
    folder, said = scan
    files = lines(folder, said["tables"]["files"])
    for line in lines(folder, said["tables"]["sources"]):
        row = json.loads(line)
        own = [merkle.hash_leaf(each) for each in files if json.loads(each)["source"] == row["source"]]
        assert row["tree"] == {"alg": "rfc9162-sha256", "size": len(own), "root": merkle.hash_root(own).hex()}


def test_the_content_set_is_of_all_digests(scan, home):
    _, said = scan
    secret = (home / "keys" / "salts.key").read_bytes()
    origin = said["log"]["origin"]
    salt = hmac.new(secret, f"content-set\0{origin}".encode(), "sha256").digest()[:16]
    made = {
        hashlib.sha256(b"provenance-content/v1\0" + salt + hashlib.sha256(each).digest()).digest()
        for each in (b"0", b"1", b"2")
    }
    content = said["contentSet"]
    assert content["root"] == sparse_merkle.hash_subtree(sorted(made)).hex()
    assert (content["count"], content["undigested"], content["alg"]) == (3, 1, "csmt-sha256/v1")
    assert content["saltDigest"] == hashlib.sha256(b"provenance-salt/v1\0" + salt).hexdigest()


def test_what_is_withheld_is_said(scan):
    folder, said = scan
    for table in said["tables"].values():
        for what in {"lines", "nodes"} & set(table):
            path = folder / table[what]
            data = path.read_bytes()
            path.unlink()
            found = ledger.verify(folder)
            assert found.exit_code == WITHHELD
            assert "trees" in found.as_json()["not_checked"]
            path.write_bytes(data)
    (folder / said["contentSet"]["object"]).unlink()
    assert ledger.verify(folder).exit_code == WITHHELD


def lied(monkeypatch, folder, sealed, change):
    """Sign a scan whose trees were changed between their making and their signing."""
    real = table_trees.write_tables

    def seal(tables, staging, **given):
        trees, bound = real(tables, staging, **given)
        change(trees, bound, staging / "objects")
        return trees, bound

    monkeypatch.setattr(table_trees, "write_tables", seal)
    ledger.append(folder, sealed, {}, sealed.facts(), keys=ledger.user_keys())
    return ledger.verify(folder)


def swapped(what, table="files", edit=lambda data: data[:-1] + bytes([data[-1] ^ 1])):
    """Bind an object with other bytes in place of one."""

    def change(trees, bound, objects):
        at = trees["tables"][table] if what != "object" else trees["contentSet"]
        old = at[what].rsplit("/", 1)[1]
        data = edit((objects / old).read_bytes())
        new = sha256(data)
        (objects / new).write_bytes(data)
        if table != "sources":  # an empty table is one object with all empty tables
            (objects / old).unlink()
            del bound[statement.object_path(old)]
        bound[statement.object_path(new)] = new
        at[what] = statement.object_path(new)

    return change


def said(path, value):
    def change(trees, bound, objects):
        *way, last = path
        at = trees
        for step in way:
            at = at[step]
        at[last] = value

    return change


LIES = {
    "lines of nobody": said(["tables", "coverage", "lines"], statement.object_path("00" * 32)),
    "nodes of nobody": said(["tables", "coverage", "nodes"], statement.object_path("00" * 32)),
    "set of nobody": said(["contentSet", "object"], statement.object_path("00" * 32)),
    "root": said(["tables", "files", "tree", "root"], "00" * 32),
    "size": said(["tables", "files", "tree", "size"], 2),
    "rows": said(["tables", "coverage", "rows"], 2),
    "set root": said(["contentSet", "root"], "00" * 32),
    "set salt": said(["contentSet", "saltDigest"], "00" * 32),
    "set count": said(["contentSet", "count"], 7),
    "undigested": said(["contentSet", "undigested"], 7),
    "nodes": swapped("nodes"),
    "short nodes": swapped("nodes", edit=lambda data: data[:-1]),
    "no nodes": swapped("nodes", edit=lambda _: b""),
    "set": swapped("object"),
    "short set": swapped("object", edit=lambda data: data[:-1]),
    "lines": swapped("lines", edit=lambda data: data.replace(b'"path":"a', b'"path":"b')),
    "no JSON": swapped("lines", edit=lambda data: b"{" + data),
    "no row": swapped("lines", edit=lambda _: b"[]\n"),
    "no digest": swapped("lines", edit=lambda _: b'{"sha256":"x"}\n'),
    "open line": swapped("lines", edit=lambda data: data[:-1]),
    "no source": swapped("lines", "sources", edit=lambda _: b"{}\n"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_signed_lie_is_found(monkeypatch, home, sealed, tmp_path, lie):
    found = lied(monkeypatch, tmp_path / "ledger", sealed, LIES[lie])
    assert found.exit_code == INVALID
    assert [step.name for step in found.steps if step.status == "failed"] == ["trees"] * sum(
        step.status == "failed" for step in found.steps
    )


def test_a_scan_that_never_names_a_content_in_its_set(monkeypatch, home, sealed, tmp_path):
    """The set is made of fewer files than the table names: absence could be "proven" of what was there."""
    monkeypatch.setattr(table_trees, "_read_digests", lambda _: [])
    ledger.append(tmp_path / "ledger", sealed, {}, sealed.facts(), keys=ledger.user_keys())
    assert ledger.verify(tmp_path / "ledger").exit_code == INVALID


@pytest.mark.parametrize("without", ["tree", "nodes", "lines"])
def test_lines_without_their_tree_are_not_signed(monkeypatch, home, sealed, tmp_path, without):
    def change(trees, bound, objects):
        del trees["tables"]["coverage"][without]

    with pytest.raises(ConfigError):
        lied(monkeypatch, tmp_path / "ledger", sealed, change)


def test_leaf_hashes_are_kept(world):
    folder = world / "ledger"
    found = [envelope.read_envelope(path.read_bytes()).leaf_hash for path in sorted((folder / "entries").iterdir())]
    assert (folder / "checkpoints" / "leaves").read_bytes() == b"".join(found)


@pytest.mark.parametrize("edit", [lambda data: data[:32], lambda data: data[:-1], lambda data: data + b"x" * 64,
                                  lambda data: data[32:] + data[:32], lambda _: bytes(64), lambda _: b""])  # fmt: skip
def test_leaf_hashes_that_were_changed_are_a_fault(world, edit):
    path = world / "ledger" / "checkpoints" / "leaves"
    path.write_bytes(edit(path.read_bytes()))
    found = ledger.verify(world / "ledger")
    assert (found.exit_code, [step.name for step in found.steps if step.status == "failed"]) == (INVALID, ["leaves"])


def test_leaf_hashes_are_made_again_by_the_next_append(world, sealed):
    path = world / "ledger" / "checkpoints" / "leaves"
    path.unlink()
    ledger.append(world / "ledger", sealed, {}, sealed.facts(), keys=ledger.user_keys())
    assert len(path.read_bytes()) == 96
    assert ledger.verify(world / "ledger", strict=True).exit_code == OK
    assert leaf_hashes.PATH == "checkpoints/leaves"
