"""`provenance countersign`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provenance.cli import key_options, path_arguments, terminal

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="countersign")
@click.argument("ledger", type=path_arguments.LEDGER)
@click.option("--entry", type=click.IntRange(min=0), help="Number of the entry; the newest scan if not given.")
@click.option(
    "--key",
    metavar="URI",
    required=True,
    help="Your own key: a folder of keygen --role statement, a file, env:NAME.",
)
@key_options.password_option
def command(ledger: Path, entry: int | None, key: str, password_file: Path | None) -> int:
    """Stand by an entry of LEDGER that another signed, with a key of your own: none of the ledger's is needed.

    Verifiers whose trust file says `assessments: {signers: 2}` believe an assessment only if two pinned keys signed it.
    """
    from provenance.attestations import actions

    at, fingerprint = actions.countersign(ledger, key, entry=entry, ask=key_options.make_secrets(password_file))
    terminal.print_lines(f"Entry {at} of {ledger} is signed by {fingerprint} too.")
    return 0
