"""`provenance attest`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import key_options, terminal


@click.command(name="attest")
@click.argument("ledger", required=False, type=click.Path(path_type=Path))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--template", metavar="KIND", help="Print a blank form, and stop: decision, filter-run, derivation.")
@click.option("--data", type=click.Path(path_type=Path), help="The folder that came out, which is digested now.")
@key_options.key_option
@key_options.password_option
def command(
    ledger: Path | None,
    file: Path | None,
    template: str | None,
    data: Path | None,
    key: str | None,
    password_file: Path | None,
) -> int:
    """Sign what was decided, filtered or derived (FILE) into LEDGER.

    FILE is a form that `provenance attest --template KIND` prints; documents it names are bound by digest.
    """
    from provenance.attestations import actions

    if template is not None:
        if ledger is not None:
            raise click.UsageError("--template prints a blank form; leave out LEDGER and FILE")
        terminal.print_document(actions.template(template))
        return 0
    if ledger is None or file is None:
        raise click.UsageError("give LEDGER and FILE; `provenance attest --template KIND` prints a blank form")
    made = actions.attest(ledger, file, data=data, key=key, ask=key_options.make_secrets(password_file))
    predicate = made.statement["predicate"]
    terminal.print_lines(f"Entry {made.index} of {ledger}: a {predicate['kind']}.")
    if "outputs" in predicate:
        files = predicate["outputs"]["files"]
        what, them = ("file", "it") if files == 1 else ("files", "them")
        terminal.print_lines(f"{files:,} {what} came out; root over {them} {predicate['outputs']['tree']['root']}.")
    return 0
