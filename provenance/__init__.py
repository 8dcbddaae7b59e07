"""Audit training data before training: sources, licences, copies; a signed ledger afterwards.

    import provenance as pv

    audit = pv.scan("./data")
    audit.findings

Everything below is imported when first used, so that `provenance --help` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provenance import errors
    from provenance.audit import Audit, checks, open_ledger, pairs, profiles, scan
    from provenance.ledger import verify

__version__ = "0.1.0"

__all__ = ["Audit", "checks", "errors", "open_ledger", "pairs", "profiles", "scan", "verify"]

_ROOMS = {"errors": "provenance.errors", "verify": "provenance.ledger"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'provenance' has no attribute {name!r}")
    room = import_module(_ROOMS.get(name, "provenance.audit"))
    return room if name == "errors" else getattr(room, name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
