"""Co-signatures: further signatures over an entry's payload, by other hands or other algorithms.

    entries/00000007.co/approver.dsse.json    an envelope over the same payload, so it is the same leaf
    entries/00000007.co/approver.pub.pem      its public key, for convenience: never trusted for being here

They stand outside the log: one may come later, from somebody who holds no key of the ledger, and changes no history.
What it is worth says the entry's kind: a waiver needs its approver's, a change of keys the new key's. To add a name:
one line in CHECKS_BY_NAME.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from provenance.errors import ConfigError, MissingExtra, VerificationError
from provenance.ledger.format import envelope, statement
from provenance.ledger.keys import signing_keys
from provenance.ledger.layout import (
    ENTRY_LIMIT,
    SMALL,
    cosignature_path,
    cosigner_path,
    entry_path,
    is_ledger,
    read_bytes,
    size,
)
from provenance.ledger.log import key_history, reading
from provenance.ledger.log.append import amend

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from provenance.ledger.format.envelope import Envelope
    from provenance.ledger.keys.signers import StatementSigner

SignatureCheck = Callable[["Envelope", bytes], None]
"""Checks an envelope's signature and keyid by a public key's PEM.

Raises VerificationError where it is wrong, MissingExtra where no library here knows the algorithm.
"""


@dataclass(frozen=True, slots=True)
class EntryCosignature:
    """A co-signature that was looked at.

    Args:
        index: number of the entry.
        name: one of CHECKS_BY_NAME.
        keyid: what names its key: of P-256 the OpenSSH SHA256 fingerprint.
        checked: whether its signature was; not every algorithm is at hand everywhere.
        missing: of one that was not, what to install, one sentence.
    """

    index: int
    name: str
    keyid: str
    checked: bool
    missing: str = ""


def _check_p256(found: Envelope, pem: bytes) -> None:
    key = signing_keys.read_public(pem)
    if not isinstance(key, ec.EllipticCurvePublicKey) or signing_keys.public_pem(key) != pem:
        raise VerificationError("its public key is not the PEM of an ECDSA P-256 key")
    if signing_keys.fingerprint(key) != found.keyid:
        raise VerificationError(f"the public key beside it is not {found.keyid}, by which it says it is signed")
    envelope.check_signature(found, key)


def _check_sm2(found: Envelope, pem: bytes) -> None:
    from provenance.ledger.format import sm2_signature  # few ledgers have such a signature

    key = sm2_signature.read_key(pem)
    if key.pem != pem:
        raise VerificationError("its public key is not the PEM of an SM2 key")
    sm2_signature.check_signature(found, key)


def _check_mldsa65(found: Envelope, pem: bytes) -> None:
    from provenance.ledger.format import mldsa_signature  # few ledgers have such a signature

    mldsa_signature.check_signature(found, mldsa_signature.read_public(pem))


class NameTaken(ConfigError):  # noqa: N818 - names what happened
    """An entry is signed under this name already."""


SIGNERS = tuple(f"signer-{number}" for number in range(2, 10))
"""Names of those who stand by an entry beside the one who signed it."""

CHECKS_BY_NAME: dict[str, SignatureCheck] = {
    "approver": _check_p256,
    "new-key": _check_p256,
    "sm2": _check_sm2,
    "mldsa65": _check_mldsa65,
    **dict.fromkeys(SIGNERS, _check_p256),
}
"""What a co-signature can be, and how it is checked: where the library for it is installed.

