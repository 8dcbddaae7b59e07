"""How long it takes to prove one file of ten million, and to verify one entry of a thousand, without reading the rest.

PROVENANCE_BENCH_FILES=10000000 pytest -m full -s tests/bench/test_ledger.py
"""

import hashlib
import os
import time

import pytest

from provenance import ledger
from provenance.core.digests import sha256
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.keys import signing_keys
from provenance.ledger.log import leaf_hashes
from provenance.ledger.proofs import disclosure, proof_format
from provenance.ledger.trees import content_sets, merkle, stored_trees
from provenance.ledger.verification.results import OK

FILES = int(os.environ.get("PROVENANCE_BENCH_FILES", "1000000"))
ENTRIES = 1000
LISTED = 1 << 16  # lines that are made at once


def line(number):
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    return (
        f'{{"bytes":3,"bytes_consumed":3,"bytes_skipped":0,"format":"jsonl","path":"{path(number)}","records":1,'
        f'"role":"data","salt":"{number:032x}","sha256":"{digest}","source":"./"}}\n'
    ).encode()


def path(number):
    return f"part-{number // 1000:05d}/file-{number:09d}.jsonl"


class Ledger:
    """A log of a thousand entries, the last of which is a scan of very many files; made without scanning any."""

    def __init__(self, folder, keys):
        self.folder, self.keys, self.bound = folder, keys, {}
        for name in ("entries", "checkpoints", "keys", "objects/sha256"):
            (folder / name).mkdir(parents=True)
        (folder / "origin").write_text("bench.example/log\n")
        for role, key in (("statement", keys.statement), ("log", keys.log)):
            (folder / "keys" / f"{role}.pub.pem").write_bytes(signing_keys.public_pem(key.public_key()))
        hashes = []
        for index in range(ENTRIES):
            sealed = envelope.seal_payload(self.payload(index, merkle.hash_root(hashes).hex()), keys.statement)
            (folder / "entries" / f"{index:08d}.dsse.json").write_bytes(sealed)
            hashes.append(envelope.read_envelope(sealed).leaf_hash)
        (folder / leaf_hashes.PATH).write_bytes(leaf_hashes.join_hashes(hashes))
        note = checkpoint.sign_head("bench.example/log", ENTRIES, merkle.hash_root(hashes), keys.log)
        (folder / "checkpoints" / f"{ENTRIES}.note").write_bytes(note.note)

    def payload(self, index, root):
        small = index + 1 < ENTRIES
        tables, content, subject = self.trees(1 if small else FILES)
        facts = {
            "kind": "draft", "scanner": {"name": "bench", "version": "1", "digest": {"sha256": "ab" * 32}}, "data": "corpus",
            "purpose": "research", "profiles": [], "startedOn": "2025-01-01T00:00:00Z", "finishedOn": "2025-01-01T00:00:00Z",
        }  # fmt: skip
        return statement.build_statement(
            statement.SCAN, facts, place=statement.Place("bench.example/log", index, root), keys="local",
            trees={"tables": tables, "contentSet": content}, folder=self.bound, subject=subject,
        )  # fmt: skip

    def trees(self, count):
        self.bound, digest = {}, hashlib.sha256()
        with (self.folder / "lines").open("wb") as file, stored_trees.TreeWriter(self.folder / "tree", count) as writer:
            for first in range(0, count, LISTED):
                chunk = b"".join(map(line, range(first, min(count, first + LISTED))))
                digest.update(chunk)
                file.write(chunk)
                writer.add(chunk)
            root = writer.finish()
        digests = (hashlib.sha256(b"%d" % number).digest() for number in range(count))
        size, set_root = content_sets.write_set(digests, bytes(16), self.folder / "set")
        table = {
            "rows": count, "lines": self.object("lines", digest.hexdigest()), "nodes": self.object("tree"),
            "tree": {"alg": "rfc9162-sha256", "root": root.hex(), "size": count}, "parquet": self.object("parquet"),
        }  # fmt: skip
        content = {
            "alg": "csmt-sha256/v1", "count": size, "object": self.object("set"), "root": set_root.hex(),
            "saltDigest": content_sets.digest_salt(bytes(16)), "undigested": 0,
        }  # fmt: skip
        return {"files": table}, content, digest.hexdigest()

    def object(self, name, digest=""):
        made = self.folder / name
        if not made.exists():
            made.write_bytes(b"")
        if not digest:
            with made.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        place = statement.object_path(digest)
        (self.folder / place).parent.mkdir(parents=True, exist_ok=True)
        made.rename(self.folder / place)
        self.bound[place] = digest
        return place


class Watch:
    """Says how long something took."""

    def __init__(self, what):
        self.what = what

    def __enter__(self):
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *_):
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        print(f"{self.what:56} {wall:9.3f} s, of which computing {cpu:9.3f} s")


@pytest.mark.full
def test_a_thousand_entries_and_ten_million_files(tmp_path, monkeypatch):
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "home"))
    keys = ledger.user_keys()
    with Watch(f"made: {ENTRIES} entries, the last of {FILES} files"):
        made = Ledger(tmp_path / "ledger", keys)
    size = sum(each.stat().st_size for each in made.folder.rglob("*") if each.is_file())
    print(f"{'bytes of the ledger':56} {size:9}")
    for number in (0, FILES // 3, FILES - 1):
        with Watch(f"prove file {number}"):
            proof = disclosure.row(made.folder, "path", path(number))
        assert proof_format.read(proof).rows[0]["sha256"] == sha256(b"%d" % number)
    with Watch("prove the absence of a content"):
        proof = disclosure.absent(made.folder, hashlib.sha256(b"absent").digest()).proof
    (tmp_path / "proof").write_bytes(proof)
    with Watch("verify a proof"):
        assert ledger.verify(tmp_path / "proof").exit_code == OK
    print(f"{'bytes of a proof':56} {len(proof):9}")
    # Of all other entries nothing is read: they are not there.
    for each in (made.folder / "entries").iterdir():
        if each.name not in (f"{ENTRIES - 1:08d}.dsse.json", "00000500.dsse.json"):
            each.unlink()
    with Watch("verify entry 500, a small one"):
        assert ledger.verify(made.folder, entry=500).exit_code == OK
    with Watch(f"verify entry {ENTRIES - 1}, every file and tree of it"):
        assert ledger.verify(made.folder, entry=ENTRIES - 1).exit_code == OK
