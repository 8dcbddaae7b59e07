"""`provenance export`."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from provenance.cli import key_options, reading, terminal
from provenance.cli import output as output_lines
from provenance.core import model
from provenance.ledger import exports as of_ledger
from provenance.ledger.exports import ExportRequest
from provenance.reports import exports as of_findings

ALL = {**of_findings.EXPORTS, **of_ledger.EXPORTS}
"""Every format by name: what is made of findings, then what is made of what was signed."""

_OPTIONS = {option for form in ALL.values() for option in form.options}
"""Options that not all formats have."""


class _Export(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Formats"):
            formatter.write_dl([(form.name, form.about) for form in ALL.values()])


@click.command(name="export", cls=_Export)
@click.argument("words", metavar="LEDGER", nargs=-1, required=True)
@click.option("--format", "format_", type=click.Choice(list(ALL)), help="What to write.")
@output_lines.output_option("File to write; of sm2 and mldsa65 beside the entry if not given.", required=False)
@click.option("--index", type=click.IntRange(min=0), help="Number of the entry; the newest scan if not given.")
@click.option("--key", metavar="URI", help="Key that signs, where one does; your own for oms and cms if not given.")
@key_options.password_option
@click.option("--certificate", type=click.Path(path_type=Path), help="cms: the seal's certificate, its chain after it.")
@click.option("--signature", type=click.Path(path_type=Path), help="sm2: what a module signed over --format pae.")
@click.option(
    "--withhold",
    multiple=True,
    metavar="WHAT",
    help="tar: table=NAME, source=ID, file=PATH, or a bound file; repeatable.",
)
@click.option(
    "--severity",
    type=click.Choice(model.SEVERITIES),
    default="error",
    show_default=True,
    help="removal-list: findings of this severity or worse count.",
)
@click.option("--check", "checks", multiple=True, metavar="NAME", help="removal-list: of this check; repeatable.")
@click.option("--source", "sources", multiple=True, metavar="ID", help="removal-list: of this source; repeatable.")
@reading.unverified_option
def command(
    words: tuple[str, ...],
    format_: str | None,
    output: Path | None,
    index: int | None,
    key: str | None,
    password_file: Path | None,
    certificate: Path | None,
    signature: Path | None,
    withhold: tuple[str, ...],
    severity: str,
    checks: tuple[str, ...],
    sources: tuple[str, ...],
    *,
    unverified: bool,
) -> int:
    """Write what a ledger holds in a form that other tools read.

    The removal list names the records that the findings of a scan taint: path, row, reason. A record also stands in it
    if its text stands under a licence that forbids the purpose, or did in an earlier scan of this ledger: removing the
    stricter twin does not clean the copy. Waived findings are left out. `export removal-list LEDGER` says the same as
    `export LEDGER --format removal-list`.
    """
    ledger, chosen = _asked(words, format_)
    _check_options(chosen)
    if output is not None:
        output_lines.check_not_audited(output, ledger)
        output_lines.check_writable(output)
    request = ExportRequest(
        index,
        key=key,
        certificate=certificate,
        signature=signature,
        withhold=withhold,
        prompt=key_options.make_secrets(password_file),
        verified=not unverified,
        severity=severity,
        checks=checks,
        sources=sources,
        warn=reading.warn,
    )
    if chosen not in of_findings.EXPORTS:
        written = of_ledger.write(ledger, output, chosen, request)
    elif output is None:
        raise click.UsageError("name the file to write with -o")
    else:
        written = of_findings.write_export(ledger, output, chosen, request)
    for line in written:
        terminal.print_lines(line)
    return 0


def _asked(words: tuple[str, ...], format_: str | None) -> tuple[Path, str]:
    """Tell ledger and format apart: the format may also stand before the ledger."""
    if len(words) == 2 and format_ in (None, words[0]) and words[0] in ALL:
        return Path(words[1]), words[0]
    if len(words) == 2 and format_ is None:
        raise click.UsageError(f"{words[0]!r} is not one of {', '.join(ALL)}")
    if len(words) > 1:
        raise click.UsageError(f"{words[1]!r} is one word too many; name one ledger")
    if format_ is None:
        raise click.UsageError(f"name a --format: {', '.join(ALL)}")
    return Path(words[0]), format_


def _check_options(chosen: str) -> None:
    """Refuse an option that the format has not: what is passed over in silence would be taken for done."""
    ctx = click.get_current_context()
    for option in ctx.command.params:
        name = str(option.name)
        formats = [form.name for form in ALL.values() if name in form.options]
        if name in _OPTIONS and chosen not in formats and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            *others, last = formats
            named = f"{', '.join(others)} or {last}" if others else last
            raise click.UsageError(f"{option.opts[-1]} goes with --format {named} alone")
