"""Anchors: what every piece of a ledger stands on, so that it can be believed where the ledger is not.

    envelope      the scan's entry, byte for byte           -> who signed it
    log           a C2SP tlog-proof                         -> that it is in the log, under a signed checkpoint
    keys          public keys, never trusted for being here
    coSignatures  further signatures over the entry         -> who stands by it too
    keyEntries    entries by which keys changed hands       -> from a key that is pinned to the one that signed
    timestamps    of the checkpoint (RFC 3161)              -> when it was there at the latest

The last three are there where the ledger has them. Each entry of `keyEntries` is in the log of the same piece: the
checkpoint over it, which both log keys sign where that key changes, extends the piece's own or is extended by it.
"""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.errors import ConfigError, DigestMismatch, InputError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, envelope, statement
from provenance.ledger.keys.signing_keys import public_pem, read_public
from provenance.ledger.log import entry_cosignatures, key_history
from provenance.ledger.log import leaf_hashes as stored_leaf_hashes
from provenance.ledger.log.reading import read_entries, read_entry, read_envelope
from provenance.ledger.trees import merkle
from provenance.ledger.witness import checkpoint_evidence, timestamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_TLOG = re.compile(
    r"c2sp[.]org/tlog-proof@v1\nindex (0|[1-9][0-9]{0,8})\n((?:[A-Za-z0-9+/]{43}=\n){0,32})\n(.*)", re.DOTALL
)
_ATTESTED = re.compile(r"([1-9][0-9]{0,8})[.](?:(cosigs)|(?:[2-9][.])?(tsr))")


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """An entry that says who holds the ledger's keys from there on, or who signs no more; it is in the log.

    Args:
        sealed: its envelope.
        entry_statement: its statement.
        note: the checkpoint over it.
        new_key: the envelope by which a new statement key says that it takes over, if one does.
    """

    sealed: envelope.Envelope
    entry_statement: statement.Statement
    note: checkpoint.Checkpoint
    new_key: bytes | None


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a piece stands on, where it holds together; whose signatures it bears is for `verify` to say.

    Args:
        sealed: the entry's envelope.
        entry_statement: its statement.
        note: the checkpoint that it stands under.
        cosignatures: lines of witnesses over the checkpoint, as they stand in a file of them.
        keys: public keys that came with it, PEM.
        cosigned: envelopes of the others who signed the entry.
        key_entries: in the order of the log.
        timestamps: responses of timestamp authorities over the checkpoint's file, DER.
    """

    sealed: envelope.Envelope
    entry_statement: statement.Statement
    note: checkpoint.Checkpoint
    cosignatures: bytes
    keys: tuple[str, ...]
    cosigned: tuple[envelope.Envelope, ...]
    key_entries: tuple[KeyEntry, ...]
    timestamps: tuple[bytes, ...]

    @property
    def limits(self) -> tuple[str, ...]:
        """What the anchor leaves open, beside what every piece does."""
        if not self.key_entries:
            return ()
        return ("that no other key was revoked or handed over: whoever made this chose what it says of keys",)


@dataclass(frozen=True, slots=True)
class Start:
    """What every piece of one entry begins with, taken from a ledger.

    Args:
        folder: the ledger.
        entry_statement: the entry's statement.
        note: the checkpoint that it is proven under.
        value: the anchor as a piece holds it.
    """

    folder: Path
    entry_statement: statement.Statement
    note: checkpoint.Checkpoint
    value: dict[str, Any]


def take(folder: Path, entry: int | None = None, size: int | None = None) -> Start:
    """Take what every piece of one entry begins with.

    Args:
        folder: the ledger.
        entry: number of a scan's entry, from 0; the newest if None.
        size: entries of the checkpoint to prove it under; if None, the newest that witnesses and authorities have
            signed, one that either has, or the newest.

    Returns:
        What a piece begins with.

    Raises:
        InputError: it is not a ledger, has no such checkpoint, or the entry has no trees.
        UnknownEntry: it has no such entry.
        VerificationError: the ledger does not verify.
    """
    entry = int(read_entry(folder, entry)["predicate"]["log"]["index"])
    entry_statement = statement.read_statement(read_envelope(folder, entry).payload)
    if "contentSet" not in entry_statement.predicate:
        raise InputError(f"entry {entry} of {folder} is no scan that has trees; scan again, and prove from that entry")
    size = size or _best_size(folder, entry)
    if entry >= size:
        raise InputError(f"{folder} has no entry {entry} under a checkpoint of {size}")
    value = build_anchor(folder, entry, size)
    return Start(folder, entry_statement, read(value).note, value)


def build_anchor(folder: Path, entry: int, size: int) -> dict[str, Any]:
    """Return the anchor of any entry.

    Args:
        folder: the ledger.
        entry: its number.
        size: entries of a checkpoint that counts it.

    Returns:
        The anchor as a piece holds it.

    Raises:
        InputError: there is no such checkpoint.
        VerificationError: the ledger does not verify.
        OSError: a file of it cannot be read.
    """
    try:
        head = _read(folder, layout.note_path(size), checkpoint.MOST_BYTES)
    except OSError as cause:
        raise InputError(f"{folder} has no checkpoint of {size} entries") from cause
    hashes = leaf_hashes(folder)
    if merkle.hash_root(hashes[:size]) != checkpoint.read_checkpoint(head, cosigned=True).root:
        raise VerificationError(f"the checkpoint of {size} entries is not that of the entries; run provenance verify")
    hands, tree = _hands(folder, entry), merkle.MerkleTree(hashes)
    where_there = {
        "coSignatures": [_text(folder, layout.cosignature_path(entry, name)) for name in hands],
        "keyEntries": [_taken(folder, index, size, tree) for index in _key_entries(folder, hashes)],
        "timestamps": [base64.b64encode(each).decode() for each in _timestamps(folder, size)],
    }
    return {
        "envelope": _text(folder, layout.entry_path(entry)),
        "keys": _keys(folder, [layout.cosigner_path(entry, name) for name in hands]),
        "log": tlog_proof(entry, tree.prove_inclusion(entry, size), head + _cosignatures(folder, size)),
        **{name: files for name, files in where_there.items() if files},
    }


def read(value: Mapping[str, Any], *kinds: str) -> Anchor:
    """Read what a piece stands on, if its entry is in the log, where it says it is. Signatures are not checked.

    Args:
        value: a piece, held to its schema.
        kinds: of which the entry must be one; a scan if none are named.

    Returns:
        The anchor.

    Raises:
        VerificationError: it does not belong together.
    """
    sealed, entry_statement, note, lines = _logged(value["envelope"], value["log"])
    if entry_statement.kind not in (kinds or (statement.SCAN,)):
        raise VerificationError("its entry is not a scan")
    changes = tuple(_key_entry(item, note) for item in value.get("keyEntries", ()))
    places = [each.entry_statement.place.index for each in changes]
    if places != sorted(set(places)):
        raise VerificationError("its entries about keys are not in order")
    cosigned = tuple(envelope.read_envelope(encoded(text)) for text in value.get("coSignatures", ()))
    hands = {sealed.keyid, *(each.keyid for each in cosigned)}
    if any(each.leaf_hash != sealed.leaf_hash for each in cosigned) or len(hands) <= len(cosigned):
        raise VerificationError("a co-signature is over something else than its entry, or one key signed twice")
    stamps = tuple(_decoded(each) for each in value.get("timestamps", ()))
    if len(set(stamps)) != len(stamps):
        raise VerificationError("a timestamp of it is there twice")
    return Anchor(sealed, entry_statement, note, lines, tuple(value["keys"]), cosigned, changes, stamps)


def tlog_proof(index: int, path: Sequence[bytes], note: bytes) -> str:
    """Return a C2SP tlog-proof.

    Args:
        index: number of the entry, from 0.
        path: its audit path.
        note: the checkpoint's file, cosignatures included.

    Returns:
        The text (https://c2sp.org/tlog-proof).
    """
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in path)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{note.decode()}"


def encoded(text: str) -> bytes:
    """Return a text's UTF-8.

    Args:
        text: as JSON has it.

    Raises:
        VerificationError: it holds half a surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as cause:
        raise VerificationError("it holds half a surrogate pair") from cause


def _logged(text: str, log: str) -> tuple[envelope.Envelope, statement.Statement, checkpoint.Checkpoint, bytes]:
    """Read an entry that is in the log, where it says it is; the last is what follows the checkpoint's signature."""
    sealed = envelope.read_envelope(encoded(text))
    entry_statement = statement.read_statement(sealed.payload)
    found = _TLOG.fullmatch(log)
    if found is None:
        raise VerificationError("its log is not a tlog-proof")
    index, data = int(found[1]), encoded(found[3])
    note = checkpoint.read_checkpoint(data, cosigned=True)
    path = [base64.b64decode(each) for each in found[2].split("\n")[:-1]]
    if tlog_proof(index, path, data) != log:
        raise VerificationError("its log is not in canonical form")
    if not merkle.is_included(sealed.leaf_hash, index, note.size, path, root_hash=note.root):
        raise VerificationError("its entry is not in the log of the checkpoint")
    place = statement.Place(note.origin, index, merkle.root_before(index, note.size, path).hex())
    if entry_statement.place != place:
        raise VerificationError("its entry does not stand there, or not on the log before it")
    return sealed, entry_statement, note, data.removeprefix(note.note)


def _key_entry(item: Mapping[str, Any], under: checkpoint.Checkpoint) -> KeyEntry:
    sealed, entry_statement, note, others = _logged(item["envelope"], item["log"])
    index = entry_statement.place.index
    if (
        entry_statement.kind != key_history.KEY_KIND
        or entry_statement.predicate["action"] not in key_history.HOLDER_ACTIONS
    ):
        raise VerificationError(f"its entry {index} does not say who holds a key")
    if (note.origin, note.size, others) != (under.origin, index + 1, b""):
        raise VerificationError(f"its checkpoint over entry {index} is another one")
    old, new = sorted((note, under), key=lambda each: each.size)
    if not merkle.is_consistent(
        old.size, old.root, new.size, new.root, proof=[bytes.fromhex(each) for each in item["extends"]]
    ):
        raise VerificationError(f"the log with its entry {index} is another one than that of its checkpoint")
    new_key = item.get("newKey")
    takes_over = any(each["role"] == "statement" for each in entry_statement.predicate.get("changes", ()))
    if takes_over != (new_key is not None):
        raise VerificationError(f"its entry {index} is not co-signed by who takes over, or is where nobody does")
    return KeyEntry(sealed, entry_statement, note, None if new_key is None else encoded(new_key))


def _decoded(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as cause:
        raise VerificationError("a timestamp of it is not base64") from cause
    if base64.b64encode(found).decode() != text:
        raise VerificationError("a timestamp of it is not in canonical form")
    return found


def _best_size(folder: Path, entry: int) -> int:
    """Choose the checkpoint over an entry that proves most: the newest of those that others have signed."""
    signed: dict[int, set[str]] = {}
    for path in (folder / "checkpoints").glob("*"):
        if found := _ATTESTED.fullmatch(path.name):
            signed.setdefault(int(found[1]), set()).add(found[2] or found[3])
    newest = layout.size(folder)
    return max(
        (size for size in signed if entry < size <= newest),
        key=lambda size: (len(signed[size]), size),
        default=newest,
    )


def _key_entries(folder: Path, hashes: Sequence[bytes]) -> Iterator[int]:
    """Numbers of the entries about keys that a piece carries."""
    if len(list((folder / "keys").glob("*.pub.pem"))) <= 2:
        return  # the two it began with: no entry is read for this
    succession = key_history.read_history(folder)
    holders = succession.list_holders("statement") | succession.list_holders("log")
    if any(read_envelope(folder, index).leaf_hash != leaf for index, leaf in enumerate(hashes)):
        raise VerificationError("an entry is not what the log counts; run provenance verify")
    for index, _, predicate in read_entries(folder, key_history.KEY_KIND):
        if predicate["action"] == "rotate" or (
            predicate["action"] == "revoke" and predicate["key"]["fingerprint"] in holders
        ):
            yield index


def _hands(folder: Path, entry: int) -> list[str]:
    """Names of the co-signatures of others who stand by an entry, one a key."""
    by_key: dict[str, str] = {}
    for name in entry_cosignatures.SIGNERS:
        path = layout.cosignature_path(entry, name)
        if (folder / path).is_file():
            by_key.setdefault(envelope.read_envelope(_read(folder, path, layout.ENTRY_LIMIT)).keyid, name)
    return list(by_key.values())


def _taken(folder: Path, index: int, size: int, tree: merkle.MerkleTree) -> dict[str, Any]:
    note, (old, new) = _read(folder, layout.note_path(index + 1), checkpoint.MOST_BYTES), sorted((index + 1, size))
    found = {
        "envelope": _text(folder, layout.entry_path(index)),
        "extends": [each.hex() for each in tree.prove_consistency(old, new)],
        "log": tlog_proof(index, tree.prove_inclusion(index, index + 1), note),
    }
    new_key = layout.cosignature_path(index, key_history.NEW_KEY)
    if (folder / new_key).is_file():
        found["newKey"] = _text(folder, new_key)
    return found


def _read(folder: Path, name: str, limit: int) -> bytes:
    return layout.read_bytes(folder / name, limit)


def _keys(folder: Path, others: Sequence[str]) -> list[str]:
    """Public keys of a ledger, and others that may stand in it."""
    mine = (f"keys/{path.name}" for path in sorted((folder / "keys").glob("*.pub.pem")))
    found = []
    for name in (*mine, *others):
        path = folder / name
        if path.is_file() and not path.is_symlink():
            with suppress(ConfigError, VerificationError):  # what is no key is nothing that a piece should show
                found.append(public_pem(read_public(_read(folder, name, layout.SMALL))).decode())
    return found


def _text(folder: Path, name: str) -> str:
    return _read(folder, name, layout.ENTRY_LIMIT).decode("utf-8", "replace")


def _timestamps(folder: Path, size: int) -> Iterator[bytes]:
    for name in checkpoint_evidence.timestamp_paths(size):
        if (folder / name).is_file():
            yield _read(folder, name, timestamps.LIMIT)


def _cosignatures(folder: Path, size: int) -> bytes:
    """What witnesses have signed of a checkpoint, if anything."""
    try:
        return _read(folder, checkpoint_evidence.cosignatures_path(size), checkpoint.MOST_BYTES)
    except OSError:
        return b""


def leaf_hashes(folder: Path) -> list[bytes]:
    """Return the leaf hashes of all entries: from their list, else from the entries.

    Args:
        folder: the ledger.

    Raises:
        InputError: an entry is missing; VerificationError: one is not a canonical envelope.
    """
    size = layout.size(folder)
    try:
        note = checkpoint.read_checkpoint(_read(folder, layout.note_path(size), checkpoint.MOST_BYTES), cosigned=True)
        return stored_leaf_hashes.split_hashes(
            _read(folder, stored_leaf_hashes.PATH, stored_leaf_hashes.most_bytes(size)), note
        )
    except (OSError, DigestMismatch):
        return [read_envelope(folder, index).leaf_hash for index in range(size)]
