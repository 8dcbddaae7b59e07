"""Staging: what an entry binds is written beside the ledger, and the entry signed, before any of it moves in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance.core.digests import sha256
from provenance.errors import ConfigError, VerificationError
from provenance.ledger.format import envelope, row_keys, statement
from provenance.ledger.keys.signing_keys import KeyPair, fingerprint
from provenance.ledger.layout import ENTRY_LIMIT, LOG_KEY, ORIGIN, RECIPE, STATEMENT_KEY, cosignature_path, scan_path
from provenance.ledger.log import append_journal, key_history
from provenance.ledger.trees import merkle, salts

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from provenance.ledger.log.log_state import Log


def conform_tables(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Hold a scan's tables to their schemas, before anything is written.

    Args:
        tables: all of schemas.SEALED by name, and any of schemas.OPTIONAL.

    Returns:
        The tables, in the order of schemas.SEALED and schemas.OPTIONAL.

    Raises:
        ValueError: one is missing, strange, does not hold to its schema, or has two rows of one key.
    """
    from provenance.core.schemas import OPTIONAL, SEALED, conform

    if set(tables) - set(OPTIONAL) != set(SEALED):
        raise ValueError(f"an entry seals the tables {sorted(SEALED)}, not {sorted(tables)}")
    found = {name: conform(tables[name], schema) for name, schema in (SEALED | OPTIONAL).items() if name in tables}
    for name in row_keys.KEY_COLUMNS:
        try:
            row_keys.check_keys(found[name], name)
        except VerificationError as cause:
            raise ValueError(f"the table {name} cannot be signed: {cause}") from cause
    return found


def stage_scan(
    staging: Path,
    log: Log,
    tables: Mapping[str, pa.Table],
    documents: Mapping[str, statement.Document],
    *,
    facts: Mapping[str, Any],
    keys: KeyPair,
) -> bytes:
    """Write a scan's files beside the ledger, and sign the entry that binds them.

    Args:
        staging: an empty folder.
        log: what the entry is to stand on.
        tables: see conformed.
        documents: further files of the scan by name; one that names the entry is a function of its seal.
        facts: what the scan says of itself, see statement.Facts.
        keys: who signs.

    Returns:
        The envelope.

    Raises:
        ConfigError: a document's name is taken, the facts do not hold to their schema, or the entry is too large.
    """
    from provenance.ledger.format.table_files import to_portable
    from provenance.ledger.log import table_trees

    index = len(log.leaves)
    folder = _digest_fixed_files(log.folder) if index == 0 else {}
    names = [*(f"{table}.parquet" for table in tables), *documents]
    append_journal.announce(log.folder, [f"scan/{name}" for name in names])
    (staging / "scan").mkdir()
    (staging / "objects").mkdir()
    trees, bound = table_trees.write_tables(
        tables, staging, scan=scan_path(index), secret=salts.load_secret(keys.folder), origin=log.origin
    )
    seal = statement.Seal(index, log.origin, fingerprint(keys.statement.public_key()))
    folder |= bound | _write_documents(staging, seal, documents)
    payload = statement.build_statement(
        statement.SCAN,
        to_portable(dict(facts)),
        place=statement.Place(log.origin, index, merkle.hash_root(log.leaves).hex()),
        keys="local" if keys.local else "given",
        trees=trees,
        folder=folder,
        subject=folder[trees["tables"]["files"]["lines"]],
    )
    return _seal_within_limit(payload, keys)


def stage_document(
    staging: Path,
    log: Log,
    kind: str,
    kept: Mapping[str, bytes],
    *,
    facts: Mapping[str, Any],
    keys: KeyPair,
    files: Mapping[str, bytes],
    heir: KeyPair | None,
) -> bytes:
    """Write a document, and what else is kept, beside the ledger as objects; sign the entry that binds them.

    Args:
        staging: an empty folder.
        log: what the entry is to stand on.
        kind: one of statement.KINDS.
        kept: bytes by SHA-256, hexadecimal; the first is the subject.
        facts: what the entry says, see the schema of its kind.
        keys: who signs.
        files: further files of the ledger by path; one that is there, as a killed append leaves keys, must be the same.
        heir: of a change of keys, who holds the ledger afterwards, and signs too.

    Returns:
        The envelope.

    Raises:
        ConfigError: another file is there already, the facts do not hold to their schema, or the entry is too large.
    """
    new_key = cosignature_path(len(log.leaves), key_history.NEW_KEY)
    append_journal.announce(log.folder, [f"files/{name}" for name in (*files, new_key)])
    (staging / "objects").mkdir()
    for digest, data in kept.items():
        (staging / "objects" / digest).write_bytes(data)
    for name, data in files.items():
        there = log.folder / name
        if there.exists() and (not there.is_file() or there.stat().st_size != len(data) or there.read_bytes() != data):
            raise ConfigError(f"the ledger {log.folder} has another file {name} already")
        (staging / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / "files" / name).write_bytes(data)
    payload = statement.build_statement(
        kind,
        facts,
        place=statement.Place(log.origin, len(log.leaves), merkle.hash_root(log.leaves).hex()),
        keys="local" if keys.local else "given",
        folder={statement.object_path(digest): digest for digest in kept}
        | {name: sha256(data) for name, data in files.items()},
        subject=next(iter(kept)),
    )
    if heir is not None and fingerprint(heir.statement.public_key()) != fingerprint(keys.statement.public_key()):
        beside = staging / "files" / new_key
        beside.parent.mkdir(parents=True)
        beside.write_bytes(envelope.seal_payload(payload, heir.statement))
    return _seal_within_limit(payload, keys)


def _seal_within_limit(payload: bytes, keys: KeyPair) -> bytes:
    sealed = envelope.seal_payload(payload, keys.statement)
    if len(sealed) > ENTRY_LIMIT:
        raise ConfigError(f"the entry is larger than {ENTRY_LIMIT} bytes; put what is large into a table or document")
    return sealed


def _digest_fixed_files(folder: Path) -> dict[str, str]:
    return {name: sha256((folder / name).read_bytes()) for name in (ORIGIN, RECIPE, STATEMENT_KEY, LOG_KEY)}


def _write_documents(
    staging: Path, seal: statement.Seal, documents: Mapping[str, statement.Document]
) -> dict[str, str]:
    bound = {}
    for name, document in documents.items():
        if Path(name).name != name or (staging / "scan" / name).exists():
            raise ConfigError(f"a document cannot be called {name!r}")
        data = document if isinstance(document, bytes) else document(seal)
        (staging / "scan" / name).write_bytes(data)
        bound[f"{scan_path(seal.index)}/{name}"] = sha256(data)
    return bound
