"""What stands beside the checkpoints: witnesses' cosignatures and timestamps, which no entry binds when they come.

    checkpoints/8.cosigs             lines of witnesses over 8.note
    checkpoints/8.tsr, 8.2.tsr, …    timestamps of 8.note, up to nine
    checkpoints/8.crl, 8.2.crl, …    what their authorities say is revoked, up to nine

They vouch for themselves: each is a signature over a note. Whose signature it is, only a trust file says.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from provenance.core.wording import count_noun
from provenance.errors import ConfigError, VerificationError
from provenance.ledger import layout
from provenance.ledger.format import checkpoint, witness_cosignature
from provenance.ledger.keys import trusted_keys, verifier_keys
from provenance.ledger.log import append
from provenance.ledger.witness import (
    certificate_chains,
    revocation_lists,
    second_opinion,
    timestamp_token,
    timestamps,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from provenance.ledger.format.witness_cosignature import Cosignature

_FILE = re.compile(r"checkpoints/(?P<size>[1-9][0-9]{0,8})\.(?P<kind>cosigs|(?:[2-9]\.)?(?:tsr|crl))")
_MOST = 9  # timestamps of a checkpoint, and lists
_LIMITS = {
    ".cosigs": witness_cosignature.MOST_BYTES,
    ".tsr": timestamps.LIMIT,
    ".crl": revocation_lists.LIMIT,
}  # bytes of the largest


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A pinned witness saw a checkpoint.

    Args:
        size: entries under the checkpoint.
        whose: how the trust file names the witness.
        key: its key, 32 bytes: what a quorum counts.
        time: when, as the witness says; UTC.
    """

    size: int
    whose: str
    key: bytes
    time: datetime


@dataclass(frozen=True, slots=True)
class Stamped:
    """A pinned authority timestamped a checkpoint.

    Args:
        size: entries under the checkpoint.
        path: the file, relative to the ledger.
        whose: how the trust file names the authority: what a minimum counts.
        time: when, as the authority says; UTC.
        expires: when the first certificate on its path expires; UTC.
        chain: certificates from its signer to the pinned root.
        status: what lists of revoked certificates say of them.
        opinion: what rfc3161-client makes of it; what it refuses is never here.
    """

    size: int
    path: str
    whose: str
    time: datetime
    expires: datetime
    chain: tuple[x509.Certificate, ...] = ()
    status: revocation_lists.Status = revocation_lists.UNKNOWN
    opinion: second_opinion.Opinion = second_opinion.NOT_ASKED


@dataclass(slots=True)
class CheckpointEvidence:
    """What stands beside the checkpoints of one ledger.

    Args:
        files: the files by name, relative to the ledger, that stand beside a checkpoint there is.
        witnessed: by pinned witnesses, checked.
        stamped: by pinned authorities, checked.
        lists: of revoked certificates, by the file that holds them.
        strangers: names of witnesses and authorities that nobody pinned, by kind: witnesses, timestamps.
        faults: what does not verify, by kind.
    """

    files: set[str] = field(default_factory=set)
    witnessed: list[Witnessed] = field(default_factory=list)
    stamped: list[Stamped] = field(default_factory=list)
    lists: dict[str, x509.CertificateRevocationList] = field(default_factory=dict)
    strangers: dict[str, set[str]] = field(default_factory=lambda: {"witnesses": set(), "timestamps": set()})
    faults: dict[str, list[str]] = field(default_factory=lambda: {"witnesses": [], "timestamps": []})


def cosignatures_path(size: int) -> str:
    """Return where the cosignatures of a checkpoint stand, relative to the ledger."""
    return f"checkpoints/{size}.cosigs"


def timestamp_paths(size: int) -> list[str]:
    """Return where the timestamps of a checkpoint may stand, relative to the ledger."""
    return _numbered(size, "tsr")


def revocations_paths(size: int) -> list[str]:
    """Return where lists of revoked certificates may stand beside a checkpoint, relative to the ledger."""
    return _numbered(size, "crl")


