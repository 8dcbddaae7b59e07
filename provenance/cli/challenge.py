"""`provenance challenge`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import output as output_lines
from provenance.cli import path_arguments, proof_output


@click.command(name="challenge")
@click.argument("folder", metavar="LEDGER", type=path_arguments.LEDGER)
@click.option("--nonce", required=True, metavar="HEX", help="The verifier's own: 8 to 64 bytes by chance, hexadecimal.")
@click.option("--count", required=True, type=click.IntRange(1, 10_000), help="How many records to show.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="The data that was scanned.")
@click.option("--entry", type=click.IntRange(0), help="Number of the scan's entry; the newest if not given.")
@click.option("--key", metavar="URI", help="Signing keys whose salts.key the scan used; your own if not given.")
@output_lines.output_option("The answer's file.")
def command(folder: Path, nonce: str, count: int, data: Path, entry: int | None, key: str | None, output: Path) -> int:
    """Answer a verifier who wants to see that the data is still what was scanned.

    The nonce picks records (whole files where no record trees were made: scan with --assess or --records); the answer
    shows their text, with proofs. `provenance verify ANSWER` picks them again and checks.
    """
    from provenance.ledger.proofs import challenges
    from provenance.ledger.trees import salts

    try:
        chance = bytes.fromhex(nonce)
    except ValueError as cause:
        raise click.UsageError("--nonce is hexadecimal") from cause
    entry = proof_output.find_entry(folder, entry, output, data)
    proof_output.write_proof(
        output,
        challenges.answer_challenge(folder, chance, count, data=data, secret=salts.find_secret(key), entry=entry),
        folder,
    )
    return 0
