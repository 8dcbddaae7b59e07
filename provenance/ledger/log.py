"""The log: entries under a checkpoint, to which each scan, declaration or other act appends one.

Appending writes all of it beside, then renames: scans and objects, entry, checkpoint, in this order. Whoever is killed
in between leaves a ledger that verifies, and the next scan finishes what was signed: no index is ever signed twice.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec

from provenance.digests import sha256
from provenance.errors import BrokenChain, ConfigError, DigestMismatch, InputError, VerificationError
from provenance.ledger import checkpoint, envelope, keyfiles, leaves, merkle, salts, statement, succession
from provenance.ledger.keys import KeyPair, fingerprint, public_pem
from provenance.ledger.layout import (
    ENTRY_LIMIT,
    LOG_KEY,
    ORIGIN,
    RECIPE,
    SMALL,
    STATEMENT_KEY,
    cosignature_path,
    entry_path,
    is_ledger,
    note_path,
    read_bytes,
    scan_path,
    size,
)
from provenance.ledger.reading import envelope_of, statement_of
from provenance.ledger.succession import Succession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.ledger.keys import PublicKey

BEGUN = "begun"
"""In a folder of keys that has a name for a log: which ledger took it."""

STAGING = ".append"
_OURS = {ORIGIN, RECIPE, STAGING, ".lock", "keys", "entries", "checkpoints", "objects", "scans"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What one scan or declaration added to a ledger.

    Args:
        index: number of the entry, from 0.
        folder: a scan's folder of tables and documents, `scans/<index>`.
        origin: name of the log.
        size: entries in the log, this one included.
        root: root over them, hexadecimal.
        keyid: OpenSSH SHA256 fingerprint of the statement key.
        statement: what was signed.
    """

    index: int
    folder: Path
    origin: str
    size: int
    root: str
    keyid: str
    statement: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Log:
    """A ledger that is ours to append to: its origin, the leaf hashes of its entries, and who holds its keys."""

    folder: Path
    origin: str
    leaves: tuple[bytes, ...]
    held: Succession


def append(
    folder: Path,
    tables: Mapping[str, pa.Table],
    documents: Mapping[str, statement.Document],
    facts: Mapping[str, Any],
    *,
    keys: KeyPair,
) -> Entry:
    """Append one signed entry that binds a scan's tables and documents.

    Args:
        folder: the ledger; made where there is none.
        tables: all of schemas.SEALED by name, sorted; grain and units as there.
        documents: further files of `scans/<index>/` by name; one that names the entry is a function of its seal.
        facts: what the scan says of itself, see statement.Facts.
        keys: who signs; must be the ledger's own.

    Returns:
        The entry.

    Raises:
        ConfigError: the folder is no ledger, belongs to other keys, or the facts do not hold to their schema.
        BrokenChain: the ledger's log does not verify, so nothing may be added to it.
        ValueError: a table does not hold to its schema.
        OSError: the folder cannot be written.
    """
    conformed = _conformed(tables)
    return _add(
        folder, keys, lambda staging, log: _stage(staging, log, conformed, documents, facts, keys=keys), first=True
    )


def attach(
    folder: Path,
    kind: str,
    document: bytes,
    facts: Mapping[str, Any],
    *,
    keys: KeyPair,
    files: Mapping[str, bytes] | None = None,
    objects: Sequence[bytes] = (),
    heir: KeyPair | None = None,
) -> Entry:
    """Append one signed entry that binds a document: everything that is no scan.

    Args:
        folder: the ledger; there must be one, with a scan.
        kind: one of statement.KINDS.
        document: as it was handed in; it is kept as an object.
        facts: what the entry says, see the schema of its kind.
        keys: who signs; must be the ledger's own.
        files: further files of the ledger that it adds and binds, such as `keys/….pub.pem`; none may be there yet.
        objects: what else is kept for it, under its own digest.
        heir: of a change of keys, who holds the ledger afterwards, and signs too.

    Returns:
        The entry; of a change of keys that was killed half-way, the one that is now finished.

    Raises:
        ConfigError: the folder is no ledger, belongs to other keys, or the facts do not hold to their schema.
        BrokenChain: the ledger's log does not verify, so nothing may be added to it.
        OSError: the folder cannot be written.
    """
    added = dict(files or {})
    kept = {sha256(data): data for data in (document, *objects)}

    def stage(staging: Path, log: _Log) -> bytes:
        return _stage_document(staging, log, kind, kept, facts, keys=keys, files=added, heir=heir)

    return _add(folder, keys, stage, heir=heir)


