"""Text that a source licenses also stands in a source that states no licence.

Why:          whoever licensed the text may not have been the one who could: its twin has no licence to give on.
Source:       Interim Measures for Generative AI Services, Article 7(2); arXiv 2503.02784 (21 % survive tracing).
Reads:        SHARED, one row per view, file, and other source under one licence, counted of MATCHES by a profile's
              minimum of distinctive shingles; FILES(source, role, records); which files are known originals.
Yields:       at most one finding per pair of sources, on the one that states a licence.
Units:        share of matched records in the file where it is highest, [0, 1].
Silent when:  both or neither state a known licence; the licensed file is a known original.
Flagged:      a set under MIT whose records also stand in a folder without any licence.
Clean:        the second folder states where it took them from, and the licence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.core.model import CheckSpec, Finding
from provenance.similarity.evidence import shared_text
from provenance.similarity.evidence.shared_text import SharedRecords

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

LIMITS = "It does not prove that the licence is wrong: the twin may be the copy, or both may have a common ancestor."


def find(shared: pa.Table, files: pa.Table, originals: Mapping[str, str]) -> Iterator[Finding]:
    """Yield licensed sources whose text has a twin without a licence.

    Args:
        shared: SHARED.
        files: FILES.
        originals: path -> id of the known data set whose original file it is.
    """
    file_counts = shared_text.count_data_files(files)
    for (source, other), every in sorted(shared_text.group_by_sources(shared, SharedRecords).items()):
        items = [item for item in every if item.licence_a and item.licence_b is None and item.path_a not in originals]
        if not items:
            continue
        worst = max(items, key=lambda item: (item.share, item.records, item.path_a))
        licences = ", ".join(sorted({str(item.licence_a) for item in items}))
        yield Finding(
            check="twin-unlicensed",
            source=source,
            other=other,
            message=f"{shared_text.phrase_shared(items, file_counts[source])} of {source} ({licences}) "
            f"{shared_text.phrase_relation(items, other)}, for which no known licence is stated.",
            limits=LIMITS,
            path=worst.path_a,
            row=worst.row,
            value=worst.share,
            unit="share of records",
            texts=max(item.texts for item in items),
            records=max(matched for matched, _ in shared_text.count_by_view(items).values()),
        )


CHECK = CheckSpec("twin-unlicensed", find, survives_removal=True)
