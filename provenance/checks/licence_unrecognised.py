"""A licence is stated, but nobody can tell which one it is, or what it allows.

Why:          "other", "cc" or a text of one's own may forbid anything; unknown never passes as permitted.
Source:       Hugging Face documentation, repositories-licenses (families and `other`); SPDX specification, licence
              expressions.
Reads:        WITNESSES(source, manifest, pointer, value, spdx, decides, files, records), one row per statement.
Yields:       at most one finding per source and file with a statement that decides.
Units:        files.
Silent when:  the unknown statement stands beside one that forbids more.
Flagged:      a card with `license: other`, without license_name or a text.
Clean:        `license: cc-by-4.0`, or the licence's own text in LICENSE.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from provenance.core.model import NOT_WHOLE, STATED, CheckSpec, Finding
from provenance.licences import terms
from provenance.licences.expressions import split_statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

LIMITS = "It does not prove that the use is forbidden: somebody has to read the statement."
_SHOWN = 120


def find(witnesses: pa.Table) -> Iterator[Finding]:
    """Yield deciding statements that name no known licence.

    Args:
        witnesses: WITNESSES.
    """
    by_manifest: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in witnesses.to_pylist():
        if row["decides"] and (row["spdx"] is None or not terms.is_known(row["spdx"])):
            by_manifest[row["source"], row["manifest"]].append(row)
    for (source, manifest), rows in sorted(by_manifest.items()):
        first = min(rows, key=lambda row: (row["pointer"], row["scope"], row["value"]))
        # a statement covers files of several scopes; two statements of a document cover the same
        covered: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for row in rows:
            covered[row["pointer"]][0] += row["files"]
            covered[row["pointer"]][1] += row["records"]
        files, records = max(covered.values())
        fault = "is one whose terms are not known" if first["spdx"] else "is not one that is known"
        notes = (part.licence.note for part in split_statement(first["value"]))
        beside = next((note for note in notes if note and note.startswith("not understood beside it")), None)
        if beside:
            fault = f"was not understood whole ({beside})"
        if len(first["value"]) >= STATED and "\n" in first["value"]:  # statements cuts it, and concludes nothing
            fault = "is a long list that does not say which of them holds for what"
        if first["value"].endswith(NOT_WHOLE):
            fault = "stands in metadata of which the rest could not be read, and may say more"
        sentence = f"The licence stated in {manifest} ({first['pointer']}) {fault}: {_quoted(first['value'])}. Read it"
        if _GAP.fullmatch(first["value"]):  # what sources/claims.py says of records without one
            sentence = f"{manifest} states {first['value']}; the others state one. Find out which licence these have"
        yield Finding(
            check="licence-unrecognised",
            source=source,
            field=manifest,
            message=f"{sentence} and state what it is in provenance.yaml.",
            limits=LIMITS,
            path=manifest,
            value=float(files),
            unit="files",
            records=records,
        )


_GAP = re.compile(r"no licence in [\d,]+ of [\d,]+ records")


def _quoted(value: str) -> str:
    """Return the first words of a statement in quotes, and three dots where it goes on."""
    if len(value) <= _SHOWN:
        return repr(value)
    return repr(f"{value[:_SHOWN].rpartition(' ')[0] or value[:_SHOWN]} ...")


CHECK = CheckSpec(
    "licence-unrecognised",
    find,
    taints=lambda finding, file: str(file["licence_from"]).startswith(f"{finding['field']}:"),
)
