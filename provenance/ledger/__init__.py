"""The ledger: signed entries under one log, and what it takes to check them without trusting us.

An entry is an in-toto Statement v1 in a DSSE envelope (ECDSA P-256); entries are leaves of an RFC 9162 log whose head
is a C2SP checkpoint (Ed25519). A signature proves who said what, unaltered; not that it is complete or honest.

What verifies is imported when first asked for: to append takes none of it, nor the certificates and proofs it reads.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from provenance.ledger.format.statement import Document, Seal
from provenance.ledger.keys.signing_keys import KeyPair, load_pair, user_keys
from provenance.ledger.layout import is_ledger, size
from provenance.ledger.log.append import Entry, append, attach
from provenance.ledger.log.opening import check_appendable
from provenance.ledger.log.reading import read_entries, read_entry, read_head, read_signer, read_tables

if TYPE_CHECKING:
    from provenance.ledger.verification.results import Step, Verification
    from provenance.ledger.verification.verified_reader import Reader, open_reader
    from provenance.ledger.verification.verify import verify

__all__ = [
    "Document",
    "Entry",
    "KeyPair",
    "Reader",
    "Seal",
    "Step",
    "Verification",
    "append",
    "attach",
    "check_appendable",
    "is_ledger",
    "load_pair",
    "open_reader",
    "read_entries",
    "read_entry",
    "read_head",
    "read_signer",
    "read_tables",
    "size",
    "user_keys",
    "verify",
]

_HOMES = {
    "Step": "results",
    "Verification": "results",
    "Reader": "verified_reader",
    "open_reader": "verified_reader",
    "verify": "verify",
}
"""In which module of `verification` a name is defined."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.verification.{_HOMES[name]}"), name)
