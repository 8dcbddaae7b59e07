"""Sources with their evidence, and what files they are made of."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.model import SEVERITIES
from provenance.core.wording import choose_verb, count_noun
from provenance.reports.html.markup import Markup, isolate_name, keep_fitting, make_visible, table, tag
from provenance.reports.result_words import name_licence
from provenance.reports.text import format_bytes
from provenance.sources.unheard_statements import list_unread_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MOST_SOURCES, MOST_BYTES = 1000, 1_600_000
"""Sources, and bytes of them, in a report at most; the rest is counted."""

MOST_WITNESSES, MOST_OTHERS, MOST_REASONS, MOST_OBSERVED = 8, 8, 60, 30
"""Licence statements, other statements, and observations of a source, and reasons for unread bytes, shown at most."""

_EVIDENCE = {
    "none": "nothing that was read states a licence for its data",
    "tag": "a short tag in a manifest states it",
    "card": "a card or README states it in words",
    "licence-text": "the licence's own text lies beside the data",
    "consistent": "several statements of different kinds agree",
}
_QUIET = frozenset({"licence", "source", "source-weak", "sha256", "file", "licence-file"})
_STATED = (
    ("Name", "name"), ("Kind", "kind"), ("Upstream", "parent"), ("Acquired", "acquired"), ("Revision", "revision"),
    ("Country", "country"), ("Modality", "modality"), ("Described in", "manifest"),
)  # fmt: skip


def render(tables: Mapping[str, pa.Table]) -> Markup:
    """Render sources, the largest first.

    Args:
        tables: the tables of schemas.SEALED by name.
    """
    rows = sorted(tables["sources"].to_pylist(), key=lambda row: (-row["records"], row["source"]))
    about = _About(tables)
    total = sum(row["records"] for row in rows)
    kept, _ = keep_fitting((_source(row, about, total) for row in rows), MOST_SOURCES, MOST_BYTES)
    left = len(rows) - len(kept)
    sentence = (
        f"{count_noun(left, 'more source')} {choose_verb(left)} in sources.parquet and report.json of the scan; "
        "a notebook opens them."
    )
    return Markup(
        _toolbar()
        + tag("div", _titles(), kept, class_="sources", id="sources-list")
        + (tag("p", sentence, class_="rest") if left else "")
        + _words(rows)
    )


class _About:
    """What the tables hold on each source: statements, findings, observations."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        files = tables["files"].filter(pc.equal(tables["files"]["role"], "data"))
        self.deciding = _deciding(files)
        self.unread = list_unread_documents(tables["files"])
        self.findings: dict[str, Counter[str]] = defaultdict(Counter)
        for source, severity in zip(*(tables["findings"][key].to_pylist() for key in ("source", "severity")),
                                    strict=True):  # fmt: skip
            self.findings[source][severity] += 1
        self.claims = _claims(tables["claims"], self.deciding)
        self.observed = _observed(tables["observations"])


def _deciding(files: pa.Table) -> dict[str, set[str]]:
    """The statements that decide the licence of a source's files, as manifest:pointer."""
    found: dict[str, set[str]] = defaultdict(set)
    for source, place in zip(files["source"].to_pylist(), files["licence_from"].to_pylist(), strict=True):
        if source is not None and place is not None:
            found[source].add(place)
    return found


def _claims(claims: pa.Table, deciding: Mapping[str, set[str]]) -> dict[str, list[dict[str, Any]]]:
    """Statements by the source they speak of, and by those whose licence they decide."""
    decided: dict[str, list[str]] = defaultdict(list)
    for source, places in deciding.items():
        for place in places:
            decided[place].append(source)
    quiet = pa.array(sorted(_QUIET - {"licence"}), pa.string())
    visible = claims.filter(pc.invert(pc.is_in(claims["field"], value_set=quiet)))
    columns = ["source", "manifest", "subject", "field", "value", "scope", "witness", "pointer", "spdx"]
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in visible.select(columns).to_pylist():
        of = {row["source"]} - {None}
        if row["field"] == "licence":
            of |= set(decided.get(f"{row['manifest']}:{row['pointer']}", ()))
        for source in of:
            found[source].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (-len(row["scope"]), row["manifest"], row["pointer"], row["value"]))
    return found


def _observed(observations: pa.Table) -> dict[str, list[dict[str, Any]]]:
    keys = ["source", "detector", "kind", "state"]
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in observations.group_by(keys).aggregate([("records", "sum"), ("values", "sum")]).to_pylist():
        if row["source"] is not None:
            found[row["source"]].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row["detector"], -row["records_sum"], row["kind"], row["state"]))
    return found


