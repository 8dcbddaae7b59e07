"""What commands that sign have in common: where the key is, and how its password is asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli import terminal
from provenance.core.escaping import escape_to_line

if TYPE_CHECKING:
    from provenance.ledger.keys.passwords import Secrets

key_option = click.option(
    "--key", metavar="URI", help="Signing keys: a folder, a PEM file, env:NAME, hsm:… or a cloud's; else your own."
)
"""The option of every command that signs."""

password_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    help="File whose first line is the key's password; PROVENANCE_KEY_PASSWORD, or a prompt, if not given.",
)
"""The option of every command that reads an encrypted key."""


def make_secrets(password_file: Path | None = None) -> Secrets:
    """Return what gets at passwords and PINs, the user among others.

    Args:
        password_file: as the user named it.
    """
    from provenance.ledger.keys.passwords import Secrets

    seen = sys.stdin is not None and sys.stdin.isatty()  # else getpass would warn, and echo what it reads
    return Secrets(_ask_once if seen else None, password_file)


def _ask_once(text: str) -> str:
    """Ask once: what an empty answer means, the question knows."""
    return str(
        click.prompt(
            escape_to_line(text, terminal.MOST_CHARACTERS), default="", show_default=False, hide_input=True, err=True
        )
    )
