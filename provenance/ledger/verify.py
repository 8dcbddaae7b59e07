"""Verification of a ledger: total, so that no bytes whatever raise, and frank about what was not checked.

Exit codes never change. What a scan found never affects them. This file needs no pyarrow: what is verified is never
handed to a parser before its digest was.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from provenance.digests import canonical
from provenance.errors import ConfigError, ProvenanceError, VerificationError
from provenance.ledger import (
    attested,
    checkpoint,
    contents,
    cosigning,
    envelope,
    keys,
    keysteps,
    layout,
    leaves,
    merkle,
    pieces,
    redaction,
    relations,
    statement,
    succession,
    tabletrees,
    trust,
)
from provenance.ledger.verification import (
    DATA_DIFFERS,
    EQUIVOCATION,
    INVALID,
    OK,
    UNPINNED,
    USAGE,
    WITHHELD,
    WORST,
    Changes,
    Signer,
    Step,
    Verification,
    encodable,
    some,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric import ec

_DEPTH = 4  # folders deep; what stands deeper is not ours and is named as a whole
_FAULTS = {"invalid": INVALID, "uncovered": UNPINNED, "withheld": WITHHELD}
_NOTE = re.compile(r"checkpoints/([1-9][0-9]{0,8})\.note")


def verify(
    path: Path,
    *,
    trust: Path | None = None,
    since: Path | None = None,
    data: Path | None = None,
    strict: bool = False,
    evidence: Path | None = None,
    entry: int | None = None,
) -> Verification:
    """Verify a ledger, or a piece that was taken from one. Never raises, whatever the bytes.

    Args:
        path: the ledger, a folder; or the file of a proof.
        trust: a trust file; it replaces the user's own keys, which are pinned otherwise.
        since: a checkpoint that the verifier held: the log must extend it.
        data: the data: its files must be those of the newest scan.
        strict: whether a file that no entry binds is a fault.
        evidence: folder for the proof of equivocation; the working folder if None.
        entry: the only entry to verify, by number: of the others no more than the leaf hashes are read.

    Returns:
        The exit code and everything that led to it.
    """
    inquiry = _Inquiry(Path(path))
    asked = _Asked(trust, since, data, strict, evidence or Path())
    try:
        if inquiry.folder.is_file():
            return pieces.verify(inquiry.folder, pinned=_pinned(inquiry, asked), held=_held(inquiry, asked))
        if entry is None:
            _inquire(inquiry, asked)
        else:
            _inquire_one(inquiry, asked, entry)
    except _Stop:
        pass
    except OSError as cause:
        inquiry.fail("ledger", f"it cannot be read: {cause.strerror}", USAGE)
    return inquiry.conclude()


class _Stop(Exception):  # noqa: N818 - not an error: what follows cannot be looked at
    """Ends an inquiry that has said why."""


@dataclass(frozen=True, slots=True)
class _Asked:
    trust: Path | None
    since: Path | None
    data: Path | None
    strict: bool
    evidence: Path


@dataclass(slots=True)
class _Inquiry:
    """What is known so far."""

    folder: Path
    steps: list[Step] = field(default_factory=list)
    codes: set[int] = field(default_factory=lambda: {OK})
    files: set[str] = field(default_factory=set)
    strange: list[str] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)
    cosignatures: list[cosigning.Cosignature] = field(default_factory=list)
    withheld: list[str] = field(default_factory=list)
    unbound: list[str] = field(default_factory=list)
    signers: dict[tuple[str, str], Signer] = field(default_factory=dict)
    statements: list[statement.Statement] = field(default_factory=list)
    keyids: list[str] = field(default_factory=list)
    notes: dict[int, checkpoint.Checkpoint] = field(default_factory=dict)
    leaves: list[bytes] = field(default_factory=list)
    held: succession.Succession = field(default_factory=succession.Succession)
    signed: dict[str, list[int]] = field(default_factory=dict)
    proven: dict[int, datetime] = field(default_factory=dict)
    origin: str | None = None
    size: int = 0
    changes: Changes | None = None
    evidence: Path | None = None

    def ok(self, name: str, detail: str) -> None:
        self.steps.append(Step(name, "ok", detail))

    def fail(self, name: str, detail: str, code: int = INVALID) -> None:
        self.steps.append(Step(name, "failed", detail))
        self.codes.add(code)

    def skip(self, name: str, detail: str) -> None:
        self.steps.append(Step(name, "not checked", detail))

    def stop(self, name: str, detail: str, code: int = INVALID) -> _Stop:
        self.fail(name, detail, code)
        return _Stop()

    def read(self, name: str, limit: int) -> bytes:
        return layout.read_bytes(self.folder / name, limit)

    def conclude(self) -> Verification:
        return Verification(
            exit_code=next(code for code in WORST if code in self.codes),
            steps=tuple(Step(item.name, item.status, encodable(item.detail)) for item in self.steps),
            unbound=tuple(contents.named(name) for name in self.unbound),
            withheld=tuple(self.withheld),
            signers=tuple(self.signers.values()),
            origin=self.origin,
            entries=self.size,
            local=any(item.predicate["keys"] == "local" for item in self.statements),
            changes=self.changes,
            evidence=self.evidence,
        )


def _inquire(inquiry: _Inquiry, asked: _Asked) -> None:
    pinned = _pinned(inquiry, asked)
    held = _held(inquiry, asked)
    _look(inquiry, asked)
    known = _known(inquiry, pinned)
    _check_entries(inquiry, known, pinned)
    _check_log(inquiry)
    _check_notes(inquiry, known, pinned)
    _check_leaves(inquiry)
    _check_pins(inquiry)
    _check_held(inquiry, held, known, asked.evidence)
    _check_attested(inquiry, known, pinned)
    _check_cosignatures(inquiry, known)
    _check_files(inquiry)
    _check_trees(inquiry)
    _check_redacted(inquiry)
    _check_keys(inquiry, pinned)
    _check_relations(inquiry, pinned)
    _check_unbound(inquiry, asked.strict)
    _check_data(inquiry, asked.data)


def _inquire_one(inquiry: _Inquiry, asked: _Asked, index: int) -> None:
    """Verify one entry: it is a leaf that the newest checkpoint counts; their list vouches for itself."""
    pinned, held = _pinned(inquiry, asked), _held(inquiry, asked)
    if asked.data is not None and not asked.data.is_dir():
        raise inquiry.stop("data", f"{asked.data} is not a folder", USAGE)
    inquiry.size = layout.size(inquiry.folder) if layout.is_ledger(inquiry.folder) else 0
    if not 0 <= index < inquiry.size:
        raise inquiry.stop("ledger", f"{inquiry.folder} is not a ledger with an entry {index}", USAGE)
    inquiry.files = {f"keys/{path.name}" for path in (inquiry.folder / "keys").glob("*") if path.is_file()}
    known = _known(inquiry, pinned)
    try:
        note = checkpoint.read(inquiry.read(layout.note_path(inquiry.size), checkpoint.LIMIT), cosigned=True)
        key = _log_key(note, known)
        checkpoint.check(note, key)
        inquiry.leaves = leaves.split(inquiry.read(leaves.PATH, leaves.LIMIT), note)
    except FileNotFoundError as cause:
        raise inquiry.stop("leaves", f"there is no {leaves.PATH}; leave out --entry to read every entry") from cause
    except VerificationError as cause:
        raise inquiry.stop("checkpoints", f"{layout.note_path(inquiry.size)}: {cause}") from cause
    inquiry.origin, inquiry.notes[inquiry.size] = note.origin, note
    inquiry.held.first["log"] = keys.fingerprint(key)
    inquiry.ok("checkpoints", f"the newest, of {inquiry.size} entries, is signed (Ed25519) and matches the leaf hashes")
    sealed, said = _entry(inquiry, index, known)
    before = statement.Place(note.origin, index, merkle.root(inquiry.leaves[:index]).hex())
    if sealed.leaf != inquiry.leaves[index] or said.place != before:
        raise inquiry.stop("log", f"{layout.entry_path(index)} is not what the checkpoint counts, or not there")
    inquiry.statements.append(said)
    inquiry.ok("log", f"entry {index} of {inquiry.size} is signed as it says and in the log")
    _sign(inquiry, sealed.keyid, "statement", pinned, note.origin)
    _sign(inquiry, keys.fingerprint(key), "log", pinned, note.origin)
    _check_pins_alone(inquiry)
    _check_held(inquiry, held, known, asked.evidence)
    inquiry.files |= {name for name in said.folder if (inquiry.folder / name).is_file()}
    _check_files(inquiry)
    _check_trees(inquiry)
    inquiry.skip(
        "other entries", f"only entry {index} was asked for; changes of keys, waivers and all others were not read"
    )
    _check_data(inquiry, asked.data)


def _check_pins_alone(inquiry: _Inquiry) -> None:
    """Of one entry alone no change of keys is followed: both keys must be pinned themselves."""
    strangers = [f"{item.fingerprint} ({item.role})" for item in inquiry.signers.values() if item.whose is None]
    if strangers:
        named = ", ".join(strangers)
        inquiry.fail("keys", f"not pinned: {named}; pin them with --trust once you know whose they are", UNPINNED)
    else:
        inquiry.ok("keys", "every signature is by a pinned key")


def _pinned(inquiry: _Inquiry, asked: _Asked) -> trust.Trust:
    try:
        return trust.read(asked.trust) if asked.trust else trust.own()
    except ConfigError as cause:
        raise inquiry.stop("trust", str(cause), USAGE) from cause


def _held(inquiry: _Inquiry, asked: _Asked) -> checkpoint.Checkpoint | None:
    if asked.since is None:
        return None
    try:
        return checkpoint.read(layout.read_bytes(asked.since, checkpoint.LIMIT), cosigned=True)
    except (OSError, VerificationError) as cause:
        raise inquiry.stop("held note", f"{asked.since} cannot be read as a checkpoint: {cause}", USAGE) from cause


def _look(inquiry: _Inquiry, asked: _Asked) -> None:
    """See what is in the folder, and refuse what is neither file nor folder."""
    if asked.data is not None and not asked.data.is_dir():
        raise inquiry.stop("data", f"{asked.data} is not a folder", USAGE)
    if not layout.is_ledger(inquiry.folder):
        raise inquiry.stop("ledger", f"{inquiry.folder} is not a ledger", USAGE)
    refused = []
    for name, kind in _walk(inquiry.folder):
        if kind == "file":
            inquiry.files.add(name)
        elif kind == "folder":
            inquiry.strange.append(f"{name}/")
        elif name != "scans/latest":
            refused.append(name)
    sizes = [int(found[1]) for name in inquiry.files if (found := _NOTE.fullmatch(name))]
    inquiry.size = max(sizes, default=0)
    if not inquiry.size:
        raise inquiry.stop("ledger", f"no scan was ever finished in {inquiry.folder}", USAGE)
    if refused or not _latest_is_ours(inquiry):
        inquiry.fail("folder", f"links and special files are refused: {some(refused or ['scans/latest'])}")
    else:
        inquiry.ok("folder", f"{len(inquiry.files)} files, and no link but scans/latest")


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    """Name everything below a folder: file | folder (too deep to be ours) | other."""
    todo = [""]
    while todo:
        prefix = todo.pop()
        with os.scandir(root / prefix) as found:
            for item in found:
                name = prefix + item.name
                if item.is_dir(follow_symlinks=False):
                    if name.count("/") >= _DEPTH:
                        yield name, "folder"
                    else:
                        todo.append(f"{name}/")
                else:
                    yield name, "file" if item.is_file(follow_symlinks=False) else "other"


def _latest_is_ours(inquiry: _Inquiry) -> bool:
    """Nothing is read through the link, but people follow it: it must lead to a finished scan."""
    latest = inquiry.folder / "scans" / "latest"
    if not latest.is_symlink():
        return True
    target = str(latest.readlink())
    return re.fullmatch(r"[0-9]{8}", target) is not None and int(target) < inquiry.size


def _known(inquiry: _Inquiry, pinned: trust.Trust) -> dict[str, keys.PublicKey]:
    """Collect keys by fingerprint: to check signatures with, which is not yet to trust them."""
    known = {pin.fingerprint: pin.key for pin in pinned.pins if pin.key is not None}
    for name in sorted(inquiry.files):
        if name.startswith("keys/"):
            try:
                key = keys.read_public(inquiry.read(name, 1 << 16))
            except (ConfigError, VerificationError):
                continue  # its digest will tell
            known.setdefault(keys.fingerprint(key), key)
    return known


def _check_entries(inquiry: _Inquiry, known: dict[str, keys.PublicKey], pinned: trust.Trust) -> None:
    """Signature over PAE, payload type, strict parse, predicate type, schema: entry by entry."""
    for index in range(inquiry.size):
        name = layout.entry_path(index)
        sealed, said = _entry(inquiry, index, known)
        try:
            inquiry.held.check_signer(index, sealed.keyid)
            if said.kind == succession.KIND:
                for heir in _follow(inquiry, index, sealed.payload, said, known):
                    _sign(inquiry, heir, "statement", pinned, said.place.origin)
        except ProvenanceError as cause:
            raise inquiry.stop("signatures", f"{name}: {cause}") from cause
        inquiry.leaves.append(sealed.leaf)
        inquiry.statements.append(said)
        inquiry.signed.setdefault(sealed.keyid, []).append(index)
        inquiry.keyids.append(sealed.keyid)
        _sign(inquiry, sealed.keyid, "statement", pinned, said.place.origin)
    inquiry.ok("signatures", f"{inquiry.size} of {inquiry.size} entries are signed as they say (ECDSA P-256 over DSSE)")
    types = " or ".join(sorted({said.type for said in inquiry.statements}))
    inquiry.ok("statements", f"{inquiry.size} of {inquiry.size} hold to {types}")


def _entry(
    inquiry: _Inquiry, index: int, known: dict[str, keys.PublicKey]
) -> tuple[envelope.Envelope, statement.Statement]:
    """Read an entry that is signed as it says, by a key that may be anybody's."""
    name = layout.entry_path(index)
    try:
        sealed = envelope.read(inquiry.read(name, layout.ENTRY_LIMIT))
        envelope.check(sealed, _statement_key(sealed, known))
        return sealed, statement.read(sealed.payload)
    except FileNotFoundError as cause:
        raise inquiry.stop("log", f"{name} is missing") from cause
    except ProvenanceError as cause:
        raise inquiry.stop("signatures", f"{name}: {cause}") from cause


