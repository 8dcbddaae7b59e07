"""A manifest names a file that is not there.

Why:          what was declared and is missing was lost, renamed or never fetched; the audit cannot speak for it.
Source:       Croissant 1.0, distribution; TC260-003, 5.1 (corpus source).
Reads:        CLAIMS(manifest, field, value, scope), PATHS(path), SCOPES(manifest -> source), one row each.
Yields:       at most one finding per source.
Units:        files.
Silent when:  a pattern matches at least one file; a pointer stands for the file (file-unreadable says so).
Flagged:      provenance.yaml lists part-2.jsonl, the folder holds only part-1.jsonl.
Clean:        both files are there.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from provenance.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

LIMITS = "It does not prove that data was removed; the manifest may be older or newer than the folder."


def find(claims: pa.Table, paths: pa.Table, holders: Mapping[str, str]) -> Iterator[Finding]:
    """Yield sources of which declared files are absent.

    Args:
        claims: CLAIMS.
        paths: PATHS.
        holders: `manifest` and `manifest pointer-prefix` -> source.
    """
    present = set(paths["path"].to_pylist())
    absent: dict[str, dict[str, str]] = defaultdict(dict)
    for row in claims.to_pylist():
        if row["field"] == "members":
            wanted = row["value"]
        elif row["field"] in {"sha256", "bytes"}:
            wanted = row["scope"]
        else:
            continue
        if not wanted.endswith("/") and not _there(wanted, present):
            absent[_holder(row["manifest"], row["pointer"], holders)].setdefault(wanted, row["manifest"])
    for source, files in sorted(absent.items()):
        first = min(files)
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        yield Finding(
            check="file-declared-absent",
            source=source,
            message=f"{files[first]} names {first}{more}, which is not in the data.",
            limits=LIMITS,
            path=first,
            value=float(len(files)),
            unit="files",
        )


def _holder(manifest: str, pointer: str, holders: Mapping[str, str]) -> str:
    return holders.get(f"{manifest} {'/'.join(pointer.split('/')[:3])}", holders[manifest])


def _there(wanted: str, present: set[str]) -> bool:
    if wanted in present:
        return True
    if not re.search(r"[*?\[]", wanted):
        return False
    pattern = re.compile(fnmatch.translate(wanted))
    return any(pattern.match(path) for path in present)
