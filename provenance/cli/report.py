"""`provenance report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli import terminal

if TYPE_CHECKING:
    from provenance.audit import Audit

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
def command(
    ledger: Path, index: int | None, format_: str, profiles: tuple[str, ...], output: Path, data: Path | None
) -> int:
    """Render a scan of LEDGER as a document.

    With --data, the HTML report shows matching records side by side, personal data masked. Such a report holds text of
    the data, so it is never written into a ledger.
    """
    from provenance import audit
    from provenance.reports import filings

    if data is not None:
        _refuse(format_, output, data)
    if format_ in filings.FILINGS:
        rendered = audit.filing(ledger, format_, index, profiles)
    else:
        rendered = _render(audit.open_ledger(ledger, index), ledger, format_, data)
    if str(output) == "-":
        (terminal.json if format_ in {"json", "sarif"} else terminal.document)(rendered)
    else:
        output.write_bytes(rendered)
    return 0


def _refuse(format_: str, output: Path, data: Path) -> None:
    """Say why excerpts cannot be rendered so."""
    from provenance.ledger import is_ledger

    if format_ != "html":
        raise click.UsageError(f"--data goes with --format html alone; the {format_} report shows no text of the data")
    if not data.is_dir():
        raise click.UsageError(f"{data} is no folder; --data names the folder that was scanned")
    place = output.resolve()
    if str(output) != "-" and any(is_ledger(folder) for folder in (place, *place.parents)):
        raise click.UsageError(
            f"{output} is in a ledger, where no text of the data may stand; write the report elsewhere with -o"
        )


def _render(found: Audit, ledger: Path, format_: str, data: Path | None) -> bytes:
    from provenance import acting
    from provenance.ledger import Seal, signer
    from provenance.reports import html, json, sarif, text

    if format_ != "html":
        return {"json": json.render, "sarif": sarif.render, "text": text.render}[format_](found.tables, found.facts)
    log = found.facts["log"]
    seal = Seal(log["index"], log["origin"], signer(ledger, log["index"]))
    return html.render(found.tables, found.facts, seal, data=data, history=acting.history(ledger))
