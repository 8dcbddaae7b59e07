"""What a manifest declares of a file or split differs from what is there: its bytes, or its number of records.

Why:          the data was cut, added to or swapped after it was described; what the manifest says need not hold for it.
Source:       Croissant 1.0, FileObject.contentSize; Data Package 2.0, resource bytes; datasets, SplitInfo.num_examples.
Reads:        CLAIMS(field, value, scope, manifest, pointer), FILES(path, source, role, bytes, records), holders.
Yields:       at most one finding per source.
Units:        files and splits that differ.
Silent when:  nothing is declared, a size is rounded (`12 MB`), the file is not there (file-declared-absent) or was not
              read whole (file-unreadable); a split is declared by several configurations, or no file tells of which
              split it is and several are declared.
Flagged:      a card declares 1,000 examples of the split train, and train.jsonl holds 3.
Clean:        the card declares 3.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from provenance.core.model import CheckSpec, Finding
from provenance.core.tables.table_rows import iterate_rows
from provenance.core.wording import count_noun
from provenance.sources.file_splits import find_splits
from provenance.sources.source_openings import entry_pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

LIMITS = "It does not say which of the two is right; the manifest may describe another version, or a part."


class _Difference(NamedTuple):
    source: str
    path: str | None
    sentence: str
    records: int


def find(claims: pa.Table, files: pa.Table, holders: Mapping[str, str]) -> Iterator[Finding]:
    """Yield sources of which files or splits differ from what is declared of them.

    Args:
        claims: CLAIMS.
        files: FILES.
        holders: `manifest` and `manifest pointer-prefix` -> source.
    """
    stated = [row for row in claims.to_pylist() if row["field"] in {"bytes", "split"}]
    if not stated:
        return
    columns = ["path", "source", "role", "bytes", "bytes_skipped", "skip_reason", "records", "records_unreadable"]
    rows = {row["path"]: row for row in iterate_rows(files.select(columns))}
    found: dict[str, list[_Difference]] = defaultdict(list)
    for each in (*_compare_bytes(stated, rows), *_compare_splits(stated, rows, files, claims, holders)):
        found[each.source].append(each)
    for source, of_source in sorted(found.items()):
        differences = sorted(set(of_source), key=lambda each: (each.path or "", each.sentence))
        first, others = differences[0], len(differences) - 1
        more = f" So do {others:,} more." if others > 1 else " So does 1 more." if others else ""
        yield Finding(
            check="declaration-mismatch",
            source=source,
            message=f"{first.sentence}{more}",
            limits=LIMITS,
            path=first.path,
            value=float(len(differences)),
            unit="files and splits",
            records=sum(each.records for each in differences),
        )


def _compare_bytes(stated: list[dict[str, Any]], rows: Mapping[str, dict[str, Any]]) -> Iterator[_Difference]:
    for claim in stated:
        row = rows.get(claim["scope"].removeprefix("./"))
        if claim["field"] != "bytes" or row is None or row["source"] is None or not claim["value"].isdigit():
            continue
        if int(claim["value"]) != row["bytes"] and not _is_pointer(row):
            sentence = (
                f"{row['path']} has {count_noun(row['bytes'], 'byte')}, {claim['manifest']} declares "
                f"{int(claim['value']):,}."
            )
            yield _Difference(row["source"], row["path"], sentence, row["records"])


def _is_pointer(row: Mapping[str, Any]) -> bool:
    return (row["skip_reason"] or "").startswith("data not fetched")


def _compare_splits(
    stated: list[dict[str, Any]],
    rows: Mapping[str, dict[str, Any]],
    files: pa.Table,
    claims: pa.Table,
    holders: Mapping[str, str],
) -> Iterator[_Difference]:
    """Compare the records that a manifest declares of each split with those of the files of its folder."""
    declared: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for claim in stated:
        if claim["field"] == "split":
            declared[claim["manifest"]].append(claim)
    splits = find_splits(files, claims) if declared else {}
    for manifest, of_manifest in sorted(declared.items()):
        counts = _counts_by_name(of_manifest)
        folder = of_manifest[0]["scope"].removeprefix("./")
        inside = [row for path, row in rows.items() if row["role"] == "data" and path.startswith(folder)]
        read = [row for row in inside if row["records"] or "!/" not in row["path"]]
        if counts is None or not any(row["records"] for row in read) or any(row["bytes_skipped"] for row in read):
            continue
        source = holders.get(f"{manifest} {entry_pointer(of_manifest[0])}") or holders.get(manifest)
        for name, count in sorted(counts.items()):
            there = _count_records(name, counts, read, splits)
            if there is not None and there != count and source is not None:
                where = f"the data of {source}" if source != "." else "the data"
                wanted = count_noun(count, "record")
                sentence = f"{manifest} declares {wanted} of the split {name}, and {where} holds {there:,}."
                yield _Difference(source, manifest, sentence, there)


def _counts_by_name(of_manifest: list[dict[str, Any]]) -> dict[str, int] | None:
    """Return how many records are declared of each split; None where a split is declared differently twice."""
    found: dict[str, int] = {}
    for claim in of_manifest:
        name, _, count = claim["value"].rpartition("=")
        if not count.isdigit() or found.setdefault(name, int(count)) != int(count):
            return None
    return found


def _count_records(
    name: str, counts: Mapping[str, int], read: list[dict[str, Any]], splits: Mapping[str, Any]
) -> int | None:
    """Count the records of a split; None where nothing tells which files are its."""
    known = {row["path"]: splits[row["path"]].name for row in read if row["path"] in splits}
    holding = [row for row in read if row["records"]]
    wanted = _SPLITS.get(name.lower())
    if len(counts) == 1 and set(known.values()) <= {wanted}:
        return sum(int(row["records"]) for row in holding)
    alike = [each for each in counts if _SPLITS.get(each.lower()) == wanted]
    if wanted is None or len(alike) > 1 or any(row["path"] not in known for row in holding):
        return None
    own = [int(row["records"]) for row in holding if known[row["path"]] == wanted]
    return sum(own) if own else None


_SPLITS = {"train": "train", "validation": "validation", "valid": "validation", "dev": "validation", "test": "test"}

CHECK = CheckSpec("declaration-mismatch", find)
