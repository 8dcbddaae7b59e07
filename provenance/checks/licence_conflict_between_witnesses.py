"""Statements about one source's data name different licences.

Why:          a card, a README and a licence file that disagree cannot all be right; the strictest is what counts.
Source:       Interim Measures for Generative AI Services, Article 7(2); Longpre et al., arXiv 2310.16787.
Reads:        WITNESSES(source, scope, manifest, pointer, spdx, subject, speaks, decides, records), one row a statement.
Yields:       at most one finding per source.
Units:        different licences.
Silent when:  one statement speaks of the code and the other of the data, one of the database and the other of its
              content; a statement could not be recognised; what is stated of a folder around the data is no stricter;
              one names the licence in less detail (no version, port or "or later"; public domain for CC0); they are
              entries of one list, or what records state of themselves.
Flagged:      DATA_LICENSE is CC BY-NC 4.0 and datasheet.md says ODC-By.
Clean:        all statements name the same licence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core.model import CheckSpec, Finding
from provenance.licences.expressions import join_by_and, keep_distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It does not prove which statement is right; the strictest is concluded until somebody decides."


def find(witnesses: pa.Table) -> Iterator[Finding]:
    """Yield sources whose statements about the same data disagree.

    Args:
        witnesses: WITNESSES.
    """
    by_source: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in witnesses.to_pylist():
        by_source[row["source"]][row["scope"]].append(row)
    for scopes in by_source.values():
        for rows in scopes.values():
            rows.sort(key=lambda row: (not row["decides"], row["manifest"], row["pointer"], row["value"]))
    for source, scopes in sorted(by_source.items()):
        disputed = [rows for rows in scopes.values() if len(_named(rows)) > 1 or _named(rows, outer=True)]
        if not disputed:
            continue
        rows = max(disputed, key=lambda each: (len(_named(each)), len(_named(each, outer=True)), each[0]["scope"]))
        deciding = next((row for row in rows if row["decides"]), rows[0])
        named, around = (
            [f"{spdx} ({where})" for spdx, where in _named(rows, outer=outer).items()] for outer in (False, True)
        )
        code = sorted({f"{row['spdx']} ({row['manifest']})" for row in rows if not row["speaks"] and row["spdx"]})
        are = "is read as the licence" if len(code) == 1 else "are read as licences"
        aside = f" {', '.join(code)} {are} of the code or model." if code else ""
        concluded, place = deciding["spdx"] or "Unknown", f"{deciding['manifest']}:{deciding['pointer']}"
        sentence = (
            f"What is stated of its data, or of all that is there, names {len(named)} different licences: "
            f"{'; '.join(named)}. {concluded} is concluded, the strictest."
            if len(named) > 1
            else f"{concluded} ({place}) is stated nearest to its data, and concluded."
        )
        stricter = f" Stricter, and stated of a folder around it: {'; '.join(around)}." if around else ""
        yield Finding(
            check="licence-conflict-between-witnesses",
            source=source,
            message=f"{sentence}{stricter}{aside}",
            limits=LIMITS,
            path=deciding["manifest"],
            value=float(len(named) + len(around)),
            unit="licences",
            records=max(row["records"] for row in rows),
        )


def _named(rows: list[dict[str, Any]], *, outer: bool = False) -> dict[str, str]:
    """Return each licence that is named of the data, or else of a folder around it, with where it is first stated."""
    stated: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row["speaks"] and row["spdx"] and row["outer"] is outer:
            stated[_name_statement(row)].setdefault(row["spdx"], f"{row['manifest']}:{row['pointer']}")
    named: dict[str, str] = {}
    for expressions in stated.values():
        named.setdefault(join_by_and(sorted(expressions)), next(iter(expressions.values())))
    distinct = keep_distinct([*named])
    choices = {part for spdx in distinct if " OR " in spdx and " AND " not in spdx for part in spdx.split(" OR ")}
    return {spdx: named[spdx] for spdx in distinct if spdx not in choices}  # what one offers, the other takes


_ENTRY = re.compile(r"(/licen[cs]es?)/[^/]+")


def _name_statement(row: dict[str, Any]) -> str:
    """Name the statement that a row is a part of: what stands in one place or one list, or in the records of one file.

    The name and the address of one entry, /licenses/0/name and /licenses/0/path, are statements of their own.
    """
    place = _ENTRY.sub(r"\1/*", row["pointer"])
    return f"{row['manifest']} {place}"


CHECK = CheckSpec("licence-conflict-between-witnesses", find)
