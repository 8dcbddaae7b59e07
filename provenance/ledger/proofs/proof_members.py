"""What proofs and answers have in common: the file, its anchor, and lines and records with their paths."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from provenance.core.package_data import DATA_FOLDER
from provenance.errors import VerificationError, cut
from provenance.ledger.format import envelope, signed_lines
from provenance.ledger.proofs import anchors
from provenance.ledger.trees import merkle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provenance.ledger.format import statement

NEVER_PROVEN = (
    "that the scan was complete or honest: a signature shows who said what, unaltered",
    "when: times are claimed, unless a witness or a timestamp of the checkpoint says so",
    "that nothing else was said: later entries may differ, and another history too, unless somebody holds a checkpoint",
)
"""What no proof proves."""


def parse(data: bytes, kind: str) -> dict[str, Any]:
    """Parse the file of a proof or an answer.

    Args:
        data: the file's bytes.
        kind: the `_type` that it must have.

    Returns:
        Its members, which are not held to their schema yet.

    Raises:
        VerificationError: it is no such file, or not in canonical form.
    """
    value = envelope.parse_json(data)
    if not isinstance(value, dict) or value.get("_type") != kind:
        raise VerificationError(f"it is not a {kind}")
    if signed_lines.to_canonical(value) != data:  # first: what is held to a schema afterwards has one form, numbers too
        raise VerificationError("it is not in canonical form")
    return value


def read_anchor(value: Any, schema: str) -> anchors.Anchor:
    """Hold a proof or an answer to its schema, and read what it stands on.

    Args:
        value: as JSON has it.
        schema: its published schema, `proof-v1` or `answer-v1`.

    Returns:
        The anchor; signatures are not checked.

    Raises:
        VerificationError: it breaks the schema, or does not belong together.
    """
    _check_schema(value, schema)
    return anchors.read(value)


def line_of(table: str, index: int, line: bytes, path: Sequence[bytes]) -> dict[str, Any]:
    """Return a line of a table as a proof holds it.

    Args:
        table: name of the table.
        index: number of the line, from 0.
        line: its bytes, without a newline.
        path: its audit path.
    """
    return {"table": table, "index": index, "line": line.decode(), "path": [each.hex() for each in path]}


def describe_entry(entry_statement: statement.Statement) -> str:
    """Return the words that name a scan's entry.

    Args:
        entry_statement: its statement.
    """
    log, predicate = entry_statement.place, entry_statement.predicate
    scan = f"a scan of {quote(predicate['data'])} that its signer says ended at {predicate['finishedOn']}"
    return f"entry {log.index} of {log.origin}, {scan}"


def line_row(item: Mapping[str, Any], entry_statement: statement.Statement) -> dict[str, Any]:
    """Return the row of a line, if it is in the table that an entry speaks of.

    Args:
        item: as `line_of` returns it.
        entry_statement: the entry's statement.

    Returns:
        The row, salt included.

    Raises:
        VerificationError: it is not in the table, or not canonical JSON.
    """
    tree = entry_statement.predicate["tables"].get(item["table"], {}).get("tree")
    line = anchors.encoded(item["line"])
    if tree is None or not _is_included(item, line, tree["size"], tree["root"]):
        raise VerificationError(f"a line is not in the table {item['table']} that the entry signs")
    return signed_lines.read_row(line)


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
    root, line = file.get("records_root"), anchors.encoded(item["line"])
    if not isinstance(root, str) or re.fullmatch(r"[0-9a-f]{64}", root) is None:
        raise VerificationError("the line of its file has no record tree")
    records = file.get("records")
    if not _is_included(item, line, item["size"], root):
        raise VerificationError("the record is not in the record tree of its file")
    if not isinstance(records, int) or item["size"] > records:
        raise VerificationError("the record tree has more leaves than its file has records")
    found = signed_lines.read_row(line)
    if set(found) != {"row", "salt", "sha256"} or type(found["row"]) is not int or found["row"] < item["index"]:
        raise VerificationError("the line of the record is not one")
    return found


def quote(value: Any) -> str:
    """Return a value as JSON, with escapes beyond ASCII, as the words of proofs have it.

    Args:
        value: as JSON has it.
    """
    return json.dumps(value, ensure_ascii=True)


def _is_included(item: Mapping[str, Any], line: bytes, size: int, root: str) -> bool:
    path = [bytes.fromhex(each) for each in item["path"]]
    return merkle.is_included(merkle.hash_leaf(line), item["index"], size, path, root_hash=bytes.fromhex(root))


def _check_schema(value: Any, name: str) -> None:
    try:
        error = next(_validator(name).iter_errors(value), None)  # the first: a hostile file has as many as it likes
    except RecursionError as cause:
        raise VerificationError("it is nested too deeply") from cause
    if error is not None:
        raise VerificationError(f"it breaks its schema at {cut(error.json_path)}: {cut(error.message, 200)}")


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    shared = _schema("proof-v1")
    registry: Registry[Any] = Registry().with_resource(shared["$id"], DRAFT202012.create_resource(shared))
    return Draft202012Validator(_schema(name), registry=registry)


def _schema(name: str) -> Any:
    return json.loads((DATA_FOLDER / "schemas" / "ledger" / f"{name}.schema.json").read_bytes())
