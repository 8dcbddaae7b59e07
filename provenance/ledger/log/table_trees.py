"""The trees of a scan's tables: made when it is sealed, made again when it is verified.

Each row of a lined table is a canonical JSON line with a member `salt`; the lines are the leaves of one RFC 9162 tree a
table, which is kept beside them (stored_trees.py). A line of SOURCES says besides the root over the lines of the
source's files. All digests that FILES names are one content set (content_sets.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from provenance.core.wording import choose_verb, count_noun
from provenance.errors import VerificationError
from provenance.ledger.format import row_keys
from provenance.ledger.format.statement import Statement, object_path
from provenance.ledger.trees import content_sets, salts, stored_trees

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

ALGORITHM = "rfc9162-sha256"
CONTENT_SET = "content-set"
"""The kind of a content set's salt; its name is the origin of the log."""

SALTED_COLUMNS = row_keys.KEY_COLUMNS
"""The lined tables, and which of a row's values its salt is derived from: joined by 0x00, numbers in decimal."""

TreeRecord = dict[str, Any]

_ROWS_PER_BATCH = 1 << 14  # that are salted at once


def write_tables(
    tables: Mapping[str, pa.Table], staging: Path, *, scan: str, secret: bytes, origin: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Write a scan's tables, their lines and their trees.

    Args:
        tables: all of schemas.SEALED by name, sorted.
        staging: the folder to write to: Parquet to `scan/`, what is named by its digest to `objects/`.
        scan: where `scan/` will stand, relative to the ledger.
        secret: what salts are derived from.
        origin: name of the log.

    Returns:
        `tables` and `contentSet` as the statement has them; SHA-256 of every file by its path in the ledger.

    Raises:
        OSError: something cannot be written.
    """
    from provenance.ledger.format.table_files import write_parquet

    listed: dict[str, dict[str, Any]] = {}
    bound: dict[str, str] = {}
    for name, table in tables.items():
        parquet = f"{scan}/{name}.parquet"
        bound[parquet] = write_parquet(table, staging / "scan" / f"{name}.parquet")
        listed[name] = {"rows": table.num_rows, "parquet": parquet}
    sources = _SourceTrees()
    lined = {"files": tables["files"]} | {name: tables[name] for name in SALTED_COLUMNS if name != "files"}
    for name, table in lined.items():
        complete = table if name != "sources" else _add_trees(table, sources)
        each = sources.add if name == "files" else None
        for what, value in _write_table(name, complete, staging, bound, secret=secret, each=each).items():
            listed[name][what] = value
    files = tables["files"]
    salt = bytes.fromhex(salts.derive_salt(secret, CONTENT_SET, origin.encode()))
    made = staging / "objects" / CONTENT_SET
    count, root = content_sets.write_set(_read_digests(files), salt, made)
    content = {
        "alg": content_sets.ALGORITHM,
        "count": count,
        "object": _name_object(made, bound),
        "root": root.hex(),
        "saltDigest": content_sets.digest_salt(salt),
        "undigested": files["sha256"].null_count,
    }
    return {"tables": listed, "contentSet": content}, bound


def _write_table(
    name: str,
    table: pa.Table,
    staging: Path,
    bound: dict[str, str],
    *,
    secret: bytes,
    each: Callable[[Sequence[str | None], list[bytes]], None] | None,
) -> dict[str, Any]:
    """Write a table's lines and their tree; show each chunk's sources and leaf hashes to whoever wants them."""
    from provenance.ledger.format.table_files import write_lines

    objects, done = staging / "objects", 0
    with stored_trees.TreeWriter(objects / f"{name}.tree", table.num_rows) as writer:

        def look(chunk: bytes) -> None:
            nonlocal done
            leaves = writer.add(chunk)
            if each is not None:
                each(table["source"].slice(done, len(leaves)).to_pylist(), leaves)
            done += len(leaves)

        digest = write_lines(_add_salts(name, table, secret), objects / name, look)
        root = writer.finish()
    return {
        "lines": _name_object(objects / name, bound, digest),
        "nodes": _name_object(objects / f"{name}.tree", bound),
        "tree": {"alg": ALGORITHM, "root": root.hex(), "size": table.num_rows},
    }


def _add_salts(name: str, table: pa.Table, secret: bytes) -> Iterator[pa.Table]:
    """Add salts to a table, part by part: of ten million rows not all names are Python's at once."""
    import pyarrow as pa

    for first in range(0, table.num_rows, _ROWS_PER_BATCH):
        part = table.slice(first, _ROWS_PER_BATCH)
        columns = [part[column].to_pylist() for column in SALTED_COLUMNS[name]]
        names = ("\0".join(map(str, row)).encode() for row in zip(*columns, strict=True))
        yield part.append_column("salt", pa.array(salts.derive_salts(secret, name, names), pa.string()))


def _add_trees(table: pa.Table, sources: _SourceTrees) -> pa.Table:
    import pyarrow as pa

    trees = [sources.tree(source) for source in table["source"].to_pylist()]
    kind = pa.struct([("alg", pa.string()), ("root", pa.string()), ("size", pa.int64())])
    return table.append_column("tree", pa.array(trees, kind))


def _read_digests(files: pa.Table) -> Iterable[bytes]:
    for batch in files.select(["sha256"]).to_batches(max_chunksize=_ROWS_PER_BATCH):
        yield from (bytes.fromhex(digest) for digest in batch["sha256"].to_pylist() if digest is not None)


def _name_object(made: Path, bound: dict[str, str], digest: str = "") -> str:
    """Name an object after its digest; return its path in the ledger."""
    from provenance.ledger.format import table_files

    found = digest or table_files.digest_file(made)
    made.rename(made.with_name(found))
    bound[object_path(found)] = found
    return object_path(found)


class _SourceTrees:
    """The tree of each source's files, as the table of files goes by."""

    def __init__(self) -> None:
        self._trees: dict[str, stored_trees.TreeBuilder] = {}

    def add(self, sources: Sequence[str | None], leaves: list[bytes]) -> None:
        at = 0
        for source, run in groupby(sources):
            first, at = at, at + sum(1 for _ in run)
            if source is not None:
                self._trees.setdefault(source, stored_trees.TreeBuilder()).add(leaves[first:at])

    def tree(self, source: str) -> TreeRecord:
        return _tree(self._trees.get(source) or stored_trees.TreeBuilder())

    def compare(self, chunk: bytes, _leaves: list[bytes]) -> None:
        for line in chunk.splitlines():
            row = _row(line)
            source = row.get("source")
            if not isinstance(source, str) or row.get("tree") != self.tree(source):
                raise VerificationError("a source's tree of files is not that of its files")


@dataclass(slots=True)
class TreeCheck:
    """What came of making trees again.

    Args:
        checked: how many trees and sets are those that were signed.
        faults: one sentence each.
        withheld: what could not be checked, because a file is not there.
    """

    checked: int = 0
    faults: list[str] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)


