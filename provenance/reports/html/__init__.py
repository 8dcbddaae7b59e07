"""The report for people: one HTML file that needs nothing else, and loads nothing.

What was not looked at comes first, then what profiles make of it, findings, the overlap matrix, sources, files. It
reads without a script; search, filters and order need one. The page's own policy allows its one style sheet and its one
script, by their digests, and nothing else: what a data set is called cannot run or load anything.

The same tables give the same bytes, so an entry binds the report it lies beside. Long lists are cut, and say so.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from provenance import checks
from provenance.core.package_data import DATA_FOLDER
from provenance.reports.html import evidence, findings, overlap_matrix, sources, summary
from provenance.reports.html.markup import Markup, tag
from provenance.reports.report_format import ReportFormat

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from provenance.ledger import Seal

_SECTIONS = (
    ("coverage", "What was not looked at"),
    ("verdicts", "Results"),
    ("findings", "Findings"),
    ("acts", "What people did about it"),
    ("overlap", "Overlap"),
    ("sources", "Sources"),
    ("files", "Files"),
    ("checks", "What the checks mean"),
    ("verify", "How to verify"),
)


def render(
    tables: Mapping[str, pa.Table],
    facts: Mapping[str, Any],
    seal: Seal | None = None,
    *,
    data: str | os.PathLike[str] | None = None,
    history: Sequence[str] = (),
) -> bytes:
    """Render the report.

    Args:
        tables: the tables of schemas.SEALED by name.
        facts: what the scan says of itself.
        seal: of the ledger entry that binds the scan; None where nothing was signed.
        data: the folder that was scanned: its records are shown, masked, and the report must not stand in a ledger.
        history: what people did about the scans of the ledger since, one sentence each; the report that an entry binds
            cannot have any.

    Returns:
        UTF-8; one HTML document of at most a few megabytes.
    """
    rows = tables["findings"].to_pylist()
    accepted = next((row["reason"] for row in tables["coverage"].to_pylist() if row["check"] == "waivers"), None)
    examples = findings.choose_examples(rows[: findings.MOST_FINDINGS], tables["matches"])
    beside = evidence.read_evidence(tables, data, rows[: findings.MOST_FINDINGS], examples) if data is not None else {}
    listed, count = findings.render(rows, examples, beside, accepted)
    shown = {row["fingerprint"]: row["source"] for row in rows[:count]}
    ran = tables["coverage"]["check"].to_pylist()
    steps = [check for check in ran if check in checks.CHECKS]
    content = {
        "coverage": summary.render_coverage(tables),
        "verdicts": summary.render_verdicts(tables["verdicts"].to_pylist(), shown),
        "findings": listed,
        "acts": summary.render_acts(history),
        "overlap": overlap_matrix.render(tables["overlaps"], rows[:count]),
        "sources": sources.render(tables),
        "files": sources.render_files(tables["files"]),
        "checks": findings.render_glossary(list(dict.fromkeys([*steps, *(row["check"] for row in rows)]))),
        "verify": summary.render_verification(seal),
    }
    sections = [(key, title) for key, title in _SECTIONS if content[key]]
    body = [tag("section", tag("h2", title), content[key], id=key) for key, title in sections]
    notice = _notice() if data is not None else None
    main = tag("main", notice, summary.render_heading(tables, facts, seal), body, _closing())
    return _page(summary.window_title(facts), [_contents(sections), main]).encode()


def _notice() -> Markup:
    sentence = (
        "This copy shows excerpts of the data. Personal data that could be recognised is masked; names of people are "
        "not. It is not the report that the ledger binds: keep it where the data may be kept."
    )
    return tag("p", sentence, class_="notice", role="note")


def _contents(sections: Sequence[tuple[str, str]]) -> Markup:
    links = [tag("li", tag("a", title, href=f"#{key}")) for key, title in sections]
    return tag("nav", tag("p", "provenance", class_="brand"), tag("ol", links), aria_label="Contents")


def _closing() -> Markup:
    sentence = (
        "Facts that were read, what was inferred from them, and what profiles make of both are kept apart; nothing "
        "here is legal advice. This page is one file: it loads nothing, and sends nothing."
    )
    return tag("footer", tag("p", sentence))


def _page(title: str, body: list[Markup]) -> str:
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    page = tag("html", head, "\n", tag("body", body, tag("script", Markup(script))), lang="en")
    return f"<!doctype html>\n{page}\n"


@cache
def _asset(name: str) -> str:
    return (DATA_FOLDER / "report" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


REPORT = ReportFormat(
    "html",
    lambda scan: render(scan.tables, scan.facts, scan.seal, data=scan.data, history=scan.history),
    takes_data=True,
    shows_ledger=True,
)
