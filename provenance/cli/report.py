"""`provenance report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli import output as output_lines
from provenance.cli import reading, terminal
from provenance.core.escaping import json_text
from provenance.reports import REPORTS

if TYPE_CHECKING:
    from provenance.ledger import Reader
    from provenance.reports.report_format import ReportFormat


@click.command(name="report")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--index", type=click.IntRange(min=0), help="Number of the entry; the newest if not given.")
@click.option("--format", "format_", type=click.Choice(list(REPORTS)), required=True, help="Format of the report.")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    help="Of a clause matrix: the profile it is for; all of the scan if not given.",
)
@output_lines.output_option(
    "File to write; - is standard output.",
    existing="A file that exists is replaced; for a filing, which people complete by hand, only with --force.",
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

    form = REPORTS[format_]
    if data is not None:
        _refuse(form, data)
    if not form.is_filing:
        output_lines.replace_existing()
    output_lines.check_not_audited(output, ledger)
    output_lines.check_writable(output, data)
    if form.is_filing:
        if unverified:
            raise click.UsageError("a document that a person signs is made of a ledger that verifies: no --unverified")
        rendered = audit.write_filing(ledger, format_, index, profiles)
    else:
        rendered = _render(reading.open_reader(ledger, index, unverified=unverified), form, data)
    if output == output_lines.STDOUT:
        (terminal.print_json if form.is_json else terminal.print_document)(rendered)
    else:
        output_lines.write_output(output, json_text(rendered.decode()).encode() if form.is_json else rendered)
    return 0


def _refuse(form: ReportFormat, data: Path) -> None:
    """Say why excerpts cannot be rendered so."""
    if not form.takes_data:
        takers = " or ".join(each.name for each in REPORTS.values() if each.takes_data)
        raise click.UsageError(
            f"--data goes with --format {takers} alone; the {form.name} report shows no text of the data"
        )
    if not data.is_dir():
        raise click.UsageError(f"{data} is no folder; --data names the folder that was scanned")


def _render(reader: Reader, form: ReportFormat, data: Path | None) -> bytes:
    import rfc8785

    from provenance.attestations import actions
    from provenance.errors import InputError
    from provenance.pipeline import audit
    from provenance.reports.report_format import ReportedScan
    from provenance.sources import contacts

    found = audit.read_audit(reader)
    tables = found.tables if data is None else contacts.restore_names(found.tables, data)
    if not form.shows_ledger:
        try:
            return form.render(ReportedScan(tables, found.facts, data=data))
        except rfc8785.IntegerDomainError as cause:
            raise InputError(
                f"a table of entry {reader.index} holds a number beyond 2**53, which {form.name} cannot hold; "
                "use --format html or text"
            ) from cause
    seal = audit.entry_of_report(reader, found)
    return form.render(ReportedScan(tables, found.facts, seal, data, actions.history(reader)))
