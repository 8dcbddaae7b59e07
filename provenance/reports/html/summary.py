"""What a report says first: what it is, what was not looked at, what profiles make of it; and last, how to check it."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from provenance.core.model import NOTHING_FOUND, SEVERITIES
from provenance.core.wording import count_noun
from provenance.reports.html.markup import Markup, isolate_name, make_visible, shorten_name, table, tag
from provenance.reports.result_words import RESULT_MEANINGS, choose_style, list_words
from provenance.reports.text import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from provenance.ledger import Seal

_REASONS, _PROFILES, _LINKS = 40, 1200, 6  # reasons of one step, elements of all profiles, links to findings
_ACTS = 200  # sentences on what people did, the newest
_KINDS = {
    "draft": "draft: on record, but claims nothing",
    "assessment": "assessment: whoever signed the entry stands by it",
}
_CLASSES = {"open": "open", "aside": "off", "bad": "bad", "good": "good"}


def render_heading(tables: Mapping[str, pa.Table], facts: Mapping[str, Any], seal: Seal | None) -> Markup:
    """Say what the report is of: data, purpose, profiles, entry, keys, times, and counts.

    Args:
        tables: the tables of schemas.SEALED by name.
        facts: what the scan says of itself.
        seal: of the ledger entry that binds the scan; None where nothing was signed.
    """
    files = _on_disk(tables["files"]).filter(pc.equal(_on_disk(tables["files"])["role"], "data"))
    records = sum(tables["sources"]["records"].to_pylist())
    lead = (
        f"{count_noun(records, 'record')} in {count_noun(files.num_rows, 'data file')} of "
        f"{count_noun(tables['sources'].num_rows, 'source')}, "
        f"{format_bytes(pc.sum(files['bytes']).as_py() or 0)}"
    )
    profiles = [isolate_name(profile.get("title") or profile["name"], 200) for profile in facts["profiles"]]
    listed: list[tuple[str, Any]] = [
        ("Kind", _KINDS.get(facts["kind"], facts["kind"])),
        ("Purpose of use", facts["purpose"]),
        ("Judged by", [piece for each in profiles for piece in (", ", each)][1:]),
        ("Ledger entry", _entry(seal)),
        ("Signing key", tag("code", make_visible(seal.keyid, 120)) if seal else "none"),
        ("Scanned", f"{facts['startedOn']} to {facts['finishedOn']} (claimed, not proven)"),
        ("Program", f"provenance {make_visible(facts['scanner']['version'], 40)}"),
    ]
    excluded = (facts.get("config") or {}).get("exclude") or []
    if excluded:
        listed.append(("Left out on request", [[tag("code", isolate_name(each, 80)), " "] for each in excluded[:20]]))
    return tag(
        "header",
        tag("p", "Audit of training data", class_="kicker"),
        tag("h1", isolate_name(facts["data"], 120)),
        tag("p", lead, class_="lead"),
        _tiles(tables),
        tag("dl", [[tag("dt", key), tag("dd", value)] for key, value in listed], class_="facts"),
    )


def _entry(seal: Seal | None) -> Markup | str:
    if seal is None:
        return "none: nothing was written or signed"
    return Markup(tag("span", f"number {seal.index:,} of ") + tag("code", isolate_name(seal.origin, 120)))


def _tiles(tables: Mapping[str, pa.Table]) -> Markup:
    counts = Counter(tables["findings"]["severity"].to_pylist())
    whole, skipped = _bytes_on_disk(tables["files"])
    looked = "every byte" if not skipped else _percent(whole - skipped, whole)
    steps = sum(status != "ran" for status in tables["coverage"]["status"].to_pylist())
    tiles = [
        tag("li", tag("b", looked), tag("span", "of the bytes was read" if skipped else "was read"),
            _meter(whole - skipped, whole), tag("a", f"{format_bytes(skipped)} not read, {_steps(steps)}",
                                                href="#coverage"), class_="tile read"),
    ]  # fmt: skip
    for level in SEVERITIES:
        count = counts[level]
        noun = f"{level}{'s' * (count != 1)}"
        tiles.append(tag("li", tag("b", count), tag("span", noun), class_=f"tile {level}{'' if count else ' zero'}"))
    return tag("ul", tiles, class_="tiles")


def _steps(count: int) -> str:
    return f"{count} step{'s' * (count != 1)} or check{'s' * (count != 1)} did not run" if count else "every check ran"


def _meter(part: int, whole: int) -> Markup:
    width = 200 * part / whole if whole else 200
    return tag(
        "svg", tag("rect", width=200, height=6, class_="unread"),
        tag("rect", width=round(width, 1), height=6, class_="fill"),
        viewBox="0 0 200 6", preserveAspectRatio="none", class_="meter", aria_hidden="true",
    )  # fmt: skip


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole if whole else 100.0
    return f"{min(share, 99.9):.1f} %" if part < whole else "100 %"


def _on_disk(files: pa.Table) -> pa.Table:
    return files.filter(pc.invert(pc.match_substring(files["path"], "!/")))


def _bytes_on_disk(files: pa.Table) -> tuple[int, int]:
    on_disk = _on_disk(files)
    return pc.sum(on_disk["bytes"]).as_py() or 0, pc.sum(on_disk["bytes_skipped"]).as_py() or 0


def render_coverage(tables: Mapping[str, pa.Table]) -> Markup:
    """Say what was not looked at, then what was.

    Args:
        tables: the tables of schemas.SEALED by name.
    """
    gaps = [tag("li", gap) for gap in _gaps(tables)]
    items = gaps or [tag("li", "Nothing: every byte of every file was read, and every check ran.")]
    rows = tables["coverage"].to_pylist()
    lines = [
        (
            tag("code", row["check"]), tag("span", row["status"], class_=f"status {row['status']}"),
            row["records_seen"], row["records_unreadable"], make_visible(row["reason"] or "", 1200),
        )
        for row in rows
    ]  # fmt: skip
    head = ("Step or check", "Status", "Records seen", "Unreadable", "What it did not see, or how far it sees")
    ran = sum(row["status"] == "ran" for row in rows)
    return Markup(
        tag("ul", items, class_="gaps")
        + tag(
            "details",
            tag("summary", f"All {len(rows)} steps and checks: {ran} ran, {len(rows) - ran} did not"),
            table(head, lines, numbers=(2, 3), label="Coverage"),
        )
    )


def _gaps(tables: Mapping[str, pa.Table]) -> Iterator[Any]:
    whole, skipped = _bytes_on_disk(tables["files"])
    if skipped:
        on_disk = _on_disk(tables["files"])
        count = pc.sum(pc.greater(on_disk["bytes_skipped"], 0)).as_py() or 0
        where = f" in {count:,} of {count_noun(on_disk.num_rows, 'file')} were not read: "
        link = tag("a", "which and why", href="#files")
        yield [tag("b", f"{format_bytes(skipped)} of {format_bytes(whole)}"), where, link, "."]
    broken = pc.sum(tables["files"]["records_unreadable"]).as_py() or 0
    if broken:
        yield [tag("b", f"{broken:,} record{'s' * (broken != 1)}"), " could not be read."]
    for row in tables["coverage"].to_pylist():
        if row["check"] == "waivers":
            continue  # said beside the findings
        if row["status"] != "ran":
            yield [
                tag("b", row["check"]),
                f" {row['status']}: {make_visible(row['reason'] or 'no reason given', 600)}.",
            ]
        elif row["reason"]:
            yield _limit_reasons(row["check"], row["reason"].split("; "))


def _limit_reasons(step: str, reasons: Sequence[str]) -> list[Any]:
    if len(reasons) == 1:
        return [tag("b", step), f": {make_visible(reasons[0], 600)}."]
    shown = [tag("li", make_visible(reason, 400)) for reason in reasons[:_REASONS]]
    if len(reasons) > _REASONS:
        shown.append(tag("li", f"{len(reasons) - _REASONS:,} more, in coverage.parquet of the scan"))
    return [tag("b", step), ":", tag("ul", shown)]


def render_acts(history: Sequence[str]) -> Markup:
    """List what people did about the scans of a ledger.

    Args:
        history: one sentence each, the oldest first.
    """
    if not history:
        return Markup()
    lead = (
        "Signed into the ledger after a scan, as of the day this page was made. No finding or result is changed by it."
    )
    more = tag("p", f"{len(history) - _ACTS:,} older ones: provenance show.", class_="rest")
    lines = [tag("li", make_visible(sentence, 600)) for sentence in history[-_ACTS:]]
    return Markup(tag("p", lead) + (more if len(history) > _ACTS else Markup()) + tag("ul", lines))


def render_verdicts(rows: Sequence[Mapping[str, Any]], shown: Mapping[str, str]) -> Markup:
    """Say what each requirement of each profile comes to.

    Args:
        rows: of VERDICTS, sorted by profile and requirement.
        shown: source of every finding that stands in the report, by fingerprint; worst first.
    """
    if not rows:
        return tag("p", "No profile was asked.")
    made = [
        _profile(profile, list(profile_rows), shown)
        for profile, profile_rows in groupby(rows[:_PROFILES], key=lambda row: row["profile"])
    ]
    left = len(rows) - _PROFILES
    if left > 0:
        made.append(tag("p", f"{left:,} more results stand in verdicts.parquet of the scan.", class_="rest"))
    used = {word for row in rows for word in (row["observed"], row["assessed"])}
    words = [
        [tag("span", word, class_=f"verdict {_classify(word, word)}"), f" {meaning}. "]
        for word, meaning in RESULT_MEANINGS.items()
        if word in used
    ]
    return Markup(tag("div", made) + tag("p", words, class_="dim words"))


def _profile(profile: str, rows: Sequence[Mapping[str, Any]], shown: Mapping[str, str]) -> Markup:
    counts = Counter(word for row in rows for word in list_words(row))
    parts = [
        [tag("span", f"{counts[word]:,} {word}", class_=f"verdict {_classify(word, word)}"), " "]
        for word in RESULT_MEANINGS
        if counts[word]
    ]
    requirements = [
        _requirement(list(elements), shown) for _, elements in groupby(rows, key=lambda row: row["requirement"])
    ]
    return tag("section", tag("h3", isolate_name(profile, 80), " ", tag("span", parts)), requirements, class_="profile")


def _requirement(elements: Sequence[Mapping[str, Any]], shown: Mapping[str, str]) -> Markup:
    first = elements[0]
    title = [tag("b", make_visible(first["title"], 400)), _chinese(first["title_zh"])]
    return tag(
        "div",
        tag("div", title, _cite_clause(first), class_="what"),
        tag("ul", [_element(row, shown) for row in elements], class_="elements"),
        class_="requirement",
    )


def _chinese(chinese: str | None) -> Markup | None:
    return tag("span", make_visible(chinese, 300), lang="zh", class_="zh") if chinese else None


def _cite_clause(row: Mapping[str, Any]) -> Markup | None:
    """Name the clause, its force, and how its text was read; practice has none of these."""
    if row["modality"] == "practice" and row["clause_zh"] is None:
        return None
    pieces: list[Any] = [make_visible(row["clause"], 200), _chinese(row["clause_zh"])]
    if row["modality"] != "practice":
        pieces.append(tag("b", row["modality"]))
    pieces.append(f"text: {row['text']}")
    joined = [piece for each in pieces if each for piece in (" · ", each)][1:]
    return tag("p", joined, f". {make_visible(row['note'], 300)}" if row["note"] else None, class_="dim")


def _element(row: Mapping[str, Any], shown: Mapping[str, str]) -> Markup:
    marks = set(row["fingerprints"] or ())
    links = [mark for mark in shown if mark in marks]  # worst first: what speaks against it before what has no weight
    cited = [[" ", tag("a", shorten_name(shown[mark]), href=f"#f-{mark}")] for mark in links[:_LINKS]]
    if len(links) > _LINKS:
        cited.append([f" and {len(links) - _LINKS:,} more on record"])
    asks = [tag("span", make_visible(row["asks"], 300), class_="asks"), " "] if row["asks"] else []
    chips = [tag("span", word, class_=f"verdict {_classify(word, row['observed'])}") for word in list_words(row)]
    because = [
        asks,
        tag("span", make_visible(row["reason"], 500), class_="because"),
        tag("span", cited, class_="links") if cited else None,
    ]
    return tag("li", tag("div", [[chip, " "] for chip in chips], class_="results"), tag("div", because))


def _classify(word: str, observed: str) -> str:
    return "clear" if word == NOTHING_FOUND else _CLASSES[choose_style(word, observed)]


def render_verification(seal: Seal | None) -> Markup:
    """Say how anybody checks that this is what was signed.

    Args:
        seal: as in `render_heading`.
    """
    if seal is None:
        sentence = "This report was made of a scan that was not written to a ledger: nothing binds it."
        return tag("p", sentence)
    number = f"{seal.index:08d}"
    path = f"LEDGER/scans/{number}/report.html"
    steps = [
        ["The ledger, with every file it binds: ", tag("code", "provenance verify LEDGER"), "."],
        ["The data too: ", tag("code", "provenance verify LEDGER --data DATA"), "."],
        ["Without this program: VERIFY.md in the ledger is a recipe for a POSIX shell and OpenSSL."],
        ["This page: the entry lists the SHA-256 of ", tag("code", path), "; ", tag("code", f"sha256sum {path}"),
         " must give the same."],
        ["Who signed: compare the signing key above with one you were given another way; it proves nothing by itself."],
    ]  # fmt: skip
    limits = "A signature proves who said what, unaltered; not that the scan was complete or honest."
    return Markup(tag("ol", [tag("li", step) for step in steps]) + tag("p", limits, class_="dim"))


def window_title(facts: Mapping[str, Any]) -> str:
    """Return a title for the window.

    Args:
        facts: what the scan says of itself.
    """
    return re.sub(r"\s+", " ", f"{make_visible(str(facts['data']), 60)}: audit of training data")
