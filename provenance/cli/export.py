"""`provenance export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from provenance.cli import key_options, reading, terminal
from provenance.core import model
from provenance.ledger.exports import FORMATS, ExportRequest, write
from provenance.reports import exports

if TYPE_CHECKING:
    from provenance.reports.exports.removal_list import RemovalOptions

ALL = {**exports.EXPORTS, **FORMATS}
"""Every format by name with what it is: what is made of findings, then what is made of what was signed."""

_ONLY = {
    "index": ("removal-list", "sigstore", "oms", "sm2", "sm3", "mldsa65", "pae"),
    "key": ("oms", "cms", "sm2", "sm3", "mldsa65"),
    "password_file": ("oms", "cms", "mldsa65"),
    "certificate": ("cms",),
    "signature": ("sm2",),
    "withhold": ("tar",),
    "severity": ("removal-list",),
    "checks": ("removal-list",),
    "sources": ("removal-list",),
}
"""Every option that not all formats have, and which have it."""


class _Export(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Formats"):
            formatter.write_dl(list(ALL.items()))


@click.command(name="export", cls=_Export)
@click.argument("words", metavar="LEDGER", nargs=-1, required=True)
@click.option("--format", "format_", type=click.Choice(list(ALL)), help="What to write.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write; of sm2 and mldsa65 beside the entry if not given.",
)
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
    if chosen == "removal-list":
        if output is None:
            raise click.UsageError("name the file to write with -o")
        from provenance.reports.exports import removal_list

        return _removal_list(
            ledger, output, index, removal_list.RemovalOptions(severity, checks, sources), unverified=unverified
        )
    prompt = key_options.secrets(password_file)
    asked = ExportRequest(
        index, key, certificate, signature, withhold, prompt=prompt, verified=not unverified, warn=reading.warn
    )
    for line in write(ledger, output, chosen, asked):
        terminal.echo(line)
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
        formats = _ONLY.get(str(option.name), (chosen,))
        if chosen not in formats and ctx.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE:
            *others, last = formats
            named = f"{', '.join(others)} or {last}" if others else last
            raise click.UsageError(f"{option.opts[-1]} goes with --format {named} alone")


def _removal_list(ledger: Path, output: Path, index: int | None, choice: RemovalOptions, *, unverified: bool) -> int:
    from provenance.reports.exports import removal_list

    made = removal_list.write(ledger, output, choice, index, verified=not unverified, warn=reading.warn)
    terminal.echo(
        f"{made.records:,} records of {made.files:,} files in {made.sources:,} sources, {made.inherited:,} of them for "
        f"what their twins state: {output}"
    )
    if made.unlisted:
        named = ", ".join(f"{check} ({count})" for check, count in sorted(made.unlisted.items()))
        terminal.echo(f"Not in the list, for they name no records: {named}")
    if made.waived:
        terminal.echo(f"Left out, for they are waived: {made.waived:,} findings")
    for gap in made.gaps:
        terminal.echo(gap)
    return 0
