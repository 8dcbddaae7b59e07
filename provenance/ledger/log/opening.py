"""Opening a ledger to append to it: whose it is, whether it verifies, and what a killed append left to finish."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from provenance.core.digests import sha256
from provenance.errors import BrokenChain, ConfigError, DigestMismatch, InputError, VerificationError
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.keys import key_files
from provenance.ledger.keys.signing_keys import KeyPair, fingerprint, public_pem
from provenance.ledger.layout import (
    ENTRY_LIMIT,
    LOCAL,
    LOG_KEY,
    ORIGIN,
    RECIPE,
    SMALL,
    STATEMENT_KEY,
    cosignature_path,
    entry_path,
    has_entries,
    is_ledger,
    ledger_around,
    note_path,
    read_bytes,
    resolved,
    size,
    unreadable,
)
from provenance.ledger.log import append_journal, key_history, publication
from provenance.ledger.log.file_writing import STAGING, check_links, check_no_link, write_file
from provenance.ledger.log.key_history import Succession
from provenance.ledger.log.log_state import Log
from provenance.ledger.log.reading import read_envelope, read_statement
from provenance.ledger.trees import merkle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provenance.ledger.keys.signing_keys import PublicKey

BEGUN_FILE = "begun"
"""In a folder of keys that has a name for a log: which ledger took it."""

_LEDGER_FILES = {ORIGIN, RECIPE, STAGING, ".lock", "keys", "entries", "checkpoints", "objects", "scans"}


def make_folder(folder: Path) -> None:
    """Make a ledger's folder where there is none.

    Args:
        folder: the ledger.

    Raises:
        ConfigError: it cannot be written, or holds files and is no ledger.
    """
    check_place(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise ConfigError(f"the ledger {folder} cannot be written: {cause.strerror}") from cause
    check_free(folder)


def check_free(folder: Path) -> None:
    """Refuse a folder that holds something else, and is no ledger.

    Args:
        folder: where a ledger is, or is to be.

    Raises:
        ConfigError: it does, or cannot be read.
    """
    try:
        strangers = {path.name for path in folder.iterdir()} - _LEDGER_FILES
    except OSError as cause:
        raise ConfigError(f"the ledger {folder} cannot be written: {cause.strerror}") from cause
    if strangers and not is_ledger(folder):
        raise ConfigError(f"{folder} holds other files and is not a ledger; name an empty or new folder with --ledger")
    if not size(folder) and not has_entries(folder):
        _check_keys(folder)


def check_place(folder: Path) -> None:
    """Refuse a folder inside another ledger: that one would not verify any more.

    Args:
        folder: the ledger, or where it is to be.

    Raises:
        ConfigError: it lies in a ledger.
    """
    around = ledger_around(folder)
    if around is not None and around != resolved(folder):
        raise ConfigError(
            f"{folder} lies in the ledger {around}, which would not verify any more; name a folder outside of it"
        )


def _check_keys(folder: Path) -> None:
    """Refuse a folder of private keys: a ledger is handed to others, and what is in it with it."""
    places = (folder / "keys").iterdir() if (folder / "keys").is_dir() else ()
    if other := sorted(path.name for path in places if f"keys/{path.name}" not in {STATEMENT_KEY, LOG_KEY}):
        raise ConfigError(
            f"{folder / 'keys'} holds {', '.join(other[:3])}, which is none of a new ledger's; a ledger is handed to "
            "others: keep keys elsewhere, and name an empty or new folder with --ledger"
        )


def _check_first(folder: Path, keys: KeyPair) -> None:
    """Refuse a second ledger under a name that was chosen for one: it would look like another view of that one."""
    if not keys.origin or not keys.folder or not (keys.folder / BEGUN_FILE).is_file():
        return
    other = read_bytes(keys.folder / BEGUN_FILE, SMALL).decode("utf-8", "replace").strip()
    if other != str(folder.resolve()):
        raise ConfigError(
            f"the ledger {other} was begun with these keys under the name {keys.origin}; a second one would pass for a "
            f"forgery of it: make other keys (provenance keygen), or remove {keys.folder / BEGUN_FILE} if nobody ever "
            "saw it"
        )


def start_ledger(folder: Path, keys: KeyPair) -> Log:
    """Write what a new ledger holds once.

    An origin made here is unique: two ledgers of one user under one name would look like two views of one log. One
    that goes with the keys was chosen for this ledger.

    Args:
        folder: the ledger, in which an append is staged.
        keys: whose it will be.

    Returns:
        The empty log.

    Raises:
        ConfigError: another ledger was begun under the name that goes with the keys.
    """
    statement_key, log_key = keys.statement.public_key(), keys.log.public_key()
    _check_first(folder, keys)
    if keys.origin and keys.folder and not (keys.folder / BEGUN_FILE).exists():
        with contextlib.suppress(OSError):  # keys may lie where nothing can be written
            key_files.write_private(keys.folder / BEGUN_FILE, f"{folder.resolve()}\n".encode())
    origin = keys.origin or _make_origin(folder, log_key)
    _write_first(
        folder,
        {
            ORIGIN: f"{origin}\n".encode(),
            RECIPE: (Path(__file__).parents[1] / RECIPE).read_bytes(),
            STATEMENT_KEY: public_pem(statement_key),
            LOG_KEY: public_pem(log_key),
        },
    )
    return Log(folder, origin, (), Succession({"statement": fingerprint(statement_key), "log": fingerprint(log_key)}))


def _make_origin(folder: Path, log_key: PublicKey) -> str:
    """Make a unique name for a log; one that a killed first scan of the same keys left was never signed, and serves."""
    made = f"{LOCAL}{sha256(public_pem(log_key))[:8]}/"
    with contextlib.suppress(OSError, ValueError, VerificationError):
        left = read_bytes(folder / ORIGIN, SMALL).decode()
        if re.fullmatch(rf"{re.escape(made)}[0-9a-f]{{16}}\n", left):
            return left.removesuffix("\n")
    return made + secrets.token_hex(8)


def _write_first(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write what a new ledger holds once, and over nothing."""
    there = {name for name in files if os.path.lexists(folder / name)}
    for name in sorted(there):
        check_no_link(folder, name)
        if not (folder / name).is_file() or read_bytes(folder / name, ENTRY_LIMIT) != files[name]:
            raise ConfigError(f"{folder / name} is there already and is none of a new ledger's; move it away")
    append_journal.add_items(
        folder, [append_journal.JournalItem(name, sha256(data), name in there) for name, data in files.items()]
    )
    for name in [each for each in files if each not in there]:
        write_file(folder, name, files[name])


