"""Proofs, `provenance-proof/v1`: one piece of a ledger with everything that it takes to believe it, in one file.

    the anchor  the scan's entry in its log, see anchors -> who signed it, and that it is in the log
    lines       rows of its tables with RFC 9162 paths   -> that the entry speaks of them
    record      a record's line with its path            -> that the file's line speaks of it
    absent      a way down the content set               -> that a content is not in it

The file is canonical JSON. What it says in words, and what it says that it does not prove, is made again from what was
proven and compared: nobody can change the words. SPECIFICATION.md says all of it, check_proof.py does it in 60 lines.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from provenance.core.digests import canonical
from provenance.core.package_data import HERE
from provenance.errors import VerificationError, cut
from provenance.ledger.format import envelope, row_keys, signed_lines
from provenance.ledger.proofs import anchors
from provenance.ledger.proofs.anchors import encoded
from provenance.ledger.trees import content_sets, merkle, sparse_merkle

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

ANYTHING = (
    "that the scan was complete or honest: a signature shows who said what, unaltered",
    "when: times are claimed, unless a witness or a timestamp of the checkpoint says so",
    "that nothing else was said: later entries may differ, and another history too, unless somebody holds a checkpoint",
)
"""What no proof proves."""

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
    "verdict": ("profile", "requirement", "element", "verdict"),
}


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
    found = _hold(made)
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
    value = envelope.parse(data)
    if not isinstance(value, dict) or value.get("_type") != TYPE:
        raise VerificationError(f"it is not a {TYPE}")
    if signed_lines.canonical_of(value) != data:  # first: what is held to a schema afterwards has one form, numbers too
        raise VerificationError("it is not in canonical form")
    found = _hold(value)
    if (value["says"], value["doesNotProve"]) != (found.says, list(found.limits)):
        raise VerificationError("it says in words what it does not prove, or hides what it does not")
    return found


def line_of(table: str, index: int, line: bytes, path: Sequence[bytes]) -> dict[str, Any]:
    """Return a line of a table as a proof holds it.

    Args:
        table: name of the table.
        index: number of the line, from 0.
        line: its bytes, without a newline.
        path: its audit path.
    """
    return {"table": table, "index": index, "line": line.decode(), "path": [each.hex() for each in path]}


def of_entry(said: statement.Statement) -> str:
    """Return the words that name a scan's entry.

    Args:
        said: its statement.
    """
    log, predicate = said.place, said.predicate
    scan = f"a scan of {_quoted(predicate['data'])} that its signer says ended at {predicate['finishedOn']}"
    return f"entry {log.index} of {log.origin}, {scan}"


def hold_to(name: str, value: Any) -> None:
    """Hold a value to a published schema.

    Args:
        name: of the schema, `proof-v1` or `answer-v1`.
        value: as JSON has it.

    Raises:
        VerificationError: it breaks the schema.
    """
    try:
        error = next(_validator(name).iter_errors(value), None)  # the first: a hostile file has as many as it likes
    except RecursionError as cause:
        raise VerificationError("it is nested too deeply") from cause
    if error is not None:
        raise VerificationError(f"it breaks its schema at {cut(error.json_path)}: {cut(error.message, 200)}")


def _hold(value: Any) -> Proof:
    hold_to("proof-v1", value)
    anchor = anchors.read(value)
    said = anchor.said
    kind, rows = value["kind"], tuple(line_row(each, said) for each in value["lines"])
    places = [each["index"] for each in value["lines"]]
    if any(each["table"] != KINDS[kind] for each in value["lines"]) or places != sorted(set(places)):
        raise VerificationError("its lines are not those of its kind, or not in order")
    keys = row_keys.RowKeys(KINDS[kind])
    keys.add_rows(rows)
    keys.finish()
    if ("record" in value, "absent" in value) != (kind == "record", kind == "absent"):
        raise VerificationError(f"it is no proof of the kind {kind}")
    if kind == "absent":
        says, limits = _absent(value["absent"], said, rows)
    elif not rows or (kind == "record" and len(rows) > 1):
        raise VerificationError("it shows no line, or more than one file")
    elif kind == "record":
        says, limits = f"record {_record(value['record'], rows[0])}", ()
    else:
        says, limits = f"this of its table {KINDS[kind]}: " + "; ".join(_named(kind, row) for row in rows), ()
    unproven = (*_LIMITS[kind], *limits, *ANYTHING, *anchor.limits)
    return Proof(kind, anchor, rows, f"{of_entry(said)}, states {says}", unproven)


def line_row(item: Mapping[str, Any], said: statement.Statement) -> dict[str, Any]:
    """Return the row of a line, if it is in the table that an entry speaks of.

    Args:
        item: as `line_of` returns it.
        said: the entry's statement.

    Returns:
        The row, salt included.

    Raises:
        VerificationError: it is not in the table, or not canonical JSON.
    """
    tree = said.predicate["tables"].get(item["table"], {}).get("tree")
    line = encoded(item["line"])
    path = [bytes.fromhex(each) for each in item["path"]]
    if tree is None or not merkle.includes(
        merkle.leaf(line), item["index"], tree["size"], path, bytes.fromhex(tree["root"])
    ):
        raise VerificationError(f"a line is not in the table {item['table']} that the entry signs")
    return signed_lines.row(line)


def record_row(item: Mapping[str, Any], file: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the line of a record says, if it is in the record tree of a file.

    Args:
        item: `index`, `line`, `path` and `size` of a record's line.
        file: the row of FILES whose `records_root` it is under.

    Returns:
        The line: row, salt, sha256.

    Raises:
        VerificationError: it is not in the tree.
    """
    root, line = file.get("records_root"), encoded(item["line"])
    if not isinstance(root, str) or re.fullmatch(r"[0-9a-f]{64}", root) is None:
        raise VerificationError("the line of its file has no record tree")
    path, records = [bytes.fromhex(each) for each in item["path"]], file.get("records")
    if not merkle.includes(merkle.leaf(line), item["index"], item["size"], path, bytes.fromhex(root)):
        raise VerificationError("the record is not in the record tree of its file")
    if not isinstance(records, int) or item["size"] > records:
        raise VerificationError("the record tree has more leaves than its file has records")
    found = signed_lines.row(line)
    if set(found) != {"row", "salt", "sha256"} or type(found["row"]) is not int or found["row"] < item["index"]:
        raise VerificationError("the line of the record is not one")
    return found