def check_evidence(
    folder: Path,
    files: Collection[str],
    notes: Mapping[int, checkpoint.Checkpoint],
    *,
    pinned: trusted_keys.Trust,
    operators: Collection[bytes],
) -> CheckpointEvidence:
    """Read and check everything that stands beside checkpoints.

    Args:
        folder: the ledger.
        files: the names of all its files, relative to it.
        notes: its checkpoints by size; they were checked.
        pinned: whose signatures count.
        operators: keys of the log, 32 bytes each: who keeps a log is no witness of it.

    Returns:
        What was found, faults included; never raises for what a file holds.
    """
    found = CheckpointEvidence()
    for name in sorted(files):
        parts = _FILE.fullmatch(name)
        note = notes.get(int(parts["size"])) if parts else None
        if note is None:
            continue
        found.files.add(name)
        try:
            data = layout.read_bytes(folder / name, _LIMITS[_ending(name)])
        except VerificationError as cause:
            found.faults[_kind(name)].append(f"{name}: {cause}")
            continue
        check_file(found, name, data, note, pinned=pinned, operators=operators)
    apply_revocations(found)
    return found


def check_file(
    found: CheckpointEvidence,
    name: str,
    data: bytes,
    note: checkpoint.Checkpoint,
    *,
    pinned: trusted_keys.Trust,
    operators: Collection[bytes],
) -> None:
    """Check one file that stands beside a checkpoint, or would.

    Args:
        found: what was found so far, to which this is added, faults included.
        name: its path, relative to a ledger: the ending says what it is.
        data: its bytes.
        note: the checkpoint.
        pinned: whose signatures count.
        operators: keys of the log, 32 bytes each: who keeps a log is no witness of it.
    """
    ours = pinned if pinned.origin in (None, note.origin) else trusted_keys.Trust()
    try:
        if _ending(name) == ".cosigs":
            _check_cosignatures(found, data, note, pinned=ours, operators=operators)
        elif _ending(name) == ".crl":
            found.lists[name] = revocation_lists.read(data)
        else:
            _check_timestamp(found, name, data, note, pinned=ours)
    except VerificationError as cause:
        found.faults[_kind(name)].append(f"{name}: {cause}")


def apply_revocations(found: CheckpointEvidence) -> None:
    """Hold timestamps to the lists of revoked certificates, all that there are: a later one speaks of earlier ones too.

    Args:
        found: everything that was looked at; what comes of it is added.
    """
    authorities = {each for item in found.stamped for each in item.chain}
    lists: dict[x509.Certificate, list[x509.CertificateRevocationList]] = {}
    for name, listed in found.lists.items():
        named = [each for each in authorities if revocation_lists.is_attributed(listed, each)]
        by = [each for each in named if revocation_lists.is_by(listed, each)]
        for each in by:
            lists.setdefault(each, []).append(listed)
        whose = listed.issuer.rfc4514_string()
        if not named:
            found.strangers["timestamps"].add(f"{whose} (a list of revoked certificates)")
        elif not by:
            found.faults["timestamps"].append(f"{name}: it is not signed by {whose}")
    found.stamped = [
        replace(item, status=revocation_lists.status(item.chain, item.time, lists)) for item in found.stamped
    ]


def read_note(folder: Path, size: int) -> checkpoint.Checkpoint:
    """Read a checkpoint of a ledger.

    Args:
        folder: the ledger.
        size: entries under it.

    Raises:
        ConfigError: there is no such checkpoint.
        VerificationError: what is in its place is none.
    """
    path = folder / layout.note_path(size)
    if not path.is_file():
        raise ConfigError(f"{folder} has no checkpoint over {count_noun(size, 'entry')}")
    return checkpoint.read_checkpoint(layout.read_bytes(path, checkpoint.MOST_BYTES))


def add_timestamp(folder: Path, response: bytes, query: bytes | None = None) -> tuple[int, str, timestamp_token.Token]:
    """Put a timestamp beside the checkpoint it is of.

    Args:
        folder: the ledger.
        response: as the authority sent it.
        query: the request it answers, if it is at hand: then its nonce must be repeated.

    Returns:
        Size of the checkpoint, name of the new file, and the timestamp.

    Raises:
        VerificationError: it is no timestamp of a checkpoint of this ledger, or not soundly signed.
        ConfigError: it is there already, or nine are.
        OSError: the folder cannot be written.
    """
    stored = timestamps.stored_form(response)
    token = timestamps.read(stored)
    if query is not None and timestamps.read_nonce(query) != token.nonce:
        raise VerificationError("it does not repeat the nonce of the request: it answers another one")
    size = _stamped_size(folder, token)
    timestamps.check(token, layout.read_bytes(folder / layout.note_path(size), checkpoint.MOST_BYTES))
    name = _free(folder, timestamp_paths(size), stored)
    append.amend(folder, {name: lambda there: _once(there, stored)})
    return size, name, token