def _statement_key(sealed: envelope.Envelope, known: dict[str, keys.PublicKey]) -> ec.EllipticCurvePublicKey:
    key = known.get(sealed.keyid)
    if key is None or isinstance(key, Ed25519PublicKey):
        raise VerificationError(f"its key {sealed.keyid} is neither pinned nor in keys/")
    return key


def _follow(
    inquiry: _Inquiry, index: int, payload: bytes, said: statement.Statement, known: dict[str, keys.PublicKey]
) -> list[str]:
    """Take in an entry about keys; return who takes over the statement key with it, and has signed too."""
    inquiry.held.follow(index, said.predicate)
    heirs = [each.after for each in inquiry.held.changes if (each.index, each.role) == (index, "statement")]
    for heir in heirs:
        name = layout.cosignature_path(index, succession.NEW_KEY)
        if name not in inquiry.files:
            raise VerificationError(f"{name} is missing, by which the new key says that it takes over")
        succession.check_cosignature(inquiry.read(name, layout.ENTRY_LIMIT), payload, heir, known)
        inquiry.beside.add(name)
    return heirs


def _sign(inquiry: _Inquiry, fingerprint: str, role: trust.Role, pinned: trust.Trust, origin: str) -> None:
    signer = Signer(fingerprint, role, pinned.whose(fingerprint, role, origin))
    inquiry.signers.setdefault((fingerprint, role), signer)


