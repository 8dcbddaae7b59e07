"""Steps of verification that are about a ledger's keys: whose they are, who took over, and what was revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.errors import ConfigError, VerificationError, cut
from provenance.ledger.keys import key_certificates
from provenance.ledger.layout import read_bytes
from provenance.ledger.verification.results import UNPINNED, SigningKey, Step, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from provenance.ledger.keys.trusted_keys import Trust
    from provenance.ledger.log.key_history import KeyChange, Role, Succession
    from provenance.ledger.verification.state import VerificationState


def check_keys(state: VerificationState) -> None:
    """Check whose keys signed: those that a ledger carries are trusted only if a pinned one leads there by rotations.

    Args:
        state: what is asked and known so far; the step is added to it.
    """
    signers = link_keys(state.signers.values(), state.succession)
    state.signers = {(each.fingerprint, each.role): each for each in signers}
    state.check_pins(signers, state.explain_other_log(state.origin))


def check_rotations(state: VerificationState) -> None:
    """Name the keys that took over; both hands signed each change, which was checked with the signatures.

    Args:
        state: what is asked and known so far; the step is added to it where keys changed hands.
    """
    if changes := state.succession.changes:
        named = [f"entry {each.index}: {each.role} key {each.before} to {each.after}" for each in changes]
        state.ok("rotation", f"signed by the old key and the new: {some(named)}")


def check_revocations(state: VerificationState) -> None:
    """Refuse what a doubted key signed, unless it is proven to be older than the doubt.

    Args:
        state: what is asked and known so far; a step is added to it for each key that was revoked.
    """
    for step in revocations(state.succession, state.signed_entries, state.proven_times):
        state.add(step)


def check_certificates(state: VerificationState) -> None:
    """Check certificates over the ledger's keys against the authorities that the verifier names.

    Args:
        state: what is asked and known so far; a step is added to it for each certificate.
    """
    for key, path, index in state.succession.certified:
        state.add(_certificate(state.path, key, path, index, state.trust))


def revocations(
    succession: Succession, signed_entries: Mapping[str, Sequence[int]], proven: Mapping[int, datetime]
) -> Iterator[Step]:
    """Say which keys were revoked, and what they signed that is not accepted.

    Args:
        succession: who held the keys when.
        signed_entries: numbers of the entries that each key signed, or of the newest under each checkpoint.
        proven: the earliest proven time of the checkpoint over so many entries, by their number.

    Yields:
        One step for each key; one that failed means that a signature is not accepted.
    """
    for key, revocation in succession.revoked.items():
        times = [time for size, time in proven.items() if size > revocation.index]
        when = (
            f"proven to be by {min(times):%Y-%m-%dT%H:%M:%SZ}" if times else "when is claimed: no timestamp proves it"
        )
        revoked = f"entry {revocation.index} revokes {key} ({cut(revocation.reason)}); {when}"
        doubted = succession.doubted_entries(key, signed_entries.get(key, ()), lambda index: _proven(proven, index))
        if doubted:
            names = some([str(index) for index in doubted])
            yield Step(
                "revocation",
                "failed",
                f"{revoked}; it is doubted since {revocation.since:%Y-%m-%dT%H:%M:%SZ}, and no timestamp proves that "
                f"what it signed is older: entries {names}",
                UNPINNED,
            )
        else:
            yield Step("revocation", "ok" if times else "not checked", revoked)


def link_keys(
    signers: Iterable[SigningKey], succession: Succession, proven: Mapping[int, datetime] | None = None
) -> list[SigningKey]:
    """Follow rotations from keys that are pinned to those that are not.

    Args:
        signers: who signed, as the pins have it.
        succession: who held the ledger's keys when.
        proven: the earliest proven time of the checkpoint over so many entries: then no key leads on that was doubted
            when it named its successor. None where everything that a doubted key signed is refused anyway.

    Returns:
        The same, in order; whose a key is that a rotation leads to, it says by which entry.
    """
    known = list(signers)
    pinned: dict[tuple[str, Role], str] = {
        (each.fingerprint, each.role): each.whose for each in known if each.whose is not None and each.role != "waiver"
    }

    def is_doubted(change: KeyChange) -> bool:
        return proven is not None and bool(
            succession.doubted_entries(change.before, [change.index], lambda index: _proven(proven, index))
        )

    linked = succession.link_keys(pinned, is_doubted)
    return [
        SigningKey(each.fingerprint, each.role, linked[at], is_linked=True)
        if each.role != "waiver" and (at := (each.fingerprint, each.role)) in linked
        else each
        for each in known
    ]


def _proven(proven: Mapping[int, datetime], index: int) -> datetime | None:
    return min((time for size, time in proven.items() if size > index), default=None)


def _certificate(folder: Path, key: str, path: str, index: int, trust: Trust) -> Step:
    try:
        found = key_certificates.read_certificate(read_bytes(folder / path, key_certificates.MOST_BYTES))
    except (OSError, ConfigError, VerificationError) as cause:
        return Step("certificate", "not checked", f"{path} of entry {index} cannot be read: {cause}")
    if found.fingerprint != key:
        wrong = f"{path} of entry {index} is not over {key}, which it is said to be over"
        return Step("certificate", "failed", wrong, UNPINNED)
    owner = f"{key} is the key of {cut(found.describe)}"
    if not trust.certifiers:
        return Step(
            "certificate", "not checked", f"{owner}; NOT validated: name an authority in a trust file (--trust)"
        )
    if refuted := key_certificates.find_doubt(found, trust.certifiers):
        return Step("certificate", "failed", f"{owner}; not to be believed: {refuted}", UNPINNED)
    return Step(
        "certificate", "ok", f"{owner}, behind whom stands an authority that you trust; not looked up as revoked"
    )
