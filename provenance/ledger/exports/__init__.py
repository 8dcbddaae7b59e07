"""Exports of a ledger for tools that are not ours: one file a format, each with its declaration, `EXPORT`.

A format turns what was signed into bytes; this file reads the entry for it and writes the file. To add one: its file, a
line in EXPORTS, a case table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.registry import Registry
from provenance.errors import ConfigError
from provenance.ledger import layout
from provenance.ledger.exports.export_format import ExportedEntry, ExportRequest
from provenance.ledger.log import entry_cosignatures, file_writing
from provenance.ledger.verification import verified_reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from provenance.ledger.exports.export_format import ExportFormat

__all__ = ["EXPORTS", "ExportRequest", "write"]

EXPORTS: Registry[ExportFormat] = Registry(
    "EXPORT",
    "provenance.ledger.exports.sigstore",
    "provenance.ledger.exports.oms",
    "provenance.ledger.exports.cms",
    "provenance.ledger.exports.sm2",
    "provenance.ledger.exports.sm3",
    "provenance.ledger.exports.mldsa65",
    "provenance.ledger.exports.pae",
    "provenance.ledger.exports.tar",
)
"""Every format of what was signed, by name, in the order of `provenance export --help`."""

_NO_TARGET = "name the file to write with -o; only a co-signature may stand in the ledger"


def write(folder: Path, target: Path | None, format_: str, request: ExportRequest) -> tuple[str, ...]:
    """Write one export of a ledger.

    Args:
        folder: the ledger.
        target: the file to make, which appears whole or not at all; None to put a co-signature beside its entry.
        format_: one of EXPORTS.
        request: what is to be exported.

    Returns:
        Sentences for people: what is in it that was to be expected otherwise, and how it is verified.

    Raises:
        ConfigError: there is no ledger, a key or certificate cannot be used, or the file would lie in the ledger.
        InputError: the ledger has no such entry.
        VerificationError: what the ledger holds is not what was signed.
        MissingExtra: a library is not installed.
    """
    entry = _entry(folder, request)
    form = EXPORTS[format_]
    if target is None and form.public is None:
        raise ConfigError(_NO_TARGET)
    if target is not None and (around := layout.ledger_around(target)):
        raise ConfigError(f"{target} would lie in the ledger {around}, whose files are all bound; write it elsewhere")
    if form.export is None:
        raise TypeError(f"{format_} declares no `export`")
    chunks, sentences = form.export(entry, request)
    if target is None and form.public is not None:
        entry_cosignatures.write_cosignature(
            folder, entry.index, format_, sealed=b"".join(chunks), pem=form.public(request)
        )
        return (*sentences, f"Written: {folder / layout.cosignature_path(entry.index, format_)}")
    if target is None:
        raise ConfigError(_NO_TARGET)
    _save(target, chunks)
    return (*sentences, f"Written: {target}, {target.stat().st_size:,} bytes")


def _save(target: Path, chunks: Iterable[bytes]) -> None:
    with file_writing.explain_unwritable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with file_writing.write_whole(target) as made, made.open("wb") as file:
        file.writelines(chunks)


def _entry(folder: Path, request: ExportRequest) -> ExportedEntry:
    """Read an entry that is signed and in the log: what is exported is at least what the ledger's own keys say."""
    opened = verified_reader.open_reader(folder, request.index, verified=request.verified, warn=request.warn)
    found = opened.envelope()
    return ExportedEntry(
        folder=folder,
        index=opened.index,
        sealed=found.to_bytes,
        envelope=found,
        statement=opened.statement(),
        reader=opened,
    )
