"""`provenance review`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance.cli import key_options, terminal


@click.command(name="review")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", "name", metavar="NAME", required=True, help="Who answers for the review.")
@click.option("--role", required=True, help="That person's role.")
@click.option("--organisation", metavar="NAME", help="That person's organisation, if it is to be named.")
@key_options.key_option
@key_options.password_option
def command(
    ledger: Path,
    file: Path,
    name: str,
    role: str,
    organisation: str | None,
    key: str | None,
    password_file: Path | None,
) -> int:
    """Sign into LEDGER what people found in the records of a draw: FILE, the form of `provenance sample`, filled in.

    Counts and the share that passed are computed here, with its exact interval; without an answer, none passes.
    """
    from provenance.attestations import actions

    made = actions.review(
        ledger,
        file,
        name=name,
        role=role,
        organisation=organisation,
        key=key,
        ask=key_options.make_secrets(password_file),
    )
    predicate = made.statement["predicate"]
    counts, share = predicate["counts"], predicate["share"]
    terminal.print_lines(
        f"Entry {made.index} of {ledger}, on draw {predicate['draw']['entry']}, by {name} ({role}): "
        f"{counts['passed']:,} of {counts['drawn']:,} passed, {counts['failed']:,} failed, {counts['unreadable']:,} "
        f"unreadable, {counts['unanswered']:,} without an answer."
    )
    terminal.print_lines(
        f"Share that passed: {share['passed']:.2%}; of the whole between {share['low']:.2%} and {share['high']:.2%} "
        "(Clopper-Pearson, 95 %)."
    )
    return 0
