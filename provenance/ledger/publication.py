"""Publication: what was staged becomes part of a ledger, in the order that keeps it valid at any instant.

Scans and objects come first, then the entry, then the checkpoint that counts it.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from provenance import interruption
from provenance.errors import ConfigError, VerificationError
from provenance.ledger import checkpoint, envelope, leaves, merkle, statement, succession, writing
from provenance.ledger.keys import fingerprint
from provenance.ledger.layout import entry_path, note_path, scan_path

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.ledger.keys import KeyPair
    from provenance.ledger.opening import Log


def publish(staging: Path, log: Log, sealed: bytes, keys: KeyPair, heir: KeyPair | None) -> Log:
    """Move staged files into the ledger, in the order that keeps it valid at any instant.

    Args:
        staging: folder of what was staged; it is gone afterwards.
        log: what the entry stands on.
        sealed: the entry's envelope.
        keys: who signs the checkpoint.
        heir: of a change of keys, who holds the ledger afterwards, and signs too.

    Returns:
        The log with the entry.

    Raises:
        ConfigError: who signed may not, or what it says of keys contradicts the ledger.
        OSError: the folder cannot be written.
    """
    with interruption.deferred():  # a signal finds all of it done, or nothing
        return _publish(staging, log, sealed, keys, heir)


def _publish(staging: Path, log: Log, sealed: bytes, keys: KeyPair, heir: KeyPair | None) -> Log:
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
    writing.write(folder, entry_path(index), sealed)
    longer = replace(log, leaves=(*log.leaves, found.leaf))
    count(longer, head(longer, keys, heir))
    if is_scan:
        _point_latest(folder, index)
    shutil.rmtree(staging)
    return longer


def count(log: Log, note: bytes) -> None:
    """Put a checkpoint over all entries: from here on the last one counts.

    Args:
        log: the ledger.
        note: the signed checkpoint, see head.
    """
    # The list of leaf hashes first: one that is too short would look as if somebody had cut it.
    writing.write(log.folder, leaves.PATH, leaves.join(log.leaves))
    writing.write(log.folder, note_path(len(log.leaves)), note)
    interruption.appended(log.folder, len(log.leaves))


def head(log: Log, keys: KeyPair, heir: KeyPair | None = None) -> bytes:
    """Sign the log's head; where the log key is handed over, with both keys.

    Args:
        log: the ledger.
        keys: who holds it.
        heir: to whom the log key is handed over, if it is.

    Returns:
        The signed note.

    Raises:
        ConfigError: the newest entry hands the log key over, and not to this heir.
    """
    made = checkpoint.sign(log.origin, len(log.leaves), merkle.root(log.leaves), keys.log)
    after = log.held.handover(len(log.leaves) - 1)
    if after is None:
        return made.note
    if heir is None or fingerprint(heir.log.public_key()) != after:
        raise ConfigError(
            f"a change of keys was interrupted in {log.folder}; finish it with: provenance key rotate {log.folder} "
            f"--new URI, where URI names the new log key {after}"
        )
    return checkpoint.handover(made, heir.log).note


def _move_objects(staged: Path, folder: Path) -> None:
    for path in staged.iterdir():
        target = folder / statement.object_path(path.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        writing.sync(path)
        path.replace(target)
        writing.sync(target.parent)


def _move_files(staged: Path, folder: Path) -> None:
    for path in sorted(staged.rglob("*")) if staged.exists() else ():
        if path.is_file():
            target = folder / path.relative_to(staged)
            target.parent.mkdir(parents=True, exist_ok=True)
            writing.sync(path)
            path.replace(target)
            writing.sync(target.parent)


def _move_scan(staged: Path, target: Path) -> None:
    for path in (*staged.iterdir(), staged):
        writing.sync(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A killed append may have left a folder here that no entry binds.
    shutil.rmtree(target, ignore_errors=True)
    staged.replace(target)
    writing.sync(target.parent)


def _point_latest(folder: Path, index: int) -> None:
    # A convenience: where links cannot be made, there is none. Not made aside and renamed, as a second link is refused.
    latest = folder / "scans" / "latest"
    with contextlib.suppress(OSError):
        latest.unlink(missing_ok=True)
        latest.symlink_to(f"{index:08d}", target_is_directory=True)