def open_for_append(folder: Path, keys: KeyPair, heir: KeyPair | None) -> Log | None:
    """Open a ledger for appending, and finish the entry of an append that was killed after signing it.

    Args:
        folder: the ledger, in which an append is staged.
        keys: who is to sign.
        heir: of a change of keys, who holds the ledger afterwards.

    Returns:
        The log; None if nothing was ever signed.

    Raises:
        ConfigError: the ledger belongs to other keys, or waits for the heir's.
        BrokenChain: it does not verify, so nothing may be added to it.
    """
    count = size(folder)
    unfinished = (folder / entry_path(count)).exists()
    if not count and not unfinished:
        return None
    succession, known = key_history.read_history(folder), key_history.public_keys(folder)
    check_ours(folder, succession, count, keys)
    try:
        origin = read_bytes(folder / ORIGIN, SMALL).decode().removesuffix("\n")
        log = Log(
            folder,
            origin,
            tuple(_read_signed(folder, index, succession, known).leaf_hash for index in range(count)),
            succession,
        )
        _check_head(log, known)
        return _finish_entry(log, known, keys, heir) if unfinished else log
    except (OSError, ValueError, InputError, VerificationError) as cause:
        raise BrokenChain(f"the ledger {folder} does not verify, so nothing is added to it: {cause}") from cause


def _read_signed(folder: Path, index: int, succession: Succession, known: Mapping[str, PublicKey]) -> envelope.Envelope:
    """Read an entry that is signed by who held the ledger there, and by its heir where it changed hands."""
    found = read_envelope(folder, index)
    succession.check_signer(index, found.keyid)
    key = known.get(found.keyid)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise VerificationError(f"the key {found.keyid} of entry {index} is not in keys/")
    envelope.check_signature(found, key)
    if change := succession.find_change("statement", index):
        data = read_bytes(folder / cosignature_path(index, key_history.NEW_KEY), ENTRY_LIMIT)
        key_history.check_cosignature(data, found.payload, change.after, known)
    return found


