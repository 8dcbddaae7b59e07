"""Findings for people: the worst first, each with what it does not prove, and where to look."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance import checks
from provenance.core.model import SEVERITIES
from provenance.core.tables.match_views import select_within
from provenance.core.wording import choose_verb, count_noun
from provenance.reports.html.markup import Markup, isolate_name, keep_fitting, make_visible, table, tag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_FINDINGS, MOST_BYTES = 1000, 1_600_000
"""Findings, and bytes of them, in a report at most; the rest is counted."""

EXAMPLES_PER_FINDING = 3
"""Matching records that are named with a finding on two sources."""

_UNITS = {"share of records": "share"}
_SIDES = ("source_a", "source_b")
_COLUMNS = ("view", "path_a", "row_a", "path_b", "row_b", "jaccard", "shared", "distinct_a", "distinct_b", "method")

_HINT = "Their words never stand in a ledger: provenance report LEDGER --format html --data DATA -o FILE shows them."

Pairs = dict[str, list[dict[str, Any]]]


def choose_examples(
    findings: Sequence[Mapping[str, Any]], matches: pa.Table, most: int = EXAMPLES_PER_FINDING
) -> Pairs:
    """Choose the matching records that tell most: the longest shared texts, of the finding's own file first.

    Args:
        findings: rows of FINDINGS.
        matches: MATCHES.
        most: pairs to choose of each finding.

    Returns:
        Rows of MATCHES by fingerprint, for findings on two sources that share text.
    """
    wanted = {(row["source"], row["other"]): row["path"] for row in findings if row["other"]}
    if not wanted or not matches.num_rows:
        return {}
    names = {source: number for number, source in enumerate(sorted({each for pair in wanted for each in pair}))}
    values = pa.array(names, pa.string())
    known = {names[a] * len(names) + names[b]: (a, b) for a, b in wanted}
    part, codes = matches.schema.empty_table(), np.zeros(0, np.int64)
    for batch in select_within(matches).to_batches():
        sides = [pc.fill_null(pc.index_in(batch[side], value_set=values), -1).to_numpy() for side in _SIDES]
        code = np.where((sides[0] < 0) | (sides[1] < 0), -1, sides[0].astype(np.int64) * len(names) + sides[1])
        positions = np.flatnonzero(np.isin(code, list(known)))
        if len(positions):
            part = pa.concat_tables([part, pa.Table.from_batches([batch.take(pa.array(positions))])])
            kept = _keep_largest(part["shared"].to_numpy(), codes := np.r_[codes, code[positions]], 64 * most)
            part, codes = part.take(pa.array(kept)).combine_chunks(), codes[kept]
    order = np.lexsort((-part["shared"].to_numpy(), codes))
    chosen = _take_longest(part, codes, order, {code: wanted[pair] for code, pair in known.items()}, most)
    marks = defaultdict(list)
    for row in findings:
        if row["other"]:
            marks[names[row["source"]] * len(names) + names[row["other"]]].append(row["fingerprint"])
    return {mark: rows for code, rows in chosen.items() for mark in marks[code]}


def _keep_largest(shared: Any, codes: Any, most: int) -> Any:
    """Keep of each code the rows that share most, the first of equal ones, in the order given."""
    order = np.lexsort((-shared, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-2))
    within = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    return np.sort(order[within < most])


def _take_longest(
    part: pa.Table, codes: Any, order: Any, own: Mapping[int, str | None], most: int
) -> dict[int, list[dict[str, Any]]]:
    """Take the first few of each pair; a pair of records that matches in both views counts once."""
    found: dict[int, list[dict[str, Any]]] = {}
    starts = np.flatnonzero(np.diff(codes[order], prepend=-2))
    for start, end in zip(starts, np.append(starts[1:], len(order))[: len(starts)], strict=True):
        rows = part.select(_COLUMNS).take(pa.array(order[start : min(end, start + 64 * most)])).to_pylist()
        code = int(codes[order[start]])
        rows.sort(key=lambda row: (row["path_a"] != own[code], row["view"] != "whole"))
        once = {tuple(row[key] for key in _COLUMNS[1:5]): row for row in reversed(rows)}
        found[code] = list(reversed(once.values()))[:most]
    return found


def render(
    rows: Sequence[Mapping[str, Any]], examples: Pairs, beside: Mapping[str, Markup], accepted: str | None
) -> tuple[Markup, int]:
    """Render findings.

    Args:
        rows: of FINDINGS, in their order.
        examples: matching records by fingerprint.
        beside: what else stands with a finding, by fingerprint: masked evidence.
        accepted: what COVERAGE says of waivers; None where there were none.

    Returns:
        The section's content, and how many findings it shows.
    """
    if not rows:
        return tag("p", "No findings. What was not looked at stands above."), 0
    made = (_finding(row, examples.get(row["fingerprint"], ()), beside.get(row["fingerprint"])) for row in rows)
    kept, _ = keep_fitting(made, MOST_FINDINGS, MOST_BYTES)
    left = len(rows) - len(kept)
    sentence = (
        f"{count_noun(left, 'more finding')} {choose_verb(left)} in findings.parquet and report.json of the scan; "
        "a notebook opens them."
    )
    rest = tag("p", sentence, class_="rest") if left else None
    waived = sum(row["waived"] is not None for row in rows)
    excused = f"{waived:,} of {len(rows):,} are waived; results count them all the same. " if waived else ""
    notice = tag("p", excused, make_visible(accepted or "", 1200)) if waived or accepted else Markup()
    return Markup(notice + _toolbar(rows) + tag("div", kept, id="findings-list") + (rest or "")), len(kept)


def _toolbar(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Search and filters; they need a script, and are not there without one."""
    boxes = [
        tag("label", tag("input", type="checkbox", checked=True, value=level), f"{level} ", tag("b", count),
            class_=f"box {level}")
        for level in SEVERITIES
        if (count := sum(row["severity"] == level for row in rows))
    ]  # fmt: skip
    return tag(
        "form",
        tag("input", type="search", id="search", placeholder="Search findings", aria_label="Search findings"),
        boxes,
        tag("select", tag("option", "all checks", value=""), id="by-check", aria_label="Check"),
        tag("select", tag("option", "all sources", value=""), id="by-source", aria_label="Source"),
        tag("output", id="count", aria_live="polite"),
        class_="toolbar", id="filters", hidden=True,
    )  # fmt: skip


