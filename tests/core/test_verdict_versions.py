"""Versions of VERDICTS: what the first said is shown in the words of the second, and never milder."""

from __future__ import annotations

import pytest

from provenance.core import schemas
from provenance.core.verdict_versions import FIRST, FIRST_WORDS, choose_schema, read_first

OPEN, MISSING, UNSEEN, NOTHING = (
    "open point", "evidence missing", "not examined", "nothing found in what was examined",
)  # fmt: skip
READ = "everything that was not left out was read"
PLAIN = {
    "profile": "p", "requirement": "r", "title": "T.", "modality": "shall", "text": "primary", "clause": "1",
    "answered_by": "machine", "reason": READ, "findings": 0, "fingerprints": [], "checks": [], "references": [],
}  # fmt: skip

# what the first version said -> observed, assessed
ROWS = {
    "findings": ({"verdict": "does not conform", "findings": 2}, (OPEN, None)),
    "findings of no weight are no silence": ({"verdict": "no contrary evidence", "findings": 2}, (OPEN, None)),
    "a check that did not run": ({"verdict": "not evidenced", "reason": "did not run: x"}, (UNSEEN, None)),
    "silence": ({"verdict": "no contrary evidence"}, (NOTHING, None)),
    "silence beside a person's yes": ({"verdict": "conforms"}, (NOTHING, None)),
    "silence over unread bytes": ({"verdict": "no contrary evidence", "reason": "in what was read; 9 bytes were not"}, (UNSEEN, None)),
    "outside": ({"verdict": "not applicable", "reason": "no"}, (UNSEEN, None)),
    "nobody answered": ({"answered_by": "document", "verdict": "not evidenced"}, (MISSING, None)),
    "a yes": ({"answered_by": "document", "verdict": "conforms", "declared": "yes"}, (UNSEEN, "conforms")),
    "a yes that closes nothing": ({"answered_by": "document", "verdict": "no contrary evidence", "declared": "yes"}, (UNSEEN, "conforms")),
    "a yes without its document": ({"answered_by": "document", "verdict": "not evidenced", "declared": "yes"}, (MISSING, None)),
    "a no": ({"answered_by": "declaration", "verdict": "does not conform", "declared": "no"}, (UNSEEN, "does not conform")),
    "a no to a should": ({"answered_by": "declaration", "verdict": "not evidenced", "declared": "no"}, (MISSING, "does not conform")),
    "a no of other data": (
        {"answered_by": "declaration", "verdict": "not evidenced", "declared": "no", "reason": "declared no, which does not count: x"},
        (MISSING, None),
    ),
    "not applicable": ({"answered_by": "declaration", "verdict": "not applicable", "declared": "not-applicable"}, (UNSEEN, "not applicable")),
}  # fmt: skip


@pytest.mark.parametrize(("row", "results"), ROWS.values(), ids=ROWS)
def test_a_row_of_the_first_version(row, results):
    (read,) = read_first(schemas.rows([PLAIN | {"element": 1} | row], FIRST)).to_pylist()
    assert (read["observed"], read["assessed"]) == results
    assert read["reason"] == f"signed as {row['verdict']!r}: {row.get('reason', READ)}"


def test_columns_tell_the_versions_apart():
    assert choose_schema("verdicts", FIRST.names) is FIRST
    assert choose_schema("verdicts", schemas.VERDICTS.names) is schemas.VERDICTS
    assert choose_schema("verdicts", [*FIRST.names, "assessed"]) is schemas.VERDICTS, "which has no such column"
    assert choose_schema("findings", ["verdict"]) is schemas.FINDINGS
    assert choose_schema("later", ["verdict"]) is None


def test_the_first_version_is_what_it_was():
    kept = [name for name in schemas.VERDICTS.names if name not in {"observed", "assessed", "assessor"}]
    assert [name for name in FIRST.names if name != "verdict"] == kept
    assert FIRST.names[FIRST.names.index("verdict") + 1] == "reason"
    assert len(FIRST_WORDS) == 5