def check_trees(folder: Path, entry_statement: Statement, withheld: Collection[str]) -> TreeCheck:
    """Make every tree and the content set of a scan again from its lines, and compare them with what was signed.

    Args:
        folder: the ledger; every file that is not withheld has the digest that its entry binds.
        entry_statement: a scan's statement; one of version 0 has no trees.
        withheld: files that entries bind and that are not there.

    Returns:
        What came of it; total: lines may be anything.

    Raises:
        OSError: a file cannot be read.
    """
    predicate = entry_statement.predicate
    if "contentSet" not in predicate:
        return TreeCheck()
    if loose := _list_unbound(entry_statement):
        return TreeCheck(faults=[f"it names {loose[0]}, which it does not bind"])
    again = _TreeRebuild(folder, predicate, withheld)
    sources = again.files_and_content()
    for name, table in predicate["tables"].items():
        if "tree" in table and name != "files":
            again.table(name, sources.compare if name == "sources" and sources is not None else None)
    return again.outcome


def _list_unbound(entry_statement: Statement) -> list[str]:
    """Files that the tables name and the entry does not bind; the subject is the table of files."""
    tables = entry_statement.predicate["tables"]
    named = [
        entry_statement.predicate["contentSet"]["object"],
        object_path(entry_statement.value["subject"][0]["digest"]["sha256"]),
    ]
    named += [table[what] for table in tables.values() for what in ("parquet", "lines", "nodes") if what in table]
    found = [path for path in named if path not in entry_statement.folder]
    return found if tables.get("files", {}).get("lines") == named[1] else [*found, named[1]]


