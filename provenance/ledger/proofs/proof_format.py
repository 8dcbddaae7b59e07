"""Proofs, `provenance-proof/v1`: one piece of a ledger with everything that it takes to believe it, in one file.

    the anchor  the scan's entry in its log, see anchors -> who signed it, and that it is in the log
    lines       rows of its tables with RFC 9162 paths   -> that the entry speaks of them
    record      a record's line with its path            -> that the file's line speaks of it
    absent      a way down the content set               -> that a content is not in it

The file is canonical JSON. What it says in words, and what it says that it does not prove, is made again from what was
proven and compared: nobody can change the words. SPECIFICATION.md says all of it, check_proof.py does it alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.core.digests import canonical
from provenance.errors import VerificationError
from provenance.ledger.format import row_keys
from provenance.ledger.proofs import proof_members
from provenance.ledger.trees import content_sets, sparse_merkle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance.ledger.format import statement
    from provenance.ledger.proofs.anchors import Anchor

TYPE = "provenance-proof/v1"
LIMIT = 1 << 28
"""Bytes of the largest proof that is read: an envelope and what hangs on it."""

KINDS = {
    "source": "sources",
    "path": "files",
    "record": "files",
    "finding": "findings",
    "coverage": "coverage",
    "verdict": "verdicts",
    "absent": "files",
}
"""What can be proven, and the table whose lines it takes."""

_LIMITS = {
    "source": ("anything of other sources",),
    "path": ("that the file is the same today: compare its SHA-256",),
    "record": ("anything of other records, nor what the text means: compare its SHA-256 with that of a text you hold",),
    "finding": ("that there are no other findings",),
    "coverage": ("anything of other checks",),
    "verdict": ("anything of other requirements; no verdict says that something is legal",),
    "absent": (
        "that it was not there in another form: exact bytes only; re-encodings and near-duplicates are not excluded",
    ),
}
_NAMED = {
    "source": ("source",),
    "path": ("path",),
    "record": ("path",),
    "finding": ("fingerprint", "check", "source"),
    "coverage": ("check", "status"),
    "verdict": ("profile", "requirement", "element", "observed", "assessed"),
}
_NAMED_FIRST = ("profile", "requirement", "element", "verdict")  # of the first version of the table of verdicts


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds together; whose signatures it bears is for `verify` to say.

    Args:
        kind: one of KINDS.
        anchor: what it stands on.
        rows: the rows that are proven, salts included.
        says: one sentence: what is proven.
        limits: what is not.
    """

    kind: str
    anchor: Anchor
    rows: tuple[dict[str, Any], ...]
    says: str
    limits: tuple[str, ...] = field(default=())


def write(value: Mapping[str, Any]) -> bytes:
    """Write a proof, and see that it holds together.

    Args:
        value: everything but `_type`, `says` and `doesNotProve`, which are made here.

    Returns:
        The file's bytes.

    Raises:
        VerificationError: it does not hold together.
    """
    made = {"_type": TYPE, "says": "", "doesNotProve": [], **value}
    found = _read(made)
    data = canonical(made | {"says": found.says, "doesNotProve": list(found.limits)})
    read(data)
    return data


def read(data: bytes) -> Proof:
    """Read a proof and see that it holds together, but for signatures. Total: any bytes give an answer.

    Args:
        data: the file's bytes.

    Returns:
        The proof.

    Raises:
        VerificationError: it proves nothing, or says something else than it proves.
    """
    value = proof_members.parse(data, TYPE)
    found = _read(value)
    if (value["says"], value["doesNotProve"]) != (found.says, list(found.limits)):
        raise VerificationError("it says in words what it does not prove, or hides what it does not")
    return found


def _read(value: Any) -> Proof:
    anchor = proof_members.read_anchor(value, "proof-v1")
    entry_statement = anchor.entry_statement
    kind, rows = value["kind"], tuple(proof_members.line_row(each, entry_statement) for each in value["lines"])
    places = [each["index"] for each in value["lines"]]
    if any(each["table"] != KINDS[kind] for each in value["lines"]) or places != sorted(set(places)):
        raise VerificationError("its lines are not those of its kind, or not in order")
    keys = row_keys.RowKeys(KINDS[kind])
    keys.add_rows(rows)
    keys.finish()
    if ("record" in value, "absent" in value) != (kind == "record", kind == "absent"):
        raise VerificationError(f"it is no proof of the kind {kind}")
    if kind == "absent":
        says, limits = _absent(value["absent"], entry_statement, rows)
    elif not rows or (kind == "record" and len(rows) > 1):
        raise VerificationError("it shows no line, or more than one file")
    elif kind == "record":
        says, limits = f"record {_record(value['record'], rows[0])}", ()
    else:
        says, limits = f"this of its table {KINDS[kind]}: " + "; ".join(_named(kind, row) for row in rows), ()
    unproven = (*_LIMITS[kind], *limits, *proof_members.NEVER_PROVEN, *anchor.limits)
    return Proof(kind, anchor, rows, f"{proof_members.describe_entry(entry_statement)}, states {says}", unproven)


def _record(item: Mapping[str, Any], file: Mapping[str, Any]) -> str:
    found = proof_members.record_row(item, file)
    text = "no text" if found["sha256"] is None else f"a text with the SHA-256 {found['sha256']}"
    return f"{found['row']} of {proof_members.quote(file.get('path'))}: {text}"


def _absent(
    item: Mapping[str, Any], entry_statement: statement.Statement, rows: Sequence[Mapping[str, Any]]
) -> tuple[str, tuple[str, ...]]:
    content = entry_statement.predicate.get("contentSet")
    salt = bytes.fromhex(item["salt"])
    if content is None or content_sets.digest_salt(salt) != content["saltDigest"]:
        raise VerificationError("its salt is not that of the entry's content set")
    proof = sparse_merkle.SparseProof(
        tuple(bytes.fromhex(each) for each in item["siblings"]), item["end"] and bytes.fromhex(item["end"])
    )
    key = content_sets.derive_key(salt, bytes.fromhex(item["sha256"]))
    if sparse_merkle.has_key(key, proof, bytes.fromhex(content["root"])) is not False:
        raise VerificationError("it does not show that the content is absent")
    if any(row.get("sha256") is not None for row in rows) or len(rows) > content["undigested"]:
        raise VerificationError("it names files as unread that were read")
    says = (
        f"that the SHA-256 {item['sha256']} is none of the {content['count']} different contents of files that it read"
    )
    if not content["undigested"]:
        return says, ()
    more = content["undigested"] - len(rows)
    names = [proof_members.quote(row.get("path")) for row in rows] + [f"{more} more"] * bool(more)
    return says, (f"anything of what is listed but was not read, {content['undigested']} in all: {', '.join(names)}",)


def _named(kind: str, row: Mapping[str, Any]) -> str:
    names = _NAMED_FIRST if kind == "verdict" and "verdict" in row else _NAMED[kind]
    return ", ".join(f"{name} {proof_members.quote(row.get(name))}" for name in names)
