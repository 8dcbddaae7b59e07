"""`provenance export`."""

from __future__ import annotations

from pathlib import Path

import click

from provenance import exports, model


@click.command(name="export")
@click.argument("what", metavar="removal-list", type=click.Choice(list(exports.EXPORTS)))
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--index", type=click.IntRange(min=0), help="Number of the entry; the newest if not given.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Parquet file to write.")
@click.option(
    "--severity",
    type=click.Choice(model.SEVERITIES),
    default="error",
    show_default=True,
    help="Findings of this severity or worse count.",
)
@click.option("--check", "checks", multiple=True, metavar="NAME", help="Only findings of this check; repeatable.")
@click.option("--source", "sources", multiple=True, metavar="ID", help="Only records of this source; repeatable.")
def command(
    what: str,  # noqa: ARG001 - there is one export yet
    ledger: Path,
    index: int | None,
    output: Path,
    severity: str,
    checks: tuple[str, ...],
    sources: tuple[str, ...],
) -> int:
    """Write the records that the findings of a scan taint: path, row, reason.

    A record also stands in it if its text stands under a licence that forbids the purpose, or did in an earlier scan of
    this ledger: removing the stricter twin does not clean the copy. Waived findings are left out.
    """
    from provenance.exports import removal_list

    made = removal_list.write(ledger, output, removal_list.Choice(severity, checks, sources), index)
    click.echo(
        f"{made.records:,} records of {made.files:,} files in {made.sources:,} sources, {made.inherited:,} of them for "
        f"what their twins state: {output}"
    )
    if made.unlisted:
        named = ", ".join(f"{check} ({count})" for check, count in sorted(made.unlisted.items()))
        click.echo(f"Not in the list, for they name no records: {named}")
    if made.waived:
        click.echo(f"Left out, for they are waived: {made.waived:,} findings")
    for gap in made.gaps:
        click.echo(gap)
    return 0
