"""`provenance renew`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import key_options, terminal
from provenance.core.wording import count_noun


@click.command(name="renew")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option(
    "--files", is_flag=True, help="List the SHA-512 of every bound file too, as SHA-256 will not last for ever."
)
@key_options.key_option
@key_options.password_option
def command(ledger: Path, files: bool, key: str | None, password_file: Path | None) -> int:
    """Append an entry that lists all checkpoints, cosignatures and timestamps of LEDGER; then have it timestamped.

    Do it before the certificate of a timestamp expires: from then on only what was renewed goes on counting.
    """
    from provenance.attestations import actions

    entry, late = actions.renew(ledger, files=files, key=key, ask=key_options.make_secrets(password_file))
    covers = entry.statement["predicate"]["covers"]
    counts = ", ".join(count_noun(count, name.removesuffix("s")) for name, count in sorted(covers.items()))
    terminal.print_lines(f"Entry {entry.index} of {ledger} lists {counts}.")
    for name in late:
        terminal.print_lines(f"Too late for {name}: its certificate has expired, so this renews it for nobody.")
    terminal.print_lines(
        f"It renews nothing before it is timestamped: provenance timestamp request {ledger} -o renewal.tsq"
    )
    return 0
