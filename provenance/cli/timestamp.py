"""`provenance timestamp`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provenance.cli import output as output_lines
from provenance.cli import path_arguments, terminal

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.ledger.witness.timestamp_token import Token

_DIGESTS = ("sha256", "sha512")
_digest = click.option(
    "--digest", type=click.Choice(_DIGESTS), default="sha256", show_default=True, help="Of the note that is stamped."
)


class _Stamping(click.Group):
    """`provenance timestamp LEDGER --tsa URL` is short for its command `ask`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["ask", *args]
        return super().parse_args(ctx, args)


@click.group(name="timestamp", cls=_Stamping)
def command() -> None:
    """Have a timestamp authority say that it saw a ledger's newest checkpoint (RFC 3161).

    Two authorities are better than one: `provenance timestamp LEDGER --tsa URL --tsa URL` asks them over the network.
    Without a network: `request` writes a file for them, `attach` puts their answer beside the checkpoint.
    """


@command.command(name="request")
@click.argument("ledger", type=path_arguments.LEDGER)
@output_lines.output_option("File to hand to an authority.")
@click.option("--size", type=click.IntRange(1), help="Which checkpoint, by its entries; the newest if not given.")
@_digest
def request(ledger: Path, output: Path, size: int | None, digest: str) -> int:
    """Write a request (.tsq) to hand to a timestamp authority; it holds a digest of the checkpoint and nothing else."""
    from provenance.ledger.witness import timestamp_client

    output_lines.check_writable(output)
    query, at = timestamp_client.request_for(ledger, size, digest)
    output_lines.write_output(output, query)
    terminal.print_lines(f"{output}: asks for a timestamp of checkpoint {at}. Put the answer beside it:")
    terminal.print_lines(f"provenance timestamp attach {ledger} ANSWER.tsr --request {output}")
    return 0


@command.command(name="attach")
@click.argument("ledger", type=path_arguments.LEDGER)
@click.argument("answer", type=path_arguments.FILE)
@click.option(
    "--request", "request_file", type=path_arguments.FILE, help="The request it answers: its nonce is compared."
)
def attach(ledger: Path, answer: Path, request_file: Path | None) -> int:
    """Put ANSWER (.tsr) beside the checkpoint of LEDGER that it is of."""
    from provenance.ledger.layout import read_bytes
    from provenance.ledger.witness import checkpoint_evidence, timestamps

    query = None
    if request_file is not None:
        with path_arguments.name_file(request_file):
            timestamps.read_nonce(query := read_bytes(request_file, timestamps.LIMIT))
    with path_arguments.name_file(answer):
        found = checkpoint_evidence.add_timestamp(ledger, read_bytes(answer, timestamps.LIMIT), query)
    _say(*found)
    return 0


@command.command(name="revocations")
@click.argument("ledger", type=path_arguments.LEDGER)
@click.argument("listed", metavar="CRL", type=path_arguments.FILE)
@click.option("--size", type=click.IntRange(1), help="Beside which checkpoint; the newest it speaks of if not given.")
def revocations(ledger: Path, listed: Path, size: int | None) -> int:
    """Put CRL, an authority's list of revoked certificates, beside the checkpoint of LEDGER that it timestamped.

    Made after the timestamp, it shows for good that the certificate was not revoked. Authorities publish it at the
    address that stands in their certificate: openssl x509 -in CERTIFICATE -noout -ext crlDistributionPoints
    """
    from provenance.ledger.layout import read_bytes
    from provenance.ledger.witness import checkpoint_evidence
    from provenance.ledger.witness import revocation_lists as lists

    with path_arguments.name_file(listed):
        name, found, spoken = checkpoint_evidence.add_revocations(ledger, read_bytes(listed, lists.LIMIT), size)
    when = found.last_update_utc.strftime("%Y-%m-%d %H:%M:%S UTC")
    terminal.print_lines(f"{name}: {found.issuer.rfc4514_string()} says what it had revoked by {when}.")
    terminal.print_lines(f"It speaks of {', '.join(spoken)}; `provenance verify` tells what it says.")
    return 0


@command.command(name="ask")
@click.argument("ledger", type=path_arguments.LEDGER)
@click.option("--tsa", "addresses", multiple=True, required=True, metavar="URL", help="Authority to ask; repeatable.")
@_digest
def ask(ledger: Path, addresses: tuple[str, ...], digest: str) -> int:
    """Ask authorities over the network to timestamp the newest checkpoint of LEDGER."""
    from provenance.ledger.witness import checkpoint_evidence, timestamp_client

    for address in addresses:
        query, _ = timestamp_client.request_for(ledger, None, digest)
        _say(*checkpoint_evidence.add_timestamp(ledger, timestamp_client.send(address, query), query))
    return 0


def _say(size: int, name: str, token: Token) -> None:

    when = token.time.strftime("%Y-%m-%d %H:%M:%S UTC")
    terminal.print_lines(f"{name}: {token.name} saw checkpoint {size} at {when}.")
    terminal.print_lines("Whether it is who it says, `provenance verify` tells by the roots of a trust file.")
