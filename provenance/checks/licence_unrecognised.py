"""A licence is stated, but nobody can tell which one.

Why:          "other", "cc" or a text of one's own may forbid anything; unknown never passes as permitted.
Source:       Hugging Face documentation, repositories-licenses (families and `other`); SPDX specification, annex D.
Reads:        WITNESSES(source, manifest, pointer, value, spdx, decides, files, records), one row per statement.
Yields:       at most one finding per source and statement that decides.
Units:        files.
Silent when:  the unknown statement stands beside one that forbids more.
Flagged:      a card with `license: other`, without license_name or a text.
Clean:        `license: cc-by-4.0`, or the licence's own text in LICENSE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provenance.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It does not prove that the use is forbidden: somebody has to read the statement."


def find(witnesses: pa.Table) -> Iterator[Finding]:
    """Yield deciding statements that name no known licence.

    Args:
        witnesses: WITNESSES.
    """
    for row in witnesses.to_pylist():
        if row["decides"] and row["spdx"] is None:
            yield Finding(
                check="licence-unrecognised",
                source=row["source"],
                field=row["manifest"],
                message=f"The licence stated in {row['manifest']} ({row['pointer']}) is not one that is known: "
                f"{row['value'][:120]!r}. Read it and state its SPDX id in provenance.yaml.",
                limits=LIMITS,
                path=row["manifest"],
                value=float(row["files"]),
                unit="files",
                records=row["records"],
            )