def _check_log(inquiry: _Inquiry) -> None:
    """Each entry says where it stands, and on what: the log before it."""
    inquiry.origin = inquiry.statements[0].place.origin
    roots = merkle.roots(inquiry.leaves)
    for index, said in enumerate(inquiry.statements):
        if said.place != statement.Place(inquiry.origin, index, roots[index].hex()):
            raise inquiry.stop("log", f"{layout.entry_path(index)} says it stands elsewhere, or on another history")
    inquiry.ok("log", f"{inquiry.size} entries of {inquiry.origin} follow one another; root {roots[-1].hex()}")


def _check_notes(inquiry: _Inquiry, known: dict[str, keys.PublicKey], pinned: trust.Trust) -> None:
    """Every checkpoint is signed and is the root of the entries it counts."""
    roots = merkle.roots(inquiry.leaves)
    for size in range(1, inquiry.size + 1):
        name = layout.note_path(size)
        try:
            data = inquiry.read(name, checkpoint.LIMIT)
            if size == 1:
                first = checkpoint.read(data, cosigned=True)
                inquiry.held.first.setdefault("log", keys.fingerprint(_log_key(first, known)))
            note = succession.check_note(data, size - 1, inquiry.held, known)
        except FileNotFoundError as cause:
            raise inquiry.stop("checkpoints", f"{name} is missing") from cause
        except VerificationError as cause:
            raise inquiry.stop("checkpoints", f"{name}: {cause}") from cause
        if (note.origin, note.size, note.root) != (inquiry.origin, size, roots[size]):
            raise inquiry.stop("checkpoints", f"{name} does not match the entries")
        inquiry.notes[size] = note
        for signer in (inquiry.held.holder("log", size - 1), inquiry.held.handover(size - 1)):
            if signer is not None:
                inquiry.signed.setdefault(signer, []).append(size - 1)
                _sign(inquiry, signer, "log", pinned, note.origin)
    inquiry.ok("checkpoints", f"{inquiry.size} of {inquiry.size} are signed (Ed25519) and match the entries")


