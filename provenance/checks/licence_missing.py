"""No licence is stated for data of a source.

Why:          without a licence no permission is documented; most data sets on hosting sites have none, or a wrong one.
Source:       Interim Measures for Generative AI Services, Article 7(2); Longpre et al., arXiv 2310.16787.
Reads:        FILES(path, source, role, licence_from, bytes, bytes_skipped, skip_reason, records), one row per file;
              CLAIMS(source, field, value, manifest, pointer): licences that are stated of something else.
Yields:       at most one finding per source that a manifest declares.
Units:        share of the source's bytes, [0, 1].
Silent when:  a statement covers the file, whatever it says; the source is undeclared (source-undeclared says so).
Flagged:      a folder with data.jsonl and a README.md that says nothing about a licence.
Clean:        the same with `license: cc-by-4.0` in the card, or a LICENSE file beside it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.table_rows import iterate_rows
from provenance.sources import unheard_statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = (
    "It does not prove that the data is unlicensed: a licence may be stated where the data came from, "
    "or in a manifest of a format that is not read yet (COVERAGE, manifests)."
)


def find(files: pa.Table, claims: pa.Table) -> Iterator[Finding]:
    """Yield sources of which some data has no licence statement.

    Args:
        files: FILES.
        claims: CLAIMS.
    """
    unread = unheard_statements.list_unread_documents(files)
    elsewhere = unheard_statements.list_licences_elsewhere(claims)
    by_source: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in iterate_rows(files.select(["path", "source", "role", "licence_from", "bytes", "records"])):
        if row["role"] == "data" and "!/" not in row["path"]:
            by_source[row["source"]].append(row)
    for source, rows in sorted(by_source.items()):
        rows.sort(key=lambda row: row["path"])
        bare = [row for row in rows if row["licence_from"] is None]
        if not bare or source.startswith("undeclared:"):
            continue
        part = "its data" if len(bare) == len(rows) else f"{len(bare)} of its {len(rows)} data files"
        sentence = f"No licence statement that could be read covers {part}"
        if source in unread:
            sentence += f"; what is stated in {unheard_statements.join_few(unread[source])} is not known"
        elif len(bare) == len(rows) and source in elsewhere:
            sentence += f"; stated of something else: {unheard_statements.join_few(elsewhere[source])}"
        else:
            sentence = f"No licence is stated for {part}"
        size = sum(row["bytes"] for row in rows)
        yield Finding(
            check="licence-missing",
            source=source,
            message=f"{sentence}. No permission is documented.",
            limits=LIMITS,
            path=bare[0]["path"],
            value=sum(row["bytes"] for row in bare) / size if size else 1.0,
            unit="share of bytes",
            records=sum(row["records"] for row in bare),
        )


CHECK = CheckSpec("licence-missing", find, taints=lambda _, file: file["licence_from"] is None)
