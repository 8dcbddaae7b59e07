"""Writes the golden ledger of version 1: every kind of entry and every file that may stand beside one.

Run once per version, before its first release, and never again for the same version: what lies in
`tests/ledger/golden` is what somebody may have written, and has to verify for ever. A later version gets a ledger of its
own, by a copy of this script. The private keys that sign here are thrown away; needs openssl with SM2, and gmalg.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import yaml
from authorities import authority
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VERSION = "v1"
GOLDEN = (Path(__file__).parents[1] / "tests") / "ledger" / "golden"
BY = {"name": "A. Person", "role": "data lead"}
TOOL = {"name": "pack", "version": "2.1", "sha256": "ab" * 32}
PROFILE = "cn-interim-measures"


def private(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def data(root):
    for name, card in (("bare", "---\npretty_name: Bare\n---\n"), ("nc", "---\nlicense: cc-by-nc-4.0\n---\n")):
        (root / "data" / name).mkdir(parents=True)
        (root / "data" / name / "README.md").write_text(f"{card}Written by us for this test.\n")
        text = "".join(f'{{"text": "record {at} of {name} tells of {at * 7}"}}\n' for at in range(6))
        (root / "data" / name / "x ü.jsonl").write_text(text)
    with tarfile.open(root / "data" / "nc" / "more.tar", "w") as tar:
        member = tarfile.TarInfo("inner.txt")
        member.size = 8
        tar.addfile(member, io.BytesIO(b"a member"))
    (root / "shards" / "part").mkdir(parents=True)
    (root / "shards" / "part" / "a.bin").write_bytes(b"a")
    (root / "shards" / "empty").write_bytes(b"")


def form(root, kind, **said):
    (root / "settings.txt").write_text("keep: all\n")
    path = root / "form.yaml"
    path.write_text(yaml.safe_dump({"attestation": kind, "by": BY, "date": "2026-01-31", **said}))
    return path


def acts(root):
    """Entries 0 to 8."""
    import provenance as pv
    from provenance.attestations import actions
    from provenance.core.digests import fingerprint

    folder = root / "ledger"
    (root / "approver.pem").write_bytes(private(ec.generate_private_key(ec.SECP256R1())))
    pv.scan(root / "data", folder, workers=1)
    who = {"reason": "a licence is on file", "approver": "B. Reviewer", "expires": "2999-12-31"}
    pv.waive(folder, fingerprint("licence-missing", "bare"), **who, approver_key=str(root / "approver.pem"))
    pv.sample(folder, 5, "safety of the corpus", nonce="00" * 8)
    rows = list(csv.DictReader(io.StringIO(actions.review_form(folder, 2, "f.csv").decode(), newline="")))
    for row, verdict in zip(rows, ("pass", "fail", "pass", "unreadable", ""), strict=True):
        row["verdict"], row["problem"] = verdict, "A.1" if verdict == "fail" else ""
    with (root / "f.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    pv.review(folder, root / "f.csv", **BY)
    about = {"about": {"source": "nc"}, "decision": "drop", "reason": "its licence forbids the purpose"}
    pv.attest(folder, form(root, "decision", **about, documents=[{"file": "settings.txt"}]))
    ran = {"configuration": {"file": "settings.txt"}, "inputs": [{"entry": 0}], "counts": {"in": 12, "out": 6}}
    pv.attest(folder, form(root, "filter-run", tool=TOOL, **ran), data=root / "shards")
    pv.scan(root / "data", folder, workers=1, profiles=[PROFILE], assess=True)
    answer = {"profile": PROFILE, "requirement": "art-7-5", "element": "other-rules", "says": "yes"}
    (root / "form.yaml").write_text(
        yaml.safe_dump({"declarations": 1, "by": BY, "date": "2026-01-31", "answers": [answer]})
    )
    actions.declare(folder, root / "form.yaml")
    made = {"parameters": {"file": "settings.txt"}, "inputs": [{"entry": 5}, {"name": "older", "sha256": "cd" * 32}]}
    pv.attest(folder, form(root, "derivation", tool=TOOL, **made), data=root / "shards")


def succeed(root, attested):
    """Entries 9 to 12, and what stands beside; the heir signs the last."""
    from provenance import ledger
    from provenance.core import scanner_identity
    from provenance.ledger.exports import ExportRequest, write
    from provenance.ledger.keys import signing_keys
    from provenance.ledger.log import key_entries
    from provenance.ledger.witness import renewal

    folder, ours, scanner = root / "ledger", ledger.user_keys(), scanner_identity.describe_scanner()
    approver = signing_keys.load_statement(str(root / "approver.pem"), "waiver").public_key()
    key_entries.add_key(folder, approver, "waiver", scanner, keys=ours, name="B. Reviewer")
    subprocess.run(["openssl", "genpkey", "-algorithm", "SM2", "-out", root / "sm2.pem"], check=True)
    (root / "mldsa.pem").write_bytes(private(mldsa.MLDSA65PrivateKey.generate()))
    write(folder, None, "sm2", ExportRequest(6, key=str(root / "sm2.pem")))
    write(folder, None, "mldsa65", ExportRequest(6, key=str(root / "mldsa.pem")))
    attested()
    renewal.renew(folder, scanner, datetime.now(UTC), keys=ours, files=True)
    heir = signing_keys.KeyPair(ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate())
    key_entries.rotate(folder, heir, scanner, keys=ours, reason="once a year")
    key_entries.revoke(folder, ours.fingerprint, "not used any more", scanner, keys=heir)
    attested()
    pins = [
        {"pem": signing_keys.public_pem(key).decode(), "roles": [role], "name": "Acme"}
        for role, key in ours.public().items()
    ]
    return [*pins, {"pem": signing_keys.public_pem(approver).decode(), "roles": ["waiver"], "name": "B. Reviewer"}]


def attesting(root):
    """Make a witness and a timestamp authority; return what has both attest the newest checkpoint, and what pins them."""
    from provenance.ledger import layout
    from provenance.ledger.format import checkpoint, witness_cosignature
    from provenance.ledger.witness import checkpoint_evidence, timestamp_client

    tsa, witness = authority(root / "tsa", days=36500), Ed25519PrivateKey.generate()
    named = witness_cosignature.make_witness("w.example", witness.public_key())
    folder = root / "ledger"

    def attest():
        query, size = timestamp_client.request_for(folder)
        checkpoint_evidence.add_timestamp(folder, tsa.answer(query), query)
        note = checkpoint.read_checkpoint((folder / layout.note_path(size)).read_bytes())
        now = int(datetime.now(UTC).timestamp())
        checkpoint_evidence.add_cosignatures(
            folder, witness_cosignature.sign_body("w.example", witness, note.body, now).line
        )

    trust = {
        "witnesses": {"keys": [{"vkey": named.vkey, "name": "a witness"}], "quorum": 1},
        "timestamps": {"authorities": [{"pem": tsa.pem, "name": "an authority"}], "minimum": 1},
    }
    return attest, trust


def pieces(root):
    """Proofs of every other kind than those, and an answer, would show nothing that these do not."""
    from provenance.core.digests import fingerprint
    from provenance.ledger.proofs import challenges, disclosure
    from provenance.ledger.trees import salts

    folder, secret = root / "ledger", salts.find_secret(None)
    absent = disclosure.absent(folder, hashlib.sha256(b"never seen").digest()).proof
    assert absent is not None
    return {
        "path.proof": disclosure.row(folder, "path", "nc/more.tar!/inner.txt"),
        "finding.proof": disclosure.row(folder, "finding", fingerprint("licence-missing", "bare"), 0),
        "record.proof": disclosure.prove_record(folder, "nc/x ü.jsonl", 3, data=root / "data", secret=secret),
        "absent.proof": absent,
        "answer": challenges.answer_challenge(folder, bytes(range(16)), 4, data=root / "data", secret=secret),
    }


def pack(folder, path):
    """A tar that depends on names and bytes alone."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for each in sorted(folder.rglob("*")):
            if "latest" in each.relative_to(folder).parts[:-1]:
                continue
            item = tar.gettarinfo(each, f"ledger/{each.relative_to(folder).as_posix()}")
            item.mtime, item.uid, item.gid, item.uname, item.gname = 0, 0, 0, "", ""
            item.mode = 0o755 if item.isdir() else 0o644
            tar.addfile(item, each.open("rb") if item.isreg() else None)
    path.write_bytes(gzip.compress(held.getvalue(), 9, mtime=0))


def build(root):
    data(root)
    acts(root)
    attest, trust = attesting(root)
    trust |= {"keys": succeed(root, attest), "waivers": {"approvers": 1}}
    for name, made in pieces(root).items():
        (GOLDEN / f"{VERSION}.{name}.json").write_bytes(made)
    (GOLDEN / f"{VERSION}.trust.yaml").write_text(yaml.safe_dump(trust))
    pack(root / "ledger", GOLDEN / f"{VERSION}.tar.gz")


if __name__ == "__main__":
    if (GOLDEN / f"{VERSION}.tar.gz").exists():
        sys.exit(f"{VERSION} was written, and what was written stays; the next version has another name")
    with tempfile.TemporaryDirectory() as name:
        os.environ["PROVENANCE_CONFIG"] = f"{name}/home"
        build(Path(name))