def _check_leaves(inquiry: _Inquiry) -> None:
    """The list of leaf hashes is nothing but that: whoever checks one entry by it is not deceived."""
    if leaves.PATH not in inquiry.files:
        inquiry.skip("leaves", f"there is no {leaves.PATH}: to check one entry, all are read")
        return
    try:
        kept = leaves.split(inquiry.read(leaves.PATH, leaves.LIMIT), inquiry.notes[inquiry.size])
    except VerificationError as cause:
        inquiry.fail("leaves", f"{leaves.PATH}: {cause}")
        return
    inquiry.ok("leaves", f"{len(kept)} leaf hashes are kept as they are")


def _log_key(note: checkpoint.Checkpoint, known: dict[str, keys.PublicKey]) -> Ed25519PublicKey:
    for key in known.values():
        if isinstance(key, Ed25519PublicKey) and checkpoint.key_id(note.origin, key) == note.key:
            return key
    raise VerificationError("its key is neither pinned nor in keys/")


def _check_pins(inquiry: _Inquiry) -> None:
    """Keys that a ledger carries itself check its signatures; nobody trusts them, unless a pinned one leads there."""
    pinned: dict[tuple[str, succession.Role], str] = {
        (item.fingerprint, item.role): item.whose
        for item in inquiry.signers.values()
        if item.whose is not None and item.role != "waiver"
    }
    led = inquiry.held.vouched(pinned)
    for at, whose in led.items():
        inquiry.signers[at] = Signer(*at, whose)
    strangers = [item for item in inquiry.signers.values() if item.whose is None]
    if strangers:
        named = ", ".join(f"{item.fingerprint} ({item.role})" for item in strangers)
        inquiry.fail("keys", f"not pinned: {named}; pin them with --trust once you know whose they are", UNPINNED)
    else:
        more = f", or by one that a pinned key leads to by rotation ({len(led)})" if led else ""
        inquiry.ok("keys", f"every signature is by a pinned key{more}")


