"""By which rules the matches of an audit are evidence: what FILES, CLAIMS and profiles say, numbered for kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from provenance.similarity.evidence.evidence_rules import EvidenceRules, make_rules
from provenance.sources.file_splits import find_splits, find_unnamed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from provenance.profiles import Profile


def find_minimum(chosen: Sequence[Profile]) -> int:
    """Return how many distinctive shingles a match must rest on: the least that any profile asks for.

    Args:
        chosen: the profiles.
    """
    return min((profile.minimum_shingles for profile in chosen), default=1)


def make_scan_rules(
    files: pa.Table,
    claims: pa.Table,
    chosen: Sequence[Profile],
    originals: Mapping[str, str],
    *,
    paths: Iterable[str] | None = None,
) -> EvidenceRules:
    """Say by which rules matches are counted.

    Args:
        files: FILES.
        claims: CLAIMS.
        chosen: the profiles.
        originals: path -> id of the known data set whose original file it is.
        paths: of files by number, sorted; those of FILES that have a source if None.
    """
    if paths is None:
        paths = files.filter(pc.is_valid(files["source"]))["path"].sort().to_pylist()
    return make_rules(
        paths,
        files,
        minimum=find_minimum(chosen),
        originals=originals,
        splits=find_splits(files, claims),
        unnamed=find_unnamed(files, claims),
    )
