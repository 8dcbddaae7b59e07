"""The schemas of what is counted of MATCHES for the checks: never sealed, made again from a sealed MATCHES."""

from __future__ import annotations

import pyarrow as pa

from provenance.core.tables.schema_fields import make_field

_TEXT, _INT = pa.string(), pa.int64()

BETWEEN_VIEWS = "between"
"""The view of what stands in another view of the other record, or in one of its columns; never sealed."""

SHARED = pa.schema(
    [
        make_field("view", _TEXT, "whole | prompt | between"),
        make_field("source_a", _TEXT, "source of the records"),
        make_field("path_a", _TEXT, "their file"),
        make_field("licence_a", _TEXT, "its licence; null = none whose terms are known", null=True),
        make_field("source_b", _TEXT, "another source in which they stand"),
        make_field("path_b", _TEXT, "its file under that licence that holds most of them"),
        make_field("licence_b", _TEXT, "the licence of its files; null = none whose terms are known", null=True),
        make_field("row", _INT, "the first of `records`"),
        make_field("records", _INT, "records that are evidence: distinctive, explained by no original", unit="records"),
        make_field("matched", _INT, "records that stand there, or hold one of b whole", unit="records"),
        make_field("exact", _INT, "of `matched`, those that stand there word for word", unit="records"),
        make_field("explained", _INT, "records that a known original explains, and else were evidence", unit="records"),
        make_field(
            "contained_ab", _INT, "of `matched`, those that stand there inside longer ones alone", unit="records"
        ),
        make_field("contained_ba", _INT, "of `matched`, those that do no more than hold one of b", unit="records"),
        make_field("words", _INT, "words of `records` that stand in both, about", unit="words"),
        make_field(
            "texts", _INT, "distinct texts among `records` of all files of both sources and licences", unit="texts"
        ),
        make_field("records_a", _INT, "records of path_a that have the view", unit="records"),
        make_field("share", pa.float64(), "of `records` in either of two files, where it is highest, [0, 1]"),
    ],
    metadata={"table": "SHARED", "grain": "one view and file, and another source under one licence; never sealed"},
)

UNCOUNTED = pa.schema(
    [
        make_field("view", _TEXT, "whole | prompt"),
        make_field("source_a", _TEXT, "source of the records"),
        make_field("path_a", _TEXT, "their file"),
        make_field("licence_a", _TEXT, "its licence; null = none whose terms are known", null=True),
        make_field("source_b", _TEXT, "another source in which they stand"),
        make_field("licence_b", _TEXT, "the licence of its files; null = none whose terms are known", null=True),
        make_field(
            "records", _INT, "records that match there and are no evidence: too short or common", unit="records"
        ),
        make_field("evident", _INT, "records that match there and are evidence, explained or not", unit="records"),
    ],
    metadata={
        "table": "UNCOUNTED",
        "grain": "one view and file, and another source under one licence; some match is no evidence; never sealed",
    },
)

COPIED = pa.schema(
    [
        make_field("source_a", _TEXT, "source of the file"),
        make_field("path_a", _TEXT, "the file"),
        make_field("source_b", _TEXT, "the other source"),
        make_field("records", _INT, "records that stand there and are evidence, whatever the licences", unit="records"),
        make_field("prompts", _INT, "records whose prompt stands there and is evidence", unit="records"),
        make_field("matched", _INT, "records that stand there or hold one of b, evidence or not", unit="records"),
        make_field(
            "contained_ab", _INT, "of `matched`, those that stand there inside longer ones alone", unit="records"
        ),
        make_field("contained_ba", _INT, "of `matched`, those that do no more than hold one of b", unit="records"),
        make_field("crossed", _INT, "of `matched`, those found in another view or column alone", unit="records"),
        make_field("words", _INT, "words of `records` that stand in both, about", unit="words"),
        make_field("row", _INT, "the first whose prompt alone stands there, else of `records`, else of any prompt"),
        make_field("texts", _INT, "distinct texts among `records` of all files of the source", unit="texts"),
    ],
    metadata={
        "table": "COPIED",
        "grain": "one file and other source, files that are the same byte for byte left out; never sealed",
    },
)

REANSWERED = pa.schema(
    [
        make_field("source_a", _TEXT, "source of the file"),
        make_field("path_a", _TEXT, "the file"),
        make_field("source_b", _TEXT, "the other source"),
        make_field("records", _INT, "records that stand there and are evidence, whatever the licences", unit="records"),
        make_field("matched", _INT, "records that stand there or hold one of b, evidence or not", unit="records"),
        make_field(
            "contained_ab", _INT, "of `matched`, those that stand there inside longer ones alone", unit="records"
        ),
        make_field("contained_ba", _INT, "of `matched`, those that do no more than hold one of b", unit="records"),
        make_field("words", _INT, "words of `reanswered` that stand in both, about", unit="words"),
        make_field("records_a", _INT, "records of the file", unit="records"),
        make_field("prompts", _INT, "records whose prompt stands there and is evidence", unit="records"),
        make_field("prompts_matched", _INT, "records whose prompt stands there or holds one of b", unit="records"),
        make_field("prompts_ab", _INT, "of these, those that stand there inside longer ones alone", unit="records"),
        make_field("prompts_ba", _INT, "of these, those that do no more than hold one of b", unit="records"),
        make_field("prompts_a", _INT, "records of the file that have a prompt", unit="records"),
        make_field("reanswered", _INT, "of `prompts`, those of which record and answer are not there", unit="records"),
        make_field("row", _INT, "the first of `reanswered`, else of `records`, else of `prompts`"),
        make_field("texts", _INT, "distinct prompts among `reanswered` of all files of the source", unit="texts"),
    ],
    metadata={"table": "REANSWERED", "grain": "one file and other source; never sealed"},
)

LEAKS = pa.schema(
    [
        make_field("source", _TEXT, "source of the file that is held out"),
        make_field("path", _TEXT, "that file"),
        make_field("other", _TEXT, "source that is trained on; the same or another"),
        make_field("other_path", _TEXT, "its file that holds most of the records, rather one named for training"),
        make_field("trained", pa.bool_(), "whether that file is named for training; else nothing says what it is for"),
        make_field("records", _INT, "records that also stand in what they are held out from", unit="records"),
        make_field("held", _INT, "of these, in other_path", unit="records"),
        make_field("whole", _INT, "of these, whole, word for word or nearly so", unit="records"),
        make_field("prompts", _INT, "of the others, by their prompt, word for word or nearly so", unit="records"),
        make_field("matched", _INT, "records that stand there, evidence or not", unit="records"),
        make_field("row", _INT, "the first of `records`; null = there is none", null=True),
        make_field("other_row", _INT, "the first record of other_path that shows any; null = not known", null=True),
    ],
    metadata={
        "table": "LEAKS",
        "grain": "one file that is held out for a test or validation, and one source that is trained on; never sealed",
    },
)

REPEATS = pa.schema(
    [
        make_field("source", _TEXT, "the source"),
        make_field("path", _TEXT, "one of its files"),
        make_field("records", _INT, "records near to one of its other files and equal to none there", unit="records"),
        make_field("row", _INT, "the first of them"),
    ],
    metadata={"table": "REPEATS", "grain": "one file that nearly repeats others of its source; never sealed"},
)

COUNTED: dict[str, pa.Schema] = {
    "shared": SHARED,
    "uncounted": UNCOUNTED,
    "copied": COPIED,
    "reanswered": REANSWERED,
    "leaks": LEAKS,
    "repeats": REPEATS,
}
"""The tables by the name of the parameter by which a check reads them."""
