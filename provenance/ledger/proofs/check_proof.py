"""Check a provenance-proof/v1 without us: python check_proof.py PROOF KEY.pem... (SPECIFICATION.md, "Proofs")."""

import json
import sys
from base64 import b64decode
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def _signed(keys: list[Any], signature: bytes, data: bytes) -> bool:
    for key in keys:
        with suppress(InvalidSignature):
            return not key.verify(signature, data, *[ec.ECDSA(hashes.SHA256())] * hasattr(key, "curve"))
    return False


def _climb(leaf: bytes, at: int, last: int, path: list[str]) -> str:  # RFC 9162, section 2.1.3.2
    found = sha256(b"\0" + leaf).digest() if 0 <= at <= last else b""
    for step in map(bytes.fromhex, path):
        while at == last and at and not at & 1:
            at, last = at >> 1, last >> 1
        found = sha256(b"\1" + (step + found if at & 1 else found + step)).digest() if last else b""
        at, last = at >> 1, last >> 1
    return "" if last else found.hex()


def _sparse(key: bytes, path: list[str], end: bytes) -> str:  # csmt-sha256/v1; the key itself is not where it ends
    found = (sha256(b"\2" + end).digest() if end else bytes(32)) if end != key else b""
    for depth, step in reversed(list(enumerate(map(bytes.fromhex, path)))):
        found = sha256(b"\3" + (step + found if key[depth // 8] >> (7 - depth % 8) & 1 else found + step)).digest()
    return found.hex()


if __name__ == "__main__":
    sys.exit(sys.stderr.write("usage: python check_proof.py PROOF KEY.pem...\n") and 2) if not sys.argv[1:] else None
    proof, pems = json.loads(Path(sys.argv[1]).read_bytes()), [Path(name).read_bytes() for name in sys.argv[2:]]
    keys, envelope = [serialization.load_pem_public_key(pem) for pem in pems], json.loads(proof["envelope"])
    (head, note), payload = proof["log"].split("\n\n", 1), b64decode(envelope["payload"])
    kind, words, said = envelope["payloadType"].encode(), note.split(), json.loads(payload)["predicate"]
    pae, tables = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload), said["tables"]
    sure = [words[0] == said["log"]["origin"], _signed(keys, b64decode(envelope["signatures"][0]["sig"]), pae)]
    sure += [_signed(keys, b64decode(words[5])[4:], "\n".join([*words[:3], ""]).encode())]
    at, path = int(head.split()[2]), [b64decode(each).hex() for each in head.split("\n")[2:]]
    sure += [_climb(pae, at, int(words[1]) - 1, path) == b64decode(words[2]).hex(), said["log"]["index"] == at]
    trees = [(each, tables[each["table"]]["tree"]) for each in proof["lines"]]
    trees += [(x, x | {"root": json.loads(trees[0][0]["line"])["records_root"]}) for x in [proof.get("record")] if x]
    sure += [_climb(x["line"].encode(), x["index"], y["size"] - 1, x["path"]) == y["root"] for x, y in trees]
    if gone := proof.get("absent"):
        salt, end = bytes.fromhex(gone["salt"]), bytes.fromhex(gone["end"] or "")
        key = sha256(b"provenance-content/v1\0" + salt + bytes.fromhex(gone["sha256"])).digest()
        sure += [sha256(b"provenance-salt/v1\0" + salt).hexdigest() == said["contentSet"]["saltDigest"]]
        sure += [_sparse(key, gone["siblings"], end) == said["contentSet"]["root"]]
    told = ["PROVEN", *[x["line"] for x, _ in trees], f"absent: {gone and gone['sha256']}\n"]
    sys.stdout.write("\n".join(told)) if all(sure) and (trees or gone) else sys.exit("NOT PROVEN")
