"""Records are counted by the licence that they state themselves; those that state none are not."""

import numpy as np
import pyarrow as pa
import pytest

from provenance.core import schemas
from provenance.detectors import record_licence
from provenance.detectors.counting import BY_FILE


def batch(*licences, error=None):
    rows = [
        {"row": number, "licence": value, "whole": "words", "error": error if value == "broken" else None}
        for number, value in enumerate(licences)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=schemas.RECORDS)


def seen(*licences, **more):
    table = record_licence.observe(batch(*licences, **more))
    assert table.schema.equals(schemas.OBSERVED, check_metadata=True)
    return {(row["kind"], row["state"]): (row["records"], row["row"]) for row in table.to_pylist()}


def test_records_by_licence():
    assert seen("mit", "cc-by-nc-4.0", "MIT", None, "", "house rules", "https://opensource.org/licenses/MIT") == {
        ("CC-BY-NC-4.0", "stated"): (1, 1),
        ("MIT", "stated"): (3, 0),
        ("unrecognised", "stated"): (1, 5),
    }


@pytest.mark.parametrize("licences", [(), (None, None), ("", "  ", None)])
def test_a_batch_that_states_none_has_no_rows(licences):
    assert seen(*licences) == {}


def test_unreadable_records_count_nowhere():
    assert seen("mit", "broken", error="cut short") == {("MIT", "stated"): (1, 0)}


def test_many_files_are_counted_apart():
    table = record_licence.observe(batch("mit", None, "mit", "mit"), np.array([0, 0, 1, 1]))
    assert table.schema.equals(BY_FILE)
    assert sorted((row["file"], row["kind"], row["records"]) for row in table.to_pylist()) == [
        (0, "MIT", 1), (1, "MIT", 2),
    ]  # fmt: skip


def test_a_long_list_of_licences_is_no_record_s_own():
    legend = " AND ".join(["MIT", "CC-BY-4.0"] * 30)
    assert seen(legend) == {("unrecognised", "stated"): (1, 0)}


def test_notices_in_the_text_are_counted_beside_the_column():
    rows = [
        {"row": 0, "licence": "mit", "whole": "# SPDX-License-Identifier: GPL-3.0-only\nx = 1"},
        {"row": 1, "licence": None, "whole": "# SPDX-License-Identifier: GPL-3.0-only\ny = 1"},
        {"row": 2, "licence": None, "whole": "words"},
    ]
    table = record_licence.observe(pa.RecordBatch.from_pylist(rows, schema=schemas.RECORDS))
    assert {(row["kind"], row["state"]): (row["records"], row["row"]) for row in table.to_pylist()} == {
        ("MIT", "stated"): (1, 0),
        ("GPL-3.0-only", "notice"): (2, 0),
    }


@pytest.mark.parametrize("value", ["HB-AX 712", "ABC-1123", "freedom of speech", "driver class B"])
def test_what_is_no_licence_accuses_nobody(value):
    assert seen("mit", value) == {("MIT", "stated"): (1, 0)}


@pytest.mark.parametrize(
    "value", ["Harbour-2", "house rules", "Project Gutenberg", "ask the author first", "other", "仅限内部"]
)
def test_a_licence_that_is_not_known_is_not_passed_over(value):
    assert seen(value) == {("unrecognised", "stated"): (1, 0)}
