"""Publication: what was staged becomes part of a ledger, in the order that keeps it valid at any instant.

Scans and objects come first, then the entry, then the checkpoint that counts it.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from provenance.core.processes import interruption
from provenance.errors import ConfigError, VerificationError
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.keys.signing_keys import fingerprint
from provenance.ledger.layout import entry_path, note_path, scan_path
from provenance.ledger.log import append_journal, file_writing, folder_comparison, key_history, leaf_hashes
from provenance.ledger.trees import merkle

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.ledger.keys.signing_keys import KeyPair
    from provenance.ledger.log.log_state import Log


def publish(staging: Path, log: Log, sealed: bytes, *, keys: KeyPair, heir: KeyPair | None) -> Log:
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
        ConfigError: who signed may not, what it says of keys contradicts the ledger, or another file stands where one
            of the entry's is to stand; nothing was moved then.
        OSError: the folder cannot be written.
    """
    with interruption.defer_signals():  # a signal finds all of it done, or nothing
        return _publish(staging, log, sealed, keys, heir)


def _publish(staging: Path, log: Log, sealed: bytes, keys: KeyPair, heir: KeyPair | None) -> Log:
    folder, index = log.folder, len(log.leaves)
    found = envelope.read_envelope(sealed)
    entry_statement = statement.read_statement(found.payload)
    try:
        log.succession.check_signer(index, found.keyid)
        log.succession.check_noter(index)
        if entry_statement.kind == key_history.KEY_KIND:
            log.succession.follow(index, entry_statement.predicate)
    except VerificationError as cause:
        raise ConfigError(f"the entry cannot be added to {folder}: {cause}") from cause
    moves = _plan_moves(staging, index)
    new = _note_moves(folder, moves, entry_statement)
    is_scan = (staging / "scan").exists()
    for staged, name in moves:
        if name in new and not name.startswith("scans/"):
            _move_file(staged, folder, name)
    if is_scan:
        _move_scan(staging / "scan", folder, scan_path(index))
    file_writing.write_file(folder, entry_path(index), sealed)
    longer = replace(log, leaves=(*log.leaves, found.leaf_hash))
    write_head(longer, sign_head(longer, keys, heir))
    if is_scan:
        point_latest(folder, index)
    append_journal.clear_staging(folder)
    return longer


def write_head(log: Log, note: bytes) -> None:
    """Put a checkpoint over all entries: from here on the last one counts.

    Args:
        log: the ledger.
        note: the signed checkpoint, see head.
    """
    # The list of leaf hashes first: one that is too short would look as if somebody had cut it.
    file_writing.write_file(log.folder, leaf_hashes.PATH, leaf_hashes.join_hashes(log.leaves))
    file_writing.write_file(log.folder, note_path(len(log.leaves)), note)
    interruption.note_append(log.folder, len(log.leaves))


def sign_head(log: Log, keys: KeyPair, heir: KeyPair | None = None) -> bytes:
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
    made = checkpoint.sign_head(log.origin, len(log.leaves), merkle.hash_root(log.leaves), keys.log)
    after = log.succession.find_handover(len(log.leaves) - 1)
    if after is None:
        return made.note
    if heir is None or fingerprint(heir.log.public_key()) != after:
        raise ConfigError(
            f"a change of keys was interrupted in {log.folder}; finish it with: provenance key rotate {log.folder} "
            f"--new URI, where URI names the new log key {after}"
        )
    return checkpoint.sign_handover(made, heir.log).note


def _plan_moves(staging: Path, index: int) -> list[tuple[Path, str]]:
    """Every staged file, and where it goes: objects first, then files, then the scan's."""
    found = [(path, statement.object_path(path.name)) for path in sorted((staging / "objects").iterdir())]
    files = staging / "files"
    found += [(path, path.relative_to(files).as_posix()) for path in sorted(files.rglob("*")) if path.is_file()]
    scan = staging / "scan"
    if scan.exists():
        found += [(path, f"{scan_path(index)}/{path.name}") for path in sorted(scan.iterdir())]
    return found


def _note_moves(folder: Path, moves: list[tuple[Path, str]], entry_statement: statement.Statement) -> set[str]:
    """Write down what will be moved in; return what is not there yet. Nothing that is there is ever written over."""
    items = []
    for staged, name in moves:
        file_writing.check_no_link(folder, name)
        digest, target = entry_statement.folder.get(name) or folder_comparison.digest_file(staged), folder / name
        existed = os.path.lexists(target)
        if existed and (not target.is_file() or folder_comparison.digest_file(target) != digest):
            raise ConfigError(f"{target} is there already and holds something else; move it away, and try again")
        items.append(append_journal.JournalItem(name, digest, existed))
    scans = {name.rpartition("/")[0] for _, name in moves if name.startswith("scans/")}
    for name in scans:
        if os.path.lexists(folder / name) and (not (folder / name).is_dir() or any((folder / name).iterdir())):
            raise ConfigError(f"{folder / name} is there already, and no entry binds it; move it away, and try again")
    append_journal.add_items(folder, items)
    return {each.path for each in items if not each.existed}


def _move_file(staged: Path, folder: Path, name: str) -> None:
    target = folder / name
    file_writing.check_no_link(folder, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    file_writing.sync_to_disk(staged)
    staged.replace(target)
    file_writing.sync_to_disk(target.parent)


def _move_scan(staged: Path, folder: Path, name: str) -> None:
    target = folder / name
    file_writing.check_no_link(folder, name)
    for path in (*staged.iterdir(), staged):
        file_writing.sync_to_disk(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        target.rmdir()  # it is empty
    staged.replace(target)
    file_writing.sync_to_disk(target.parent)


def point_latest(folder: Path, index: int) -> None:
    """Let `scans/latest` lead to a scan; where somebody keeps something else of that name, it stays.

    Args:
        folder: the ledger.
        index: number of the scan's entry.
    """
    # A convenience: where links cannot be made, there is none. Not made aside and renamed, as a second link is refused.
    latest = folder / file_writing.LATEST_LINK
    with contextlib.suppress(OSError):
        file_writing.check_no_link(folder, "scans")
        if latest.is_symlink():
            latest.unlink()
        latest.symlink_to(f"{index:08d}", target_is_directory=True)