def _record(item: Mapping[str, Any], file: Mapping[str, Any]) -> str:
    found = record_row(item, file)
    text = "no text" if found["sha256"] is None else f"a text with the SHA-256 {found['sha256']}"
    return f"{found['row']} of {_quoted(file.get('path'))}: {text}"


def _absent(
    item: Mapping[str, Any], said: statement.Statement, rows: Sequence[Mapping[str, Any]]
) -> tuple[str, tuple[str, ...]]:
    content = said.predicate.get("contentSet")
    salt = bytes.fromhex(item["salt"])
    if content is None or content_sets.salt_digest(salt) != content["saltDigest"]:
        raise VerificationError("its salt is not that of the entry's content set")
    proof = sparse_merkle.SparseProof(
        tuple(bytes.fromhex(each) for each in item["siblings"]), item["end"] and bytes.fromhex(item["end"])
    )
    key = content_sets.key(salt, bytes.fromhex(item["sha256"]))
    if sparse_merkle.found(key, proof, bytes.fromhex(content["root"])) is not False:
        raise VerificationError("it does not show that the content is absent")
    if any(row.get("sha256") is not None for row in rows) or len(rows) > content["undigested"]:
        raise VerificationError("it names files as unread that were read")
    says = (
        f"that the SHA-256 {item['sha256']} is none of the {content['count']} different contents of files that it read"
    )
    if not content["undigested"]:
        return says, ()
    more = content["undigested"] - len(rows)
    names = [_quoted(row.get("path")) for row in rows] + [f"{more} more"] * bool(more)
    return says, (f"anything of what is listed but was not read, {content['undigested']} in all: {', '.join(names)}",)


def _named(kind: str, row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_quoted(row.get(name))}" for name in _NAMED[kind])


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    shared = _schema("proof-v1")
    registry: Registry[Any] = Registry().with_resource(shared["$id"], DRAFT202012.create_resource(shared))
    return Draft202012Validator(_schema(name), registry=registry)


def _schema(name: str) -> Any:
    return json.loads((HERE / "schemas" / "ledger" / f"{name}.schema.json").read_bytes())
