"""Handing out a piece of a ledger: written only where it would convince, with what it proves and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.cli import terminal
from provenance.core.scratch import scratch_folders

if TYPE_CHECKING:
    from pathlib import Path

from provenance.cli import output as output_lines
from provenance.cli import reading


def find_entry(folder: Path, entry: int | None, output: Path, *inputs: Path | None) -> int:
    """Return the number of the entry that a piece is to be taken of, which was verified.

    Args:
        folder: the ledger.
        entry: the number that was asked for; None = the newest scan.
        output: where the piece is to be written, which is looked at before the work.
        inputs: files and folders that are read for it; nothing is written into those.

    Raises:
        ConfigError: nothing may be written there. UnknownEntry: there is no such entry.
        VerificationError: the ledger does not verify.
    """
    from provenance.errors import VerificationError
    from provenance.ledger import open_reader

    output_lines.check_not_audited(output, folder)
    output_lines.check_writable(output, *inputs)

    try:
        return open_reader(folder, entry, warn=reading.warn).index
    except VerificationError as cause:
        raise VerificationError(f"nothing can be proven from {folder}: {cause}") from cause


def write_proof(output: Path, data: bytes, folder: Path) -> None:
    """Write a proof or an answer, and say what it shows.

    Args:
        output: its file.
        data: its bytes.
        folder: the ledger that it was taken from.

    Raises:
        VerificationError: it does not verify, as the ledger does not; nothing is written.
    """
    from provenance.errors import VerificationError
    from provenance.ledger import verify
    from provenance.ledger.verification.results import INVALID

    with scratch_folders.temporary_folder() as beside:
        tried = beside / "piece"
        tried.write_bytes(data)
        found = verify(tried)
    if found.exit_code == INVALID:
        failed = "; ".join(step.detail for step in found.steps if step.status == "failed")
        raise VerificationError(f"nothing can be proven from {folder}: {failed}; run provenance verify {folder}")
    output_lines.write_output(output, data)
    proven_lines = [line for line in found.lines() if line.startswith(("Proven", "Not proven"))]
    terminal.print_lines(*proven_lines, f"-> {output}")
