"""What people do about a scan, signed into its ledger: waive, approve, sample, review, attest.

Each is one step: a kind of `acts` composes what the entry says, and it is appended.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import ledger as signed_ledger
from provenance.attestations import FORMS, check_ledger, draw, forms, waiver
from provenance.attestations import declaration as declaration_forms
from provenance.attestations import review as review_forms
from provenance.core import scanner_identity
from provenance.errors import ConfigError
from provenance.ledger.keys import signing_keys
from provenance.ledger.log import entry_cosignatures, entry_summaries
from provenance.ledger.log.append import Overtaken

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from provenance.attestations import ComposedAct
    from provenance.ledger.keys.signers import StatementSigner


def waive(
    ledger: str | os.PathLike[str],
    fingerprint: str,
    *,
    reason: str,
    approver: str,
    expires: str,
    evidence: str | None = None,
    approver_key: str | None = None,
    key: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> signed_ledger.Entry:
    """Accept a finding until a day: later scans of this ledger mark it as waived, and it stays visible.

    Args:
        ledger: the ledger.
        fingerprint: of the finding, or its first 8 digits or more.
        reason: why it is accepted.
        approver: who accepts it, by name.
        expires: the last day on which it holds, ISO 8601, UTC.
        evidence: where the paper stands that it rests on.
        approver_key: URI of the approver's key, which co-signs; None = nobody does yet, see `approve`.
        key: URI of the signing keys; None = the user's own.
        ask: asks for a password, given the prompt.

    Returns:
        The entry.

    Raises:
        ConfigError: no scan of this ledger has such a finding, the approver's key is the one that signs the entry, or
            what is given is not what it should be.
        BrokenChain: the ledger does not verify.
    """
    folder = Path(ledger)
    hand = signing_keys.load_statement(approver_key, "waiver", prompt=ask) if approver_key is not None else None
    compose = partial(
        waiver.compose, folder, fingerprint, reason=reason, approver=approver, expires=expires, evidence=evidence,
        approver_key=signing_keys.fingerprint(hand.public_key()) if hand else None,
    )  # fmt: skip
    entry = _append(folder, compose, key, ask, hand)
    if hand:
        entry_cosignatures.cosign(folder, entry.index, waiver.APPROVER, hand)
    return entry


def approve(
    ledger: str | os.PathLike[str], entry: int, approver_key: str, *, ask: Callable[[str], str] | None = None
) -> str:
    """Co-sign a waiver as its approver, who needs no key of the ledger.

    Args:
        ledger: the ledger.
        entry: number of the waiver.
        approver_key: URI of the approver's key.
        ask: asks for a password, given the prompt.

    Returns:
        Fingerprint of the key.

    Raises:
        ConfigError: there is no such waiver, it names another key, or is signed already.
    """
    folder = Path(ledger)
    hand = signing_keys.load_statement(approver_key, "waiver", prompt=ask)
    waiver.check_approver(folder, entry, signing_keys.fingerprint(hand.public_key()))
    return entry_cosignatures.cosign(folder, entry, waiver.APPROVER, hand)


def countersign(
    ledger: str | os.PathLike[str],
    key: str,
    *,
    entry: int | None = None,
    ask: Callable[[str], str] | None = None,
) -> tuple[int, str]:
    """Stand by an entry that another signed, with a key of one's own: no key of the ledger is needed.

    Args:
        ledger: the ledger.
        key: URI of the key that signs.
        entry: number of the entry; None = the newest scan.
        ask: asks for a password, given the prompt.

    Returns:
        Number of the entry, and fingerprint of the key.

    Raises:
        ConfigError: there is no such entry, or this key has signed it already.
    """
    folder = Path(ledger)
    check_ledger(folder)
    at = int(signed_ledger.read_entry(folder)["predicate"]["log"]["index"]) if entry is None else entry
    return at, entry_cosignatures.countersign(folder, at, signing_keys.load_statement(key, prompt=ask))[1]


def sample(
    ledger: str | os.PathLike[str],
    size: int,
    purpose: str,
    *,
    nonce: str | None = None,
    sources: Sequence[str] = (),
    index: int | None = None,
    key: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> signed_ledger.Entry:
    """Draw records of a scan for people to look at, and sign which, before anybody has looked.

    Args:
        ledger: the ledger.
        size: how many; all, where there are no more.
        purpose: what it is for; a second draw for it is another one, and is seen.
        nonce: what a verifier gives to the seed: 16 to 128 hexadecimal digits.
        sources: ids of the only sources to draw from; () = all.
        index: number of the scan's entry; None = the newest scan.
        key: URI of the signing keys; None = the user's own.
        ask: asks for a password, given the prompt.

    Returns:
        The entry; `review_form` makes the form that reviewers fill in.

    Raises:
        ConfigError: there is no such scan or source, or nothing to draw from.
        BrokenChain: the ledger does not verify.
    """
    folder = Path(ledger)
    compose = partial(draw.compose, folder, size, purpose, nonce=nonce, sources=sources, index=index)
    return _append(folder, compose, key, ask)


def review_form(ledger: str | os.PathLike[str], entry: int, name: str) -> bytes:
    """Make the form in which reviewers answer for each record of a draw.

    Args:
        ledger: the ledger.
        entry: number of the draw.
        name: of the file; its ending, .csv or .jsonl, says the format.

    Returns:
        The form's bytes, its verdicts empty.

    Raises:
        ConfigError: there is no such draw or format.
    """
    return review_forms.make_form(Path(ledger), entry, name)


def review(
    ledger: str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    name: str,
    role: str,
    organisation: str | None = None,
    key: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> signed_ledger.Entry:
    """Sign what people found in the records of a draw; counts and shares are computed here.

    Args:
        ledger: the ledger.
        file: the form that `review_form` made, filled in.
        name: who answers for it.
        role: that person's role.
        organisation: that person's organisation, if it is to be named.
        key: URI of the signing keys; None = the user's own.
        ask: asks for a password, given the prompt.

    Returns:
        The entry; a record without an answer is counted as one.

    Raises:
        ConfigError: the form is not what it should be; the sentence says where.
        BrokenChain: the ledger does not verify.
    """
    by = {"name": name, "role": role} | ({"organisation": organisation} if organisation is not None else {})
    return _append(Path(ledger), partial(review_forms.compose, Path(ledger), Path(file), by), key, ask)


def attest(
    ledger: str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    data: str | os.PathLike[str] | None = None,
    key: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> signed_ledger.Entry:
    """Sign what a responsible person writes in a form: a decision, a filter that ran, or a derivation.

    Args:
        ledger: the ledger.
        file: the form, see `template`; it names its kind.
        data: the folder that came out, which is digested now; of a derivation there must be one.
        key: URI of the signing keys; None = the user's own.
        ask: asks for a password, given the prompt.

    Returns:
        The entry.

    Raises:
        ConfigError: the form is not what it should be, or names what is not there; the sentence says where.
        InputError: the folder that came out cannot be read.
        BrokenChain: the ledger does not verify.
    """
    folder = Path(ledger)
    form = forms.load_form(Path(file))
    kind = form.value.get("attestation") if isinstance(form.value, dict) else None
    if not isinstance(kind, str) or kind not in FORMS:
        raise ConfigError(f"{form.at('attestation')}: it names none of {', '.join(FORMS)}")
    compose = partial(_module(kind).compose, folder, form, Path(data) if data is not None else None)
    return _append(folder, compose, key, ask)


def template(kind: str) -> str:
    """Return a blank form.

    Args:
        kind: one of FORMS.

    Raises:
        ConfigError: there is no such form.
    """
    if kind not in FORMS:
        raise ConfigError(f"there is no form {kind!r}; there are: {', '.join(FORMS)}")
    return str(_module(kind).TEMPLATE)


def history(ledger: str | os.PathLike[str] | signed_ledger.Reader) -> list[str]:
    """Say what people did about the scans of a ledger.

    Args:
        ledger: the ledger, or one that is open for reading.

    Returns:
        One sentence an act, the oldest first, then one for each purpose that was drawn for.

    Raises:
        BrokenChain: the ledger does not verify.
    """
    reader = ledger if isinstance(ledger, signed_ledger.Reader) else signed_ledger.open_reader(Path(ledger))
    acts = [(index, predicate) for index, _, predicate in reader.entries(*entry_summaries.KINDS)]
    return [
        *(entry_summaries.summarise(index, predicate) for index, predicate in acts),
        *entry_summaries.describe_draws(acts),
    ]


def _append(
    folder: Path,
    compose: Callable[[], ComposedAct],
    key: str | None,
    ask: Callable[[str], str] | None,
    second: StatementSigner | None = None,
) -> signed_ledger.Entry:
    """Append what is composed; `second` co-signs it afterwards, and so must be another hand."""
    act = compose()  # first: nobody is asked for a password over what cannot be said
    hands = signed_ledger.user_keys(create=False) if key is None else signed_ledger.load_pair(key, prompt=ask)
    if second is not None and signing_keys.fingerprint(second.public_key()) == hands.fingerprint:
        raise ConfigError("the approver's key is the one that signs the entry: name the approver's own --approver-key")
    while True:
        facts = {"kind": act.kind, "scanner": scanner_identity.describe_scanner(), **act.facts}
        try:
            return signed_ledger.attach(
                folder, act.kind, act.document, facts, keys=hands, objects=act.objects, after=act.after
            )
        except Overtaken:  # by an entry that somebody else added: each turn brings the ledger on
            act = compose()


def _module(kind: str) -> Any:
    return import_module(f"provenance.attestations.{kind.replace('-', '_')}")


def declare(
    ledger: str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    key: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> tuple[declaration_forms.Declaration, signed_ledger.Entry]:
    """Append what a responsible person declares to a ledger, about its newest scan.

    Args:
        ledger: the ledger.
        file: the form, see `declaration.make_template`.
        key: URI of the signing keys; None = the user's own.
        ask: asks for a password, given the prompt.

    Returns:
        The declaration and its entry.

    Raises:
        ConfigError: the form or the ledger is not what it should be; the sentence says where.
        BrokenChain: the ledger does not verify.
    """
    declaration = declaration_forms.read_declaration(Path(file))
    return declaration, declaration_forms.append_declaration(
        Path(ledger), declaration, scanner_identity.describe_scanner(), key=key, ask=ask
    )


def renew(
    ledger: str | os.PathLike[str],
    *,
    files: bool = False,
    key: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> tuple[signed_ledger.Entry, list[str]]:
    """Append a renewal entry to a ledger: it lists the digests of all checkpoints and timestamps, to be stamped anew.

    Args:
        ledger: the ledger.
        files: whether to list the SHA-512 of every file that an entry binds, too.
        key: URI of the signing keys; None = the user's own.
        ask: asks for a password, given the prompt.

    Returns:
        The entry, and the timestamps that it came too late for: their certificates had expired.

    Raises:
        ConfigError: the folder is no ledger, or another's.
        BrokenChain: the ledger does not verify.
    """
    from provenance.ledger.witness import renewal

    keys = (
        signed_ledger.user_keys(create=False, prompt=ask) if key is None else signed_ledger.load_pair(key, prompt=ask)
    )
    now = datetime.now(UTC)
    late = renewal.list_expired(Path(ledger), now)
    return renewal.renew(Path(ledger), scanner_identity.describe_scanner(), now, keys=keys, files=files), late
