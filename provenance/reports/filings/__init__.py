"""Filings: documents that a person signs and hands in. One file a document, each with one verb, `compose`.

To add one: the file, and a line for each of its formats in FILINGS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from provenance.reports.filings import clause_matrix, document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

FILINGS: dict[str, tuple[Callable[..., list[document.Block]], Callable[[Sequence[document.Block]], bytes]]] = {
    "clause-matrix-html": (clause_matrix.compose, document.html),
    "clause-matrix-md": (clause_matrix.compose, document.markdown),
}
"""What there is, by the name of its format: what composes it, and what writes it."""


def render(
    name: str,
    tables: Mapping[str, pa.Table],
    facts: Mapping[str, Any],
    declared: Sequence[tuple[int, str, Mapping[str, Any]]],
    keyid: str,
    acts: Sequence[str] = (),
) -> bytes:
    """Render a filing.

    Args:
        name: one of FILINGS.
        tables: the tables of schemas.SEALED by name.
        facts: what the entry says of itself.
        declared: declarations of the ledger, the oldest first: number of the entry, its digest, its predicate.
        keyid: fingerprint of the key that signed the entry.
        acts: what people did about the scans of the ledger, one sentence each.

    Returns:
        The document: the same bytes for the same entries.
    """
    compose, write = FILINGS[name]
    return write(compose(tables, facts, declared, keyid, acts))
