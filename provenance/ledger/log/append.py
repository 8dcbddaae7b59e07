"""The log: entries under a checkpoint, to which each scan, declaration or other act appends one.

Appending writes all of it beside (staging), then renames (publication): scans and objects, entry, checkpoint, in this
order. Whoever is killed in between leaves a ledger that verifies, and the next scan finishes what was signed (opening):
no index is ever signed twice.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.core.digests import sha256
from provenance.core.scratch import scratch_folders
from provenance.core.wording import count_noun
from provenance.errors import ConfigError, ProvenanceError
from provenance.ledger.format import statement
from provenance.ledger.layout import ENTRY_LIMIT, entry_path, has_entries, read_bytes, scan_path, size
from provenance.ledger.log import append_journal, opening, publication, staging
from provenance.ledger.log.file_writing import STAGING, check_links, explain_closed, lock_folder, write_file
from provenance.ledger.log.reading import read_envelope
from provenance.ledger.trees import merkle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from provenance.ledger.keys.signing_keys import KeyPair
    from provenance.ledger.log.log_state import Log


class Overtaken(ConfigError):  # noqa: N818 - names what happened
    """Another entry came into the ledger after this one was composed, which rests on what stood there."""


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
        LimitExceeded: there is no room in the folder.
        OSError: it cannot be written for another reason.
    """
    conformed = staging.conform_tables(tables)

    def stage(beside: Path, log: Log) -> bytes:
        return staging.stage_scan(beside, log, conformed, documents, facts=facts, keys=keys)

    with scratch_folders.explain_no_room(folder, "the entry"):
        return _add(folder, keys, stage, first=True)


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
    after: int | None = None,
) -> Entry:
    """Append one signed entry that binds a document: everything that is no scan.

    Args:
        folder: the ledger; there must be one, with a scan.
        kind: one of statement.KINDS.
        document: as it was handed in; it is kept as an object.
        facts: what the entry says, see the schema of its kind.
        keys: who signs; must be the ledger's own.
        files: further files of the ledger that it adds and binds, such as `keys/….pub.pem`; one that is there must be
            the same.
        objects: what else is kept for it, under its own digest.
        heir: of a change of keys, who holds the ledger afterwards, and signs too.
        after: how many entries there were when it was composed, if what it says rests on that; None = it does not.

    Returns:
        The entry; of a change of keys that was killed half-way, the one that is now finished.

    Raises:
        Overtaken: others were added since; nothing is appended, and it can be composed again.
        ConfigError: the folder is no ledger, belongs to other keys, or the facts do not hold to their schema.
        BrokenChain: the ledger's log does not verify, so nothing may be added to it.
        LimitExceeded: there is no room in the folder.
        OSError: it cannot be written for another reason.
    """
    added = dict(files or {})
    kept = {sha256(data): data for data in (document, *objects)}

    def stage(beside: Path, log: Log) -> bytes:
        if after is not None and len(log.leaves) != after:
            raise Overtaken(f"{folder} has {count_noun(len(log.leaves), 'entry')} and not {after} any more; try again")
        return staging.stage_document(beside, log, kind, kept, facts=facts, keys=keys, files=added, heir=heir)

    with scratch_folders.explain_no_room(folder, "the entry"):
        return _add(folder, keys, stage, heir=heir)


def _add(
    folder: Path,
    keys: KeyPair,
    stage: Callable[[Path, Log], bytes],
    *,
    first: bool = False,
    heir: KeyPair | None = None,
) -> Entry:
    """Stage an entry beside the ledger and publish it; only a scan may be the first."""
    opening.make_folder(folder)
    with lock_folder(folder), explain_closed(folder):
        check_links(folder)
        killed = (folder / STAGING).exists()
        append_journal.clear_staging(folder, keep=True)
        if not (folder / STAGING / append_journal.FILE_NAME).exists():
            append_journal.begin(folder)
        log: Log | None = None
        try:
            before = size(folder)
            log = opening.open_for_append(folder, keys, heir)
            if killed:
                opening.drop_orphans(folder, log)
            log = log or _begin_ledger(folder, keys, first=first)
            if heir is not None and len(log.leaves) > before and opening.is_held(log.succession, len(log.leaves), heir):
                append_journal.clear_staging(folder)
                return _newest_entry(log)  # a change of keys that was killed half-way
            opening.check_ours(log.folder, log.succession, len(log.leaves), keys)
            sealed = stage(folder / STAGING, log)
            return _newest_entry(publication.publish(folder / STAGING, log, sealed, keys=keys, heir=heir))
        except BaseException:
            _tidy_up(folder, log)
            raise


def _begin_ledger(folder: Path, keys: KeyPair, *, first: bool) -> Log:
    """Begin a ledger, which only a scan may."""
    if not first:
        raise ConfigError(f"{folder} holds no scan yet; `provenance scan DATA --ledger {folder}` appends one")
    return opening.start_ledger(folder, keys)


def _tidy_up(folder: Path, log: Log | None) -> None:
    """Tidy up after an append that failed; what was signed and not yet counted is for the next one to finish."""
    with contextlib.suppress(OSError, ProvenanceError):
        begun = log is not None and not os.path.lexists(folder / entry_path(len(log.leaves)))
        if begun or (log is None and not has_entries(folder)):  # nobody signed what was moved in
            opening.drop_orphans(folder, log)
        append_journal.clear_staging(folder, keep=bool(append_journal.read_journal(folder)))


def amend(folder: Path, changes: Mapping[str, Callable[[bytes | None], bytes]]) -> None:
    """Write files that no entry binds, and that vouch for themselves, beside the entries.

    Args:
        folder: the ledger.
        changes: by path relative to it, what takes the file's bytes, None where there is none, and returns its new
            ones; nothing is written before every one was asked, and then in this order.

    Raises:
        ConfigError: a link stands in the ledger.
        OSError: the folder cannot be written.
    """
    with lock_folder(folder), explain_closed(folder):
        check_links(folder)
        left = (folder / STAGING).exists()  # by a killed append: the next one tidies up after it
        if not left:
            append_journal.begin(folder)
        try:
            there = {name: read_bytes(folder / name, ENTRY_LIMIT) for name in changes if (folder / name).exists()}
            made = {name: change(there.get(name)) for name, change in changes.items()}
            for name, data in made.items():
                write_file(folder, name, data)
        finally:
            if not left:
                append_journal.clear_staging(folder)


def _newest_entry(log: Log) -> Entry:
    """Return the newest entry of a log."""
    index = len(log.leaves) - 1
    found = read_envelope(log.folder, index)
    value = statement.read_statement(found.payload).value
    root = merkle.hash_root(log.leaves).hex()
    return Entry(index, log.folder / scan_path(index), log.origin, index + 1, root, found.keyid, value)
