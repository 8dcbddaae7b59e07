"""Check a proof that was taken from a ledger, without the program that made it.

    python check_proof.py PROOF KEY.pem...

PROOF is a file of the form provenance-proof/v1. Each KEY is a public key in PEM form: the statement key that signed
the entry, and the log key that signed the checkpoint. Get both from somebody you trust. The keys that travel inside
the proof are not used, because whoever forged a proof would have put his own keys there.

The numbers of the steps are those of SPECIFICATION.md, section 12, "Proofs":

    1  envelope   the statement key signed the entry, and the entry is a scan that has trees
    2  log        the entry is in the log, under a checkpoint that the log key signed
    3  lines      each line that is shown is in the table that the entry signs
    4  record     the record that is shown is in the file whose line is shown        (only in proofs of records)
    5  absent     the content is not in the set of contents that the entry signs     (only in proofs of absence)
    6  keys       only the keys that you gave were used

Steps 7 to 10 are for `provenance verify`: changes of keys, signatures of other people, witnesses and timestamps, and
the proof's own words. This program says that it did not check them.

Exit codes: 0 proven, 1 not proven, 2 the program was called in a wrong way.

This file needs Python 3.11 or later and the package `cryptography`, and nothing else. Read it before you run it.
"""

import base64
import binascii
import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

USAGE = "usage: python check_proof.py PROOF KEY.pem..."
LARGEST_PROOF = 1 << 28  # bytes
LARGEST_KEY = 1 << 16  # bytes

PROOF_TYPE = "provenance-proof/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
SCAN_TYPE = "https://provenance-auditor.dev/attestation/dataset-scan/v1"

TABLES = {
    "source": "sources",
    "path": "files",
    "record": "files",
    "finding": "findings",
    "coverage": "coverage",
    "verdict": "verdicts",
    "absent": "files",
}
"""What a proof can be of, by its `kind`, and the table whose lines it shows."""

MEMBERS = {"_type", "doesNotProve", "envelope", "keys", "kind", "lines", "log", "says"}
"""What every proof has."""

OPTIONAL = {"absent", "coSignatures", "keyEntries", "record", "timestamps"}
"""What a proof may have beside that."""

NOT_CHECKED = (
    "step 7, changes of keys",
    "step 8, signatures of others who stand by the entry",
    "step 9, witnesses and timestamps",
    "step 10, the proof's own words, which this program does not print",
)
"""What this program leaves to `provenance verify`."""

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (FIPS 186-5; SEC 2, section 2.4.2)."""

CHECKPOINT = re.compile(
    r"(?P<body>(?P<origin>[^\s+]{1,255})\n(?P<size>[1-9][0-9]{0,8})\n(?P<root>[A-Za-z0-9+/]{43}=))\n\n"
    r"— (?P=origin) (?P<first>[A-Za-z0-9+/]{91}=)\n(?:— (?P=origin) (?P<second>[A-Za-z0-9+/]{91}=)\n)?"
    r"(?:— [^\s+]{1,255} [A-Za-z0-9+/=]+\n)*"
)
"""A note (c2sp.org/tlog-checkpoint): body, blank line, one or two lines of the log, and lines of witnesses."""


class NotProvenError(Exception):
    """Something in the proof is not what it should be; the message is one sentence."""


class UsageError(Exception):
    """The program was called in a wrong way, or a file cannot be read; the message is one sentence."""


# ---------------------------------------------------------------------------------------------------------------------
# Reading: a proof is hostile until it is checked, so that every value is looked at before it is used.


def refuse(sentence: str) -> NoReturn:
    """Stop: the proof proves nothing."""
    raise NotProvenError(sentence)


def read_file(name: str, limit: int) -> bytes:
    """Read a file of at most so many bytes.

    Args:
        name: its path.
        limit: bytes of the largest.
    """
    try:
        if Path(name).stat().st_size > limit:
            raise UsageError(f"{name!r} is larger than {limit} bytes")
        return Path(name).read_bytes()
    except (OSError, ValueError) as cause:
        raise UsageError(f"{name!r} cannot be read: {getattr(cause, 'strerror', None) or 'it is no path'}") from cause


def read_keys(names: list[str]) -> list[Any]:
    """Read the public keys that the verifier trusts."""
    keys = []
    for name in names:
        try:
            keys.append(serialization.load_pem_public_key(read_file(name, LARGEST_KEY)))
        except (ValueError, UnsupportedAlgorithm) as cause:
            raise UsageError(f"{name!r} is not a public key in PEM form") from cause
    return keys


def unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has one member twice, or two that differ in case only: readers would disagree about it."""
    found = dict(pairs)
    if len({name.casefold() for name, _ in pairs}) != len(pairs):
        refuse("an object has one member twice")
    return found