def add_revocations(
    folder: Path, data: bytes, size: int | None = None
) -> tuple[str, x509.CertificateRevocationList, list[str]]:
    """Put an authority's list of revoked certificates beside the checkpoint that it timestamped.

    Args:
        folder: the ledger.
        data: the list, DER or PEM.
        size: which checkpoint; the newest with a timestamp of that authority if None.

    Returns:
        Name of the new file, the list, and the timestamps that it speaks of.

    Raises:
        VerificationError: it is no list, or one that its authority did not sign.
        ConfigError: no timestamp here leads to its authority, or it is there already, or nine are.
        OSError: the folder cannot be written.
    """
    stored = revocation_lists.stored_form(data)
    listed = revocation_lists.read(stored)
    spoken: dict[str, int] = {}
    authorities: set[x509.Certificate] = set()
    for at in range(1, layout.size(folder) + 1):
        for name in timestamp_paths(at):
            if (folder / name).is_file():
                token = timestamps.read(layout.read_bytes(folder / name, timestamps.LIMIT))
                authorities |= {each for each in token.certificates if revocation_lists.is_attributed(listed, each)}
                if any(each.issuer == listed.issuer for each in token.certificates):
                    spoken[name] = at
    if not spoken:
        raise ConfigError(f"no timestamp of {folder} has a certificate of {listed.issuer.rfc4514_string()}")
    if authorities and not any(revocation_lists.is_by(listed, each) for each in authorities):
        raise VerificationError(f"it is not signed by {listed.issuer.rfc4514_string()}")
    name = _free(folder, revocations_paths(size or max(spoken.values())), stored)
    append.amend(folder, {name: lambda there: _once(there, stored)})
    return name, listed, list(spoken)


def check_bare(data: bytes, known: Sequence[verifier_keys.Witness]) -> None:
    """Refuse lines alone that cannot be checked: a line over another checkpoint would stand here as a fault for ever.

    Args:
        data: what a witness handed back; a cosigned note names its checkpoint, and passes.
        known: witnesses whose lines can be checked.

    Raises:
        ConfigError: it is lines alone, and one is by a witness that is not known.
        VerificationError: it is neither a note nor lines.
    """
    cosigned, lines = _split(data)
    if cosigned is None and not all(any(witness_cosignature.is_by_key(line, item) for item in known) for line in lines):
        raise ConfigError(
            "bare lines do not say which checkpoint they are over: give the cosigned note, or --trust with the "
            "witness's key"
        )


def add_cosignatures(
    folder: Path, data: bytes, size: int | None = None, known: Sequence[verifier_keys.Witness] = ()
) -> tuple[int, list[tuple[str, datetime | None]]]:
    """Put witnesses' lines beside the checkpoint they are over.

    Args:
        folder: the ledger.
        data: a cosigned note, or lines alone.
        size: which checkpoint lines alone are over; the newest if None.
        known: witnesses whose lines can be checked before they are added.

    Returns:
        Size of the checkpoint, and each witness with the time it names; None where it is not known and was not checked.

    Raises:
        VerificationError: the note is not this ledger's, or the lines are none or by a known key and wrong.
        ConfigError: there is no such checkpoint, or every line is there already.
        OSError: the folder cannot be written.
    """
    cosigned, lines = _split(data)
    size = size if size is not None else cosigned.size if cosigned else layout.size(folder)
    note = read_note(folder, size)
    if cosigned is not None and cosigned.note != note.note:
        raise VerificationError(f"it is over another checkpoint than {layout.note_path(size)} of this ledger")
    if any(line.name == note.origin for line in lines):
        raise VerificationError("it holds a line in the name of the log, which is no witness of itself")
    seen = [(line.name, _time_of(line, known, note.body)) for line in lines]
    append.amend(folder, {cosignatures_path(size): lambda there: _joined(there, lines)})
    return size, seen


