"""`provenance prove`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import output as output_lines
from provenance.cli import path_arguments, proof_output, terminal


@click.command(name="prove")
@click.argument("folder", metavar="LEDGER", type=path_arguments.LEDGER)
@click.option("--source", help="What the scan says of a source.")
@click.option("--path", "file", help="What it says of a file, named as in the table of files.")
@click.option("--record", metavar="PATH#N", help="What it read as record N of a file; needs --data.")
@click.option("--finding", metavar="FINGERPRINT", help="A finding; the first 8 digits are enough.")
@click.option("--coverage", metavar="CHECK", help="What a check saw.")
@click.option("--verdict", metavar="REQUIREMENT", help="How a requirement was answered.")
@click.option("--absent", metavar="FILE", type=path_arguments.FILE, help="That the scan read no file like FILE.")
@click.option("--entry", type=click.IntRange(0), help="Number of the scan's entry; the newest if not given.")
@click.option("--data", type=click.Path(path_type=Path), help="The data that was scanned, for --record.")
@click.option("--key", metavar="URI", help="Signing keys whose salts.key the scan used, for --record.")
@output_lines.output_option("The proof's file.")
def command(
    folder: Path, entry: int | None, data: Path | None, key: str | None, output: Path, **pieces: str | Path | None
) -> int:
    """Take one piece out of LEDGER, with everything that proves it to somebody who has nothing else.

    `provenance verify PROOF` checks it. The rest of the ledger stays where it is: of other lines only hashes are shown,
    and salts keep them from being guessed. Exit codes: 0 proven; 1 FILE is not absent; 2 usage; 4 it cannot be proven.
    """
    from provenance.ledger.log import folder_comparison
    from provenance.ledger.proofs import disclosure
    from provenance.ledger.trees import salts

    kinds = {"file": "path"}
    given = [(kinds.get(kind, kind), value) for kind, value in pieces.items() if value is not None]
    if len(given) != 1:
        raise click.UsageError(
            "say what to prove: one of --source --path --record --finding --coverage --verdict --absent"
        )
    kind, what = given[0]
    entry = proof_output.find_entry(folder, entry, output, data, Path(str(what)) if kind == "absent" else None)
    if kind == "record":
        path, number = _split_place(str(what))
        proof = disclosure.prove_record(
            folder, path, number, data=_require_data(data), secret=salts.find_secret(key), entry=entry
        )
    elif kind == "absent":
        absence = disclosure.absent(folder, bytes.fromhex(folder_comparison.digest_file(Path(what))), entry)
        if absence.proof is None:
            terminal.print_lines(f"{what} is not absent; it stands in: {', '.join(absence.paths)}")
            return 1
        proof = absence.proof
    else:
        proof = disclosure.row(folder, kind, str(what), entry)
    proof_output.write_proof(output, proof, folder)
    return 0


def _split_place(record: str) -> tuple[str, int]:
    path, mark, number = record.rpartition("#")
    if not mark or not (number.isascii() and number.isdigit()):
        raise click.UsageError("--record is PATH#N: the file as in the table of files, and the number of the record")
    return path, int(number)


def _require_data(data: Path | None) -> Path:
    if data is None:
        raise click.UsageError("--record needs --data: a ledger holds no text")
    return data
