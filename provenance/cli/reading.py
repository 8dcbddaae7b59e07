"""How commands read a ledger: what does not verify is one sentence and an exit code, unless it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provenance.cli import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.ledger import Reader

unverified_option = click.option(
    "--unverified", is_flag=True, help="Read a ledger that does not verify all the same; a warning comes first."
)


def open_reader(ledger: Path, index: int | None, *, unverified: bool) -> Reader:
    """Open a ledger for a command; what is to be known of its signatures goes to standard error.

    Args:
        ledger: the ledger.
        index: number of the entry; None = the newest scan.
        unverified: whether what does not verify is read all the same.

    Raises:
        ConfigError: the folder is no ledger, or has no such entry.
        VerificationError: it does not verify, or a file of the entry is not what it binds.
    """
    from provenance.ledger import open_reader

    reader = open_reader(ledger, index, verified=not unverified, warn=warn)
    reader.check_files()
    return reader


def warn(sentence: str) -> None:
    """Print a warning on standard error.

    Args:
        sentence: what a reader must know first.
    """
    terminal.print_lines(f"provenance: warning: {sentence}", error=True)
