"""From scopes and files to SOURCES: what is claimed of each source, what is concluded, how well it is evidenced."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core import schemas
from provenance.core.model import UNSAMPLED
from provenance.core.tables.table_rows import iterate_rows
from provenance.licences.expressions import join_by_and

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from provenance.sources.scopes import Scopes, Source


def conclude_sources(
    scopes: Scopes, files: pa.Table, distinct: Mapping[str, int], texts: Mapping[str, int]
) -> pa.Table:
    """Say of every source what is claimed, what is concluded and how well it is evidenced.

    Args:
        scopes: who covers what.
        files: FILES, with sources.
        distinct: distinct normalised texts by source.
        texts: records with text by source.

    Returns:
        SOURCES, one row a source that holds data; sorted by source.
    """
    rows_by_source: dict[str, list[dict[str, Any]]] = defaultdict(list)
    names = ("path", "source", "role", "bytes", "records", "tokens", "skip_reason")
    for row in iterate_rows(files.select(names)):
        if row["role"] == "data":
            rows_by_source[row["source"]].append(row)
    rows = [
        _conclude_source(scopes, source, rows_by_source[id_])
        | {"records_text": texts.get(id_, 0), "records_distinct": distinct.get(id_, 0)}
        for id_, source in scopes.sources.items()
    ]
    return schemas.ordered(schemas.rows(rows, schemas.SOURCES), "source")


def _conclude_source(scopes: Scopes, source: Source, files: Sequence[dict[str, Any]]) -> dict[str, object]:
    # a sample's file that was not opened may state its licence in a column
    opened = [row for row in files if row["skip_reason"] != UNSAMPLED]
    licences = list(dict.fromkeys(scopes.licence(row["path"]) for row in opened or files))
    declared = dict.fromkeys(claim["spdx"] or claim["value"] for licence in licences for claim in licence.claims)
    levels = ("none", "tag", "card", "licence-text", "consistent")
    records = sum(row["records"] for row in files)

    def first(name: str) -> str | None:
        return next(iter(source.stated(name)), None)

    return {
        "source": source.id,
        "name": first("name"),
        "kind": first("kind"),
        "licence_declared": "; ".join(declared) or None,
        "licence_concluded": _join_expressions([licence.expression for licence in licences]),
        "evidence": min((licence.evidence for licence in licences), key=levels.index, default="none"),
        "records": records,
        "bytes": sum(row["bytes"] for row in files if "!/" not in row["path"]),
        "tokens": sum(row["tokens"] for row in files),
        "acquired": first("acquired"),
        "revision": first("revision"),
        "country": first("country"),
        "languages": source.stated("language") or None,
        "modality": first("modality") or ("text" if records else None),
        "parent": "; ".join(source.stated("upstream")) or None,
        "manifest": source.manifest,
    }


def _join_expressions(expressions: Sequence[str | None]) -> str | None:
    """Join several files' licences; where one of them has none, the source's is unknown."""
    known = sorted({expression for expression in expressions if expression})
    return join_by_and(known) if known and None not in expressions else None