signer-2 to signer-9: others who stand by the entry, in the order in which they signed
approver: of a waiver, another hand than the operator's · new-key: of a change of keys, the key that comes
sm2, mldsa65: the operator's, by SM2 with SM3, or by ML-DSA-65
"""


def cosign(folder: Path, index: int, name: str, key: StatementSigner) -> str:
    """Co-sign an entry of a ledger; it takes none of the ledger's keys.

    Args:
        folder: the ledger.
        index: number of the entry.
        name: one of CHECKS_BY_NAME that P-256 signs.
        key: who signs.

    Returns:
        Fingerprint of the key.

    Raises:
        ConfigError: there is no such entry, it is signed under this name already, or by this key.
        VerificationError: the entry is not a canonical envelope.
        OSError: the folder cannot be written.
    """
    found = _read_envelope(folder, index)
    public = key.public_key()
    if signing_keys.fingerprint(public) == found.keyid:
        raise ConfigError(f"entry {index} is signed with this key already; a co-signature is by another")
    write_cosignature(
        folder, index, name, sealed=envelope.seal_payload(found.payload, key), pem=signing_keys.public_pem(public)
    )
    return signing_keys.fingerprint(public)


def countersign(folder: Path, index: int, key: StatementSigner) -> tuple[str, str]:
    """Stand by an entry that another signed; it takes none of the ledger's keys.

    Args:
        folder: the ledger.
        index: number of the entry.
        key: who signs.

    Returns:
        Name of the co-signature, and fingerprint of the key.

    Raises:
        ConfigError: there is no such entry, this key has signed it already, or as many as can have.
        VerificationError: the entry is not a canonical envelope.
        OSError: the folder cannot be written.
    """
    mine, succession = signing_keys.fingerprint(key.public_key()), key_history.read_history(folder)
    if statement.read_statement(_read_envelope(folder, index).payload).kind == key_history.KEY_KIND:
        raise ConfigError(f"entry {index} is about keys: who hands them over signs it and who takes them, nobody else")
    if mine in succession.list_holders("statement") or mine in succession.revoked:
        raise ConfigError(f"{mine} holds or held this ledger, or was revoked: a second hand signs with its own key")
    while True:
        if any(each.keyid == mine for each in read_cosignatures(folder, index) if each.name in SIGNERS):
            raise ConfigError(f"entry {index} is signed with this key already; each hand signs once")
        free = next((name for name in SIGNERS if not (folder / cosignature_path(index, name)).exists()), None)
        if free is None:
            raise ConfigError(f"entry {index} has {len(SIGNERS)} further signatures already")
        try:
            return free, cosign(folder, index, free, key)
        except NameTaken:  # by another who signed at the same moment
            continue


def write_cosignature(folder: Path, index: int, name: str, *, sealed: bytes, pem: bytes) -> None:
    """Put a co-signature beside an entry, wherever it was made.

    Args:
        folder: the ledger.
        index: number of the entry.
        name: one of CHECKS_BY_NAME.
        sealed: the envelope's file: canonical, over the entry's payload.
        pem: its public key, SubjectPublicKeyInfo.

    Raises:
        Taken: it is signed under this name already.
        ConfigError: there is no such entry.
        VerificationError: it is not over this entry, or its signature is wrong.
        OSError: the folder cannot be written.
    """
    _check_cosignature(_read_envelope(folder, index).leaf_hash, name, sealed, pem)

    def once(there: bytes | None) -> bytes:
        if there is not None and there != sealed:
            raise NameTaken(f"entry {index} has a co-signature {name!r} already, which nobody overwrites")
        return sealed

    # The key first: whoever is killed in between leaves a key that nobody asks for, which the next try writes anew.
    amend(folder, {cosigner_path(index, name): lambda _: pem, cosignature_path(index, name): once})


def check_cosignatures(
    folder: Path, files: Collection[str], leaves: Mapping[int, bytes], known: Mapping[str, signing_keys.PublicKey]
) -> tuple[list[EntryCosignature], set[str], list[str]]:
    """Read and check every co-signature of a ledger's entries.

    Args:
        folder: the ledger.
        files: the names of its files, relative to it.
        leaves: leaf hashes of its entries, by number; a co-signature of none of them is nobody's.
        known: public keys by fingerprint, for co-signatures without one beside them.

    Returns:
        The co-signatures; the files that they are; and what is wrong with the others, one sentence each. Never raises
        for what a file holds.
    """
    found: list[EntryCosignature] = []
    covered: set[str] = set()
    faults = []
    for index, leaf in leaves.items():
        for name in CHECKS_BY_NAME:
            path, beside = cosignature_path(index, name), cosigner_path(index, name)
            if path not in files:
                continue
            covered |= {path, beside} & set(files)
            try:
                sealed = read_bytes(folder / path, ENTRY_LIMIT)
                pem = read_bytes(folder / beside, SMALL) if beside in files else _find_pem(sealed, known)
                signed, missing = _check_cosignature(leaf, name, sealed, pem)
                found.append(EntryCosignature(index, name, signed.keyid, not missing, missing))
            except (OSError, ConfigError, VerificationError) as cause:
                faults.append(f"{path}: {cause}")
    return found, covered, faults


def read_cosignatures(folder: Path, index: int) -> list[EntryCosignature]:
    """Read an entry's co-signatures; those that are wrong are left out, as `verify` names them.

    Args:
        folder: the ledger.
        index: number of the entry.

    Returns:
        Those whose signature is right, whoever holds their keys.

    Raises:
        InputError: there is no such entry; VerificationError: it is not a canonical envelope.
    """
    at = folder / entry_path(index).replace(".dsse.json", ".co")
    names = [f"entries/{at.name}/{path.name}" for path in at.iterdir()] if at.is_dir() else []
    found, _, _ = check_cosignatures(folder, names, {index: _read_envelope(folder, index).leaf_hash}, {})
    return [each for each in found if each.checked]


def _check_cosignature(leaf: bytes, name: str, sealed: bytes, pem: bytes | None) -> tuple[Envelope, str]:
    """Compare a co-signature with its entry, whose leaf is the digest of what is signed, and with its key.

    Returns the envelope, and what to install where its signature cannot be checked here; "" where it was.
    """
    if name not in CHECKS_BY_NAME:
        raise ConfigError(f"there is no co-signature {name!r}; there are {', '.join(CHECKS_BY_NAME)}")
    found = envelope.read_envelope(sealed)
    if found.leaf_hash != leaf:
        raise VerificationError("it is a signature over something else than its entry")
    if pem is None:
        raise VerificationError(f"its key {found.keyid} is neither pinned, nor in keys/, nor beside it")
    try:
        CHECKS_BY_NAME[name](found, pem)
    except MissingExtra as missing:
        return found, str(missing)
    return found, ""


def _find_pem(sealed: bytes, known: Mapping[str, signing_keys.PublicKey]) -> bytes | None:
    key = known.get(envelope.read_envelope(sealed).keyid)
    return signing_keys.public_pem(key) if key is not None else None


def _read_envelope(folder: Path, index: int) -> Envelope:
    if not is_ledger(folder):
        raise ConfigError(f"{folder} is no ledger")
    if not 0 <= index < size(folder):
        raise ConfigError(f"{folder} has no entry {index}; its entries are 0 to {size(folder) - 1}")
    return reading.read_envelope(folder, index)
