"""`provenance report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli import output as output_
from provenance.cli import reading, terminal

if TYPE_CHECKING:
    from provenance.ledger import Reader

FORMATS = ("html", "json", "sarif", "text", "clause-matrix-html", "clause-matrix-md")


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
@click.option(
    "--data", type=click.Path(path_type=Path), help="The data that was scanned: html shows masked excerpts of it."
)
@reading.unverified_option
def command(
    ledger: Path,
    index: int | None,
    format_: str,
    profiles: tuple[str, ...],
    output: Path,
    data: Path | None,
    *,
    unverified: bool,
) -> int:
    """Render a scan of LEDGER as a document.

    With --data, the HTML report shows matching records side by side, personal data masked, and the names of people whom
    manifests name, where a ledger holds a role and an id. Such a report is never written into a ledger.
    """
    from provenance.pipeline import audit
    from provenance.reports import filings

    if data is not None:
        _refuse(format_, output, data)
    output_.check(output)
    if format_ in filings.FILINGS:
        if unverified:
            raise click.UsageError("a document that a person signs is made of a ledger that verifies: no --unverified")
        rendered = audit.filing(ledger, format_, index, profiles)
    else:
        rendered = _render(reading.open_reader(ledger, index, unverified=unverified), format_, data)
    if output == output_.STDOUT:
        (terminal.json if format_ in {"json", "sarif"} else terminal.document)(rendered)
    else:
        output_.write(output, rendered)
    return 0


def _refuse(format_: str, output: Path, data: Path) -> None:
    """Say why excerpts cannot be rendered so."""
    if format_ != "html":
        raise click.UsageError(f"--data goes with --format html alone; the {format_} report shows no text of the data")
    if not data.is_dir():
        raise click.UsageError(f"{data} is no folder; --data names the folder that was scanned")
    if str(output) != "-" and output.resolve().is_relative_to(data.resolve()):
        raise click.UsageError(f"{output} would lie in the data, and become part of it; write it elsewhere with -o")


def _render(reader: Reader, format_: str, data: Path | None) -> bytes:
    import rfc8785

    from provenance.attestations import actions
    from provenance.errors import InputError
    from provenance.ledger import Seal
    from provenance.pipeline import audit
    from provenance.reports import html, json, sarif, text
    from provenance.sources import contacts

    found = audit.opened(reader)
    if format_ != "html":
        render = {"json": json.render, "sarif": sarif.render, "text": text.render}[format_]
        try:
            return render(found.tables, found.facts)
        except rfc8785.IntegerDomainError as cause:
            raise InputError(
                f"a table of entry {reader.index} holds a number beyond 2**53, which {format_} cannot hold; "
                "use --format html or text"
            ) from cause
    log = found.facts["log"]
    seal = Seal(log["index"], log["origin"], reader.envelope().keyid)
    tables = found.tables if data is None else contacts.named(found.tables, data)
    return html.render(tables, found.facts, seal, data=data, history=actions.history(reader))
