"""What a ledger holds, read without verifying who signed it: `reader` does that for whoever shows it to people.

Every table is held to the digest that its entry binds, to its signed lines and to its schema before anything reads it,
and is decoded in a process of its own with little memory, as whoever wrote the ledger chose the bytes: those that are
digested are those that are decoded, and what is shown is what `prove` proves.
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from provenance.core.digests import sha256
from provenance.core.wording import choose_verb, count_noun
from provenance.errors import BrokenChain, DigestMismatch, InputError, UnknownEntry, VerificationError, cut
from provenance.ledger.format import bounded_tables, checkpoint, envelope, statement
from provenance.ledger.layout import ENTRY_LIMIT, entry_path, note_path, read_bytes, size

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    import pyarrow as pa

_LARGEST_TABLE, _MAPPED_ROWS = "matches", 1 << 16  # the table that grows with pairs of records, and its rows that fit


def read_entry(folder: Path, index: int | None = None) -> dict[str, Any]:
    """Read what an entry says, without verifying who said it.

    Args:
        folder: the ledger.
        index: number of the entry, from 0; the newest scan if None.

    Returns:
        The in-toto Statement.

    Raises:
        InputError: it is not a ledger; UnknownEntry: it has no such entry.
        VerificationError: the entry is not a canonical envelope of a statement.
    """
    return read_statement(folder, find_index(folder, index)).value


def read_tables(folder: Path, index: int | None = None, names: Collection[str] | None = None) -> dict[str, pa.Table]:
    """Read an entry's tables, each held to the digest that binds it and to its schema.

    Args:
        folder: the ledger.
        index: number of the entry, from 0; the newest scan if None.
        names: which tables, of schemas.OPTIONAL too; all of schemas.SEALED if None.

    Returns:
        Those by name.

    Raises:
        InputError: it is not a ledger, or a table is withheld or does not hold to its schema.
        UnknownEntry: it has no such entry.
        DigestMismatch: a table's bytes were changed.
        VerificationError: the entry is not a canonical envelope of a statement.
    """
    at = find_index(folder, index)
    entry_statement = read_statement(folder, at)
    return decode_tables(folder, at, entry_statement, names=names)


def decode_tables(
    folder: Path,
    index: int,
    entry_statement: statement.Statement,
    *,
    names: Collection[str] | None = None,
    other: Callable[[str], None] | None = None,
    notice: Callable[[str], None] = lambda _: None,
) -> dict[str, pa.Table]:
    """Read the tables that a statement binds, each held to its digest, to its lines and to its schema.

    Args:
        folder: the ledger.
        index: number of the entry, from 0.
        entry_statement: its statement.
        names: which tables, of schemas.SEALED and OPTIONAL; all of SEALED if None.
        other: is told of a table whose bytes were changed, or whose rows are not what its lines say, which is read all
            the same; None = that is an error.
        notice: is told of a table whose lines are withheld, so that nobody can compare its rows with them.

    Returns:
        Those tables by name.

    Raises:
        InputError: the entry is no scan, or a table is withheld or does not hold to its schema.
        DigestMismatch: a table's bytes were changed, or its rows are not what its lines say.
    """
    from provenance.core.schemas import OPTIONAL, SEALED

    if entry_statement.kind != statement.SCAN:
        raise InputError(
            f"entry {index} of {folder} is a {entry_statement.kind}, no scan; leave out --index for the newest scan"
        )
    found, uncompared, room = {}, [], bounded_tables.allowed_memory()
    for name, schema in (SEALED | OPTIONAL).items():
        if name not in (SEALED if names is None else names):
            continue
        stated = entry_statement.predicate["tables"].get(name)
        if stated is None:  # an entry of a version that had no such table yet; those that it must have, it has
            found[name] = schema.empty_table()
            continue
        stored = find_table(folder, entry_statement, name)
        if stored.lines and is_withheld(stored.lines.path):
            uncompared.append(name)
            stored = replace(stored, lines=None)
        mapped = name == _LARGEST_TABLE and stored.rows > _MAPPED_ROWS
        limits = {"most": bounded_tables.MAPPED_BYTES if mapped else max(room, 0), "mapped": mapped}
        found[name] = _decode_conforming(stored, stated["parquet"], index, schema, other=other, limits=limits)
        room -= 0 if mapped else found[name].nbytes
    if uncompared:
        notice(
            f"entry {index}: the lines of {', '.join(uncompared)} are withheld, so its rows were not compared with them"
        )
    return found


def is_withheld(path: Path) -> bool:
    """Tell whether a file that an entry binds is not there; one that is there and cannot be read is not withheld.

    Args:
        path: the file.

    Raises:
        InputError: whether it is there cannot be seen, or it may not be read.
    """
    try:
        path.lstat()
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except FileNotFoundError:
        return True
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror}; let this user read it") from cause
    return False


def explain_unchecked(folder: Path, index: int, count: int) -> str | None:
    """Say that the files of the other entries were not compared with what those bind, and how many are missing.

    To compare them would cost the reading of the whole ledger, which is what `verify` is for.

    Args:
        folder: the ledger.
        index: number of the entry whose files were compared.
        count: how many entries there are.

    Returns:
        One sentence; None where there is no other entry.
    """
    others = [at for at in range(count) if at != index]
    if not others:
        return None
    missing: set[str] = set()
    unread = 0
    for at in others:
        try:
            bound = read_statement(folder, at).folder
            missing |= {name for name in bound if is_withheld(folder / name)}
        except (InputError, VerificationError):
            unread += 1
    sentence = f"the files of {count_noun(len(others), 'other entry')} were not checked"
    if missing:
        sentence += f", {count_noun(len(missing), 'file')} of them {choose_verb(len(missing))} missing"
    if unread:
        sentence += f", {count_noun(unread, 'other entry')} cannot be read in full"
    return f"{sentence}; run provenance verify {folder}"


def find_table(folder: Path, entry_statement: statement.Statement, name: str) -> bounded_tables.StoredTable:
    """Return where a table stands that an entry binds, with the lines that its rows must be.

    Args:
        folder: the ledger.
        entry_statement: the entry's statement.
        name: of the table, one of those that it binds.
    """
    table = entry_statement.predicate["tables"][name]
    lines = None
    if place := table.get("lines"):
        extra = (["salt"] if "tree" in table else []) + (["tree"] if "tree" in table and name == "sources" else [])
        lines = bounded_tables.SignedTableLines(folder / place, entry_statement.folder.get(place, ""), extra)
    path = table["parquet"]
    return bounded_tables.StoredTable(folder / path, name, table["rows"], entry_statement.folder[path], lines)


def _decode_conforming(
    stored: bounded_tables.StoredTable,
    path: str,
    index: int,
    schema: pa.Schema,
    *,
    other: Callable[[str], None] | None,
    limits: Mapping[str, Any],
) -> pa.Table:
    """Decode a table, and hold it to its schema."""
    from provenance.core import verdict_versions
    from provenance.core.schemas import conform

    if is_withheld(stored.path):
        raise InputError(f"{path} is withheld; ask whoever holds the whole ledger")
    try:
        table = _decode_stored(stored, path, index, other=other, limits=limits)
        if verdict_versions.choose_schema(stored.table, table.column_names) is verdict_versions.FIRST:
            first = verdict_versions.FIRST
            table = verdict_versions.read_first(conform(_add_missing_columns(table, first), first))
        table = _add_missing_columns(table, schema)
        if later := sorted(set(table.column_names) - set(schema.names)):
            raise InputError(
                f"{path} was written by a newer version: it has the column {cut(later[0])}; install a newer provenance"
            )
        return conform(table, schema)
    except FileNotFoundError as cause:
        raise InputError(f"{path} is withheld; ask whoever holds the whole ledger") from cause
    except DigestMismatch:
        raise
    except (OSError, ValueError, VerificationError) as cause:
        raise InputError(f"{path} cannot be read: {cut(cause)}") from cause


def read_bound_file(
    folder: Path, path: str, digest: str, *, limit: int, by: str, other: Callable[[str], None] | None = None
) -> bytes:
    """Read a file that an entry binds, once: what is digested is what is returned.

    Args:
        folder: the ledger.
        path: of the file, relative to it.
        digest: SHA-256 that the entry binds it to, hexadecimal.
        limit: bytes.
        by: what binds it, in words.
        other: is told that the bytes are others, which are returned all the same; None = that is an error.

    Returns:
        Its bytes.

    Raises:
        InputError: it is withheld, or cannot be read.
        DigestMismatch: its bytes were changed.
    """
    try:
        data = read_bytes(folder / path, limit)
    except FileNotFoundError as cause:
        raise InputError(f"{path} is withheld; ask whoever holds the whole ledger") from cause
    except (OSError, VerificationError) as cause:
        raise InputError(f"{path} cannot be read: {getattr(cause, 'strerror', None) or cause}") from cause
    if sha256(data) != digest:
        fault = f"{path} is not what {by} binds"
        if other is None:
            raise DigestMismatch(f"{fault}; run provenance verify")
        other(fault)
    return data


def _decode_stored(
    stored: bounded_tables.StoredTable,
    path: str,
    index: int,
    *,
    other: Callable[[str], None] | None,
    limits: Mapping[str, Any],
) -> pa.Table:
    """Decode a table; of bytes that were changed, or rows that no line says, tell `other`, or refuse them."""
    try:
        return bounded_tables.load_table(stored, **limits)
    except bounded_tables.RowsDiffer as cause:
        fault, less = f"{path} is not what its signed lines say: {cut(cause)}", replace(stored, lines=None, keys=False)
    except bounded_tables.RepeatedKeys as cause:
        fault, less = f"{path} says two things of one, or is not sorted: {cut(cause)}", replace(stored, keys=False)
    except DigestMismatch:
        fault, less = f"{path} is not what entry {index} binds", replace(stored, sha256=None)
    if other is None:
        raise DigestMismatch(f"{fault}; run provenance verify")
    other(fault)
    return _decode_stored(less, path, index, other=other, limits=limits)


def read_entries(folder: Path, *kinds: str) -> list[tuple[int, str, dict[str, Any]]]:
    """Read every entry of some kinds, without verifying who signed it.

    Args:
        folder: the ledger; an empty list where there is none.
        kinds: of statement.KINDS.

    Returns:
        Number of the entry, SHA-256 of its payload, and its predicate; the oldest first.

    Raises:
        BrokenChain: an entry is missing, or is not a canonical envelope of a statement.
    """
    found = []
    marks = [f"/attestation/{kind}/v".encode() for kind in kinds]
    try:
        for index in range(size(folder)):
            payload = read_envelope(folder, index).payload
            if not any(mark in payload for mark in marks):
                continue  # the statement of a large scan is not parsed for nothing
            entry_statement = statement.read_statement(payload)
            if entry_statement.kind in kinds:
                found.append((index, sha256(payload), entry_statement.predicate))
    except (InputError, VerificationError) as cause:
        raise BrokenChain(f"the ledger {folder} does not verify: entry {index}: {cause}") from cause
    return found


def read_head(folder: Path) -> checkpoint.Checkpoint:
    """Read a ledger's newest checkpoint; its signature is not checked.

    Args:
        folder: the ledger.

    Raises:
        InputError: no entry was ever finished in it.
        VerificationError: it is not a checkpoint.
    """
    count = size(folder)
    if not count:
        raise InputError(f"{folder} is not a ledger with a finished entry")
    return checkpoint.read_checkpoint(read_bytes(folder / note_path(count), checkpoint.MOST_BYTES), cosigned=True)


def read_signer(folder: Path, index: int) -> str:
    """Return the fingerprint of the key that an entry says it is signed by; `verify` says whether it is.

    Args:
        folder: the ledger.
        index: number of the entry.
    """
    return read_envelope(folder, index).keyid


def read_statement(folder: Path, index: int) -> statement.Statement:
    """Read an entry's statement.

    Args:
        folder: the ledger.
        index: number of the entry, from 0.

    Returns:
        The statement, held to its schema.

    Raises:
        InputError: there is no such entry; VerificationError: it is not a canonical envelope of a statement.
    """
    payload = read_envelope(folder, index).payload
    try:
        return statement.read_statement(payload)
    except VerificationError as cause:
        raise VerificationError(f"{entry_path(index)} is damaged: {cause}") from cause


def read_envelope(folder: Path, index: int) -> envelope.Envelope:
    """Read an entry's envelope; its signature is not checked.

    Args:
        folder: the ledger.
        index: number of the entry, from 0.

    Returns:
        The envelope.

    Raises:
        InputError: there is no such entry; VerificationError: it is not a canonical envelope.
    """
    try:
        return envelope.read_envelope(read_bytes(folder / entry_path(index), ENTRY_LIMIT))
    except FileNotFoundError as cause:
        raise InputError(f"{folder} has no entry {index}") from cause
    except OSError as cause:
        raise InputError(f"{folder / entry_path(index)} cannot be read: {cause.strerror}") from cause
    except VerificationError as cause:
        raise VerificationError(f"{entry_path(index)} is damaged: {cause}") from cause


def _add_missing_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Add the columns that the version of an entry did not have yet, where they may be null."""
    import pyarrow as pa

    for field in schema:
        if field.nullable and field.name not in table.column_names:
            one_view = field.name == "view_b" and "view" in table.column_names  # then a view was compared with itself
            table = table.append_column(field, table["view"] if one_view else pa.nulls(table.num_rows, field.type))
    return table


def find_index(folder: Path, index: int | None) -> int:
    """Return the number of an entry that there is.

    Args:
        folder: the ledger.
        index: the number that was asked for; None = the newest scan.

    Raises:
        InputError: it is not a ledger; UnknownEntry: it has no such entry.
        VerificationError: an entry that may be the newest scan is not a canonical envelope of a statement.
    """
    count = size(folder)
    if not count:
        raise InputError(f"{folder} is not a ledger with a finished entry")
    if index is None:
        newest = (at for at in reversed(range(count)) if read_statement(folder, at).kind == statement.SCAN)
        return next(newest, count - 1)
    if not 0 <= index < count:
        raise UnknownEntry(f"{folder} has no entry {index}; its entries are 0 to {count - 1}")
    return index
