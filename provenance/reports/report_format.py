"""What a report declares of itself, and what it is rendered from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from provenance.ledger import Seal


@dataclass(frozen=True, slots=True)
class ReportedScan:
    """A scan of a ledger that is to be rendered.

    Args:
        tables: the tables of schemas.SEALED by name.
        facts: what the entry says of itself.
        seal: the entry, of a report that `shows_ledger`; else None.
        data: the folder that was scanned, of a report that `takes_data` and is given it; else None.
        history: what people did about the scans of the ledger, one sentence each, of a report that `shows_ledger`.
        declared: of a filing: declarations of the ledger, the oldest first: number of the entry, its digest, its
            predicate.
    """

    tables: Mapping[str, pa.Table]
    facts: Mapping[str, Any]
    seal: Seal | None = None
    data: Path | None = None
    history: Sequence[str] = ()
    declared: Sequence[tuple[int, str, Mapping[str, Any]]] = ()


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """A form in which people or tools read a scan.

    Args:
        name: the word for `--format`.
        render: returns the document: the same bytes for the same input.
        is_json: a terminal prints it as it is; any other document it prints as text.
        is_filing: a person signs it, so it is made of a ledger that verifies, and by the profiles that are asked for.
        takes_data: it may show excerpts of the data.
        shows_ledger: it says in which entry the scan is, and what people did about it since.
    """

    name: str
    render: Callable[[ReportedScan], bytes]
    is_json: bool = False
    is_filing: bool = False
    takes_data: bool = False
    shows_ledger: bool = False
