"""`provenance key`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli import key_options, path_arguments, terminal
from provenance.core.scanner_identity import describe_scanner

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from provenance.ledger import Entry, KeyPair
    from provenance.ledger.log.key_history import Succession


@click.group(name="key")
def command() -> None:
    """Hand a ledger over to other keys, revoke keys, and say whose they are."""


@command.command(name="rotate")
@click.argument("ledger", type=path_arguments.LEDGER)
@click.option("--new", metavar="URI", required=True, help="Keys that sign from the next entry on; see keygen.")
@click.option("--reason", help="Why, for people.")
@key_options.key_option
@key_options.password_option
@click.option(
    "--new-password-file", type=click.Path(path_type=Path), help="File whose first line is the new keys' password."
)
def rotate(
    ledger: Path,
    new: str,
    reason: str | None,
    key: str | None,
    password_file: Path | None,
    new_password_file: Path | None,
) -> int:
    """Hand LEDGER over from --key to --new: both sign the entry that says so; afterwards only the new keys append.

    Who pinned the old keys follows to the new ones.
    """
    from provenance import ledger as signed_ledger
    from provenance.ledger.log import key_entries

    heir = signed_ledger.load_pair(new, prompt=key_options.make_secrets(new_password_file or password_file))
    entry = _entry(
        key, password_file, lambda keys: key_entries.rotate(ledger, heir, describe_scanner(), keys=keys, reason=reason)
    )
    terminal.print_lines(
        f"Entry {entry.index} of {ledger} hands it over to {heir.fingerprint}. From now on: --key {new}"
    )
    if heir.origin not in (None, entry.origin):
        terminal.print_lines(
            f"The log keeps its name, {entry.origin}; a trust file that names {heir.origin} does not pin it: write "
            f"origin: {entry.origin} in the copy of {new}/trust.yaml that goes to who verifies this ledger."
        )
    return 0


@command.command(name="revoke")
@click.argument("ledger", type=path_arguments.LEDGER)
@click.argument("fingerprint")
@click.option("--reason", required=True, help="Why, for people.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="From when on it may have been in other hands, UTC: nothing later that it signed is accepted.",
)
@key_options.key_option
@key_options.password_option
def revoke(
    ledger: Path, fingerprint: str, reason: str, since: datetime | None, key: str | None, password_file: Path | None
) -> int:
    """Say in LEDGER that a key signs no more: one that held it before, or one that was added."""
    from datetime import UTC

    from provenance.ledger.log import key_entries

    doubted = since.replace(tzinfo=UTC) if since is not None else None
    entry = _entry(
        key,
        password_file,
        lambda keys: key_entries.revoke(ledger, fingerprint, reason, describe_scanner(), keys=keys, since=doubted),
    )
    terminal.print_lines(f"Entry {entry.index} of {ledger} revokes {fingerprint}. A timestamp over it proves when.")
    if doubted is not None:
        terminal.print_lines(
            f"What it signed is accepted only where a timestamp proves it older than {doubted:%Y-%m-%d %H:%M:%S} UTC: "
            f"provenance verify {ledger} names what is not."
        )
    return 0


@command.command(name="add")
@click.argument("ledger", type=path_arguments.LEDGER)
@click.argument("public", type=path_arguments.FILE)
@click.option("--role", type=click.Choice(["waiver", "witness"]), required=True, help="What the key is for.")
@click.option("--name", help="Whose it is.")
@key_options.key_option
@key_options.password_option
def add(ledger: Path, public: Path, role: str, name: str | None, key: str | None, password_file: Path | None) -> int:
    """Name in LEDGER the PUBLIC key (PEM) of who approves waivers or witnesses the log. It makes nobody trust it."""
    from provenance.ledger.keys import signing_keys
    from provenance.ledger.log import key_entries

    with path_arguments.name_file(public):
        added = signing_keys.read_public(public.read_bytes())
    entry = _entry(
        key,
        password_file,
        lambda keys: key_entries.add_key(ledger, added, role, describe_scanner(), keys=keys, name=name),
    )
    terminal.print_lines(f"Entry {entry.index} of {ledger} adds {signing_keys.fingerprint(added)} ({role}).")
    return 0


@command.command(name="certificate")
@click.argument("ledger", type=path_arguments.LEDGER)
@click.argument("certificate", type=path_arguments.FILE)
@key_options.key_option
@key_options.password_option
def certificate(ledger: Path, certificate: Path, key: str | None, password_file: Path | None) -> int:
    """Attach to LEDGER an X.509 CERTIFICATE (PEM, intermediate ones after it) over its statement key."""
    from provenance.ledger.keys import key_certificates
    from provenance.ledger.log import key_entries

    pem = certificate.read_bytes()
    entry = _entry(key, password_file, lambda keys: key_entries.certify(ledger, pem, describe_scanner(), keys=keys))
    terminal.print_lines(
        f"Entry {entry.index} of {ledger}: the key of {key_certificates.read_certificate(pem).describe}."
    )
    return 0


@command.command(name="list")
@click.argument("ledger", type=path_arguments.LEDGER)
def list_keys(ledger: Path) -> int:
    """List the keys that LEDGER names: who holds it, who held it before, what was added and revoked."""
    from provenance.ledger.log import key_history

    history = key_history.read_history(ledger)
    for role, key in history.first.items():
        _show(history, key, f"{role}, from the beginning")
    for change in history.changes:
        _show(history, change.after, f"{change.role}, after entry {change.index}")
    for key, (kind, name) in history.added.items():
        _show(history, key, f"{kind}{f', {name}' if name else ''}")
    terminal.print_lines("Nobody is to trust a key for standing here; provenance verify says whom you trust.")
    return 0


def _show(succession: Succession, key: str, what: str) -> None:

    revoked = succession.revoked.get(key)
    terminal.print_lines(f"{key}  {what}{f'; revoked by entry {revoked.index}: {revoked.reason}' if revoked else ''}")


def _entry(key: str | None, password_file: Path | None, append: Callable[[KeyPair], Entry]) -> Entry:
    from provenance import ledger as signed_ledger

    secrets = key_options.make_secrets(password_file)
    keys = (
        signed_ledger.user_keys(create=False, prompt=secrets)
        if key is None
        else signed_ledger.load_pair(key, prompt=secrets)
    )
    return append(keys)
