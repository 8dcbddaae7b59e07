"""A manifest names a file or folder that is not there.

Why:          what was declared and is missing was lost, renamed or never fetched; the audit cannot speak for it.
Source:       Croissant 1.0, distribution; TC260-003, 5.1 (corpus source).
Reads:        CLAIMS(manifest, field, value, scope, pointer), PATHS(path, role), holders (manifest -> source).
Yields:       at most one finding per source.
Units:        files and folders.
Silent when:  a pattern matches at least one file; a pointer stands for the file (file-unreadable says so); the file is
              in a folder that is left out (COVERAGE, inventory); an archive stands unpacked in a folder of its name;
              what is named is an address, which nobody fetches (COVERAGE, manifests); a card names files of a split
              (`configs: data_files`) and no data at all stands below it.
Flagged:      provenance.yaml lists part-2.jsonl, the folder holds only part-1.jsonl.
Clean:        both files are there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from provenance.core.model import DOCUMENTS, CheckSpec, Finding
from provenance.readers.manifests import by_witness
from provenance.readers.manifests.yaml_documents import remote
from provenance.sources.scope_paths import find_matching
from provenance.sources.source_openings import entry_pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

LIMITS = "It does not prove that data was removed; the manifest may be older or newer than the folder."


def find(claims: pa.Table, paths: pa.Table, holders: Mapping[str, str]) -> Iterator[Finding]:
    """Yield sources of which declared files are absent.

    Args:
        claims: CLAIMS.
        paths: PATHS.
        holders: `manifest` and `manifest pointer-prefix` -> source.
    """
    present_paths = paths["path"].to_pylist()
    present = sorted(present_paths)
    left_out = {path for path in present if path.endswith("/")}
    data = sorted(path for path, role in zip(present_paths, paths["role"].to_pylist(), strict=True) if role == "data")
    absent: dict[str, dict[str, str]] = defaultdict(dict)
    for row in claims.to_pylist():
        wanted = _wanted(row)
        if row["field"] == "split-files" and not _holds_data(row["scope"], data):
            continue  # a card that stands apart from its data
        if wanted is not None and not _is_present(wanted, present, left_out):
            source = _holder(row, holders)
            absent[source].setdefault(wanted, row["manifest"])
    for source, files in sorted(absent.items()):
        first = min(files)
        more = _more(files, files[first])
        yield Finding(
            check="file-declared-absent",
            source=source,
            message=f"{files[first]} names {first}{more}",
            limits=LIMITS,
            path=first,
            value=float(len(files)),
            unit="files",
        )


def _more(files: Mapping[str, str], manifest: str) -> str:
    """End the sentence: how many more files this manifest names, and how many others do."""
    own = sum(each == manifest for each in files.values()) - 1
    others = len(files) - 1 - own
    sentence = f" and {own:,} more, which are not in the data" if own else ", which is not in the data"
    count = len(set(files.values())) - 1
    by = f"{count:,} other manifest{'s name' if count > 1 else ' names'}"
    return f"{sentence}; {by} {others:,} more that {'are' if others > 1 else 'is'} not." if others else f"{sentence}."


def _wanted(claim: Mapping[str, str]) -> str | None:
    """Return the path, folder or glob that a statement supposes to be there."""
    home = claim["manifest"].rpartition("/")[0]
    if claim["field"] in {"members", "file"}:
        return claim["value"]
    if claim["field"] == "split-files":
        pattern = claim["value"].partition("=")[2]
        return None if remote(pattern) else f"{claim['scope'].removeprefix('./')}{pattern}"
    if claim["field"] in {"licence-file", "signal.file", "signal.folder", *DOCUMENTS}:
        return f"{home}/{claim['value'].removeprefix('./')}".lstrip("/")
    if claim["field"] in {"sha256", "bytes"}:
        return claim["scope"]
    named = claim["field"] == "source" and by_witness(claim["witness"]).own and claim["scope"] != "./"
    return claim["scope"] if named else None


def _holder(claim: Mapping[str, str], holders: Mapping[str, str]) -> str:
    manifest = claim["manifest"]
    return holders.get(f"{manifest} {entry_pointer(claim)}") or holders.get(manifest, manifest)


def _holds_data(scope: str, data: Sequence[str]) -> bool:
    folder = scope.removeprefix("./")
    at = bisect_left(data, folder)
    return at < len(data) and data[at].startswith(folder)


def _is_present(wanted: str, present: Sequence[str], left_out: set[str]) -> bool:
    parts = wanted.rstrip("/").split("/")
    hidden = any("/".join(parts[: count + 1]) + "/" in left_out for count in range(len(parts)))
    # an address writes a space as %20, and a file may be called so too
    written = {wanted, unquote(wanted), quote(wanted, safe="/*?[]!@:+,;=&$'()~")}
    return hidden or any(find_matching(each, present) for each in written)


CHECK = CheckSpec("file-declared-absent", find)
