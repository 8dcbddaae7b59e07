"""Every table's Arrow schema, in one place, and `conform`, which holds tables to it at every arrow.

A field's metadata carries `doc` (what a value means) and, where there is one, `unit`. pyarrow does not enforce
`nullable=False`, and `group_by`, `join` and pandas drop metadata: hence `conform`.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from provenance.core.model import (
    ANSWERED,
    ASSESSED,
    EVIDENCE,
    METHODS,
    MODALITIES,
    ROLES,
    SAYS,
    SEVERITIES,
    STATUSES,
    TEXTS,
    VIEWS,
)
from provenance.core.model import OBSERVED as OBSERVED_WORDS
from provenance.core.tables.schema_fields import FIELDS
from provenance.core.tables.schema_fields import make_field as _field

_TEXT = pa.string()
_LONG = pa.large_string()
_INT = pa.int64()

PATHS = pa.schema(
    [
        _field("path", _TEXT, "relative to the scan root, '/' between parts; as `pathnames.shown` writes it"),
        _field("role", _TEXT, " | ".join(ROLES)),
        _field(
            "kind", _TEXT, "what recognised it: a manifest format's name, 'licence', 'git-lfs-pointer', ...", null=True
        ),
        _field("bytes", _INT, "size on disk", unit="bytes"),
        _field("reason", _TEXT, "why it is ignored or unreadable", null=True),
        _field("target", _TEXT, "where a link that is followed leads, relative to the scan root", null=True),
    ],
    metadata={"table": "PATHS", "grain": "one path on disk"},
)

CLAIMS = pa.schema(
    [
        _field("manifest", _TEXT, "path of the file that makes the statement"),
        _field("subject", _TEXT, "what of the scope it speaks of: data | code | database | content | model | any"),
        _field("field", _TEXT, "what is stated: licence, name, url, sha256, ..."),
        _field("value", _TEXT, "as written, but for secrets, personal data and people, see `privacy.gate`"),
        _field("scope", _TEXT, "what it covers: a folder with a closing '/', './' for all, or one path"),
        _field("witness", _TEXT, "kind of the witness: hf-card, native, readme, licence-file, data-licence-file, ..."),
        _field("pointer", _TEXT, "where it is stated: L<line> or a JSON pointer"),
        _field("digest", _TEXT, "SHA-256 of the manifest's bytes, hexadecimal"),
        _field("date", _TEXT, "the date the statement itself carries, ISO 8601", null=True),
        _field("spdx", _TEXT, "of a licence: the SPDX expression it was read as; null = not recognised", null=True),
        _field("source", _TEXT, "the source that it speaks of, or stands in; null = none", null=True),
    ],
    metadata={"table": "CLAIMS", "grain": "one statement of one witness"},
)

CONTACTS = pa.schema(
    [
        _field("id", _TEXT, "keyed id, 16 hexadecimal digits: that of `person:<role>:<id>` in other tables"),
        _field("role", _TEXT, "creator | owner | contact | publisher | author | maintainer | reviewer | party | ..."),
        _field("kind", _TEXT, "person | email | phone | handle | citation, which names its authors"),
        _field("value", _TEXT, "as the manifest writes it"),
        _field("manifest", _TEXT, "as in CLAIMS"),
        _field("pointer", _TEXT, "as in CLAIMS"),
        _field("field", _TEXT, "as in CLAIMS"),
        _field("digest", _TEXT, "as in CLAIMS"),
        _field("salt", _TEXT, "derived from the owner's secret: without it the table's digest could be guessed"),
    ],
    metadata={"table": "CONTACTS", "grain": "one person or contact of one statement; may be withheld and erased"},
)

RECORDS = pa.schema(
    [
        _field("row", _INT, "number of the record in its file, from 0, unreadable ones counted"),
        _field("offset", _INT, "byte offset of a text passage in its file", unit="bytes", null=True),
        _field("whole", _LONG, "values of the text columns in role order, joined by newline", null=True),
        _field("prompt", _LONG, "the same without the answer, where there is one", null=True),
        _field("answer", _LONG, "the answer alone, where there is a prompt", null=True),
        _field("url", _TEXT, "where the record says it comes from", null=True),
        _field("licence", _TEXT, "the licence the record states, as written", null=True),
        _field("origin", _TEXT, "the source or subset the record names", null=True),
        _field("aside", _LONG, "strings of the record that no view holds, joined by newline: for detectors", null=True),
        _field("named", pa.list_(_TEXT), "columns called as personal data is: 'class:name', see views", null=True),
        _field("fields", FIELDS, "texts of its columns, one by one, that are no view of the whole record", null=True),
        _field(
            "short_fields",
            pa.int32(),
            "columns whose text is too short to be compared by itself",
            unit="fields",
            null=True,
        ),
        _field("error", _TEXT, "why the record could not be read; then every view is null", null=True),
    ],
    metadata={"table": "RECORDS", "grain": "one record of one file"},
)

FILES = pa.schema(
    [
        _field("path", _TEXT, "as in PATHS; a member of an archive is 'a.zip!/member'"),
        _field("source", _TEXT, "the source it belongs to", null=True),
        _field("role", _TEXT, " | ".join(ROLES)),
        _field("format", _TEXT, "what its bytes are, sniffed: jsonl, json, csv, parquet, text, zip, ...", null=True),
        _field("bytes", _INT, "size; of a member, uncompressed", unit="bytes"),
        _field("bytes_consumed", _INT, "bytes that were read and understood", unit="bytes"),
        _field("bytes_skipped", _INT, "bytes - bytes_consumed", unit="bytes"),
        _field("skip_reason", _TEXT, "why bytes were skipped", null=True),
        _field("records", _INT, "records read, unreadable ones included", unit="records"),
        _field("records_unreadable", _INT, "records whose error is set", unit="records"),
        _field("records_distinct", _INT, "distinct normalised texts among its records", unit="records"),
        _field("tokens", _INT, "words of the normalised text over all records", unit="words"),
        _field("sha256", _TEXT, "hexadecimal; null where the bytes could not be read", null=True),
        _field("sha256_claimed", _TEXT, "what a manifest says it should be", null=True),
        _field("licence", _TEXT, "SPDX: the strictest witness of the nearest scope; null = none or unknown", null=True),
        _field("licence_from", _TEXT, "the statement that decides, as manifest:pointer", null=True),
        _field(
            "records_root",
            _TEXT,
            "root of its record tree, hexadecimal, see records.trees; null = none was made, or it has no records",
            null=True,
        ),
    ],
    metadata={"table": "FILES", "grain": "one file, or one member of an archive"},
)

MATCHES = pa.schema(
    [
        _field("view", _TEXT, " | ".join(VIEWS) + " | field:NAME"),
        _field("view_b", _TEXT, "the view of b in which it was found; entries before it was added lack it", null=True),
        _field("source_a", _TEXT, "source of the record"),
        _field("path_a", _TEXT, "its file"),
        _field("row_a", _INT, "its number in the file"),
        _field("source_b", _TEXT, "source of its best match in another file"),
        _field("path_b", _TEXT, "that file"),
        _field("row_b", _INT, "the lowest matching row there"),
        _field("jaccard", pa.float64(), "of the two shingle sets, [0, 1]"),
        _field("shared", _INT, "shingles in both", unit="shingles"),
        _field("distinct_a", _INT, "distinct shingles of a", unit="shingles"),
        _field("distinct_b", _INT, "distinct shingles of b", unit="shingles"),
        _field("method", _TEXT, " | ".join(METHODS)),
        _field(
            "distinctive",
            _INT,
            "shingles in both that are no boilerplate; 0 where what remains without boilerplate does not match",
            unit="shingles",
        ),
        _field("start_b", _INT, "of a contained record: where it begins in the view of b", unit="bytes", null=True),
        _field("stop_b", _INT, "of a contained record: where it ends there", unit="bytes", null=True),
    ],
    metadata={"table": "MATCHES", "grain": "one record, view, other file and view there; both directions are rows"},
)

OVERLAPS = pa.schema(
    [
        _field("view", _TEXT, " | ".join(VIEWS) + " | field:NAME"),
        _field("view_b", _TEXT, "the view of b in which it was found; entries before it was added lack it", null=True),
        _field("source_a", _TEXT, "source a"),
        _field("path_a", _TEXT, "file of a; null = the whole source", null=True),
        _field("source_b", _TEXT, "source b"),
        _field("path_b", _TEXT, "file of b; null = the whole source", null=True),
        _field("records_a", _INT, "records of a that have this view", unit="records"),
        _field("records_b", _INT, "records of b that have `view_b`", unit="records"),
        _field("exact", _INT, "records of a whose normalised text stands in b", unit="records"),
        _field("near", _INT, "records of a with a match in b at Jaccard >= 0.8, exact included", unit="records"),
        _field("near_distinctive", _INT, "the same with shared boilerplate masked", unit="records"),
        _field("contained_ab", _INT, "records of a that stand whole inside their best match in b", unit="records"),
        _field("contained_ba", _INT, "records of b that stand whole inside their best match in a", unit="records"),
    ],
    metadata={"table": "OVERLAPS", "grain": "one view, view of b, and ordered pair of sources or of files"},
)

SKETCHES = pa.schema(
    [
        _field("source", _TEXT, "the source"),
        _field("view", _TEXT, " | ".join(VIEWS)),
        _field("shingle", _TEXT, "what was hashed, by name and version: only sketches of one kind can be compared"),
        _field("scale", _INT, "a power of two: hashes below 2**64 / scale are kept, one in so many"),
        _field("records", _INT, "records that have this view", unit="records"),
        _field(
            "shingles",
            _INT,
            "distinct shingles, estimated: hashes kept times scale; its relative error is 1 / sqrt(hashes kept)",
            unit="shingles",
        ),
        _field(
            "hashes",
            pa.list_(pa.field("hash", pa.uint64(), nullable=False)),
            "kept hashes of the distinct shingles of records of five words or more, sorted",
        ),
    ],
    metadata={"table": "SKETCHES", "grain": "one source and view: what two ledgers are compared by, never text"},
)

SOURCES = pa.schema(
    [
        _field("source", _TEXT, "declared id, else path relative to the scan root; 'undeclared:<folder>'"),
        _field("name", _TEXT, "as declared", null=True),
        _field("kind", _TEXT, "as declared: public-dataset, crawl, synthetic, ...", null=True),
        _field(
            "licence_declared", _TEXT, "every licence stated for its data, as SPDX, in order of witnesses", null=True
        ),
        _field(
            "licence_concluded",
            _TEXT,
            "SPDX: the strictest in the nearest scope; several files' joined by AND",
            null=True,
        ),
        _field("evidence", _TEXT, " | ".join(EVIDENCE) + ": the best witness of the licence"),
        _field("records", _INT, "records of its data files", unit="records"),
        _field("bytes", _INT, "size on disk of its data files", unit="bytes"),
        _field("tokens", _INT, "words of the normalised text", unit="words"),
        _field("acquired", _TEXT, "date it was acquired, as declared", null=True),
        _field("revision", _TEXT, "as declared", null=True),
        _field("country", _TEXT, "as declared, ISO 3166-1", null=True),
        _field("languages", pa.list_(_TEXT), "as declared, BCP 47", null=True),
        _field("modality", _TEXT, "as declared, else text where records have text", null=True),
        _field("parent", _TEXT, "the declared upstream", null=True),
        _field("manifest", _TEXT, "the file that opened the source", null=True),
        _field("records_text", _INT, "records that have text", unit="records"),
        _field("records_distinct", _INT, "distinct normalised texts among its records", unit="records"),
    ],
    metadata={"table": "SOURCES", "grain": "one data source"},
)

FINDINGS = pa.schema(
    [
        _field("fingerprint", _TEXT, "fingerprint/v1: check, source, other, field; never counts or rows"),
        _field("check", _TEXT, "name of the check"),
        _field("severity", _TEXT, " | ".join(SEVERITIES) + ": the worst of the chosen profiles"),
        _field("source", _TEXT, "the source that carries the finding"),
        _field("other", _TEXT, "the other source, where there is one", null=True),
        _field("path", _TEXT, "one file that shows it", null=True),
        _field("row", _INT, "one record that shows it", null=True),
        _field("value", pa.float64(), "how much, in `unit`", null=True),
        _field("unit", _TEXT, "unit of value", null=True),
        _field("records", _INT, "records concerned", unit="records", null=True),
        _field("clause", _TEXT, "the clause of the worst profile, or of the licence", null=True),
        _field("message", _TEXT, "one plain sentence"),
        _field("field", _TEXT, "what tells findings of one check and pair apart", null=True),
        _field("limits", _TEXT, "what the finding does not prove"),
        _field("waived", _TEXT, "by whom it is accepted, until when and why; results count it all the same", null=True),
    ],
    metadata={"table": "FINDINGS", "grain": "one disagreement: (check, source, other, field)"},
)

COVERAGE = pa.schema(
    [
        _field("check", _TEXT, "name of the check, or of a step of the scan"),
        _field("status", _TEXT, " | ".join(STATUSES)),
        _field("reason", _TEXT, "why it was skipped, failed, or saw less than everything", null=True),
        _field("records_seen", _INT, "records it saw", unit="records"),
        _field("records_unreadable", _INT, "records it could not see", unit="records"),
    ],
    metadata={"table": "COVERAGE", "grain": "one check or step"},
)

VERDICTS = pa.schema(
    [
        _field("profile", _TEXT, "name of the profile"),
        _field("requirement", _TEXT, "id of the requirement"),
        _field("element", _INT, "number of the element in the requirement, from 1"),
        _field("title", _TEXT, "the requirement in plain English"),
        _field("modality", _TEXT, " | ".join(MODALITIES)),
        _field("text", _TEXT, "how its text was read: " + " | ".join(TEXTS)),
        _field("clause", _TEXT, "where it stands"),
        _field("answered_by", _TEXT, " | ".join(ANSWERED)),
        _field("observed", _TEXT, "what the tool saw: " + " | ".join(OBSERVED_WORDS)),
        _field("assessed", _TEXT, "what a named person concludes: " + " | ".join(ASSESSED), null=True),
        _field("assessor", _TEXT, "role and keyed id of that person", null=True),
        _field("reason", _TEXT, "what the observation rests on, and what the assessor says"),
        _field("findings", _INT, "findings of its checks that some profile minds", unit="findings"),
        _field("fingerprints", pa.list_(_TEXT), "those findings, as in FINDINGS, sorted"),
        _field("checks", pa.list_(_TEXT), "the checks that answer it; empty where none does"),
        _field("asked", _TEXT, "id of the element, by which a declaration names it", null=True),
        _field("asks", _TEXT, "what the element asks", null=True),
        _field("asks_zh", _TEXT, "the same in Chinese", null=True),
        _field("about", _TEXT, "data | service: what an answer is bound to", null=True),
        _field("conditional", pa.bool_(), "whether it may be answered with not-applicable", null=True),
        _field("declared", _TEXT, " | ".join(SAYS) + ": the newest answer, whether or not it counts", null=True),
        _field("declared_in", _INT, "number of the ledger entry of that answer", null=True),
        _field("title_zh", _TEXT, "the requirement in Chinese", null=True),
        _field("clause_zh", _TEXT, "where it stands, in Chinese", null=True),
        _field("note", _TEXT, "what the mark in `text` leaves open", null=True),
        _field("note_zh", _TEXT, "the same in Chinese", null=True),
        _field("references", pa.list_(_TEXT), "where to look the clause up"),
    ],
    metadata={"table": "VERDICTS", "grain": "one element of one requirement of one profile"},
)

WITNESSES = pa.schema(
    [
        _field("source", _TEXT, "the source"),
        _field("scope", _TEXT, "the nearest scope with evidence: a folder with a closing '/', or one path"),
        _field("manifest", _TEXT, "as in CLAIMS"),
        _field("pointer", _TEXT, "as in CLAIMS"),
        _field("value", _TEXT, "as in CLAIMS"),
        _field("spdx", _TEXT, "as in CLAIMS", null=True),
        _field("subject", _TEXT, "as in CLAIMS"),
        _field("speaks", pa.bool_(), "whether it is read as speaking of the data"),
        _field("decides", pa.bool_(), "whether the licence concluded for the scope is this one"),
        _field("outer", pa.bool_(), "whether it is stated of more than the scope, and is stricter"),
        _field("files", _INT, "data files of the source in the scope", unit="files"),
        _field("records", _INT, "their records", unit="records"),
    ],
    metadata={"table": "WITNESSES", "grain": "one licence statement and source; derived from CLAIMS and FILES"},
)

OBSERVED = pa.schema(
    [
        _field("detector", _TEXT, "name of the detector"),
        _field("kind", _TEXT, "what was seen: a class of personal data, a registrable domain, ..."),
        _field("state", _TEXT, "how it counts, in the detector's own words: personal | role | example, allowed, ..."),
        _field("records", _INT, "records in which it was seen", unit="records"),
        _field("values", _INT, "how often it was seen in them", unit="occurrences"),
        _field("bytes", _INT, "UTF-8 bytes of the text of those records", unit="bytes"),
        _field("row", _INT, "the first record that shows it"),
    ],
    metadata={"table": "OBSERVED", "grain": "what one detector saw in some records of one file; counts, never text"},
)

OBSERVATIONS = pa.schema(
    [
        _field("source", _TEXT, "the source of the file", null=True),
        _field("path", _TEXT, "the file"),
        *OBSERVED,
    ],
    metadata={"table": "OBSERVATIONS", "grain": "one file, detector, kind and state; counts, never text"},
)

REFERENCES = pa.schema(
    [
        _field("title", _TEXT, "of the index"),
        _field("kind", _TEXT, "protected | benchmark | known"),
        _field("of", _TEXT, "what is counted as shared: shingles | texts"),
        _field("item", _TEXT, "id of the item in the index"),
        _field("part", _TEXT, "the part of the whole it belongs to: train, test, ...", null=True),
        _field("view", _TEXT, "view of the item; of texts, of the record too"),
        _field("source", _TEXT, "source of the file"),
        _field("path", _TEXT, "the file; null = the whole source", null=True),
        _field("shared", _INT, "of the item that stand in the records that tell of it, together", unit="`of`"),
        _field("distinct", _INT, "of the item", unit="`of`"),
        _field("scale", _INT, "one text in how many was looked for; of shingles 1"),
        _field("records", _INT, "records that tell of the item", unit="records"),
        _field("records_view", _INT, "records that were looked up", unit="records"),
        _field("records_index", _INT, "of those, records that tell of any item of the index", unit="records"),
        _field("texts_index", _INT, "different texts of those", unit="texts"),
        _field("row", _INT, "of a file: the first record of those that share most with the item", null=True),
        _field("best_shared", _INT, "what that record shares with it", unit="`of`"),
        _field("best_distinct", _INT, "what that record has", unit="`of`"),
    ],
    metadata={
        "table": "REFERENCES",
        "grain": "one view of one item of an index, and one file or whole source; of texts a file's best item alone",
    },
)

TAINTS = pa.schema(
    [
        _field("path", _TEXT, "file of the record"),
        _field("row", _INT, "its number in the file"),
        _field("other_path", _TEXT, "the file under the stricter licence in which its text stands too"),
        _field("other_row", _INT, "the lowest matching row there"),
        _field("pair", _INT, "number of the pair of files, which says why"),
    ],
    metadata={"table": "TAINTS", "grain": "one record and one file under a stricter licence that holds its text"},
)

REMOVALS = pa.schema(
    [
        _field("path", _TEXT, "file of the record, relative to the scan root; of an archive 'a.zip!/member'"),
        _field("row", _INT, "number of the record in its file, from 0, unreadable ones counted; as in MATCHES"),
        _field("reason", _TEXT, "one sentence: why, with the licence and source"),
        _field("source", _TEXT, "the source that the record belongs to"),
        _field("check", _TEXT, "the check whose finding it is"),
        _field("severity", _TEXT, " | ".join(SEVERITIES)),
        _field("fingerprint", _TEXT, "of the finding"),
        _field("other_path", _TEXT, "where the same text stands under the stricter licence", null=True),
        _field("other_row", _INT, "the record there", null=True),
        _field("entry", _INT, "number of the ledger entry whose evidence it is"),
    ],
    metadata={"table": "REMOVALS", "grain": "one record to leave out"},
)

ESTIMATES = pa.schema(
    [
        _field("view", _TEXT, " | ".join(VIEWS)),
        _field("source_a", _TEXT, "a source of the one ledger"),
        _field("source_b", _TEXT, "a source of the other"),
        _field("scale", _INT, "at which both were compared: one shingle in so many"),
        _field("shared", _INT, "hashes in both", unit="shingles"),
        _field("hashes_a", _INT, "hashes of a at that scale", unit="shingles"),
        _field("share_a", pa.float64(), "distinct shingles of a that stand in b: estimate, [0, 1]", null=True),
        _field("low_a", pa.float64(), "lower end of its 95 % interval"),
        _field("high_a", pa.float64(), "upper end"),
        _field("hashes_b", _INT, "hashes of b at that scale", unit="shingles"),
        _field("share_b", pa.float64(), "distinct shingles of b that stand in a: estimate, [0, 1]", null=True),
        _field("low_b", pa.float64(), "lower end of its 95 % interval"),
        _field("high_b", pa.float64(), "upper end"),
    ],
    metadata={"table": "ESTIMATES", "grain": "one view, source of one ledger and source of another"},
)

CHANGES = pa.schema(
    [
        _field("source", _TEXT, "the source"),
        _field("change", _TEXT, "added | removed | changed"),
        _field("field", _TEXT, "what changed, as in SOURCES; records of what was added or removed"),
        _field("before", _TEXT, "its value in the one scan", null=True),
        _field("after", _TEXT, "its value in the other", null=True),
    ],
    metadata={"table": "CHANGES", "grain": "one source and field that differs between two scans of one folder"},
)

SEALED: dict[str, pa.Schema] = {
    "sources": SOURCES,
    "files": FILES,
    "claims": CLAIMS,
    "matches": MATCHES,
    "overlaps": OVERLAPS,
    "sketches": SKETCHES,
    "observations": OBSERVATIONS,
    "references": REFERENCES,
    "findings": FINDINGS,
    "coverage": COVERAGE,
    "verdicts": VERDICTS,
}
"""The tables that a ledger entry binds, by the name of their file."""

OPTIONAL: dict[str, pa.Schema] = {"contacts": CONTACTS}
"""Tables that an entry may bind beside them; nobody needs one to read the others, and whoever holds it may erase it."""


def conform(table: pa.Table | pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """Hold a table to a schema: names, order, types, nulls and metadata.

    Args:
        table: the table; its columns may stand in any order and may be castable types.
        schema: one of this module's schemas.

    Returns:
        The table with exactly `schema`, metadata included.

    Raises:
        ValueError: a column is missing or unexpected, cannot be cast, or holds a null where none may be.
    """
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    missing = set(schema.names) - set(table.column_names)
    extra = set(table.column_names) - set(schema.names)
    name = (schema.metadata or {}).get(b"table", b"?").decode()
    if missing or extra:
        raise ValueError(f"{name}: columns missing {sorted(missing)}, unexpected {sorted(extra)}")
    columns = []
    for field in schema:
        column = table[field.name]
        if column.type != field.type:
            column = column.cast(field.type)
        if not field.nullable and column.null_count:
            raise ValueError(f"{name}.{field.name} holds {column.null_count} nulls where none may be")
        columns.append(column)
    return pa.table(columns, schema=schema)


def empty(schema: pa.Schema) -> pa.Table:
    """Return a table of `schema` without rows."""
    return schema.empty_table()


def rows(items: list[dict[str, object]], schema: pa.Schema) -> pa.Table:
    """Build a conforming table from a few rows (sources, files, findings: never records).

    Args:
        items: one mapping a row; a name that is absent is null.
        schema: one of this module's schemas.

    Returns:
        A table of `schema`, in the order given.
    """
    return conform(pa.Table.from_pylist(items, schema=schema), schema)


def ordered(table: pa.Table, *keys: str) -> pa.Table:
    """Sort a table by `keys`, ascending, so that workers and engines give the same digest."""
    if table.num_rows < 2:
        return table
    indices = pc.sort_indices(table, sort_keys=[(key, "ascending") for key in keys])
    return table.take(indices).replace_schema_metadata(table.schema.metadata)