def _numbered(size: int, ending: str) -> list[str]:
    return [
        f"checkpoints/{size}.{ending}",
        *(f"checkpoints/{size}.{number}.{ending}" for number in range(2, _MOST + 1)),
    ]


def _ending(name: str) -> str:
    return name[name.rindex(".") :]


def _kind(name: str) -> str:
    return "witnesses" if name.endswith(".cosigs") else "timestamps"


def _check_cosignatures(
    found: CheckpointEvidence,
    data: bytes,
    note: checkpoint.Checkpoint,
    *,
    pinned: trusted_keys.Trust,
    operators: Collection[bytes],
) -> None:
    for line in witness_cosignature.read_cosignatures(data):
        whose, by = next(
            (item for item in pinned.witnesses.keys if witness_cosignature.is_by_key(line, item[1])), (line.name, None)
        )
        if line.name == note.origin:
            raise VerificationError("it holds a line in the name of the log, which is no witness of itself")
        if by is None:
            found.strangers["witnesses"].add(line.name)
            continue
        time, key = witness_cosignature.check_cosignature(line, by, note.body), by.key.public_bytes_raw()
        if key in operators:
            found.strangers["witnesses"].add(f"{line.name} (who keeps the log)")
        else:
            found.witnessed.append(Witnessed(note.size, whose, key, time))


def _check_timestamp(
    found: CheckpointEvidence, name: str, data: bytes, note: checkpoint.Checkpoint, *, pinned: trusted_keys.Trust
) -> None:
    token = timestamps.read(data)
    timestamps.check(token, note.note)
    for authority in pinned.timestamps.authorities:
        path = certificate_chains.find_path(token, authority.roots)
        if path is not None:
            stamped = Stamped(
                size=note.size,
                path=name,
                whose=authority.name,
                time=token.time,
                expires=certificate_chains.find_expiry(path),
                chain=path,
                opinion=second_opinion.take(data, note.note, token, path),
            )
            found.stamped.append(stamped)
            return
    for authority in pinned.timestamps.authorities:
        if certificate_chains.is_attributed(token, authority.roots):
            raise VerificationError(
                f"it names {authority.name}, but does not lead to its root at {token.time:%Y-%m-%d}"
            )
    found.strangers["timestamps"].add(token.name)


def _stamped_size(folder: Path, token: timestamp_token.Token) -> int:
    for size in reversed(range(1, layout.size(folder) + 1)):
        path = folder / layout.note_path(size)
        if not path.is_file():
            continue
        note = layout.read_bytes(path, checkpoint.MOST_BYTES)
        if hashlib.new(token.digest, note).digest() == token.imprint:
            return size
    raise VerificationError(f"it is of no checkpoint of {folder}")


def _free(folder: Path, paths: Sequence[str], data: bytes) -> str:
    for name in paths:
        if not (folder / name).exists():
            return name
        if layout.read_bytes(folder / name, _LIMITS[_ending(name)]) == data:
            raise ConfigError(f"this is there already: {name}")
    raise ConfigError(f"{_MOST} are there already, from {paths[0]} on")


def _once(there: bytes | None, new: bytes) -> bytes:
    if there is not None:
        raise ConfigError("somebody else added one at the same time; try again")
    return new


def _split(data: bytes) -> tuple[checkpoint.Checkpoint | None, list[Cosignature]]:
    if data.startswith("— ".encode()):
        return None, witness_cosignature.read_cosignatures(data)
    cosigned = checkpoint.read_checkpoint(data, cosigned=True)
    return cosigned, witness_cosignature.read_cosignatures(data[len(cosigned.note) :])


def _time_of(line: Cosignature, known: Sequence[verifier_keys.Witness], body: bytes) -> datetime | None:
    by = next((item for item in known if witness_cosignature.is_by_key(line, item)), None)
    return witness_cosignature.check_cosignature(line, by, body) if by else None


def _joined(there: bytes | None, lines: list[Cosignature]) -> bytes:
    old = witness_cosignature.read_cosignatures(there) if there else []
    new = [line for line in lines if line not in old]
    if not new:
        raise ConfigError("these cosignatures are there already")
    return b"".join(line.line for line in (*old, *new))
