"""The report for a terminal: what was not looked at first, then what was found, then what it was found in."""

from __future__ import annotations

import io
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from provenance.core.escaping import escape_to_line
from provenance.core.model import EVIDENCE_MISSING
from provenance.core.wording import count_noun
from provenance.reports.report_format import ReportFormat
from provenance.reports.result_words import list_words, name_licence
from provenance.sources.unheard_statements import list_unread_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

MOST_FINDINGS, MOST_SOURCES, MOST_REASONS = 5, 25, 4
"""Findings of one check, sources, and reasons of one step shown at most; the rest is counted."""

SHORT_LINES = 8  # digits of a fingerprint that are shown: enough for `provenance explain`

MOST_CHARACTERS = 1500
"""Characters of one reason, name or message shown at most; the rest is counted, and in the tables."""

_COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def render(
    tables: Mapping[str, pa.Table], facts: Mapping[str, Any], *, width: int = 100, colour: bool = False
) -> bytes:
    """Render the summary of a scan.

    Args:
        tables: the tables of schemas.SEALED by name.
        facts: what the scan says of itself.
        width: columns.
        colour: whether to use colours.

    Returns:
        UTF-8; nothing in it can steer the terminal but the colours asked for.
    """
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, no_color=not colour, highlight=False, legacy_windows=False
    )
    drawn = next((row["reason"] for row in tables["coverage"].to_pylist() if row["check"] == "sample"), None)
    if drawn:
        console.print(Text(make_printable(drawn), style="bold yellow"))
    _heading(console, tables, facts)
    _not_scanned(console, tables)
    accepted = next((row["reason"] for row in tables["coverage"].to_pylist() if row["check"] == "waivers"), None)
    _findings(console, tables["findings"].to_pylist(), accepted)
    _sources(console, tables["sources"].to_pylist(), list_unread_documents(tables["files"]))
    _identities(console, tables["claims"])
    _verdicts(console, tables["verdicts"].to_pylist())
    return "".join(f"{line.rstrip(' ')}\n" for line in out.getvalue().splitlines()).encode()


def make_printable(value: object) -> str:
    """Return text on one line that cannot steer a terminal, and no longer than can be read.

    Args:
        value: anything; names of files and sources are whatever somebody chose.
    """
    return escape_to_line(value, MOST_CHARACTERS)


def format_bytes(count: int) -> str:
    """Say bytes as people do: `1.4 MB`; powers of 1000."""
    number = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{count:,} bytes" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def _heading(console: Console, tables: Mapping[str, pa.Table], facts: Mapping[str, Any]) -> None:
    files = [row for row in _on_disk(tables["files"]) if row["role"] == "data"]
    records = sum(tables["sources"]["records"].to_pylist())
    named = ", ".join(profile["name"] for profile in facts["profiles"])
    console.print(
        Text.assemble(
            (make_printable(facts["data"]), "bold"),
            f": {count_noun(records, 'record')} in {count_noun(len(files), 'data file')} of "
            f"{count_noun(tables['sources'].num_rows, 'source')}, "
            f"{format_bytes(sum(row['bytes'] for row in files))}",
        )
    )
    console.print(Text(f"{facts['kind']} for the purpose {facts['purpose']}, judged by {named}", style="dim"))


def _not_scanned(console: Console, tables: Mapping[str, pa.Table]) -> None:
    console.print()
    console.print(Text("Not scanned", style="bold"))
    lines = list(describe_gaps(tables))
    for line in lines or ["nothing: every byte of every file was read"]:
        console.print(Padding(Text(make_printable(line)), (0, 0, 0, 2), expand=False))


def describe_gaps(tables: Mapping[str, pa.Table]) -> Iterable[str]:
    """Yield a sentence for everything that was not looked at; nothing where every byte was read."""
    rows = _on_disk(tables["files"])
    unread = [row for row in rows if row["bytes_skipped"] or (row["skip_reason"] and row["role"] != "data")]
    whole, skipped = sum(row["bytes"] for row in rows), sum(row["bytes_skipped"] for row in rows)
    if skipped:
        yield f"{format_bytes(skipped)} of {format_bytes(whole)}, in {len(unread):,} of {len(rows):,} files and folders"
    broken = sum(tables["files"]["records_unreadable"].to_pylist())
    if broken:
        yield f"{broken:,} record{'s' * (broken != 1)} that could not be read"
    for checks, status, why in _merge_reasons(tables["coverage"]):
        if status != "ran":
            yield f"{checks} {status}: {why}"
        elif why:
            reasons = why.split("; ")
            yield from (f"{checks}: {reason}" for reason in reasons[:MOST_REASONS])
            if len(reasons) > MOST_REASONS:
                yield f"{checks}: {len(reasons) - MOST_REASONS:,} more reasons, in coverage.parquet of the scan"


