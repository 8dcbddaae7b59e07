"""Audit training data before training: sources, licences, copies; a signed ledger afterwards.

    import provenance as pv

    audit = pv.scan("./data")
    audit.findings

Everything below is imported when first used, so that `provenance --help` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from provenance.kernels import settle
from provenance.program import VERSION

if TYPE_CHECKING:
    from provenance import checks, errors, profiles
    from provenance.acting import attest, countersign, review, sample, waive
    from provenance.audit import Audit, open_ledger, scan
    from provenance.difference import diff
    from provenance.guarding import guard
    from provenance.pairing import pairs
    from provenance.report_check import verify

settle()

__version__ = VERSION

__all__ = [
    "Audit",
    "attest",
    "checks",
    "countersign",
    "diff",
    "errors",
    "guard",
    "open_ledger",
    "pairs",
    "profiles",
    "review",
    "sample",
    "scan",
    "verify",
    "waive",
]

_HOMES = {
    "attest": "acting",
    "countersign": "acting",
    "diff": "difference",
    "guard": "guarding",
    "pairs": "pairing",
    "review": "acting",
    "sample": "acting",
    "verify": "report_check",
    "waive": "acting",
}  # where public names are at home; the others in audit
_ROOMS = ("checks", "errors", "profiles")  # public names that are rooms; the first and last can be called


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'provenance' has no attribute {name!r}")
    if name in _ROOMS:
        return import_module(f"provenance.{name}")
    room = _HOMES.get(name, "audit")
    return getattr(import_module(f"provenance.{room}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