def _add(
    folder: Path,
    keys: KeyPair,
    stage: Callable[[Path, _Log], bytes],
    *,
    first: bool = False,
    heir: KeyPair | None = None,
) -> Entry:
    """Stage an entry beside the ledger and publish it; only a scan may be the first."""
    _enter(folder)
    with locked(folder):
        staging, killed = folder / STAGING, (folder / STAGING).exists()
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        finished = size(folder)
        log = _open(folder, keys, heir) or (_start(folder, keys) if first else None)
        if log is None:
            shutil.rmtree(staging, ignore_errors=True)
            raise ConfigError(f"{folder} holds no scan yet; `provenance scan DATA --ledger {folder}` appends one")
        if heir is not None and len(log.leaves) > finished and _is_held(log.held, len(log.leaves), heir):
            shutil.rmtree(staging, ignore_errors=True)
            return _entry(log)  # a change of keys that was killed half-way
        _check_ours(log.folder, log.held, len(log.leaves), keys)
        if killed:
            _drop_orphans(log)
        try:
            sealed = stage(staging, log)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        return _publish(staging, log, sealed, keys, heir)


def amend(folder: Path, name: str, change: Callable[[bytes | None], bytes]) -> None:
    """Write a file that no entry binds, and that vouches for itself, beside the entries.

    Args:
        folder: the ledger.
        name: path relative to it.
        change: takes the file's bytes, None where there is none, and returns its new ones.

    Raises:
        OSError: the folder cannot be written.
    """
    with locked(folder):
        left = (folder / STAGING).exists()  # by a killed append: the next one tidies up after it
        (folder / STAGING).mkdir(exist_ok=True)
        try:
            path = folder / name
            _write(folder, name, change(read_bytes(path, ENTRY_LIMIT) if path.exists() else None))
        finally:
            if not left:
                shutil.rmtree(folder / STAGING, ignore_errors=True)