def _toolbar() -> Markup:
    orders = (("records", "most records first"), ("bytes", "largest first"), ("findings", "most findings first"),
              ("name", "by name"))  # fmt: skip
    return tag(
        "form",
        tag("input", type="search", id="search-sources", placeholder="Search sources", aria_label="Search sources"),
        tag("select", [tag("option", label, value=key) for key, label in orders], id="sort", aria_label="Order"),
        tag("output", id="count-sources", aria_live="polite"),
        class_="toolbar", hidden=True,
    )  # fmt: skip


def _titles() -> Markup:
    titles = ("Source", "Licence of the data", "Evidence", "Records", "Size", "Share", "Findings")
    return tag("div", [tag("span", title) for title in titles], class_="titles", aria_hidden="true")


def _source(row: Mapping[str, Any], about: _About, total: int) -> Markup:
    counts = about.findings[row["source"]]
    share = row["records"] / total if total else 0.0
    number = sum(counts.values())
    summary = tag(
        "summary",
        tag("span", isolate_name(row["source"], 120), class_="id"),
        tag("span", _licence(row, about.unread), class_="licence"),
        tag("span", row["evidence"], class_="evidence"),
        tag("span", row["records"], tag("i", " records", class_="unit"), class_="n"),
        tag("span", format_bytes(row["bytes"]), class_="n"),
        tag("span", _bar(share), class_="share"),
        tag("span", [_dot(level, counts[level]) for level in SEVERITIES if counts[level]] or "–", class_="dots"),
    )
    return tag(
        "details", summary, _details(row, about), class_="source", data_name=make_visible(row["source"], 120),
        data_records=str(row["records"]), data_bytes=str(row["bytes"]), data_findings=str(number),
    )  # fmt: skip


def _licence(row: Mapping[str, Any], unread: Mapping[str, Sequence[str]]) -> Markup:
    style = "spdx" if row["licence_concluded"] else "spdx none"
    return tag("span", make_visible(name_licence(row, unread), 120), class_=style)


def _dot(level: str, count: int) -> Markup:
    return tag("span", count, class_=f"dot {level}", title=f"{count} {level}{'s' * (count != 1)}")


def _bar(share: float) -> Markup:
    label = f"{share:.1%}".replace("%", " %") if share >= 0.001 or not share else "<0.1 %"
    bar = tag(
        "svg", tag("rect", width=60, height=6, rx=3, class_="rail"),
        tag("rect", width=round(max(2.0, 60 * share), 1), height=6, rx=3, class_="fill") if share else None,
        width=60, height=6, aria_hidden="true",
    )  # fmt: skip
    return Markup(bar + tag("i", label))


def _details(row: Mapping[str, Any], about: _About) -> Markup:
    stated = [(title, row[key]) for title, key in _STATED if row[key]]
    stated += [("Languages", ", ".join(row["languages"]))] if row["languages"] else []
    facts = [
        ("Licences declared", isolate_name(row["licence_declared"] or "none", 300)),
        ("Licence concluded", isolate_name(row["licence_concluded"] or "unknown: nobody may rely on it", 300)),
        ("Evidence", f"{row['evidence']}: {_EVIDENCE.get(row['evidence'], '')}"),
        *((title, isolate_name(value, 300)) for title, value in stated),
        ("Records", f"{row['records']:,}, of which {row['records_text']:,} have text"),
        ("Texts", f"{row['records_distinct']:,} distinct ones, {row['tokens']:,} words in all"),
    ]  # fmt: skip
    claims = about.claims.get(row["source"], [])
    return tag(
        "div",
        tag("dl", [[tag("dt", key), tag("dd", value)] for key, value in facts], class_="facts"),
        _witnesses([each for each in claims if each["field"] == "licence"], about.deciding.get(row["source"], set())),
        _others([each for each in claims if each["field"] not in _QUIET]),
        _seen(about.observed.get(row["source"], [])),
        class_="inside",
    )


