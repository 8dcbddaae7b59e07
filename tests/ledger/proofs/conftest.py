"""A ledger of three scans with one proof of each kind, made once and copied for every test."""

import hashlib
import json
import shutil

import pytest

from provenance import ledger
from provenance.core.digests import sha256
from provenance.core.schemas import SEALED, rows
from provenance.ledger.proofs import anchors, disclosure, proof_format
from provenance.ledger.trees import merkle, salts
from provenance.readers.records import record_trees
from tests.ledger.conftest import facts, listed_file, sealed_tables

TEXTS = ["one", None, "drei", "vier"]
PIECES = {
    "source": ("source", "b"),
    "path": ("path", "b/ü.jsonl"),
    "finding": ("finding", "0" * 32),
    "coverage": ("coverage", "licence-missing"),
    "verdict": ("verdict", "r"),
}


@pytest.fixture(scope="session")
def kept(tmp_path_factory, pristine):
    """A ledger of three scans, of which the last has several of everything, and one proof of each kind."""
    root = tmp_path_factory.mktemp("proofs")
    shutil.copytree(pristine, root / "world", symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "world" / "home"))
        keys = ledger.user_keys()
        folder = root / "world" / "ledger"
        ledger.append(folder, *scan(salts.load_secret(keys.folder)), keys=keys)
        made = {kind: disclosure.row(folder, *asked) for kind, asked in PIECES.items()}
        made["absent"] = absent(folder)
        made["record"] = record(folder, salts.load_secret(keys.folder), 2)
    return root / "world", made


def absent(folder):
    """A proof whose way ends at a neighbour: where it does is chance, as the salt is."""
    for number in range(1000):
        content = b"never seen %d" % number
        proof = disclosure.absent(folder, hashlib.sha256(content).digest()).proof
        if json.loads(proof)["absent"]["end"] is not None:
            (folder.parent / "unseen").write_bytes(content)
            return proof
    raise AssertionError


def scan(secret):
    lines = [record_trees.make_line(secret, "b/ü.jsonl", number, text) for number, text in enumerate(TEXTS)]
    root = merkle.hash_root([merkle.hash_leaf(line) for line in lines]).hex()
    listed = [
        listed_file("a.jsonl", sha256(b"a")),
        listed_file("b/broken", None, source="b"),
        listed_file("b/z.jsonl", sha256(b"z"), source="b"),
        listed_file("b/ü.jsonl", sha256(b"u"), source="b", records=4, records_root=root),
    ]
    tables = sealed_tables(*listed)
    plain = {field.name: "" if field.type == "string" else 0 for field in SEALED["sources"] if not field.nullable}
    tables["sources"] = rows([plain | {"source": each, "evidence": "none"} for each in ("./", "b")], SEALED["sources"])
    plain = {
        field.name: "" if field.type == "string" else 0 if field.type == "int64" else []
        for field in SEALED["verdicts"]
        if not field.nullable
    }
    plain |= {"modality": "shall", "text": "primary", "answered_by": "machine", "observed": "not examined"}
    tables["verdicts"] = rows(
        [plain | {"requirement": each, "element": n} for each in "qr" for n in (1, 2)], SEALED["verdicts"]
    )
    return tables, {}, facts()


def record(folder, secret, number):
    """What disclosure.prove_record makes, of texts that no file holds."""
    start = anchors.take(folder)
    lines = [record_trees.make_line(secret, "b/ü.jsonl", n, text) for n, text in enumerate(TEXTS)]
    path = [each.hex() for each in merkle.prove_inclusion([merkle.hash_leaf(line) for line in lines], number)]
    shown = {"index": number, "line": lines[number].decode(), "path": path, "size": len(lines)}
    with disclosure.ProvableTable(start, "files") as table:
        return proof_format.write(
            {**start.value, "kind": "record", "lines": table.named("path", "b/ü.jsonl"), "record": shown}
        )


@pytest.fixture
def record_proof():
    return record


@pytest.fixture
def proven(kept, tmp_path, monkeypatch):
    """A copy of `kept`, whose keys are this user's own."""
    root, made = kept
    shutil.copytree(root, tmp_path / "world", symlinks=True)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "world" / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "world", made