def check_appendable(folder: Path, keys: KeyPair) -> None:
    """Say before the work, not after it, that an entry could not be added.

    Args:
        folder: the ledger, or where it is to be.
        keys: who is to sign.

    Raises:
        ConfigError: the ledger belongs to other keys, or the folder holds other files or cannot be written.
    """
    check_place(folder)
    if reason := unreadable(folder):
        raise ConfigError(reason)
    if folder.is_dir():
        check_links(folder)
        append_journal.check_staged(folder)
        check_free(folder)
    if is_ledger(folder):
        check_ours(folder, key_history.read_history(folder), size(folder), keys)
    if not size(folder):
        _check_first(folder, keys)
    around = (folder, *folder.absolute().parents)
    place = next(each for each in around if os.path.exists(each))  # noqa: PTH110 - it never raises
    if not os.access(f"{place}/", os.W_OK | os.X_OK):  # of a file the slash makes none
        raise ConfigError(f"the ledger {folder} cannot be written: {place} is no folder you may write to")


def is_held(succession: Succession, index: int, keys: KeyPair) -> bool:
    """Say whether both keys hold the ledger.

    Args:
        succession: who holds it when.
        index: at which entry.
        keys: the keys.

    Returns:
        Whether they may sign that entry and the checkpoint over it.
    """
    return all(succession.find_holder(role, index) == fingerprint(key) for role, key in keys.public().items())


def check_ours(folder: Path, succession: Succession, index: int, keys: KeyPair) -> None:
    """Refuse keys that do not hold the ledger.

    Args:
        folder: the ledger.
        succession: who holds it when.
        index: at which entry.
        keys: who is to sign.

    Raises:
        ConfigError: the ledger belongs to other keys there.
    """
    for role, key in keys.public().items():
        if succession.find_holder(role, index) != fingerprint(key):
            raise ConfigError(
                f"the ledger {folder} is signed with another key ({succession.find_holder(role, index)}); name that "
                "key with --key; who holds that key hands the ledger over with: "
                f"provenance key rotate {folder} --new URI"
            )


def _check_head(log: Log, known: Mapping[str, PublicKey]) -> None:
    if not log.leaves:
        return
    data = read_bytes(log.folder / note_path(len(log.leaves)), checkpoint.MOST_BYTES)
    head = key_history.check_note(data, len(log.leaves) - 1, log.succession, known)
    if (head.origin, head.size, head.root) != (log.origin, len(log.leaves), merkle.hash_root(log.leaves)):
        raise BrokenChain("its newest checkpoint does not match its entries")


def _finish_entry(log: Log, known: Mapping[str, PublicKey], keys: KeyPair, heir: KeyPair | None) -> Log:
    """Put a checkpoint over an entry that was signed and written, but not yet counted."""
    index = len(log.leaves)
    entry_statement = statement.read_statement(read_envelope(log.folder, index).payload)
    if entry_statement.kind == key_history.KEY_KIND:
        log.succession.follow(index, entry_statement.predicate)
    found = _read_signed(log.folder, index, log.succession, known)
    if entry_statement.place != statement.Place(log.origin, index, merkle.hash_root(log.leaves).hex()):
        raise BrokenChain(f"entry {index} belongs elsewhere")
    from provenance.ledger.format.table_files import digest_file

    for path, bound in entry_statement.folder.items():
        if digest_file(log.folder / path) != bound:
            raise DigestMismatch(f"{path} is not what entry {index} binds")
    longer = replace(log, leaves=(*log.leaves, found.leaf_hash))
    publication.write_head(longer, publication.sign_head(longer, keys, heir))
    if entry_statement.kind == statement.SCAN:
        publication.point_latest(log.folder, index)
    return longer


def drop_orphans(folder: Path, log: Log | None) -> None:
    """Remove what a killed append moved in before it signed anything, as its journal says; keys stay.

    Args:
        folder: the ledger.
        log: its log; None if nothing was ever signed.
    """
    entries = range(len(log.leaves)) if log is not None else ()
    bound = {path for index in entries for path in read_statement(folder, index).folder}
    beside = {each for index in entries for each in _list_beside((folder / cosignature_path(index, "")).parent)}
    append_journal.remove_unsigned(folder, append_journal.read_journal(folder), bound | beside, len(entries))
    append_journal.clear_staging(folder, keep=True)
    append_journal.begin(folder)
    scans = [index for index in entries if read_statement(folder, index).kind == statement.SCAN]
    if scans:
        publication.point_latest(folder, scans[-1])


def _list_beside(beside: Path) -> list[str]:
    """Files beside a finished entry, relative to the ledger: they are signed themselves."""
    return [f"entries/{beside.name}/{path.name}" for path in beside.glob("*")]