class _TreeRebuild:
    """A scan whose trees are made again."""

    def __init__(self, folder: Path, predicate: Mapping[str, Any], withheld: Collection[str]) -> None:
        self.outcome = TreeCheck()
        self._folder, self._said, self._withheld = folder, predicate, withheld

    def files_and_content(self) -> _SourceTrees | None:
        """Make again what the table of files is the ground of; None where that cannot be."""
        signed_set = self._said["contentSet"]
        if signed_set["object"] in self._withheld:
            self.outcome.withheld.append("the content set")
            return self.files(None)
        try:
            with content_sets.StoredContentSet(self._folder / signed_set["object"]) as stored:
                made = (stored.count, stored.root().hex(), content_sets.digest_salt(stored.salt))
                _need(
                    made == (signed_set["count"], signed_set["root"], signed_set["saltDigest"]),
                    "it is not the signed one",
                )
                stored.rehash()
                return self.files(content_sets.ContentCheck(stored))
        except VerificationError as cause:
            self.outcome.faults.append(f"the content set: {cause}")
            return None

    def files(self, content: content_sets.ContentCheck | None) -> _SourceTrees | None:
        """Make the tree of the table of files again, that of each source, and the content set."""
        sources, undigested = _SourceTrees(), 0

        def look(chunk: bytes, leaves: list[bytes]) -> None:
            nonlocal undigested
            rows = [_file(line) for line in chunk.splitlines()]
            digests = [digest for _, digest in rows if digest is not None]
            undigested += len(rows) - len(digests)
            sources.add([source for source, _ in rows], leaves)
            if content is not None:
                content.add(digests)

        if not self.table("files", look):
            if content is not None:
                self.outcome.withheld.append("what the content set is of")
            return None
        if content is not None:
            content.finish()
            without = f"without a digest {choose_verb(undigested)} {count_noun(undigested, 'file')}"
            _need(undigested == self._said["contentSet"]["undigested"], without)
            self.outcome.checked += 1
        return sources

    def table(self, name: str, look: stored_trees.ChunkVisitor | None) -> bool:
        """Make the tree of a table again; tell whether its lines are there and are what was signed."""
        signed_table = self._said["tables"].get(name, {})
        if signed_table.get("lines") is None or signed_table["lines"] in self._withheld:
            self.outcome.withheld.append(f"the tree of {name}")
            return False
        try:
            with (self._folder / signed_table["lines"]).open("rb") as lines:
                if signed_table["nodes"] in self._withheld:
                    self.outcome.withheld.append(f"the stored tree of {name}")
                    tree = stored_trees.build_tree(stored_trees.read_chunks(lines), look)
                else:
                    tree = stored_trees.check_tree(
                        stored_trees.read_chunks(lines), self._folder / signed_table["nodes"], look
                    )
            _need(
                signed_table["rows"] == tree.size and signed_table["tree"] == _tree(tree),
                "its root is not the signed one",
            )
        except (VerificationError, ValueError) as cause:
            self.outcome.faults.append(f"the table {name}: {cause}")
            return False
        self.outcome.checked += 1
        return True


def _need(true: bool, otherwise: str) -> None:
    if not true:
        raise VerificationError(otherwise)


def _tree(tree: stored_trees.TreeBuilder) -> TreeRecord:
    return {"alg": ALGORITHM, "root": tree.root().hex(), "size": tree.size}


def _row(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as cause:
        raise VerificationError("a line is not JSON") from cause
    if not isinstance(row, dict):
        raise VerificationError("a line is not a row")
    return row


def _file(line: bytes) -> tuple[str | None, bytes | None]:
    """The source and the digest of a row of FILES."""
    row = _row(line)
    source, digest = row.get("source"), row.get("sha256")
    if not isinstance(source, str | None) or not isinstance(digest, str | None):
        raise VerificationError("a line is not a row of FILES")
    try:
        found = None if digest is None else bytes.fromhex(digest)
    except ValueError as cause:
        raise VerificationError("a digest is not hexadecimal") from cause
    return source, found