def _merge_reasons(coverage: pa.Table) -> Iterable[tuple[str, str, str]]:
    """Say once what several checks did not see for one reason; waivers stand by the findings, the sample at the top."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in coverage.to_pylist():
        if row["check"] not in {"waivers", "sample"}:
            reasons = [reason for reason in (row["reason"] or "").split("; ") if reason != "sampled"]
            found.setdefault((row["status"], "; ".join(reasons)), []).append(row["check"])
    return ((", ".join(checks), *key) for key, checks in found.items())


def _on_disk(files: pa.Table) -> list[dict[str, Any]]:
    names = ["path", "role", "bytes", "bytes_skipped", "skip_reason"]
    return [row for row in files.select(names).to_pylist() if "!/" not in row["path"]]


def _findings(console: Console, rows: list[dict[str, Any]], accepted: str | None) -> None:
    console.print()
    counted = [
        f"{count:,} {level}{'s' * (count != 1)}"
        for level in _COLOURS
        if (count := sum(row["severity"] == level for row in rows))
    ]
    waived = sum(row["waived"] is not None for row in rows)
    excused = f", {waived:,} of them waived" if waived else ""
    console.print(Text(f"Findings: {', '.join(counted) or 'none'}{excused}", style="bold"))
    if accepted:
        console.print(Padding(Text(make_printable(accepted)), (0, 0, 0, 2), expand=False))
    shown: Counter[str] = Counter()
    for row in rows:
        shown[row["check"]] += 1
        if shown[row["check"]] > MOST_FINDINGS:
            continue
        where = make_printable(row["source"]) + (f" ~ {make_printable(row['other'])}" if row["other"] else "")
        head = Text.assemble(
            (f"{row['severity']:<8}", _COLOURS[row["severity"]]), (row["check"], "bold"), f"  {where}  "
        )
        head.append(row["fingerprint"][:SHORT_LINES], style="dim")
        console.print(Padding(head, (0, 0, 0, 2), expand=False))
        console.print(Padding(Text(make_printable(row["message"])), (0, 0, 0, 10), expand=False))
        if row["waived"]:
            console.print(Padding(Text(make_printable(row["waived"]), style="dim"), (0, 0, 0, 10), expand=False))
    for check, count in shown.items():
        if count > MOST_FINDINGS:
            line = f"and {count - MOST_FINDINGS:,} more {check}, in findings.parquet of the scan"
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2), expand=False))


def _sources(console: Console, rows: list[dict[str, Any]], unread: Mapping[str, Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name, justify in (
        ("Source", "left"),
        ("Licence of the data", "left"),
        ("Evidence", "left"),
        ("Records", "right"),
        ("Size", "right"),
    ):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in sorted(rows, key=lambda each: (-each["records"], each["source"]))[:MOST_SOURCES]:
        licence = name_licence(row, unread)
        cells = (row["source"], licence, row["evidence"], f"{row['records']:,}", format_bytes(row["bytes"]))
        table.add_row(*(Text(make_printable(cell)) for cell in cells))
    console.print()
    console.print(table)
    if len(rows) > MOST_SOURCES:
        console.print(
            Text(f"and {count_noun(len(rows) - MOST_SOURCES, 'more source')}, in sources.parquet of the scan")
        )


def _identities(console: Console, claims: pa.Table) -> None:
    """Say which files are proved to be their upstream's; nothing was fetched for it."""
    rows = claims.filter(pc.equal(claims["field"], "identical-upstream")).to_pylist()
    if not rows:
        return
    files = len({row["scope"] for row in rows})
    console.print()
    count = f"{files:,} file{'s' * (files != 1)}"
    head = f"Identity proved by digest: {count}, byte for byte what a manifest declares elsewhere"
    console.print(Text(head, style="bold"))
    for row in rows[:MOST_FINDINGS]:
        address = row["value"].rsplit(" sha256:", 1)[0]
        line = f"{row['scope']} is {address} ({row['manifest']})"
        console.print(Padding(Text(make_printable(line)), (0, 0, 0, 2), expand=False))
    if len(rows) > MOST_FINDINGS:
        line = f"and {len(rows) - MOST_FINDINGS:,} more, identical-upstream in claims.parquet of the scan"
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 2), expand=False))


def _cite_clause(row: Mapping[str, Any]) -> str:
    """Name the clause of a legal instrument, its force, and how its text was read; practice has none of these."""
    if row["modality"] == "practice" and row["clause_zh"] is None:
        return str(row["profile"])
    force = "" if row["modality"] == "practice" else f"{row['modality']}; "
    return f"{row['profile']}, {make_printable(row['clause'])} ({force}text: {row['text']})"


def _verdicts(console: Console, rows: list[dict[str, Any]]) -> None:
    """Show each requirement once, with what answers it; what nobody answered is named in one line."""
    console.print()
    for _, elements in groupby(rows, key=lambda row: (row["profile"], row["requirement"])):
        element_rows = list(elements)
        title = Text.assemble((f"{_cite_clause(element_rows[0])}: ", "dim"), make_printable(element_rows[0]["title"]))
        first, *rest = title.wrap(console, console.width - 10)
        console.print(first)
        for line in rest:
            console.print(Padding(line, (0, 0, 0, 10), expand=False))
        missing = [row for row in element_rows if row["declared"] is None and row["answered_by"] != "machine"]
        missing = [row for row in missing if row["assessed"] is None]
        for row in element_rows:
            if row not in missing:
                line = Text(make_printable(f"{', '.join(list_words(row))}: {row['reason']}"))
                console.print(Padding(line, (0, 0, 0, 10), expand=False))
        if missing:
            named = ", ".join(row["asked"] for row in missing)
            line = Text(make_printable(f"{EVIDENCE_MISSING}: nobody has declared {named}"))
            console.print(Padding(line, (0, 0, 0, 10), expand=False))
    asking = sorted({row["profile"] for row in rows if row["asked"] and row["declared"] is None})
    for profile in asking:
        console.print(Text(f"What only a person can answer: provenance declare --template {make_printable(profile)}"))
    console.print()


REPORT = ReportFormat("text", lambda scan: render(scan.tables, scan.facts))
