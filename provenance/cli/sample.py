"""`provenance sample`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from provenance.cli import key_options, terminal
from provenance.cli import output as output_lines
from provenance.core.wording import choose_verb, count_noun


@click.command(name="sample")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--size", type=click.IntRange(min=1), metavar="K", help="Records to draw.")
@click.option("--purpose", metavar="TEXT", help="What the draw is for; a second one for it is seen.")
@click.option("--nonce", metavar="HEX", help="What a verifier gives to the seed, so that you cannot foresee the draw.")
@click.option("--source", "sources", multiple=True, metavar="ID", help="Draw from this source only; repeatable.")
@click.option("--index", type=click.IntRange(min=0), help="Number of the scan's entry; the newest scan if not given.")
@click.option(
    "--form", "entry", type=click.IntRange(min=0), metavar="ENTRY", help="Write the form of a draw that is there."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="New form for the review: .csv or .jsonl.")
@key_options.key_option
@key_options.password_option
def command(
    ledger: Path,
    size: int | None,
    purpose: str | None,
    nonce: str | None,
    sources: tuple[str, ...],
    index: int | None,
    entry: int | None,
    output: Path | None,
    key: str | None,
    password_file: Path | None,
) -> int:
    """Draw records of a scan of LEDGER for people to review, and sign which, before anybody has looked.

    Each record has the same chance. Nobody chooses the seed: it comes from the ledger, the purpose, a verifier's nonce
    and the number of draws before. The form has one line a record; fill in pass, fail or unreadable, then:
    provenance review LEDGER FORM. --form ENTRY writes the form of a draw once more, and signs nothing.
    """
    from provenance.attestations import actions

    if output is not None:
        _check_free(output)
    if entry is not None:
        if any(given is not None for given in (size, purpose, nonce, index, key, password_file)) or sources:
            raise click.UsageError("--form ENTRY takes LEDGER and -o, and nothing else")
        _hand_out(ledger, entry, output)
        return 0
    if size is None or purpose is None:
        raise click.UsageError("give --size and --purpose; or --form ENTRY for the form of a draw that is there")
    made = actions.sample(
        ledger,
        size,
        purpose,
        nonce=nonce,
        sources=sources,
        index=index,
        key=key,
        ask=key_options.make_secrets(password_file),
    )
    predicate = made.statement["predicate"]
    drawn = predicate["drawn"]
    terminal.print_lines(
        f"Entry {made.index} of {ledger}: {drawn:,} of {count_noun(predicate['frame']['records'], 'record')} "
        f"of entry {predicate['scan']['entry']} {choose_verb(drawn, 'was', 'were')} drawn; seed {predicate['seed']}."
    )
    if predicate["number"]:
        terminal.print_lines(f"It is draw {predicate['number'] + 1} for this purpose: those before stay in the ledger.")
    _hand_out(ledger, made.index, output)
    return 0


def _check_free(output: Path) -> None:
    """Refuse a form that could not be written: a draw that was signed for nothing would be seen for ever."""
    from provenance.attestations.review import check_form

    check_form(output)
    output_lines.check_writable(output)
    if output.exists() or output.is_symlink():
        raise click.UsageError(f"{output} exists, and may hold somebody's answers: name a new file with -o")
    if not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        raise click.UsageError(f"{output.parent} is no folder that can be written to: name another file with -o")


def _hand_out(ledger: Path, entry: int, output: Path | None) -> None:
    """Write the form of a draw, or print it, and say how it is filled in, but not among lines that are to be saved."""
    from provenance.attestations import actions
    from provenance.ledger.log import file_writing

    form = actions.review_form(ledger, entry, output.name if output else "form.csv")
    if output is None:
        terminal.print_table(form)
    else:
        with file_writing.explain_unwritable(output), output.open("xb") as file:
            file.write(form)
        terminal.print_lines(
            f"Fill in the form {output}, then: provenance review {ledger} {output} --by NAME --role ROLE"
        )
    instructions = "A verdict is pass, fail or unreadable; a problem, where one failed, is a class such as A.1."
    terminal.print_lines(instructions, error=output is None)
