"""What a loader may have of the files that are as they were audited: those that were read as records.

An archive is handed out whole, so every member counts: a loader chooses what it reads in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from provenance.core import path_names
from provenance.ledger.tool_files.recognition import is_loaded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import pyarrow as pa

_COLUMNS = ("path", "role", "format", "bytes", "bytes_skipped", "records", "records_unreadable", "sha256")
_DOCUMENTS = {"documentation", "licence", "manifest"}


@dataclass(slots=True)
class LoadableFiles:
    """What may be handed to a loader.

    Args:
        digests: SHA-256 by path of each file.
        refused: archives that may not, with the member that is no record and why.
        documents: members of archives that may, which are documents, sorted.
    """

    digests: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)


def select_loadable(files: pa.Table, unchanged_paths: Collection[str], allow: Sequence[str]) -> LoadableFiles:
    """Choose the unchanged files that a scan read as records.

    Args:
        files: FILES of the scan.
        unchanged_paths: paths of those that are unchanged.
        allow: globs of the policy: a member of an archive that matches one may be there whatever it is.

    Returns:
        The files. An archive is one of them if every member was read as records or is a document by its role and by a
        suffix that no loader reads as records, and at least one was read as records.
    """
    found, unchanged = LoadableFiles(), set(unchanged_paths)
    faults: dict[str, str] = {}
    documents: dict[str, list[str]] = {}
    with_records, members = set(), set()
    rows = [row for row in _read_rows(files) if path_names.on_disk(row[0]) in unchanged]
    for path, role, format_, size, skipped, records, broken, _ in rows:
        archive = path_names.on_disk(path)
        if path == archive:
            continue
        members.add(archive)
        if role == "data" and _is_read_whole(format_, size, skipped, records, broken):
            with_records.add(archive)
        elif path_names.find_matching_glob(path, allow) is not None:
            continue
        elif role in _DOCUMENTS and not skipped and not is_loaded(path):
            documents.setdefault(archive, []).append(path)
        else:
            faults.setdefault(archive, f"{path} is {_describe_role(role)}")
    for path, role, format_, size, skipped, records, broken, digest in rows:
        if path != path_names.on_disk(path) or role != "data":
            continue
        if path in faults or (path in members and path not in with_records):
            found.refused.append((path, faults.get(path, "none of its members holds records")))
        elif _is_read_whole(format_, size, skipped, records, broken):
            found.digests[path] = digest
            found.documents += documents.get(path, ())
    found.documents.sort()
    return found


def find_unchanged_digests(files: pa.Table | None, same: Collection[str]) -> set[str]:
    """Return the SHA-256 of the audited files that are unchanged.

    Args:
        files: FILES of the scan; None = nobody knows.
        same: paths of those that are unchanged.
    """
    if files is None:
        return set()
    unchanged = set(same)
    return {row[-1] for row in _read_rows(files) if row[0] in unchanged}


def _read_rows(files: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in files.select(list(_COLUMNS)).to_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _is_read_whole(format_: str | None, size: int, skipped: int, records: int, broken: int) -> bool:
    return not size or (format_ is not None and (records > broken or not (skipped or broken)))


def _describe_role(role: str) -> str:
    known = {"data": "not read as records", "manifest": "a manifest that a loader would read as records"}
    return known.get(role, f"{role}, which a loader would read as records" if role in _DOCUMENTS else f"{role}")
