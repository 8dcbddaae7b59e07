"""`provenance witness`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli import key_options, path_arguments, terminal
from provenance.cli import output as output_lines
from provenance.core.wording import count_noun

if TYPE_CHECKING:
    from provenance.ledger.keys.signers import NoteSigner

_key = click.option(
    "--key", metavar="URI", required=True, help="Your key: a folder of `keygen --role witness`, a PEM file, env:NAME."
)
_name = click.option("--name", help="How you call your key, as regulator.example/w1; as its folder says if not given.")


@click.group(name="witness")
def command() -> None:
    """Remember how far somebody's ledger was, and sign only what extends that (C2SP cosignatures, by files).

    The ledger's owner writes a `request`; the witness answers with `cosign`; the owner puts that beside with `add`.
    """


@command.command(name="request")
@click.argument("ledger", type=path_arguments.LEDGER)
@output_lines.output_option("File to hand to a witness.")
@click.option("--since", type=click.IntRange(0), default=0, help="How many entries the witness saw last; 0 = none.")
@click.option("--size", type=click.IntRange(1), help="Entries of the checkpoint to sign; the newest if not given.")
def request(ledger: Path, output: Path, since: int, size: int | None) -> int:
    """Write what a witness needs to cosign the newest checkpoint of LEDGER: its note, and a proof that it extends."""
    from provenance.ledger.format import checkpoint
    from provenance.ledger.log import key_history
    from provenance.ledger.witness import cosign_requests

    output_lines.check_writable(output)
    made = cosign_requests.ask(ledger, since, size)
    output_lines.write_output(output, made.body)
    terminal.print_lines(
        f"{output}: asks a witness that saw {count_noun(since, 'entry')}; "
        f"it answers with provenance witness cosign {output} …"
    )
    checkpoint_size = checkpoint.read_checkpoint(made.note, cosigned=True).size
    for change in key_history.read_history(ledger).changes:
        if change.role == "log" and 0 < since <= change.index < checkpoint_size - 1:
            terminal.print_lines(
                f"Entry {change.index} changed the log's key. A witness that knows the log by the old one first signs "
                f"the checkpoint that both keys signed: provenance witness request {ledger} --since {since} "
                f"--size {change.index + 1}; it names the new key with --log"
            )
    return 0


@command.command(name="cosign")
@click.argument("note", type=path_arguments.FILE)
@click.option("--proof", type=path_arguments.FILE, help="The owner's request, if NOTE is a bare checkpoint.")
@_key
@_name
@key_options.password_option
@click.option(
    "--log", "log_", metavar="FILE", help="The log's public key, PEM: when you meet the log, or it changes hands."
)
@click.option("--state", type=click.Path(path_type=Path), help="Your memory; beside the key if not given.")
@output_lines.output_option("Cosigned checkpoint to hand back.")
def cosign(
    note: Path,
    proof: Path | None,
    key: str,
    name: str | None,
    password_file: Path | None,
    log_: str | None,
    state: Path | None,
    output: Path,
) -> int:
    """Cosign NOTE, a checkpoint or a request, if it extends what you saw of its log before.

    What was removed or rewritten is refused, and both checkpoints are written down as evidence. Never put an older copy
    of your memory back: you could then sign two histories.
    """
    from provenance.errors import ConfigError
    from provenance.ledger.format import checkpoint
    from provenance.ledger.layout import read_bytes
    from provenance.ledger.witness import cosign_requests

    output_lines.check_writable(output, note, proof, Path(log_) if log_ else None)
    with path_arguments.name_file(proof or note):
        request = cosign_requests.read(read_bytes(proof or note, checkpoint.MOST_BYTES))
    if proof is not None and not request.is_for(read_bytes(note, checkpoint.MOST_BYTES)):
        raise ConfigError(f"{proof} asks for another checkpoint than {note}")
    called, signer = _signer(key, name, password_file)
    made = cosign_requests.cosign(
        request,
        name=called,
        key=signer,
        state=state or cosign_requests.find_state(key),
        when=int(time.time()),
        log_key=cosign_requests.log_key(Path(log_)) if log_ else None,
        evidence=Path(),
    )
    output_lines.write_output(output, request.cosigned(made))
    terminal.print_lines(
        f"{output}: cosigned. The owner puts it beside the checkpoint: provenance witness add LEDGER {output}"
    )
    return 0


@command.command(name="add")
@click.argument("ledger", type=path_arguments.LEDGER)
@click.argument("cosigned", type=path_arguments.FILE)
@click.option("--size", type=click.IntRange(1), help="Which checkpoint lines alone are over; the newest if not given.")
@click.option("--trust", type=click.Path(path_type=Path), help="Trust file: lines of its witnesses are checked.")
def add(ledger: Path, cosigned: Path, size: int | None, trust: Path | None) -> int:
    """Put what a witness handed back (a cosigned checkpoint, or lines of a C2SP witness) beside LEDGER's checkpoint.

    Lines alone do not say which checkpoint they are over: --trust must pin their witness, so that they can be checked.
    """
    from provenance.ledger.format import checkpoint
    from provenance.ledger.keys import trusted_keys as trusting
    from provenance.ledger.layout import read_bytes
    from provenance.ledger.witness import checkpoint_evidence

    known = [item for _, item in trusting.read_trust(trust).witnesses.keys] if trust else []
    with path_arguments.name_file(cosigned):
        data = read_bytes(cosigned, checkpoint.MOST_BYTES)
        checkpoint_evidence.check_bare(data, known)
        at, lines = checkpoint_evidence.add_cosignatures(ledger, data, size, known)
    for name, when in lines:
        seen = f"saw it at {when:%Y-%m-%d %H:%M:%S} UTC" if when else "not checked, as its key is not pinned (--trust)"
        terminal.print_lines(f"checkpoint {at}: {name}: {seen}")
    return 0


@command.command(name="vkey")
@_key
@_name
@key_options.password_option
def vkey(key: str, name: str | None, password_file: Path | None) -> int:
    """Print the witness's public key as verifiers pin it, in a trust file and in C2SP tools."""
    from provenance.ledger.format import witness_cosignature

    called, signer = _signer(key, name, password_file)
    terminal.print_lines(witness_cosignature.make_witness(called, signer.public_key()).vkey)
    return 0


def _signer(uri: str, name: str | None, password_file: Path | None) -> tuple[str, NoteSigner]:
    from provenance.ledger.keys import signing_keys
    from provenance.ledger.witness import cosign_requests

    found = name or cosign_requests.read_name(uri)
    if found is None:
        raise click.UsageError(f"name your key with --name: {uri} does not say how it is called")
    return found, signing_keys.load_log(uri, "witness", prompt=key_options.make_secrets(password_file))
