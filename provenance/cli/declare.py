"""`provenance declare`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import key_options, terminal


@click.command(name="declare")
@click.argument("ledger", required=False, type=click.Path(path_type=Path))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--template", metavar="PROFILE", help="Print a blank form with every question of a profile, and stop.")
@key_options.key_option
@key_options.password_option
def command(
    ledger: Path | None, file: Path | None, template: str | None, key: str | None, password_file: Path | None
) -> int:
    """Sign what the responsible person says (FILE) into LEDGER, about its newest scan.

    FILE is a form that `provenance declare --template PROFILE` prints; documents it names are bound by digest. A later
    scan of the same data counts the answers.
    """
    from provenance import profiles
    from provenance.attestations import actions, declaration

    if template is not None:
        if ledger is not None:
            raise click.UsageError("--template prints a blank form; leave out LEDGER and FILE")
        terminal.print_document(declaration.make_template(profiles.load(template)))
        return 0
    if ledger is None or file is None:
        raise click.UsageError("give LEDGER and FILE; `provenance declare --template PROFILE` prints a blank form")
    signed, entry = actions.declare(ledger, file, key=key, ask=key_options.make_secrets(password_file))
    bound = sum(len(each["documents"]) for each in signed.answers)
    terminal.print_lines(
        f"Entry {entry.index} of {ledger}, by {signed.by['name']} ({signed.by['role']}). "
        f"Answers: {len(signed.answers)}; documents bound by digest: {bound}; left blank: {signed.unanswered}."
    )
    terminal.print_lines(
        f"They count in the next scan of the same data: provenance scan DATA --ledger {ledger} --profile …"
    )
    return 0
