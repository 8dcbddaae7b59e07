"""Disclosure: takes one piece out of a ledger, with everything that proves it, and leaves the rest where it is.

A line is found and proven by reading a few blocks of a table's stored tree, an absence by reading a few of the content
set: a proof from a table of ten million files takes no longer than one from a table of ten.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from provenance.core.digests import canonical
from provenance.errors import InputError, VerificationError
from provenance.ledger.format import envelope, finding_fingerprints
from provenance.ledger.format.row_keys import RowKeys
from provenance.ledger.log.reading import read_tables
from provenance.ledger.proofs import anchors, proof_format, proof_members
from provenance.ledger.trees import content_sets, merkle, stored_trees

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provenance.ledger.proofs.anchors import Start
    from provenance.sources import excerpts

NAMED_BY = {"source": "source", "path": "path", "finding": "fingerprint", "coverage": "check", "verdict": "requirement"}
"""What can be shown of a scan, and the column that names it."""

_UNREAD = 20  # files without a digest that a proof of absence names


@dataclass(frozen=True, slots=True)
class Absence:
    """What came of asking for a proof that a content is absent.

    Args:
        proof: the proof's file; None where the content is there.
        paths: where it is.
    """

    proof: bytes | None
    paths: tuple[str, ...] = ()


def row(folder: Path, kind: str, name: str, entry: int | None = None) -> bytes:
    """Prove what a scan says of a source, file, finding, check or requirement.

    Args:
        folder: the ledger.
        kind: one of NAMED_BY.
        name: which: a source, a path, a fingerprint or its first digits, a check, a requirement.
        entry: number of the scan's entry; the newest if None.

    Returns:
        The proof's file.

    Raises:
        ConfigError: what is given is no fingerprint, or several begin with it.
        InputError: there is no such row, or the table is withheld.
        VerificationError: the ledger does not verify.
    """
    if kind == "finding":
        finding_fingerprints.check_beginning(name)
    start = anchors.take(folder, entry)
    with ProvableTable(start, proof_format.KINDS[kind]) as table:
        shown = table.named(NAMED_BY[kind], _whole(table, name, start) if kind == "finding" else name)
        if not shown:
            raise InputError(f"entry {start.entry_statement.place.index} says nothing of the {kind} {name!r}")
        return proof_format.write({**start.value, "kind": kind, "lines": shown})


def prove_record(folder: Path, path: str, number: int, *, data: Path, secret: bytes, entry: int | None = None) -> bytes:
    """Prove what a scan read as one record of a file, by reading the file once more.

    Args:
        folder: the ledger.
        path: of the file, as in FILES.
        number: of the record, as in MATCHES.
        data: the folder that was scanned.
        secret: what the scan's record trees were salted with.
        entry: number of the scan's entry; the newest if None.

    Returns:
        The proof's file.

    Raises:
        ConfigError: there is no such record, or no record tree.
        InputError: the file is not there; DigestMismatch: it is not the one that was scanned, or the secret is another.
        VerificationError: the ledger does not verify.
    """
    start = anchors.take(folder, entry)
    found = read_leaf(start, path, number, data=data, secret=secret)
    with ProvableTable(start, "files") as table:
        return proof_format.write(
            {**start.value, "kind": "record", "lines": table.named("path", path), "record": record_line(found)}
        )


def read_leaf(start: Start, path: str, number: int, *, data: Path, secret: bytes) -> excerpts.Leaf:
    """Read a file once more and find the leaf of one of its records.

    Args:
        start: the entry.
        path: of the file, as in FILES.
        number: of the record, as in MATCHES.
        data: the folder that was scanned.
        secret: what the scan's record trees were salted with.

    Returns:
        The leaf.

    Raises:
        ConfigError: there is no such record, or no record tree.
        InputError: the file is not there; DigestMismatch: it is not the one that was scanned, or the secret is another.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from provenance.sources import excerpts

    found = read_tables(start.folder, start.entry_statement.place.index, ("files", "claims"))
    # Of ten million files, the one and the archive that it stands in.
    wanted = pa.array([path, path.split("!/", 1)[0]], pa.string())
    found["files"] = found["files"].filter(pc.is_in(found["files"]["path"], value_set=wanted))
    return excerpts.read_leaf(found, data, path, number, secret=secret)


def record_line(found: excerpts.Leaf) -> dict[str, Any]:
    """Return the line of a record as a proof holds it.

    Args:
        found: the leaf, see excerpts.Leaf.
    """
    hashes = [each.tobytes() for each in found.leaves]
    path = [each.hex() for each in merkle.prove_inclusion(hashes, found.index)]
    return {"index": found.index, "line": found.line.decode(), "path": path, "size": len(hashes)}