def _check_keys(inquiry: _Inquiry, pinned: trust.Trust) -> None:
    """What entries say of keys: who took over, what was revoked, whose they are."""
    for step in keysteps.steps(inquiry.folder, inquiry.held, inquiry.signed, inquiry.proven, pinned):
        inquiry.steps.append(step)
        inquiry.codes |= {UNPINNED} if step.status == "failed" else set()


def _check_held(
    inquiry: _Inquiry, held: checkpoint.Checkpoint | None, known: dict[str, keys.PublicKey], folder: Path
) -> None:
    """The log must extend what the verifier held; as all leaves are here, prefix roots are compared."""
    if held is None:
        inquiry.skip(
            "held note", "no earlier checkpoint was given (--since): its owner could have rewritten the history"
        )
        return
    try:
        checkpoint.check(held, _log_key(held, {name: known[name] for name in inquiry.held.held("log") & set(known)}))
    except VerificationError:
        inquiry.fail("held note", "the checkpoint you hold is not signed by this ledger's log key")
        return
    if held.origin != inquiry.origin:
        inquiry.fail("held note", f"the checkpoint you hold is of another log, {held.origin}")
    elif held.size > inquiry.size:
        gone = f"entries {inquiry.size} to {held.size - 1} are missing"
        inquiry.fail("held note", f"the checkpoint you hold counts {held.size} entries: {gone}")
    elif merkle.root(inquiry.leaves[: held.size]) == held.root:
        inquiry.ok("held note", f"the log extends the checkpoint you hold, of {held.size} entries")
    else:
        _accuse(inquiry, held, folder)


