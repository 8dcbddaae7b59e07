"""`provenance waive`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli import key_options, terminal

if TYPE_CHECKING:
    from provenance.ledger import Entry

_NEEDED = ("reason", "approver", "expires")


@click.command(name="waive")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.argument("fingerprint", required=False)
@click.option("--reason", help="Why the finding is accepted.")
@click.option("--approver", metavar="NAME", help="Who accepts it.")
@click.option("--expires", metavar="DATE", help="The last day on which it holds, as 2026-12-31 (UTC).")
@click.option("--evidence", metavar="TEXT", help="Where the paper stands that it rests on.")
@click.option(
    "--approver-key", metavar="URI", help="The approver's own key, which signs too: a folder, file, env:NAME."
)
@click.option("--sign", "entry", type=click.IntRange(min=0), metavar="ENTRY", help="Approve a waiver that is there.")
@key_options.key_option
@key_options.password_option
def command(
    ledger: Path,
    fingerprint: str | None,
    reason: str | None,
    approver: str | None,
    expires: str | None,
    evidence: str | None,
    approver_key: str | None,
    entry: int | None,
    key: str | None,
    password_file: Path | None,
) -> int:
    """Accept the finding FINGERPRINT of LEDGER until a day; later scans mark it as waived, and it stays visible.

    Who accepts it signs with a key that is not the ledger's: at once with --approver-key, or later with --sign ENTRY
    --approver-key, for which no key of the ledger is needed. Verifiers who pin keys in the role waiver ask for that.
    """
    from provenance.attestations import actions

    given = {"reason": reason, "approver": approver, "expires": expires}
    if entry is not None:
        if fingerprint is not None or approver_key is None or key or evidence or any(given.values()):
            raise click.UsageError("--sign ENTRY takes LEDGER and --approver-key, and nothing else")
        mark = actions.approve(ledger, entry, approver_key, ask=key_options.make_secrets(password_file))
        terminal.print_lines(f"Waiver {entry} of {ledger} is approved by {mark}.")
        return 0
    missing = [f"--{name}" for name in _NEEDED if given[name] is None]
    if fingerprint is None or missing:
        raise click.UsageError(f"give {', '.join([*(['FINGERPRINT'] if fingerprint is None else []), *missing])}")
    made: Entry = actions.waive(
        ledger, fingerprint, reason=str(reason), approver=str(approver), expires=str(expires), evidence=evidence,
        approver_key=approver_key, key=key, ask=key_options.make_secrets(password_file),
    )  # fmt: skip
    finding = made.statement["predicate"]["finding"]
    terminal.print_lines(
        f"Entry {made.index} of {ledger}: {finding['check']} of {finding['source']} is waived until {expires}."
    )
    if approver_key is None:
        terminal.print_lines(
            f"Nobody but the operator has signed it: provenance waive {ledger} --sign {made.index} --approver-key URI"
        )
    return 0