def _witnesses(claims: Sequence[Mapping[str, Any]], deciding: set[str]) -> Markup | None:
    if not claims:
        return None

    def decides(row: Mapping[str, Any]) -> bool:
        return f"{row['manifest']}:{row['pointer']}" in deciding

    rows = sorted(claims, key=lambda row: not decides(row))
    lines = [
        (
            tag("code", isolate_name(f"{row['manifest']}:{row['pointer']}", 160)), row["witness"],
            tag("q", isolate_name(row["value"], 160)), isolate_name(row["spdx"] or "not recognised", 80),
            row["subject"],
            "decides" if decides(row) else "",
        )
        for row in rows[:MOST_WITNESSES]
    ]  # fmt: skip
    head = ("Stated in", "Witness", "In these words", "Read as", "Of the", "")
    return Markup(
        tag("h4", "Who states a licence")
        + table(head, lines, label="Statements about the licence")
        + _more(rows, MOST_WITNESSES)
    )


def _others(claims: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not claims:
        return None
    lines = [
        (
            row["field"],
            tag("q", isolate_name(row["value"], 160)),
            tag("code", isolate_name(f"{row['manifest']}:{row['pointer']}", 160)),
        )
        for row in claims[:MOST_OTHERS]
    ]
    made = table(("Field", "In these words", "Stated in"), lines, label="Other statements")
    return Markup(tag("h4", "What else is stated") + made + _more(claims, MOST_OTHERS))


def _seen(rows: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not rows:
        return None
    lines = [(row["detector"], isolate_name(row["kind"], 80), row["state"], row["records_sum"], row["values_sum"])
             for row in rows[:MOST_OBSERVED]]  # fmt: skip
    head = ("Detector", "Seen", "Counts as", "Records", "Times")
    made = table(head, lines, numbers=(3, 4), label="Observations")
    return Markup(tag("h4", "What was seen in its records (counts, never text)") + made + _more(rows, MOST_OBSERVED))


def _more(rows: Sequence[Any], most: int) -> Markup:
    left = len(rows) - most
    return tag("p", f"and {left:,} more, in the tables of the scan", class_="rest") if left > 0 else Markup()


def _words(rows: Sequence[Mapping[str, Any]]) -> Markup:
    used = {row["evidence"] for row in rows}
    meanings = [f"{word}: {meaning}" for word, meaning in _EVIDENCE.items() if word in used]
    return tag("p", "Evidence of a licence. ", "; ".join(meanings), ".", class_="dim")


def render_files(table_: pa.Table) -> Markup:
    """Render what files there are, by role and format, and why bytes were not read.

    Args:
        table_: FILES.
    """
    on_disk = table_.filter(pc.invert(pc.match_substring(table_["path"], "!/")))
    sums = [(key, "sum") for key in ("bytes", "bytes_consumed", "bytes_skipped", "records", "records_unreadable")]
    grouped = on_disk.group_by(["role", "format"]).aggregate([("path", "count"), *sums]).to_pylist()
    grouped.sort(key=lambda row: (row["role"] != "data", row["role"], -row["bytes_sum"], row["format"] or ""))
    head = ("Role", "Format", "Files", "Size", "Read", "Not read", "Records", "Unreadable")
    lines = [
        (
            row["role"], row["format"] or "–", row["path_count"], format_bytes(row["bytes_sum"]),
            format_bytes(row["bytes_consumed_sum"]),
            format_bytes(row["bytes_skipped_sum"]) if row["bytes_skipped_sum"] else "–",
            row["records_sum"], row["records_unreadable_sum"],
        )
        for row in grouped
    ]  # fmt: skip
    return Markup(table(head, lines, numbers=range(2, 8), label="Files by role and format") + _unread(on_disk))


def _unread(on_disk: pa.Table) -> Markup:
    left = on_disk.filter(pc.greater(on_disk["bytes_skipped"], 0))
    if not left.num_rows:
        return tag("p", "Every byte was read.")
    grouped = left.group_by(["skip_reason"]).aggregate([("path", "count"), ("path", "min"), ("bytes_skipped", "sum")])
    rows = sorted(grouped.to_pylist(), key=lambda row: (-row["bytes_skipped_sum"], row["skip_reason"] or ""))
    head = ("Why bytes were not read", "Files", "Bytes", "For example")
    lines = (_reason(row) for row in rows[:MOST_REASONS])
    made = table(head, lines, numbers=(1, 2), label="Bytes that were not read")
    return Markup(tag("h3", "Not read") + made + _more(rows, MOST_REASONS))


def _reason(row: Mapping[str, Any]) -> Iterator[Markup | str | int]:
    yield make_visible(row["skip_reason"] or "no reason stands in the table", 300)
    yield row["path_count"]
    yield row["bytes_skipped_sum"]
    yield tag("code", isolate_name(row["path_min"], 160))