def _accuse(inquiry: _Inquiry, held: checkpoint.Checkpoint, folder: Path) -> None:
    """Write what convinces anyone: both signed checkpoints, and the leaves under the second."""
    shown = inquiry.notes[inquiry.size]
    proof = {
        "held": held.note.decode(),
        "shown": shown.note.decode(),
        "shown_leaves": [leaf.hex() for leaf in inquiry.leaves],
        "says": "Both notes are signed by keys of one log. The first `size` leaves under `shown` do not have the "
        "root that `held` states for that size (RFC 9162), so one of them denies entries that the other counted.",
    }
    path = folder / f"equivocation-{held.root.hex()[:8]}-{shown.root.hex()[:8]}.json"
    said = f"two signed views of {inquiry.origin} contradict each other at {held.size} entries"
    try:
        path.write_bytes(canonical(proof))
    except OSError as cause:
        inquiry.fail("held note", f"{said}; the evidence cannot be written to {path}: {cause.strerror}", EQUIVOCATION)
        return
    inquiry.evidence = path
    inquiry.fail("held note", f"{said}; the evidence is in {path}", EQUIVOCATION)


def _check_attested(inquiry: _Inquiry, known: dict[str, keys.PublicKey], pinned: trust.Trust) -> None:
    """What others say of the checkpoints: witnesses that saw them, authorities that timestamped them."""
    operators = {
        key.public_bytes_raw()
        for name, role in inquiry.signers
        if role == "log" and isinstance(key := known[name], Ed25519PublicKey)
    }
    found = attested.look(inquiry.folder, inquiry.files, inquiry.notes, inquiry.statements, pinned, operators)
    inquiry.beside |= found.files
    inquiry.proven = {size: item.time for size, item in found.proven.items()}
    for item in found.outcomes:
        inquiry.steps.append(Step(item.name, item.status, item.detail))
        inquiry.codes |= {_FAULTS[item.fault]} if item.fault else set()


def _check_cosignatures(inquiry: _Inquiry, known: dict[str, keys.PublicKey]) -> None:
    """Further signatures over an entry's payload: what they are worth says the entry's kind."""
    leaves = dict(enumerate(inquiry.leaves))
    inquiry.cosignatures, held, faults = cosigning.look(inquiry.folder, inquiry.files, leaves, known)
    inquiry.beside |= held
    unread = [f"{item.name} of entry {item.index}" for item in inquiry.cosignatures if not item.checked]
    if faults:
        inquiry.fail("co-signatures", some(faults))
    elif unread:
        inquiry.skip("co-signatures", f"this version does not check the algorithm of {some(unread)}")
    elif inquiry.cosignatures:
        inquiry.ok("co-signatures", f"{len(inquiry.cosignatures)} are signatures over the entries they stand beside")


def _check_files(inquiry: _Inquiry) -> None:
    """Every file that an entry binds has the digest it says; what is missing is withheld."""
    for said in inquiry.statements:
        for name, digest in said.folder.items():
            if inquiry.bound.setdefault(name, digest) != digest:
                raise inquiry.stop("objects", f"two entries bind {name} to different digests")
    for name, digest in inquiry.bound.items():
        if name not in inquiry.files:
            inquiry.withheld.append(name)
        elif contents.digest(inquiry.folder / name) != digest:
            inquiry.fail("objects", f"{name} is not what its entry binds")
    if layout.ORIGIN in inquiry.files and inquiry.read(layout.ORIGIN, 1 << 16) != f"{inquiry.origin}\n".encode():
        inquiry.fail("objects", "origin is not the name of this log")
    if inquiry.withheld:
        inquiry.fail("objects", f"withheld: {some(inquiry.withheld)}", WITHHELD)
    elif INVALID not in inquiry.codes:
        inquiry.ok("objects", f"{len(inquiry.bound)} files have the digests that entries bind")


