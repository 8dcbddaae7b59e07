"""Exports: what is made of findings for other tools, one file each with its declaration.

What was signed leaves a ledger in other forms through `ledger.exports`. To add one here: its file with
`FINDINGS_EXPORT`, a line in EXPORTS, a case table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.ledger.exports.export_format import ExportFormat, ExportRequest

EXPORTS: Registry[ExportFormat] = Registry(
    "FINDINGS_EXPORT",
    "provenance.reports.exports.removal_list",
)
"""Every export of findings, by name."""


def write_export(folder: Path, target: Path, name: str, request: ExportRequest) -> tuple[str, ...]:
    """Write one export of what a scan found.

    Args:
        folder: the ledger.
        target: the file to make.
        name: one of EXPORTS.
        request: what is to be exported.

    Returns:
        Sentences for people: what is in it, and what is not.

    Raises:
        ConfigError: there is no ledger, check or source of that name, or the file would lie in the ledger.
        VerificationError: what the ledger holds is not what was signed.
    """
    form = EXPORTS[name]
    if form.write is None:
        raise TypeError(f"{name} declares no `write`")
    return form.write(folder, target, request)