def absent(folder: Path, digest: bytes, entry: int | None = None) -> Absence:
    """Prove that a scan read no file with some content.

    Args:
        folder: the ledger.
        digest: SHA-256 of the content.
        entry: number of the scan's entry; the newest if None.

    Returns:
        The proof, or where the content is.

    Raises:
        InputError: the content set is withheld.
        VerificationError: the ledger does not verify.
    """
    start = anchors.take(folder, entry)
    with content_sets.StoredContentSet(
        _there(start, start.entry_statement.predicate["contentSet"]["object"])
    ) as stored:
        salt, found = stored.salt, stored.prove(content_sets.derive_key(stored.salt, digest))
    if found.end == content_sets.derive_key(salt, digest):
        return Absence(None, tuple(_where(start, digest.hex())))
    with ProvableTable(start, "files") as table:
        unread = (
            table.containing(b'"sha256":null', _UNREAD)
            if start.entry_statement.predicate["contentSet"]["undigested"]
            else []
        )
    shown = {
        "end": found.end.hex() if found.end else None,
        "salt": salt.hex(),
        "sha256": digest.hex(),
        "siblings": [each.hex() for each in found.siblings],
    }
    return Absence(proof_format.write({**start.value, "absent": shown, "kind": "absent", "lines": unread}))


class ProvableTable:
    """A table's lines and their stored tree, open for proving.

    Args:
        start: the entry.
        name: of the table.

    Raises:
        InputError: they are withheld.
        VerificationError: the stored tree is not the signed one.
    """

    def __init__(self, start: Start, name: str) -> None:
        signed_table = start.entry_statement.predicate["tables"][name]
        self._name = name
        self._lines = _there(start, signed_table["lines"]).open("rb")
        try:
            self._tree = stored_trees.StoredTree(_there(start, signed_table["nodes"]))
        except BaseException:
            self._lines.close()
            raise
        self.size = self._tree.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tree.__exit__()
        self._lines.close()

    def line(self, index: int) -> dict[str, Any]:
        """Return a line as a proof holds it.

        Args:
            index: its number, from 0.
        """
        return proof_members.line_of(
            self._name, index, stored_trees.read_line(self._lines, self._tree, index), self._tree.path(index)
        )

    def named(self, column: str, value: str) -> list[dict[str, Any]]:
        """Return the lines with a value in a column: of FILES by halving, as it is sorted by path; else by looking.

        Args:
            column: its name.
            value: what must stand there.
        """
        if (self._name, column) == ("files", "path"):
            return self._file(value)
        return self._all(column, value)

    def _file(self, path: str) -> list[dict[str, Any]]:
        """Return the line of a file; with its neighbours, as two of one path would stand side by side."""

        def of(line: bytes) -> bytes:
            return str(_row(line).get("path")).encode()

        at = stored_trees.find_line(self._lines, self._tree, path.encode("utf-8", "replace"), of)
        if at is not None:
            near = [self.line(each) for each in range(max(at - 1, 0), min(at + 2, self.size))]
            self._hold_keys(near)
            return [each for each in near if each["index"] == at]
        if path.isprintable() and self._all("path", path):
            raise VerificationError("the table files is not sorted by path; run provenance verify")
        return []

    def _all(self, column: str, value: str) -> list[dict[str, Any]]:
        shown = self.containing(canonical({column: value})[1:-1])
        found = [each for each in shown if _row(each["line"].encode()).get(column) == value]
        self._hold_keys(found)
        return found

    def _hold_keys(self, shown: list[dict[str, Any]]) -> None:
        keys = RowKeys(self._name)
        try:
            keys.add_rows(_row(each["line"].encode()) for each in shown)
            keys.finish()
        except VerificationError as cause:
            raise VerificationError(f"the table {self._name}: {cause}; run provenance verify") from cause

    def containing(self, what: bytes, limit: int | None = None) -> list[dict[str, Any]]:
        """Return the lines that contain some bytes.

        Args:
            what: the bytes, no newline among them.
            limit: how many lines at most.
        """
        if not self.size:
            return []
        found: list[dict[str, Any]] = []
        with mmap.mmap(self._lines.fileno(), 0, access=mmap.ACCESS_READ) as data:
            at = data.find(what)
            while at >= 0 and (limit is None or len(found) < limit):
                index = self._holding(at)
                found.append(self.line(index))
                at = data.find(what, self._tree.line_span(index)[1])
        return found

    def _holding(self, at: int) -> int:
        low, high = 0, self.size - 1
        while low < high:
            middle = (low + high) // 2
            if self._tree.line_span(middle)[1] <= at:
                low = middle + 1
            else:
                high = middle
        return low


def _whole(table: ProvableTable, beginning: str, start: Start) -> str:
    """Return the whole fingerprint of which somebody gave the beginning."""
    index = start.entry_statement.place.index
    shown = table.containing(f'"fingerprint":"{beginning}'.encode())
    row = finding_fingerprints.find_one([_row(each["line"].encode()) for each in shown], beginning, index)
    if row is None:
        raise InputError(finding_fingerprints.explain_missing(beginning, index))
    return str(row["fingerprint"])


def _row(line: bytes) -> dict[str, Any]:
    row = envelope.parse_json(line)
    if not isinstance(row, dict):
        raise VerificationError("a line of a table is not a row; run provenance verify")
    return row


def _there(start: Start, path: str) -> Path:
    if path not in start.entry_statement.folder:
        raise VerificationError(f"{path} is bound by no entry; run provenance verify")
    if not (start.folder / path).is_file():
        raise InputError(f"{path} is withheld, so nothing can be proven from it; ask whoever holds the whole ledger")
    return start.folder / path


def _where(start: Start, digest: str) -> Iterator[str]:
    with ProvableTable(start, "files") as table:
        for each in table.containing(f'"sha256":"{digest}"'.encode()):
            yield str(_row(each["line"].encode())["path"])
