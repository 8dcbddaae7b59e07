"""`provenance report`."""

from __future__ import annotations

from pathlib import Path

import click

FORMATS = ("json", "sarif", "text", "clause-matrix-html", "clause-matrix-md")


@click.command(name="report")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--index", type=click.IntRange(min=0), help="Number of the entry; the newest if not given.")
@click.option("--format", "format_", type=click.Choice(FORMATS), required=True, help="Format of the report.")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    help="Of a clause matrix: the profile it is for; all of the scan if not given.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="File to write; - is standard output."
)
def command(ledger: Path, index: int | None, format_: str, profiles: tuple[str, ...], output: Path) -> int:
    """Render a scan of LEDGER as a document."""
    from provenance import audit
    from provenance.reports import filings, json, sarif, text

    if format_ in filings.FILINGS:
        rendered = audit.filing(ledger, format_, index, profiles)
    else:
        found = audit.open_ledger(ledger, index)
        render = {"json": json.render, "sarif": sarif.render, "text": text.render}[format_]
        rendered = render(found.tables, found.facts)
    if str(output) == "-":
        click.echo(rendered, nl=False)
    else:
        output.write_bytes(rendered)
    return 0