def _finding(row: Mapping[str, Any], examples: Sequence[Mapping[str, Any]], beside: Markup | None) -> Markup:
    who: list[Markup | str] = [isolate_name(row["source"])]
    if row["other"]:
        who += [tag("span", " shares text with " if examples else " and ", class_="dim"), isolate_name(row["other"])]
    head = tag(
        "h3", tag("span", row["severity"], class_=f"chip {row['severity']}"),
        tag("a", row["check"], href=f"#c-{row['check']}", class_="check"), tag("span", who, class_="who"),
    )  # fmt: skip
    limits = tag("p", tag("b", "What it does not prove. "), make_visible(row["limits"], 600), class_="limits")
    return tag(
        "article",
        head,
        tag("p", make_visible(row["message"], 1200), class_="message"),
        limits,
        tag("p", tag("b", "Waived. "), make_visible(row["waived"], 600), class_="waived") if row["waived"] else None,
        tag("details", tag("summary", _summary(row, examples)), _facts(row), _examples(examples)),
        beside,
        class_=f"finding {row['severity']}", id=f"f-{row['fingerprint']}", data_severity=row["severity"],
        data_check=row["check"], data_source=make_visible(row["source"], 200),
        data_other=make_visible(row["other"], 200) if row["other"] else None,
    )  # fmt: skip


def _summary(row: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]) -> str:
    parts = ["where"] + ["clause"] * bool(row["clause"]) + ["matching records"] * bool(examples)
    return f"Evidence: {', '.join(parts)}, and how to see more"


def _facts(row: Mapping[str, Any]) -> Markup:
    stated: list[tuple[str, Markup | str]] = []
    if row["clause"]:
        stated.append(("Clause at stake", tag("q", make_visible(row["clause"], 600))))
    if row["path"]:
        number = "" if row["row"] is None else f", record {row['row']:,} (counted from 0)"
        stated.append(("Where", Markup(tag("code", isolate_name(row["path"])) + tag("span", number))))
    if amount := _amount(row):
        stated.append(("How much", amount))
    if row["field"]:
        stated.append(("Concerns", isolate_name(row["field"])))
    stated.append(("Fingerprint", tag("code", row["fingerprint"])))
    stated.append(("See more", tag("code", f"provenance explain {row['fingerprint']} --ledger LEDGER")))
    if row["other"]:
        call = f'pv.pairs(pv.open_ledger("LEDGER"), {make_visible(repr(row["source"]), 200)}, '
        stated.append(("Every pair", tag("code", f"{call}{make_visible(repr(row['other']), 200)})")))
    return tag("dl", [[tag("dt", key), tag("dd", value)] for key, value in stated], class_="facts")


def _amount(row: Mapping[str, Any]) -> str:
    parts = []
    if row["records"] is not None:
        parts.append(f"{row['records']:,} record{'s' * (row['records'] != 1)}")
    if row["value"] is not None:
        unit = row["unit"] or ""
        share = f"{row['value']:.1%}".replace("%", " %") + f" ({unit})"
        parts.append(share if _UNITS.get(unit) else f"{row['value']:g} {unit}".strip())
    return "; ".join(parts)


def _examples(examples: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not examples:
        return None
    lines = [
        (
            tag("code", isolate_name(each["path_a"], 160)), each["row_a"],
                tag("code", isolate_name(each["path_b"], 160)),
            each["row_b"], each["view"], f"{each['jaccard']:.3g}", each["shared"], each["method"],
        )
        for each in examples
    ]  # fmt: skip
    head = ("Of the source", "Record", "Of the other", "Record", "View", "Jaccard", "Shingles shared", "Match")
    label = "Matching records"
    caption = f"Examples with the most shared text; records are counted from 0. {_HINT}"
    return Markup(table(head, lines, numbers=(1, 3, 5, 6), label=label) + tag("p", caption, class_="dim"))


def render_glossary(names: Sequence[str]) -> Markup:
    """Say of each check what it looks for, why, and when it is silent.

    Args:
        names: of checks, in order.
    """
    return tag("dl", [_explain_check(each) for each in names], class_="glossary")


def _explain_check(check: str) -> list[Markup]:
    if check not in checks.CHECKS:
        return [tag("dt", check, id=f"c-{check}"), tag("dd", "A check that this version does not have.")]
    documentation = checks.explain(check)
    why, silent = (_doc_section(documentation, heading) for heading in ("Why", "Silent when"))
    first = " ".join(documentation.partition("\n\n")[0].split())
    body = tag("p", tag("b", "Why: "), f"{why} ", tag("b", "Silent when: "), silent, class_="dim")
    return [tag("dt", check, id=f"c-{check}"), tag("dd", first, body)]


def _doc_section(documentation: str, heading: str) -> str:
    """Return what stands under a heading of a check's documentation, on one line."""
    _, _, rest = documentation.partition(f"\n{heading}:")
    lines = rest.splitlines()
    kept = [lines[0]] if lines else []
    for line in lines[1:]:
        if not line.startswith(" "):
            break
        kept.append(line)
    return " ".join(" ".join(kept).split())
