"""`provenance scan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provenance.cli import INCOMPLETE, engine_options, key_options, reading, terminal
from provenance.cli.path_arguments import DATA
from provenance.core import kernel_cache, model

if TYPE_CHECKING:
    from provenance.pipeline.audit import Audit

DEFAULT_LEDGER = Path("provenance-ledger")
FAIL_ON = ("error", "warning", "never")


@click.command(name="scan")
@click.argument("data", type=DATA)
@click.option(
    "--ledger", type=click.Path(path_type=Path), default=DEFAULT_LEDGER, show_default=True, help="Ledger to append to."
)
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    default=["baseline"],
    show_default=True,
    help="What findings are judged by; repeatable.",
)
@click.option(
    "--purpose",
    type=click.Choice(model.PURPOSES),
    default=model.PURPOSES[0],
    show_default=True,
    help="What the data is to be used for.",
)
@click.option(
    "--reference",
    "references",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="INDEX",
    help="Works or benchmarks to look for; repeatable.",
)
@key_options.key_option
@key_options.password_option
@click.option("--assess", is_flag=True, help="Append an assessment, which claims something, rather than a draft.")
@click.option(
    "--records/--no-records",
    "records",
    default=None,
    help="Make record trees, so that one record can be proven later; of an assessment always, unless told otherwise.",
)
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave paths out, and count them; repeatable.")
@click.option("--waivers", type=click.Path(path_type=Path), help="File of accepted findings; never in the data.")
@click.option("--sample", metavar="SHARE", help="Look at a share of each source, such as 1%; no result rests on it.")
@click.option("--fold-chinese", is_flag=True, help="Take traditional Chinese for the same as simplified.")
@click.option("--follow-links", is_flag=True, help="Read files that links lead to outside of the data, never folders.")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="error",
    show_default=True,
    help="Exit with 1 at this severity or worse.",
)
@engine_options.engine_options
@terminal.format_option
def command(
    data: Path,
    ledger: Path,
    profiles: tuple[str, ...],
    purpose: str,
    references: tuple[Path, ...],
    key: str | None,
    password_file: Path | None,
    assess: bool,
    records: bool | None,
    exclude: tuple[str, ...],
    waivers: Path | None,
    sample: str | None,
    fold_chinese: bool,
    follow_links: bool,
    fail_on: str,
    engine: str,
    workers: int | None,
    memory: str | None,
    format_: str,
) -> int:
    """Audit the folder DATA and append what was found to a ledger.

    Exit codes: 0 nothing at or above --fail-on; 1 findings at or above it; 2 usage; 3 nothing to audit; 4 the audit
    could not be completed.
    """
    engine_options.prepare_engine(data, engine, workers=workers, memory=memory)
    from provenance.pipeline import file_sampling, scan

    if slow := kernel_cache.explain_compiling():
        reading.warn(slow)
    with terminal.progress() as progress:
        found = scan.scan(
            data,
            ledger,
            profiles=profiles,
            purpose=purpose,
            exclude=exclude,
            assess=assess,
            records=records,
            key=key,
            engine=engine,
            workers=workers,
            memory=engine_options.memory_cap(memory),
            follow_links=follow_links,
            waivers=waivers,
            reference=references,
            sample=file_sampling.parse_share(sample) if sample is not None else None,
            fold_chinese=fold_chinese,
            ask=key_options.make_secrets(password_file),
            progress=progress,
        )
    print_audit(found, format_)
    if format_ == "text":
        print_next_step(found, ledger)
    return exit_code(found, fail_on)


def print_next_step(found: Audit, ledger: Path) -> None:
    """Say how to read on, where there is a finding.

    Args:
        found: the audit.
        ledger: where it was appended.
    """
    from provenance.reports.text import SHORT_LINES

    for mark in found.tables["findings"]["fingerprint"].to_pylist()[:1]:
        where = "" if ledger == DEFAULT_LEDGER else f" --ledger {ledger}"
        terminal.print_lines(f"Read a finding:   provenance explain {mark[:SHORT_LINES]}{where}")


def print_audit(found: Audit, format_: str) -> None:
    """Print an audit.

    Args:
        found: what to print.
        format_: text | json.
    """
    from provenance.reports import json, text

    if format_ == "json":
        terminal.print_json(json.render(found.tables, found.facts))
        return
    terminal.print_document(
        text.render(found.tables, found.facts, width=terminal.terminal_columns(), colour=terminal.uses_colour())
    )
    for notice in found.notices:
        terminal.print_lines(notice)


def exit_code(found: Audit, fail_on: str) -> int:
    """Return 4 if a check failed to run, else 1 if the worst finding that nobody waived is at or above a severity.

    Args:
        found: the audit.
        fail_on: error | warning | never.
    """
    if "errored" in found.tables["coverage"]["status"].to_pylist():
        return INCOMPLETE
    bad = {"error": ("error",), "warning": ("error", "warning"), "never": ()}
    return int(found.worst() in bad[fail_on])
