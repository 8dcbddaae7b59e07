"""`provenance keygen`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import key_options, terminal

PAIR = "statement+log"


@click.command(name="keygen")
@click.option("--origin", metavar="NAME", required=True, help="Name of the log, such as acme.example/corpus.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the keys.")
@click.option(
    "--role",
    type=click.Choice([PAIR, "statement", "log", "waiver", "witness"]),
    default=PAIR,
    show_default=True,
    help="Who is to sign: who keeps a ledger, or who approves waivers, or who witnesses others' logs.",
)
@click.option("--statement", metavar="URI", help="A statement key that is elsewhere and stays there: hsm:…, awskms:…")
@click.option("--log", metavar="URI", help="A log key that is elsewhere and stays there: hv:…")
@key_options.password_option
@click.option("--no-password", is_flag=True, help="Leave the private keys open to whoever gets the files.")
def command(
    origin: str,
    out: Path,
    role: str,
    statement: str | None,
    log: str | None,
    password_file: Path | None,
    no_password: bool,
) -> int:
    """Make signing keys, for `--key` of the commands that sign.

    The folder also holds the log's name and the secret of its salts: begin one ledger with it, and keep a copy where
    nobody else looks.
    """
    from provenance.ledger.keys import key_generation

    if no_password and password_file is not None:
        raise click.UsageError("--no-password and --password-file contradict each other")
    roles = tuple(role.split("+"))
    elsewhere = {name: uri for name, uri in (("statement", statement), ("log", log)) if uri is not None}
    if strangers := set(elsewhere) - set(roles):
        raise click.UsageError(f"--{min(strangers)} names a key of another role than --role {role}")
    secrets = key_options.make_secrets(password_file)
    needs_no_password = no_password or set(roles) <= set(elsewhere)
    made = key_generation.make_keys(
        out,
        roles,
        origin,
        password=None if needs_no_password else secrets.new_password(str(out)),
        elsewhere=elsewhere,
        secrets=secrets,
    )
    for name, fingerprint in made.items():
        terminal.print_lines(f"{name}: {fingerprint}")
    terminal.print_lines(
        f"In {out}. Tell others these fingerprints by another way than the ledger: nothing else says whose they are."
    )
    if role == PAIR:
        terminal.print_lines(
            f"Begin the ledger of {origin} with: provenance scan DATA --key {out}",
            f"Who verifies that ledger pins its keys with: provenance verify LEDGER --trust {out / 'trust.yaml'}",
            f"Or hand over a ledger that is there, which keeps its name: provenance key rotate LEDGER --new {out}",
        )
    return 0
