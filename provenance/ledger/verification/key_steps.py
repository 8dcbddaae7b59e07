"""What verification says of a ledger's keys: who took over, what was revoked, and whose they are said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import ConfigError, VerificationError, cut
from provenance.ledger.keys import key_certificates
from provenance.ledger.layout import read_bytes
from provenance.ledger.verification.results import SigningKey, Step, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from provenance.ledger.keys.trusted_keys import Trust
    from provenance.ledger.log.key_history import Change, Role, Succession


def steps(
    folder: Path,
    held: Succession,
    signed: Mapping[str, Sequence[int]],
    proven: Mapping[int, datetime],
    trust: Trust,
) -> Iterator[Step]:
    """Say what became of a ledger's keys.

    Args:
        folder: the ledger.
        held: who held them when.
        signed: numbers of the entries that each key signed, or of the newest entry under each note, by fingerprint.
        proven: the earliest proven time of the checkpoint over so many entries, by their number.
        trust: what the verifier pins.

    Yields:
        Steps; one that failed means that a signature is not accepted. None of a ledger that never said a word of keys.
    """
    if held.changes:
        said = [f"entry {each.index}: {each.role} key {each.before} to {each.after}" for each in held.changes]
        yield Step("rotation", "ok", f"signed by the old key and the new: {some(said)}")
    for key, revocation in held.revoked.items():
        times = [time for size, time in proven.items() if size > revocation.index]
        when = (
            f"proven to be by {min(times):%Y-%m-%dT%H:%M:%SZ}" if times else "when is claimed: no timestamp proves it"
        )
        told = f"entry {revocation.index} revokes {key} ({cut(revocation.reason)}); {when}"
        doubted = held.doubtful(key, signed.get(key, ()), lambda index: _proven(proven, index))
        if doubted:
            names = some([str(index) for index in doubted])
            yield Step(
                "revocation",
                "failed",
                f"{told}; it is doubted since {revocation.since:%Y-%m-%dT%H:%M:%SZ}, and no timestamp proves that what "
                f"it signed is older: entries {names}",
            )
        else:
            yield Step("revocation", "ok" if times else "not checked", told)
    for key, path, index in held.certified:
        yield _certificate(folder, key, path, index, trust)


def led(
    signers: Iterable[SigningKey], held: Succession, proven: Mapping[int, datetime] | None = None
) -> list[SigningKey]:
    """Follow rotations from keys that are pinned to those that are not.

    Args:
        signers: who signed, as the pins have it.
        held: who held the ledger's keys when.
        proven: the earliest proven time of the checkpoint over so many entries: then no key leads on that was doubted
            when it named its successor. None where everything that a doubted key signed is refused anyway.

    Returns:
        The same, in order; whose a key is that a rotation leads to, it says by which entry.
    """
    known = list(signers)
    pinned: dict[tuple[str, Role], str] = {
        (each.fingerprint, each.role): each.whose for each in known if each.whose is not None and each.role != "waiver"
    }

    def doubted(change: Change) -> bool:
        return proven is not None and bool(
            held.doubtful(change.before, [change.index], lambda index: _proven(proven, index))
        )

    found = held.vouched(pinned, doubted)
    return [
        SigningKey(each.fingerprint, each.role, found[at], led=True)
        if each.role != "waiver" and (at := (each.fingerprint, each.role)) in found
        else each
        for each in known
    ]


def _proven(proven: Mapping[int, datetime], index: int) -> datetime | None:
    return min((time for size, time in proven.items() if size > index), default=None)


def _certificate(folder: Path, key: str, path: str, index: int, trust: Trust) -> Step:
    try:
        found = key_certificates.read(read_bytes(folder / path, key_certificates.LIMIT))
    except (OSError, ConfigError, VerificationError) as cause:
        return Step("certificate", "not checked", f"{path} of entry {index} cannot be read: {cause}")
    if found.fingerprint != key:
        return Step("certificate", "failed", f"{path} of entry {index} is not over {key}, which it is said to be over")
    told = f"{key} is the key of {cut(found.said)}"
    if not trust.certifiers:
        return Step("certificate", "not checked", f"{told}; NOT validated: name an authority in a trust file (--trust)")
    if refuted := key_certificates.find_doubt(found, trust.certifiers):
        return Step("certificate", "failed", f"{told}; not to be believed: {refuted}")
    return Step(
        "certificate", "ok", f"{told}, behind whom stands an authority that you trust; not looked up as revoked"
    )
