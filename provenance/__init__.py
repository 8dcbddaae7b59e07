"""Audit training data before training: sources, licences, copies; a signed ledger afterwards.

    import provenance as pv

    audit = pv.scan("./data")
    audit.findings

Everything below is imported when first used, so that `provenance --help` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from provenance.core.kernel_cache import choose_cache_folder
from provenance.core.scanner_identity import VERSION

if TYPE_CHECKING:
    from provenance import errors
    from provenance.attestations.actions import attest, countersign, review, sample, waive
    from provenance.checks import list_checks
    from provenance.pipeline.audit import Audit, open_ledger
    from provenance.pipeline.guard import guard
    from provenance.pipeline.record_pairs import pairs
    from provenance.pipeline.report_check import verify
    from provenance.pipeline.scan import scan
    from provenance.profiles import list_profiles
    from provenance.reports.difference.compare import diff

choose_cache_folder()

__version__ = VERSION

__all__ = [
    "Audit",
    "attest",
    "countersign",
    "diff",
    "errors",
    "guard",
    "list_checks",
    "list_profiles",
    "open_ledger",
    "pairs",
    "review",
    "sample",
    "scan",
    "verify",
    "waive",
]

_HOMES = {
    "Audit": "provenance.pipeline.audit",
    "attest": "provenance.attestations.actions",
    "countersign": "provenance.attestations.actions",
    "diff": "provenance.reports.difference.compare",
    "guard": "provenance.pipeline.guard",
    "list_checks": "provenance.checks",
    "list_profiles": "provenance.profiles",
    "open_ledger": "provenance.pipeline.audit",
    "pairs": "provenance.pipeline.record_pairs",
    "review": "provenance.attestations.actions",
    "sample": "provenance.attestations.actions",
    "scan": "provenance.pipeline.scan",
    "verify": "provenance.pipeline.report_check",
    "waive": "provenance.attestations.actions",
}
"""In which module a public name is defined; it is imported when first asked for."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'provenance' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name) if name in _HOMES else import_module(f"provenance.{name}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
