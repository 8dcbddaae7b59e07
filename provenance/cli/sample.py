"""`provenance sample`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import signing


@click.command(name="sample")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--size", type=click.IntRange(min=1), required=True, metavar="K", help="Records to draw.")
@click.option("--purpose", required=True, metavar="TEXT", help="What the draw is for; a second one for it is seen.")
@click.option("--nonce", metavar="HEX", help="What a verifier gives to the seed, so that you cannot foresee the draw.")
@click.option("--source", "sources", multiple=True, metavar="ID", help="Draw from this source only; repeatable.")
@click.option("--index", type=click.IntRange(min=0), help="Number of the scan's entry; the newest scan if not given.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Form for the review: .csv or .jsonl.")
@signing.key_option
@signing.password_option
def command(
    ledger: Path,
    size: int,
    purpose: str,
    nonce: str | None,
    sources: tuple[str, ...],
    index: int | None,
    output: Path | None,
    key: str | None,
    password_file: Path | None,
) -> int:
    """Draw records of a scan of LEDGER for people to review, and sign which, before anybody has looked.

    Each record has the same chance. Nobody chooses the seed: it comes from the ledger, the purpose, a verifier's nonce
    and the number of draws before. The form has one line a record; fill in pass, fail or unreadable, then:
    provenance review LEDGER FORM.
    """
    from provenance import acting
    from provenance.acts.review import check_form

    if output is not None:
        check_form(output)
    made = acting.sample(
        ledger, size, purpose, nonce=nonce, sources=sources, index=index, key=key, ask=signing.secrets(password_file)
    )
    said = made.statement["predicate"]
    click.echo(
        f"Entry {made.index} of {ledger}: {said['drawn']:,} of {said['frame']['records']:,} records of entry "
        f"{said['scan']['entry']} were drawn; seed {said['seed']}."
    )
    if said["number"]:
        click.echo(f"It is draw {said['number'] + 1} for this purpose: those before stay in the ledger.")
    form = acting.review_form(ledger, made.index, output.name if output else "form.csv")
    if output is None:
        click.echo(form.decode(), nl=False)
        return 0
    output.write_bytes(form)
    click.echo(f"Fill in the form {output}, then: provenance review {ledger} {output} --by NAME --role ROLE")
    return 0
