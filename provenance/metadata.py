"""What is declared of each source beside its licence: its kind, and the records of a contract, a crawl, a consent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_DOCUMENTED = ("file", "sha256")


@dataclass(slots=True)
class Declared:
    """What manifests state of one source that holds data.

    Args:
        source: its id.
        kind: as declared by the best witness; None = nobody says.
        native: whether a native manifest speaks of it.
        manifest: the file that states something of it, a native manifest first; None where nothing does.
        stated: values by field.
        by: witnesses by field.
        records: by name (`contract`, `generator`, ...), each record's values by key.
    """

    source: str
    kind: str | None
    native: bool = False
    manifest: str | None = None
    stated: dict[str, list[str]] = field(default_factory=dict)
    by: dict[str, set[str]] = field(default_factory=dict)
    records: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def documented(self, name: str) -> bool:
        """Tell whether a record of this name gives a document: its file, or its digest.

        Args:
            name: contract | collection | consent.
        """
        return any(record.get(key) for record in self.records.get(name, []) for key in _DOCUMENTED)


def of(sources: pa.Table, claims: pa.Table) -> list[Declared]:
    """Sort statements by source and record.

    Args:
        sources: SOURCES.
        claims: CLAIMS, with `source`.

    Returns:
        One for each source, sorted by its id.
    """
    held = {row["source"]: Declared(row["source"], row["kind"]) for row in sources.to_pylist()}
    records: dict[tuple[str, str, str, str], dict[str, str]] = {}
    names = ("source", "manifest", "pointer", "field", "value", "witness")
    rows = claims.select(list(names)).to_pylist()
    for row in sorted(rows, key=lambda row: tuple(str(row[name]) for name in names)):
        one = held.get(row["source"])
        if one is None:
            continue
        native = row["witness"] == "native"
        if one.manifest is None or (native and not one.native):
            one.manifest = row["manifest"]
        one.native |= native
        one.stated.setdefault(row["field"], []).append(row["value"])
        one.by.setdefault(row["field"], set()).add(row["witness"])
        name, dot, key = row["field"].partition(".")
        if dot:
            place = (row["source"], name, row["manifest"], _record(row["pointer"], name))
            if place not in records:
                records[place] = {}
                one.records.setdefault(name, []).append(records[place])
            records[place].setdefault(key, row["value"])
    return [held[source] for source in sorted(held)]


def _record(pointer: str, name: str) -> str:
    """Return the part of a JSON pointer that leads to a record: `/sources/0/contract/1/file` is of the second."""
    parts = pointer.split("/")
    if name not in parts:
        return ""
    at = parts.index(name) + 1
    return "/".join(parts[: at + (len(parts) > at and parts[at].isdigit())])


def unasked(sources: pa.Table) -> str | None:
    """Say how many sources could not be asked for what their kind needs.

    Args:
        sources: SOURCES.

    Returns:
        One clause; None where every source says of what kind it is.
    """
    kinds = sources["kind"].to_pylist()
    silent = kinds.count(None)
    return f"{silent:,} of {len(kinds):,} sources do not say of what kind they are" if silent else None


def after(date: str, end: str) -> bool:
    """Tell whether a date is certainly after another, where both may be a year or a month.

    Args:
        date: ISO 8601.
        end: ISO 8601; the whole of that day, month or year.
    """
    return date + "-01-01"[len(date) - 4 :] > end + "-12-31"[len(end) - 4 :]


@dataclass(slots=True)
class Origins:
    """What the records of a source say of where they are from.

    Args:
        counts: records by what they say: `any` = an address or a source's name, `missing` = neither, `link` = an
            address and no text.
        paths: the first file that shows it.
        rows: the first record there that shows it.
    """

    counts: Counter[str] = field(default_factory=Counter)
    paths: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the readable records."""
        return self.counts["any"] + self.counts["missing"]

    def share(self, what: str) -> float:
        """Return the share of the readable records, 0 where there are none.

        Args:
            what: any | missing | link.
        """
        return self.counts[what] / self.total if self.total else 0.0


NO_ORIGINS = Origins()
"""Of a source without records."""


def origins(observations: pa.Table, *, addressed: bool = False) -> dict[str, Origins]:
    """Add up what the detector `record-origin` saw.

    Args:
        observations: OBSERVATIONS.
        addressed: only files in which some record gives an address.

    Returns:
        By source.
    """
    rows = [row for row in observations.to_pylist() if row["detector"] == "record-origin" and row["source"] is not None]
    told = {row["path"] for row in rows if row["kind"] == "url"}
    found: dict[str, Origins] = {}
    for row in sorted(rows, key=lambda row: str(row["path"])):
        what = "missing" if row["state"] == "missing" else row["kind"]
        if addressed and row["path"] not in told:
            continue
        one = found.setdefault(row["source"], Origins())
        one.counts[what] += row["records"]
        one.paths.setdefault(what, row["path"])
        one.rows.setdefault(what, row["row"])
    return found