def whole_numbers_only(text: str) -> NoReturn:
    """Refuse 4.0 and 4e0: a proof has whole numbers in one form (RFC 8785, section 3.2.2.3)."""
    refuse(f"the number {text[:20]} is not written as a whole number")


def parse(data: bytes | str, what: str, *, fractions: bool = True) -> dict[str, Any]:
    """Parse a JSON object (RFC 8259) strictly: UTF-8, no member twice, no NaN.

    Args:
        data: the bytes.
        what: what to call it in a sentence.
        fractions: whether numbers may have a fraction.
    """
    number = float if fractions else whole_numbers_only
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(
            text, object_pairs_hook=unique_members, parse_float=number, parse_constant=whole_numbers_only
        )
        text.encode("utf-8")
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        refuse(f"{what} is not JSON")
    if not isinstance(value, dict):
        refuse(f"{what} is not a JSON object")
    return value


def check_canonical(value: dict[str, Any], data: bytes, what: str) -> None:
    """Check that sorted members, without blanks, are the same bytes (RFC 8785, without fractions).

    Args:
        value: the object.
        data: the bytes.
        what: what to call it in a sentence.
    """
    names_last = sorted_members(value)
    if json.dumps(names_last, separators=(",", ":"), ensure_ascii=False).encode("utf-8") != data:
        refuse(f"{what} is not in canonical form")


def sorted_members(value: Any) -> Any:
    """Sort the members of every object by their UTF-16 code units (RFC 8785, section 3.2.3)."""
    if isinstance(value, dict):
        return {name: sorted_members(value[name]) for name in sorted(value, key=lambda name: name.encode("utf-16-be"))}
    if isinstance(value, list):
        return [sorted_members(item) for item in value]
    return value


def member(value: dict[str, Any], name: str, kind: type, what: str) -> Any:
    """Return a member of an object, which must be there and be of the type that it should be.

    Args:
        value: the object.
        name: its name.
        kind: the type that it must have.
        what: what to call it in a sentence.
    """
    found = value.get(name)
    if type(found) is not kind:
        refuse(f"{what} has no proper member {name!r}")
    return found


def natural_number(value: dict[str, Any], name: str, what: str) -> int:
    """Return a member that is a whole number from 0 on.

    Args:
        value: the object.
        name: its name.
        what: what to call it in a sentence.
    """
    found: int = member(value, name, int, what)
    if not 0 <= found < 1 << 53:
        refuse(f"{what} has no proper member {name!r}")
    return found


def digest(value: dict[str, Any], name: str, what: str) -> bytes:
    """Return a member that is a SHA-256 in 64 lower-case hexadecimal digits.

    Args:
        value: the object.
        name: its name.
        what: what to call it in a sentence.
    """
    return hexadecimal(member(value, name, str, what), 32, what)


def hexadecimal(text: Any, size: int, what: str) -> bytes:
    """Turn lower-case hexadecimal digits into so many bytes.

    Args:
        text: the text.
        size: how many bytes they are.
        what: what to call it in a sentence.
    """
    if not isinstance(text, str) or re.fullmatch(f"[0-9a-f]{{{2 * size}}}", text) is None:
        refuse(f"{what} holds something else than {2 * size} hexadecimal digits")
    return bytes.fromhex(text)


def hash_list(value: dict[str, Any], name: str, what: str) -> list[bytes]:
    """Return a member that is a list of SHA-256 digests.

    Args:
        value: the object.
        name: its name.
        what: what to call it in a sentence.
    """
    return [hexadecimal(each, 32, what) for each in member(value, name, list, what)]


def from_base64(text: str, what: str) -> bytes:
    """Decode base64 in its one form (RFC 4648, section 4).

    Args:
        text: the text.
        what: what to call it in a sentence.
    """
    try:
        found = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        refuse(f"{what} is not base64")
    if base64.b64encode(found).decode() != text:
        refuse(f"{what} is not base64")
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Signatures and trees.