def _conformed(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    from provenance.schemas import SEALED, conform

    if set(tables) != set(SEALED):
        raise ValueError(f"an entry seals the tables {sorted(SEALED)}, not {sorted(tables)}")
    return {name: conform(tables[name], schema) for name, schema in SEALED.items()}


def _enter(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = {path.name for path in folder.iterdir()} - _OURS
    except OSError as cause:
        raise ConfigError(f"the ledger {folder} cannot be written: {cause.strerror}") from cause
    if strangers and not is_ledger(folder):
        raise ConfigError(f"{folder} holds other files and is not a ledger; name an empty or new folder with --ledger")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one writer at a time into a folder; a killed one's lock goes with it, and no lock file stays to be bound."""
    if sys.platform == "win32":
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_TEMPORARY
        held = _held(folder, lambda: os.open(folder / ".lock", flags))
    else:
        import fcntl

        held = _held(folder, lambda: os.open(folder, os.O_RDONLY))
        _held(folder, lambda: fcntl.flock(held, fcntl.LOCK_EX))
    try:
        yield
    finally:
        os.close(held)


def _held(folder: Path, take: Any) -> Any:
    try:
        return take()
    except OSError as cause:
        raise ConfigError(f"the ledger {folder} cannot be locked: {cause.strerror}") from cause


def _drop_orphans(log: _Log) -> None:
    """Remove objects and keys that a killed append moved in before it signed anything."""
    bound = {path for index in range(len(log.leaves)) for path in statement_of(log.folder, index).folder}
    bound |= {STATEMENT_KEY, LOG_KEY}  # a new ledger's, written just now
    for path in (*(log.folder / "objects").rglob("*"), *(log.folder / "keys").rglob("*")):
        if path.is_file() and path.relative_to(log.folder).as_posix() not in bound:
            path.unlink()
    shutil.rmtree((log.folder / cosignature_path(len(log.leaves), "")).parent, ignore_errors=True)


def _check_first(folder: Path, keys: KeyPair) -> None:
    """Refuse a second ledger under a name that was chosen for one: it would look like another view of that one."""
    if not keys.origin or not keys.folder or not (keys.folder / BEGUN).is_file():
        return
    other = read_bytes(keys.folder / BEGUN, SMALL).decode("utf-8", "replace").strip()
    if other != str(folder.resolve()):
        raise ConfigError(
            f"the ledger {other} was begun with these keys under the name {keys.origin}; a second one would pass for a "
            f"forgery of it: make other keys (provenance keygen), or remove {keys.folder / BEGUN} if nobody ever saw it"
        )


def _start(folder: Path, keys: KeyPair) -> _Log:
    """Write what a new ledger holds once.

    An origin made here is unique: two ledgers of one user under one name would look like two views of one log. One
    that goes with the keys was chosen for this ledger.
    """
    statement_key, log_key = keys.statement.public_key(), keys.log.public_key()
    _check_first(folder, keys)
    if keys.origin and keys.folder and not (keys.folder / BEGUN).exists():
        with contextlib.suppress(OSError):  # keys may lie where nothing can be written
            keyfiles.write(keys.folder / BEGUN, f"{folder.resolve()}\n".encode())
    origin = keys.origin or f"provenance.local/{sha256(public_pem(log_key))[:8]}/{secrets.token_hex(8)}"
    _write(folder, ORIGIN, f"{origin}\n".encode())
    _write(folder, RECIPE, Path(__file__).with_name(RECIPE).read_bytes())
    _write(folder, STATEMENT_KEY, public_pem(statement_key))
    _write(folder, LOG_KEY, public_pem(log_key))
    return _Log(folder, origin, (), Succession({"statement": fingerprint(statement_key), "log": fingerprint(log_key)}))


def _open(folder: Path, keys: KeyPair, heir: KeyPair | None) -> _Log | None:
    """Open a ledger for appending, and finish the entry of an append that was killed after signing it."""
    count = size(folder)
    unfinished = (folder / entry_path(count)).exists()
    if not count and not unfinished:
        return None
    held, known = succession.of(folder), succession.public_keys(folder)
    _check_ours(folder, held, count, keys)
    try:
        origin = read_bytes(folder / ORIGIN, SMALL).decode().removesuffix("\n")
        log = _Log(folder, origin, tuple(_signed(folder, index, held, known).leaf for index in range(count)), held)
        _check_head(log, known)
        return _finish(log, known, keys, heir) if unfinished else log
    except (OSError, ValueError, InputError, VerificationError) as cause:
        raise BrokenChain(f"the ledger {folder} does not verify, so nothing is added to it: {cause}") from cause


def _signed(folder: Path, index: int, held: Succession, known: Mapping[str, PublicKey]) -> envelope.Envelope:
    """Read an entry that is signed by who held the ledger there, and by its heir where it changed hands."""
    found = envelope_of(folder, index)
    held.check_signer(index, found.keyid)
    key = known.get(found.keyid)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise VerificationError(f"the key {found.keyid} of entry {index} is not in keys/")
    envelope.check(found, key)
    for change in held.changes:
        if change.index == index and change.role == "statement":
            data = read_bytes(folder / cosignature_path(index, succession.NEW_KEY), ENTRY_LIMIT)
            succession.check_cosignature(data, found.payload, change.after, known)
    return found


def reserve(folder: Path, keys: KeyPair) -> None:
    """Say before the work, not after it, that an entry could not be added.

    Args:
        folder: the ledger, or where it is to be.
        keys: who is to sign.

    Raises:
        ConfigError: the ledger belongs to other keys, or the folder cannot be written.
    """
    if is_ledger(folder):
        _check_ours(folder, succession.of(folder), size(folder), keys)
    if not size(folder):
        _check_first(folder, keys)
    place = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise ConfigError(f"the ledger {folder} cannot be written: {place} is no folder you may write to")


def _is_held(held: Succession, index: int, keys: KeyPair) -> bool:
    return all(held.holder(role, index) == fingerprint(key) for role, key in keys.public().items())


def _check_ours(folder: Path, held: Succession, index: int, keys: KeyPair) -> None:
    for role, key in keys.public().items():
        if held.holder(role, index) != fingerprint(key):
            raise ConfigError(
                f"the ledger {folder} is signed with another key ({held.holder(role, index)}); name that "
                "key with --key, or another folder with --ledger; who holds that key hands the ledger over with: "
                f"provenance key rotate {folder} --new URI"
            )


def _check_head(log: _Log, known: Mapping[str, PublicKey]) -> None:
    if not log.leaves:
        return
    data = read_bytes(log.folder / note_path(len(log.leaves)), checkpoint.LIMIT)
    head = succession.check_note(data, len(log.leaves) - 1, log.held, known)
    if (head.origin, head.size, head.root) != (log.origin, len(log.leaves), merkle.root(log.leaves)):
        raise BrokenChain("its newest checkpoint does not match its entries")


def _finish(log: _Log, known: Mapping[str, PublicKey], keys: KeyPair, heir: KeyPair | None) -> _Log:
    """Put a checkpoint over an entry that was signed and written, but not yet counted."""
    index = len(log.leaves)
    said = statement.read(envelope_of(log.folder, index).payload)
    if said.kind == succession.KIND:
        log.held.follow(index, said.predicate)
    found = _signed(log.folder, index, log.held, known)
    if said.place != statement.Place(log.origin, index, merkle.root(log.leaves).hex()):
        raise BrokenChain(f"entry {index} belongs elsewhere")
    from provenance.ledger.objects import digest

    for path, bound in said.folder.items():
        if digest(log.folder / path) != bound:
            raise DigestMismatch(f"{path} is not what entry {index} binds")
    longer = replace(log, leaves=(*log.leaves, found.leaf))
    _count(longer, _head(longer, keys, heir))
    return longer


def _count(log: _Log, head: bytes) -> None:
    """Put a checkpoint over all entries: from here on the last one counts."""
    # The list of leaf hashes first: one that is too short would look as if somebody had cut it.
    _write(log.folder, leaves.PATH, leaves.join(log.leaves))
    _write(log.folder, note_path(len(log.leaves)), head)


def _head(log: _Log, keys: KeyPair, heir: KeyPair | None = None) -> bytes:
    """Sign the log's head; where the log key is handed over, with both keys."""
    head = checkpoint.sign(log.origin, len(log.leaves), merkle.root(log.leaves), keys.log)
    after = log.held.handover(len(log.leaves) - 1)
    if after is None:
        return head.note
    if heir is None or fingerprint(heir.log.public_key()) != after:
        raise ConfigError(
            f"a change of keys was interrupted in {log.folder}; finish it with: provenance key rotate {log.folder} "
            f"--new URI, where URI names the new log key {after}"
        )
    return checkpoint.handover(head, heir.log)


def _stage(
    staging: Path,
    log: _Log,
    tables: Mapping[str, pa.Table],
    documents: Mapping[str, statement.Document],
    facts: Mapping[str, Any],
    *,
    keys: KeyPair,
) -> bytes:
    """Write a scan's files beside the ledger; return the envelope that binds them."""
    from provenance.ledger import tabletrees
    from provenance.ledger.objects import portable

    index = len(log.leaves)
    folder = _fixed(log.folder) if index == 0 else {}
    (staging / "scan").mkdir()
    (staging / "objects").mkdir()
    trees, bound = tabletrees.seal(
        tables, staging, scan=scan_path(index), secret=salts.secret(keys.folder), origin=log.origin
    )
    seal = statement.Seal(index, log.origin, fingerprint(keys.statement.public_key()))
    folder |= bound | _stage_documents(staging, seal, documents)
    payload = statement.build(
        statement.SCAN,
        portable(dict(facts)),
        place=statement.Place(log.origin, index, merkle.root(log.leaves).hex()),
        keys="local" if keys.local else "given",
        trees=trees,
        folder=folder,
        subject=folder[trees["tables"]["files"]["lines"]],
    )
    return _sealed(payload, keys)


def _stage_document(
    staging: Path,
    log: _Log,
    kind: str,
    kept: Mapping[str, bytes],
    facts: Mapping[str, Any],
    *,
    keys: KeyPair,
    files: Mapping[str, bytes],
    heir: KeyPair | None,
) -> bytes:
    """Write a document, and what else is kept, beside the ledger as objects; return the envelope that binds them."""
    (staging / "objects").mkdir()
    for digest, data in kept.items():
        (staging / "objects" / digest).write_bytes(data)
    for name, data in files.items():
        if (log.folder / name).exists():
            raise ConfigError(f"the ledger {log.folder} has a file {name} already")
        (staging / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / "files" / name).write_bytes(data)
    payload = statement.build(
        kind,
        facts,
        place=statement.Place(log.origin, len(log.leaves), merkle.root(log.leaves).hex()),
        keys="local" if keys.local else "given",
        folder={statement.object_path(digest): digest for digest in kept}
        | {name: sha256(data) for name, data in files.items()},
        subject=next(iter(kept)),
    )
    if heir is not None and fingerprint(heir.statement.public_key()) != fingerprint(keys.statement.public_key()):
        beside = staging / "files" / cosignature_path(len(log.leaves), succession.NEW_KEY)
        beside.parent.mkdir(parents=True)
        beside.write_bytes(envelope.seal(payload, heir.statement))
    return _sealed(payload, keys)


def _sealed(payload: bytes, keys: KeyPair) -> bytes:
    sealed = envelope.seal(payload, keys.statement)
    if len(sealed) > ENTRY_LIMIT:
        raise ConfigError(f"the entry is larger than {ENTRY_LIMIT} bytes; put what is large into a table or document")
    return sealed


def _fixed(folder: Path) -> dict[str, str]:
    return {name: sha256((folder / name).read_bytes()) for name in (ORIGIN, RECIPE, STATEMENT_KEY, LOG_KEY)}


def _stage_documents(
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


def _publish(staging: Path, log: _Log, sealed: bytes, keys: KeyPair, heir: KeyPair | None) -> Entry:
    """Move staged files into the ledger, in the order that keeps it valid at any instant."""
    folder, index = log.folder, len(log.leaves)
    found = envelope.read(sealed)
    said = statement.read(found.payload)
    try:
        log.held.check_signer(index, found.keyid)
        log.held.check_noter(index)
        if said.kind == succession.KIND:
            log.held.follow(index, said.predicate)
    except VerificationError as cause:
        shutil.rmtree(staging, ignore_errors=True)
        raise ConfigError(f"the entry cannot be added to {folder}: {cause}") from cause
    _move_objects(staging / "objects", folder)
    _move_files(staging / "files", folder)
    is_scan = (staging / "scan").exists()
    if is_scan:
        _move_scan(staging / "scan", folder / scan_path(index))
    _write(folder, entry_path(index), sealed)
    longer = replace(log, leaves=(*log.leaves, found.leaf))
    _count(longer, _head(longer, keys, heir))
    if is_scan:
        _point_latest(folder, index)
    shutil.rmtree(staging)
    return _entry(longer)


def _entry(log: _Log) -> Entry:
    """Return the newest entry of a log."""
    index = len(log.leaves) - 1
    found = envelope_of(log.folder, index)
    said = statement.read(found.payload).value
    root = merkle.root(log.leaves).hex()
    return Entry(index, log.folder / scan_path(index), log.origin, index + 1, root, found.keyid, said)


def _move_objects(staged: Path, folder: Path) -> None:
    for path in staged.iterdir():
        target = folder / statement.object_path(path.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        sync(path)
        path.replace(target)
        sync(target.parent)


def _move_files(staged: Path, folder: Path) -> None:
    for path in sorted(staged.rglob("*")) if staged.exists() else ():
        if path.is_file():
            target = folder / path.relative_to(staged)
            target.parent.mkdir(parents=True, exist_ok=True)
            sync(path)
            path.replace(target)
            sync(target.parent)


def _move_scan(staged: Path, target: Path) -> None:
    for path in (*staged.iterdir(), staged):
        sync(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A killed append may have left a folder here that no entry binds.
    shutil.rmtree(target, ignore_errors=True)
    staged.replace(target)
    sync(target.parent)


def _point_latest(folder: Path, index: int) -> None:
    # A convenience: where links cannot be made, there is none. Not made aside and renamed, as a second link is refused.
    latest = folder / "scans" / "latest"
    with contextlib.suppress(OSError):
        latest.unlink(missing_ok=True)
        latest.symlink_to(f"{index:08d}", target_is_directory=True)


def _write(folder: Path, name: str, data: bytes) -> None:
    """Write a file of the ledger so that it is there whole or not at all."""
    made, path = folder / STAGING / "file", folder / name
    made.write_bytes(data)
    sync(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """See to it that a file or folder is on the disk."""
    if sys.platform == "win32":
        return  # it opens no folders, and syncs no file that is open for reading
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