def _check_trees(inquiry: _Inquiry) -> None:
    """Every tree and content set that a scan states is that of its lines; what is withheld is said, not failed."""
    if INVALID in inquiry.codes:
        inquiry.skip("trees", "files are not what entries bind, so nothing is made of them")
        return
    checked, withheld = 0, []
    for said in inquiry.statements:
        if said.kind == statement.SCAN:
            found = tabletrees.check(inquiry.folder, said, inquiry.withheld)
            checked += found.checked
            withheld += [f"{each} (entry {said.place.index})" for each in found.withheld]
            for fault in found.faults:
                inquiry.fail("trees", f"entry {said.place.index}: {fault}")
    if withheld:
        inquiry.skip("trees", f"withheld: {some(withheld)}")
    if INVALID not in inquiry.codes:
        inquiry.ok("trees", f"{checked} trees and content sets are those of the lines")


def _check_redacted(inquiry: _Inquiry) -> None:
    """Tables that are shown in part still make the roots that were signed."""
    found = redaction.check(inquiry.folder, inquiry.statements, inquiry.files)
    inquiry.beside |= found.held
    if found.faults:
        inquiry.fail("redacted", some(found.faults))
    elif found.held:
        told = f"{found.shown} lines that are shown are those that were signed, {found.hidden} are withheld"
        inquiry.ok("redacted", told)


def _check_relations(inquiry: _Inquiry, pinned: trust.Trust) -> None:
    """What entries say of one another: of files that are not what was signed, nothing follows."""
    if INVALID in inquiry.codes:
        return
    scene = relations.Scene(
        inquiry.folder, inquiry.statements, inquiry.keyids, merkle.roots(inquiry.leaves), inquiry.cosignatures, pinned,
        str(inquiry.origin),
    )  # fmt: skip
    for told in relations.steps(scene):
        inquiry.steps.append(Step(told.name, told.status, told.detail))
        if told.status == "failed":
            inquiry.codes.add(UNPINNED if told.unpinned else INVALID)


def _check_unbound(inquiry: _Inquiry, strict: bool) -> None:
    """Name what no entry vouches for: leftovers of a killed scan, or something slipped in."""
    signed = {layout.entry_path(index) for index in range(inquiry.size)}
    signed |= {layout.note_path(size) for size in range(1, inquiry.size + 1)} | {leaves.PATH} | inquiry.beside
    inquiry.unbound = sorted([*(inquiry.files - signed - set(inquiry.bound)), *inquiry.strange])
    if not inquiry.unbound:
        inquiry.ok("unbound", "every file in the folder is bound")
    elif strict:
        inquiry.fail("unbound", f"no entry binds {some(inquiry.unbound)}")
    else:
        inquiry.skip("unbound", f"no entry binds {some(inquiry.unbound)}: nobody vouches for what is in them")


def _check_data(inquiry: _Inquiry, data: Path | None) -> None:
    """Compare data with the newest scan's table of files."""
    if data is None:
        inquiry.skip("data", "no data was given (--data): whether it is still what was scanned is unknown")
        return
    scans = [said for said in inquiry.statements if said.kind == statement.SCAN]
    name = scans[-1].predicate["tables"].get("files", {}).get("lines") if scans else None
    if name is None or name in inquiry.withheld or inquiry.bound.get(name) is None or INVALID in inquiry.codes:
        inquiry.skip("data", "the table of files is withheld or does not verify")
        return
    try:
        compared = contents.compare(contents.scanned(inquiry.folder / name), data, inquiry.folder)
    except (ValueError, VerificationError):
        inquiry.fail("data", f"{name} is not a table of files")
        return
    inquiry.changes, unread = compared.changes, len(compared.unread)
    told = f"; {unread} files could not be compared: the scan had not read them" if unread else ""
    if inquiry.changes:
        counts = (len(inquiry.changes.added), len(inquiry.changes.removed), len(inquiry.changes.changed))
        inquiry.fail("data", "{} files added, {} removed, {} changed".format(*counts) + told, DATA_DIFFERS)
    else:
        inquiry.ok("data", f"every file is as the newest scan saw it{told}")