def fingerprint(key: Any) -> str:
    """Return the OpenSSH SHA-256 fingerprint of a key, as `ssh-keygen -l` prints it (RFC 4253, section 6.6)."""
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return "SHA256:" + base64.b64encode(sha256(base64.b64decode(line.split(b" ")[1])).digest()).decode().rstrip("=")


def check_p256(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
    """Check an ECDSA P-256 signature with SHA-256 (FIPS 186-5, section 6.4), in its one form: strict DER, low s.

    Args:
        key: the public key.
        signature: its bytes.
        data: the bytes.
    """
    try:
        r, s = decode_dss_signature(signature)
        if encode_dss_signature(r, s) != signature or s > P256_ORDER - s:
            refuse("the signature of the entry is not in its one form")
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        refuse(f"the entry is not signed by {fingerprint(key)}, which you gave and which it names")


def key_id(name: str, key: ed25519.Ed25519PublicKey) -> bytes:
    """Return the four bytes by which a note names an Ed25519 key (c2sp.org/signed-note, "Signatures").

    Args:
        name: of the log.
        key: the public key.
    """
    return sha256(f"{name}\n".encode() + b"\x01" + key.public_bytes_raw()).digest()[:4]


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf of a Merkle tree (RFC 9162, section 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two nodes of a Merkle tree to the node above them (RFC 9162, section 2.1.1).

    Args:
        left: hash of the left node.
        right: hash of the right node.
    """
    return sha256(b"\x01" + left + right).digest()


def climb(leaf: bytes, index: int, size: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """Follow an inclusion path from a leaf to the root (RFC 9162, section 2.1.3.2).

    Args:
        leaf: hash of the leaf.
        index: number of the leaf, from 0.
        size: leaves of the tree.
        path: the hashes, from the leaf upwards.

    Returns:
        The root, and the root of the tree of all leaves to the left of this one, which the same path shows.
    """
    if index >= size:
        refuse("a path begins at a leaf that its tree does not have")
    at, last, root = index, size - 1, leaf
    earlier: list[bytes] = []  # complete trees to the left, the smallest first
    for step in path:
        if last == 0:
            refuse("a path is too long for its tree")
        if at & 1 or at == last:
            root = node_hash(step, root)
            earlier.append(step)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = node_hash(root, step)
        at, last = at >> 1, last >> 1
    if last != 0:
        refuse("a path is too short for its tree")
    return root, join(earlier)


def join(trees: list[bytes]) -> bytes:
    """Return the root over complete trees, the smallest of which stands last (RFC 9162, section 2.1.1)."""
    if not trees:
        return sha256(b"").digest()  # the root of an empty tree
    root = trees[0]
    for tree in trees[1:]:
        root = node_hash(tree, root)
    return root


def climb_content_set(key: bytes, siblings: list[bytes], end: bytes | None) -> bytes:
    """Follow the path of a key to the root of a compact sparse Merkle tree (SPECIFICATION.md, section 11).

    Args:
        key: the key of the content.
        siblings: the hashes beside the path, from the root downwards.
        end: the key where the path ends; None = there is none.
    """
    root = bytes(32) if end is None else sha256(b"\x02" + end).digest()
    for depth in reversed(range(len(siblings))):
        children = (siblings[depth], root) if bit(key, depth) else (root, siblings[depth])
        root = sha256(b"\x03" + children[0] + children[1]).digest()
    return root


def bit(key: bytes, depth: int) -> int:
    """Return a bit of a key; bit 0 is the highest of the first byte.

    Args:
        key: 32 bytes.
        depth: number of the bit.
    """
    return key[depth // 8] >> (7 - depth % 8) & 1


# ---------------------------------------------------------------------------------------------------------------------
# The steps.


def read_proof(data: bytes) -> dict[str, Any]:
    """Read the file of a proof: canonical JSON with the members of a proof and no others."""
    proof = parse(data, "the proof", fractions=False)
    if proof.get("_type") != PROOF_TYPE:
        refuse(f"it is not a {PROOF_TYPE}")
    check_canonical(proof, data, "the proof")
    if not set(proof) >= MEMBERS or not set(proof) <= MEMBERS | OPTIONAL:
        refuse("the proof lacks a member, or has one that no proof has")
    kind = member(proof, "kind", str, "the proof")
    if kind not in TABLES:
        refuse("its kind is none that this program knows")
    if ("record" in proof, "absent" in proof) != (kind == "record", kind == "absent"):
        refuse(f"it is no proof of the kind {kind}")
    for name in ("says", "envelope", "log"):
        member(proof, name, str, "the proof")
    for name in ("doesNotProve", "keys"):
        if any(type(each) is not str for each in member(proof, name, list, "the proof")):
            refuse(f"the proof has no proper member {name!r}")
    return proof


def check_envelope(proof: dict[str, Any], keys: list[Any]) -> tuple[dict[str, Any], bytes]:
    """Step 1: the statement key signed the entry (DSSE v1.0.2, protocol), which is a scan that has trees.

    Args:
        proof: the proof.
        keys: the keys that the verifier trusts.

    Returns:
        The predicate of the entry, and the bytes that were signed.
    """
    text = proof["envelope"].encode()
    envelope = parse(text, "the envelope", fractions=False)
    check_canonical(envelope, text, "the envelope")
    signatures = member(envelope, "signatures", list, "the envelope")
    if len(signatures) != 1 or not isinstance(signatures[0], dict):
        refuse("the envelope does not have one signature")
    if set(envelope) != {"payload", "payloadType", "signatures"} or set(signatures[0]) != {"keyid", "sig"}:
        refuse("the envelope has a member that no envelope has")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        refuse("the envelope does not hold an in-toto statement")
    keyid = member(signatures[0], "keyid", str, "the signature")
    payload = from_base64(member(envelope, "payload", str, "the envelope"), "the payload of the envelope")
    signature = from_base64(member(signatures[0], "sig", str, "the signature"), "the signature of the envelope")
    kind = PAYLOAD_TYPE.encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    check_p256(statement_key(keys, keyid), signature, signed)
    statement = parse(payload, "the statement of the entry")
    if statement.get("_type") != STATEMENT_TYPE or statement.get("predicateType") != SCAN_TYPE:
        refuse("the entry is not a scan that has trees")
    return member(statement, "predicate", dict, "the statement of the entry"), signed


def statement_key(keys: list[Any], keyid: str) -> ec.EllipticCurvePublicKey:
    """Return the key that the envelope names, if it is among those that the verifier trusts.

    Args:
        keys: the keys that the verifier trusts.
        keyid: fingerprint of the key, as the envelope has it.
    """
    for key in keys:
        is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
        if is_p256 and fingerprint(key) == keyid:
            found: ec.EllipticCurvePublicKey = key
            return found
    return refuse(f"the entry is signed by {keyid[:60]}, which you did not give")


def check_log(proof: dict[str, Any], keys: list[Any], predicate: dict[str, Any], signed: bytes) -> str:
    """Step 2: the entry is in the log (c2sp.org/tlog-proof), under a signed checkpoint (c2sp.org/tlog-checkpoint).

    Args:
        proof: the proof.
        keys: the keys that the verifier trusts.
        predicate: what the entry says.
        signed: the bytes that were signed.

    Returns:
        What is proven, in words.
    """
    index, path, note = read_log_proof(proof["log"])
    origin, size, root = check_checkpoint(note, keys)
    place = member(predicate, "log", dict, "the entry")
    if place.get("origin") != origin:
        refuse("the entry names another log than the checkpoint")
    if type(place.get("index")) is not int or place["index"] != index:
        refuse("the entry says that it has another number in the log")
    found, before = climb(leaf_hash(signed), index, size, path)
    if found != root:
        refuse("the path of the entry does not lead to the root of the checkpoint")
    if place.get("prev") != {"rootHash": before.hex(), "size": index}:
        refuse("the entry says that another log stands before it")
    return f"entry {index} is in the log {origin}, under its checkpoint of {size} entries"


def read_log_proof(text: str) -> tuple[int, list[bytes], str]:
    """Read a tlog-proof (c2sp.org/tlog-proof) without `extra`: index, path, and the checkpoint's note."""
    head, blank, note = text.partition("\n\n")
    first, *rest = head.split("\n")
    if not blank or first != "c2sp.org/tlog-proof@v1" or not rest:
        refuse("its log is not a tlog-proof")
    number = re.fullmatch(r"index (0|[1-9][0-9]{0,8})", rest[0])
    if number is None or len(rest) > 33:
        refuse("its log is not a tlog-proof")
    path = [from_base64(each, "a hash of the log's path") for each in rest[1:]]
    if any(len(each) != 32 for each in path):
        refuse("a hash of the log's path does not have 32 bytes")
    return int(number[1]), path, note


def check_checkpoint(note: str, keys: list[Any]) -> tuple[str, int, bytes]:
    """Check that a checkpoint is signed by a log key that the verifier trusts (c2sp.org/signed-note).

    Args:
        note: the text of the checkpoint.
        keys: the keys that the verifier trusts.

    Returns:
        Name of the log, number of its entries, and the root over them.
    """
    found = CHECKPOINT.fullmatch(note)
    if found is None:
        refuse("its checkpoint is not a C2SP checkpoint")
    origin, body = found["origin"], f"{found['body']}\n".encode()
    root = from_base64(found["root"], "the root of its checkpoint")
    is_signed = False
    for line in (found["first"], found["second"]):  # two, where the log changes hands at this checkpoint
        signature = from_base64(line, "a signature of its checkpoint") if line else b""
        for key in keys:
            if isinstance(key, ed25519.Ed25519PublicKey) and key_id(origin, key) == signature[:4]:
                check_ed25519(key, signature[4:], body)
                is_signed = True
    if not is_signed:
        refuse("the checkpoint is not signed by a log key that you gave")
    return origin, int(found["size"]), root


def check_ed25519(key: ed25519.Ed25519PublicKey, signature: bytes, data: bytes) -> None:
    """Check an Ed25519 signature (RFC 8032, section 5.1.7).

    Args:
        key: the public key.
        signature: its bytes.
        data: the bytes.
    """
    try:
        key.verify(signature, data)
    except InvalidSignature:
        refuse(f"the checkpoint is not signed by {fingerprint(key)}, which you gave and which it names")


def check_lines(proof: dict[str, Any], predicate: dict[str, Any]) -> list[str]:
    """Step 3: each line is in the table that the entry signs, under the root of its tree (RFC 9162, section 2.1.3.2).

    Args:
        proof: the proof.
        predicate: what the entry says.

    Returns:
        The lines.
    """
    kind, shown, last = proof["kind"], [], -1
    tables = member(predicate, "tables", dict, "the entry")
    for item in member(proof, "lines", list, "the proof"):
        if not isinstance(item, dict) or set(item) != {"index", "line", "path", "table"}:
            refuse("an item of its lines is not a line with its path")
        if item["table"] != TABLES[kind]:
            refuse(f"a proof of the kind {kind} does not show lines of this table")
        tree = member(member(tables, item["table"], dict, "the entry"), "tree", dict, "the table")
        index, line = natural_number(item, "index", "a line"), member(item, "line", str, "a line")
        size, root = natural_number(tree, "size", "the table's tree"), digest(tree, "root", "the table's tree")
        if climb(leaf_hash(line.encode()), index, size, hash_list(item, "path", "a line"))[0] != root:
            refuse(f"line {index} is not in the table {item['table']} that the entry signs")
        if index <= last:
            refuse("its lines are not in order")
        last = index
        shown.append(line)
    if (not shown and kind != "absent") or (len(shown) > 1 and kind == "record"):
        refuse("it shows no line, or more than one file")
    return shown


def check_record(proof: dict[str, Any], file_line: str) -> str:
    """Step 4: the record is in the record tree of the file whose line is shown (SPECIFICATION.md, section 9).

    Args:
        proof: the proof.
        file_line: the line of the file.

    Returns:
        The record's line.
    """
    item, file = member(proof, "record", dict, "the proof"), parse(file_line, "the line of the file")
    if set(item) != {"index", "line", "path", "size"}:
        refuse("its record is not a line with its path")
    index, size = natural_number(item, "index", "the record"), natural_number(item, "size", "the record")
    line: str = member(item, "line", str, "the record")
    root = digest(file, "records_root", "the line of the file")
    if climb(leaf_hash(line.encode()), index, size, hash_list(item, "path", "the record"))[0] != root:
        refuse("the record is not in the record tree of its file")
    if size > natural_number(file, "records", "the line of the file"):
        refuse("the record tree has more leaves than its file has records")
    record = parse(line, "the line of the record", fractions=False)
    check_canonical(record, line.encode(), "the line of the record")
    if set(record) != {"row", "salt", "sha256"} or natural_number(record, "row", "the record") < index:
        refuse("the line of the record is not one")
    return line


def check_absent(proof: dict[str, Any], predicate: dict[str, Any], lines: list[str]) -> str:
    """Step 5: the content is not in the content set that the entry signs (SPECIFICATION.md, section 11).

    Args:
        proof: the proof.
        predicate: what the entry says.
        lines: the lines that are shown.

    Returns:
        The SHA-256 of the content.
    """
    item = member(proof, "absent", dict, "the proof")
    stated = member(predicate, "contentSet", dict, "the entry")
    if set(item) != {"end", "salt", "sha256", "siblings"}:
        refuse("its absence does not have the members that it should have")
    salt = hexadecimal(item["salt"], 16, "its salt")
    if sha256(b"provenance-salt/v1\x00" + salt).digest() != digest(stated, "saltDigest", "the content set"):
        refuse("its salt is not that of the content set")
    content = digest(item, "sha256", "its absence")
    key = sha256(b"provenance-content/v1\x00" + salt + content).digest()
    end = None if item["end"] is None else hexadecimal(item["end"], 32, "the end of its path")
    siblings = hash_list(item, "siblings", "its absence")
    if len(siblings) > 256 or (siblings and siblings[-1] == bytes(32)):
        refuse("the path of its absence is none")
    if end == key:
        refuse("it shows that the content is there")
    if end is not None and any(bit(end, depth) != bit(key, depth) for depth in range(len(siblings))):
        refuse("the path of its absence ends at a key that does not stand there")
    if climb_content_set(key, siblings, end) != digest(stated, "root", "the content set"):
        refuse("the path of its absence does not lead to the root of the content set")
    check_unread_files(lines, natural_number(stated, "undigested", "the content set"))
    return content.hex()


def check_unread_files(lines: list[str], undigested: int) -> None:
    """Check that the lines beside a proof of absence are files whose contents were not read.

    Args:
        lines: the lines that are shown.
        undigested: how many files the entry says were not read.
    """
    if any(parse(line, "a line").get("sha256") is not None for line in lines) or len(lines) > undigested:
        refuse("it names files as unread that were read")


def check(data: bytes, keys: list[Any]) -> list[str]:
    """Take every step, and print each as it passes.

    Args:
        data: the bytes.
        keys: the keys that the verifier trusts.

    Returns:
        What is proven: the lines.
    """
    proof = read_proof(data)
    predicate, signed = check_envelope(proof, keys)
    passed(1, "envelope", "the entry is signed by a key that you gave, and is a scan")
    passed(2, "log", check_log(proof, keys, predicate, signed))
    proven = check_lines(proof, predicate)
    passed(3, "lines", f"{len(proven)} shown, each in the table that the entry signs")
    if proof["kind"] == "record":
        proven = [*proven, check_record(proof, proven[0])]
        passed(4, "record", "it is in the record tree of its file")
    if proof["kind"] == "absent":
        content = check_absent(proof, predicate, proven)
        passed(5, "absent", "the content is not in the content set")
        proven = [*proven, f"absent: {content}"]
    passed(6, "keys", "only the keys that you gave were used")
    for step in NOT_CHECKED:
        print_line(f"not checked: {step}")
    return proven


def passed(number: int, name: str, sentence: str) -> None:
    """Print that a step passed.

    Args:
        number: of the step.
        name: of the step.
        sentence: what it came to.
    """
    print_line(f"step {number}, {name}: {sentence}")


def print_line(text: str) -> None:
    """Print a line, whatever the terminal can write."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(f"{printable(text).encode(encoding, 'backslashreplace').decode(encoding)}\n")


def printable(text: str) -> str:
    """Escape what could steer a terminal."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def main(arguments: list[str]) -> int:
    """Check the proof that is named on the command line, and return the exit code."""
    if not arguments:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    try:
        proven = check(read_file(arguments[0], LARGEST_PROOF), read_keys(arguments[1:]))
    except UsageError as cause:
        sys.stderr.write(f"{printable(str(cause))}\n{USAGE}\n")
        return 2
    except NotProvenError as cause:
        sys.stderr.write(f"NOT PROVEN: {printable(str(cause))}\n")
        return 1
    except (RecursionError, MemoryError):
        sys.stderr.write("NOT PROVEN: the proof is nested too deeply, or too large\n")
        return 1
    for line in ["PROVEN", *proven]:
        print_line(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
